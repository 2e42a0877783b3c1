"""What a rehearsal came to, for people: the dated timeline, the people, what stands out, what is missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from activities.directory.people import names_of
from activities.language import _, current
from activities.store.reader import Reader
from portal.pictures.wheel import from_plan
from worker.cli import year_reading, year_view
from worker.cli.fact_sentences import describe
from worker.cli.receipts import keep
from worker.cli.tables import Cell, Column, heading, indented, mark, plain, stacked, table, then
from worker.cli.words import STANDINGS, short_day
from worker.cli.year_reading import StepView, YearView
from worker.cli.year_view import MARKS
from worker.installation import Installation
from worker.summary import PersonLine, Summary
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact
from workflows.rules.plan import plan

MOST_PEOPLE = 20


class Told(Frozen):
    """Everything that is told after a rehearsal, and where its files lie."""

    view: YearView
    summary: Summary
    names: Mapping[str, str]
    units: Mapping[str, str]
    facts: tuple[Fact, ...]
    wheel: str
    mails: int
    folder: Path

    @classmethod
    async def read(cls, reader: Reader, installation: Installation, summary: Summary, year: int) -> Told:
        """From the rehearsal's store."""
        employer = await reader.employer(summary.employer)
        folder = installation.settings.state
        cycles = await reader.cycles(employer=employer.id, year=year)
        situation = await installation.situations.of(reader, cycles[0])
        whole = plan(situation.programme, situation.organisation, situation.law, year)
        return cls(
            view=await year_reading.read(reader, employer, year, installation.clock()),
            summary=summary,
            names=names_of(await reader.people(employer.id)),
            units={u.id: u.name for u in situation.organisation.units},
            facts=tuple(fact for _seq, fact in await reader.facts(employer.id)),
            wheel=from_plan(whole, situation.programme, current()),
            mails=sum(1 for _file in installation.settings.mail_directory.glob("*.eml")),
            folder=folder,
        )

    def steps(self) -> list[StepView]:
        """Every step of the year by the day it opened."""
        return sorted(
            (s for part in self.view.parts for s in part.steps),
            key=lambda s: (s.opens, s.due, s.key, s.unit or ""),
        )

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "year": year_view.document(self.view),
            "summary": self.summary.model_dump(mode="json"),
            "mails": self.mails,
            "folder": str(self.folder),
        }


async def write_files(told: Told, folder: Path) -> None:
    """The timeline as CSV, every person's year as text, and the wheel, beside the rehearsal's store."""
    (folder / "timeline.csv").write_text(_as_csv(told), encoding="utf-8-sig")
    (folder / "people.txt").write_text("\n".join(_people_in_full(told)) + "\n", encoding="utf-8")
    (folder / "year-wheel.svg").write_text(told.wheel, encoding="utf-8")


def _as_csv(told: Told) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow([_("åpnet"), _("frist"), _("ferdig"), _("steg"), _("navn"), _("enhet"), _("status")])
    for step in told.steps():
        writer.writerow(
            [
                step.opens,
                step.due,
                step.settled or "",
                step.key,
                step.name.in_(current()),
                told.units.get(step.unit or "", ""),
                _(STANDINGS[step.standing]),
            ]
        )
    return buffer.getvalue()


def _people_in_full(told: Told) -> Iterator[str]:
    """What each person was asked, answered, reminded of and refused, in the order it happened."""
    for line in told.summary.people:
        yield f"\n{line.name} ({line.person})"
        for fact in told.facts:
            concerned = line.person in _asked_in(fact)
            if fact.actor == line.person or concerned:
                place = " ".join(p for p in (told.units.get(_unit(fact) or ""), fact.step) if p)
                yield f"  {oslo_day(fact.concerns)}  {place}: {describe(fact, told.names)}"


def _asked_in(fact: Fact) -> set[str]:
    people = getattr(fact.body, "people", ()) if fact.kind != "informed" else ()
    return {p if isinstance(p, str) else p.person for p in people}


def _unit(fact: Fact) -> str | None:
    parts = (fact.cycle or "").split("/")
    return parts[2] if parts[0] == "unit" else None


def tell(told: Told) -> RenderableType:
    """The whole summary, for a terminal."""
    return stacked(
        heading(_("Tidslinjen")),
        indented(_timeline(told)),
        heading(_("Hvem som ble spurt, og hva de svarte")),
        indented(_people(told.summary.people)),
        heading(_("Verdt å merke seg")),
        indented(_notables(told)),
        *year_view.law_in_short(told.view),
        heading(_("Protokollen")),
        *_ledger(told),
        heading(_("Hvor alt ligger")),
        *_places(told),
    )


def _timeline(told: Told) -> RenderableType:
    columns = [
        Column("", width=1), Column(_("Åpnet"), fixed=True), Column(_("Frist"), fixed=True),
        Column(_("Ferdig"), fixed=True), Column(_("Steg"), fixed=True, style="cyan"), Column("", share=1),
        Column(_("Enhet"), width=16),
    ]  # fmt: skip
    return table(columns, (_step(step, told) for step in told.steps()))


def _step(step: StepView, told: Told) -> tuple[Cell, ...]:
    sign, style = MARKS[step.standing]
    done = short_day(step.settled) if step.settled and step.standing.startswith("closed") else ""
    name = Text(step.name.in_(current()))
    if step.standing in ("closed_late", "left_open", "withdrawn"):
        name.append(f"  {_(STANDINGS[step.standing])}", style)
    return (
        plain(sign, style), short_day(step.opens), short_day(step.due), done, step.key, name,
        told.units.get(step.unit or "", ""),
    )  # fmt: skip


def _people(lines: tuple[PersonLine, ...]) -> RenderableType:
    columns = [
        Column(_("Navn"), share=1), Column(_("Spurt"), fixed=True, right=True),
        Column(_("Svart"), fixed=True, right=True), Column(_("Som vikar"), fixed=True, right=True),
        Column(_("Purret"), fixed=True, right=True), Column(_("Nektet"), fixed=True, right=True),
    ]  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            line.name,
            str(line.asked),
            str(line.answered),
            str(line.for_others or ""),
            str(line.reminders or ""),
            plain(str(line.refused or ""), "red"),
        )
        for line in lines[:MOST_PEOPLE]
    ]
    left = len(lines) - MOST_PEOPLE
    if left > 0:
        rows.append((plain(_("og {count} til, i people.txt").format(count=left), "dim"), "", "", "", "", ""))
    return table(columns, rows)


def _notables(told: Told) -> RenderableType:
    columns = [
        Column("", fixed=True), Column("", fixed=True, style="cyan"), Column("", width=16), Column("", share=1),
    ]  # fmt: skip
    made = table(columns, _notable_rows(told))
    made.show_header = False
    return made


def _notable_rows(told: Told) -> Iterable[tuple[Cell, ...]]:
    for notable in told.summary.notable:
        yield (
            short_day(notable.day), notable.step or "", notable.unit or "", describe(notable.fact, told.names),
        )  # fmt: skip


def _ledger(told: Told) -> Iterator[RenderableType]:
    summary = told.summary
    yield indented(plain(_("{count} fakta, hode {head}").format(count=summary.facts, head=summary.head)))
    yield indented(plain(keep(summary.fingerprint)))
    verdict = "verify: ok" if summary.verified else "verify: " + "; ".join(summary.faults)
    yield indented(mark("ok" if summary.verified else "error", verdict))


def _places(told: Told) -> Iterator[RenderableType]:
    folder = told.folder
    rows: list[tuple[Cell, ...]] = [
        (_("{count} e-poster (.eml); ingen er sendt").format(count=told.mails), f"{folder}/mail"),
        (_("Tidslinjen som regneark"), f"{folder}/timeline.csv"),
        (_("Hver persons år"), f"{folder}/people.txt"),
        (_("Årshjulet som bilde"), f"{folder}/year-wheel.svg"),
        (_("Arbeidsflytenes historikk"), f"{folder}/histories"),
    ]
    made = table([Column("", share=1), Column("", share=2)], rows)
    made.show_header = False
    yield indented(made)
    yield plain("")
    here = f"forsvarlig --state {folder}"
    yield then(_("Se på året:"), f"{here} year show {told.view.year} --requirements")
    yield then(_("Hva som skjedde på ett sted:"), f"{here} history{_somewhere(told)}")
    yield then(_("For din egen virksomhet:"), "forsvarlig up")


def _somewhere(told: Told) -> str:
    """The options of `history` for a step where something stands out, in a unit if there is one."""
    places = [n for n in told.summary.notable if n.step and n.unit]
    for notable in sorted(places, key=lambda n: getattr(n.fact.body, "outcome", "") != "disagrees"):
        return f" --unit {_unit(notable.fact)} --step {notable.step}"
    return ""
