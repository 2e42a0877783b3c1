"""`forsvarlig history`: what was done, when and by whom, in the order of the ledger."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.language import N_, _, current, format_clock, format_day, format_moment
from activities.proof import Keys, Proof, is_act, proof
from worker.cli.act_words import KINDS
from worker.cli.acts import sentence, visible
from worker.cli.failures import NotFound
from worker.cli.frame import PROGRAM, emit, frame
from worker.cli.proof import how_known
from worker.cli.words import capital
from workflows.rules.calendar import OSLO
from workflows.rules.events import SYSTEM

if TYPE_CHECKING:
    from activities.store.database import Reader
    from activities.store.rows import TimelineRow
    from workflows.rules.keys import KeyRing
    from workflows.rules.law import LegalRegister
    from workflows.rules.programme import Programme

PAGE = 100
"""Facts that are shown unless told otherwise."""

_APART = timedelta(minutes=1)
"""Two times of a fact that differ by more are both shown."""

_CSV = ("seq", "concerns", "recorded", "unit", "step", "step_name", "kind", "actor", "text", "comment")


class Wanted(NamedTuple):
    """Which facts; None wants all."""

    employer: str
    unit: str | None
    own: bool
    step: str | None
    person: str | None
    kind: str | None
    since: datetime | None
    until: datetime | None
    law: str | None


class Told(NamedTuple):
    """One fact in words. `comment` is what was said with it, where it is kept; `proof` goes with people's acts."""

    row: TimelineRow
    text: str
    step_name: str | None
    unit_name: str
    comment: str | None
    proof: Proof | None


class Page(NamedTuple):
    """Facts in the order of the ledger, and whether there are more on either side."""

    facts: list[Told]
    earlier: bool
    later: bool


DAY = click.DateTime(formats=["%Y-%m-%d", "%d.%m.%Y"])


@click.command(help=N_("Vis hva som er gjort, når og av hvem. Det nyeste står sist."))
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Virksomheten, når det er flere."))
@click.option(
    "--unit", metavar=N_("ENHET"), help=N_("Bare denne enheten; «virksomhet» er det som gjelder alle.")
)
@click.option("--step", metavar=N_("STEG"), help=N_("Bare dette steget, som Y15 eller Y28.1."))
@click.option("--who", metavar=N_("PERSON"), help=N_("Bare det denne personen har gjort eller er nevnt i."))
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    metavar=N_("SLAG"),
    help=N_("Bare dette slaget, som decision_recorded."),
)
@click.option("--since", type=DAY, metavar=N_("DATO"), help=N_("Fra og med denne dagen."))
@click.option("--until", type=DAY, metavar=N_("DATO"), help=N_("Til og med denne dagen."))
@click.option(
    "--law",
    metavar=N_("REF"),
    help=N_("Bare steg som bærer dette kravet (R-20) eller denne bestemmelsen (AML-4-3)."),
)
@click.option("--refused", is_flag=True, help=N_("Bare forsøk som ble nektet."))
@click.option("--limit", type=click.IntRange(min=1), help=N_("Så mange høyst (100; med --csv alle)."))
@click.option(
    "--after",
    type=click.IntRange(min=0),
    help=N_("Det som kommer etter dette nummeret; 0 er fra begynnelsen."),
)
@click.option("--csv", "as_csv", is_flag=True, help=N_("CSV med semikolon, til regneark."))
def history(
    employer: str | None,
    unit: str | None,
    step: str | None,
    who: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    law: str | None,
    refused: bool,
    limit: int | None,
    after: int | None,
    as_csv: bool,
) -> None:
    """Print facts in plain words."""
    if as_csv and frame().json:
        raise click.UsageError(_("Velg enten --csv eller --format json."))
    if refused and kind not in (None, "attempt_refused"):
        raise click.UsageError(_("--refused viser bare nektede forsøk; la --kind være."))
    if since is not None and until is not None and since > until:
        raise click.UsageError(_("--since må ikke være etter --until."))
    most = limit if limit is not None else None if as_csv else PAGE
    kind = "attempt_refused" if refused else kind
    start = None if since is None else _midnight(since.date())
    end = None if until is None else _midnight(until.date() + timedelta(days=1))
    given = (employer, unit, step.upper() if step else None, who, kind, start, end, law)
    page = asyncio.run(_read(given, most, 0 if as_csv and after is None else after))
    if as_csv:
        click.echo(_as_csv(page), nl=False)
        return
    emit("history", _document(page), table=lambda: "\n".join(_lines(page, limit)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=OSLO).astimezone(UTC)


async def _read(given: tuple[Any, ...], limit: int | None, after: int | None) -> Page:
    from worker.cli.employers import chosen, reading
    from worker.cli.places import OWN, find_unit

    employer, unit, step, who, kind, since, until, law = given
    async with reading() as reader:
        home = (await chosen(reader, employer)).id
        own = unit is not None and unit.casefold() in OWN
        if unit is not None and not own:
            unit = find_unit((await reader.organisation(home))[1], unit)
        person = await _person(reader, home, who) if who is not None else None
        wanted = Wanted(home, None if own else unit, own, step, person, kind, since, until, law)
        rulebooks = await _Rulebooks.of(reader, home)
        carrying = rulebooks.carrying(law) if law is not None else None
        rows, earlier, later = await _rows(reader, wanted, carrying, limit, after)
        names = {id: row.name for id, row in (await reader.people(home)).items()}
        units = {u.id: u.name for u in (await reader.organisation(home))[1].units}
        ring = await Keys().of(reader, home)
        facts = [await _told(reader, row, ring, names, units, rulebooks) for row in rows]
    return Page(facts, earlier, later)


async def _person(reader: Reader, employer: str, text: str) -> str:
    """The person's id; also that of somebody who is erased from the directory, but not from the ledger."""
    from worker.cli.people import find_person

    try:
        return find_person(await reader.people(employer), text, "--who").id
    except NotFound:
        id = text.strip().lower()
        if id and await reader.timeline(employer=employer, person=id, limit=1):
            return id
        raise


async def _rows(
    reader: Reader,
    wanted: Wanted,
    carrying: frozenset[tuple[str, str]] | None,
    limit: int | None,
    after: int | None,
) -> tuple[list[TimelineRow], bool, bool]:
    """The rows of one page: the first ones after a place, or the last ones of all."""

    async def found(after: int) -> list[TimelineRow]:
        rows = await reader.timeline(
            employer=wanted.employer, unit=wanted.unit, kind=wanted.kind, person=wanted.person,
            since=wanted.since, until=wanted.until, after=after,
        )  # fmt: skip
        return [row for row in rows if _fits(row, wanted, carrying)]

    if after is not None:
        rows = await found(after)
        return (rows, after > 0, False) if limit is None else (rows[:limit], after > 0, len(rows) > limit)
    size = (await reader.head(wanted.employer)).size
    window = 4 * (limit or PAGE)
    # The newest are asked for first, so that a long history is not read whole.
    while True:
        start = max(0, size - window)
        rows = await found(start)
        if start == 0 or (limit is not None and len(rows) > limit):
            break
        window *= 4
    return (rows, False, False) if limit is None else (rows[-limit:], len(rows) > limit, False)


def _fits(row: TimelineRow, wanted: Wanted, carrying: frozenset[tuple[str, str]] | None) -> bool:
    if wanted.own and row.unit is not None:
        return False
    base = (row.step or "").partition(".")[0]
    if wanted.step is not None and wanted.step not in (row.step, base):
        return False
    return carrying is None or (row.cycle or "", base) in carrying


class _Rulebooks(NamedTuple):
    """The programme and the law of each cycle."""

    cycles: dict[str, tuple[Programme, LegalRegister]]

    @classmethod
    async def of(cls, reader: Reader, employer: str) -> _Rulebooks:
        from workflows.rules.law import LegalRegister
        from workflows.rules.programme import Programme

        programmes: dict[str, Programme] = {}
        laws: dict[str, LegalRegister] = {}
        cycles = {}
        for row in await reader.cycles(employer=employer):
            if row.programme not in programmes:
                programmes[row.programme] = Programme.model_validate_json(
                    await reader.rulebook(row.programme)
                )
            if row.law not in laws:
                laws[row.law] = LegalRegister.model_validate_json(await reader.rulebook(row.law))
            cycles[row.id] = (programmes[row.programme], laws[row.law])
        return cls(cycles)

    def carrying(self, law: str) -> frozenset[tuple[str, str]]:
        """Cycles and ids of the steps that carry the requirement or rest on the provision.

        A provision is said by its id (AML-4-3 means its paragraphs too) or by its citation («§ 4-3»).
        """
        wanted = " ".join(law.split()).casefold()
        known, found = set(), set()
        for cycle, (programme, register) in self.cycles.items():
            ids = {p.id for p in register.provisions if _is_meant(wanted, p.id, p.section)}
            known |= ids | {r.id for r in register.requirements if r.id.casefold() == wanted}
            for step in programme.steps:
                if ids & {*step.law} or wanted in {r.casefold() for r in step.requirements}:
                    found.add((cycle, step.id))
        if not known:
            raise NotFound(
                _("Lovregisteret har verken krav eller bestemmelse «{law}».").format(law=visible(law)),
                _("Skriv et krav som R-20, en id som AML-4-3, eller en paragraf som «§ 4-3»."),
            )
        return frozenset(found)

    def step_name(self, cycle: str | None, step: str | None) -> str | None:
        if cycle not in self.cycles or step is None:
            return None
        rules = self.cycles[cycle][0].steps
        return next((s.name.in_(current()) for s in rules if s.id == step.partition(".")[0]), None)


def _is_meant(wanted: str, id: str, section: str) -> bool:
    own, cited = id.casefold(), f"{section.casefold()} "
    return own == wanted or own.startswith(f"{wanted}-") or ("§" in wanted and f"{wanted} " in cited)


async def _told(
    reader: Reader,
    row: TimelineRow,
    ring: KeyRing,
    names: dict[str, str],
    units: dict[str, str],
    rulebooks: _Rulebooks,
) -> Told:
    from pydantic import TypeAdapter

    from workflows.rules.events import Body

    body: Any = TypeAdapter(Body).validate_python(row.body)
    comment, proven = None, None
    if row.actor != SYSTEM:
        [(_seq, fact)] = await reader.facts(row.employer, after=row.seq - 1, limit=1)
        comment = await reader.payload(row.employer, fact.id) if row.body.get("comment") is not None else None
        proven = proof(ring, row.seq, fact) if is_act(fact) else None
    return Told(
        row=row,
        text=sentence(body, row.actor, names, units),
        step_name=rulebooks.step_name(row.cycle, row.step),
        unit_name=units.get(row.unit, row.unit) if row.unit is not None else _("Virksomheten"),
        comment=comment,
        proof=proven,
    )


# --- output ---------------------------------------------------------------------------------------


def _document(page: Page) -> dict[str, Any]:
    facts = [
        {
            **told.row.model_dump(mode="json", exclude={"employer"}),
            "unit_name": told.unit_name,
            "step_name": told.step_name,
            "text": told.text,
            "comment": told.comment,
            "proof": told.proof,
        }
        for told in page.facts
    ]
    after = page.facts[-1].row.seq if page.facts and page.later else None
    return {"facts": facts, "earlier": page.earlier, "after": after}


def _lines(page: Page, limit: int | None) -> Iterator[str]:
    from worker.cli.layout import heading, wrapped

    if not page.facts:
        yield _("Ingenting passer. Ta bort et filter, eller se alt: {command}").format(
            command=f"{PROGRAM} history --after 0"
        )
        return
    if page.earlier:
        yield _("Det er eldre hendelser. Fra begynnelsen: legg til --after 0.")
    day: date | None = None
    for told in page.facts:
        row = told.row
        here = row.concerns.astimezone(OSLO)
        if here.date() != day:
            day = here.date()
            yield ""
            yield heading(capital(format_day(day)))
        place = " · ".join(part for part in (told.unit_name, row.step) if part)
        yield from wrapped(f"{row.seq:>5}  {format_clock(here)}  {place}: {told.text}", 0, 14)
        if told.comment is not None:
            yield from wrapped(f"«{visible(told.comment, lines=True)}»", 14)
        elif row.body.get("comment") is not None:
            yield from wrapped(_("(begrunnelsen er slettet; avtrykket av den står i historikken)"), 14)
        if told.proof is not None:
            yield from wrapped(how_known(told.proof), 14)
        if abs(row.recorded - row.concerns) > _APART:
            yield from wrapped(_("(ført {when})").format(when=format_moment(row.recorded)), 14)
    if page.later:
        yield ""
        yield _("Det er flere: legg til --after {seq}.").format(seq=page.facts[-1].row.seq)


def _as_csv(page: Page) -> str:
    """With a byte-order mark and semicolons, as Norwegian spreadsheets want it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_CSV)
    for told in page.facts:
        row = told.row
        writer.writerow(
            _cell(value)
            for value in (
                str(row.seq), row.concerns.isoformat(), row.recorded.isoformat(), row.unit or "",
                row.step or "", told.step_name or "", row.kind, row.actor, told.text, told.comment or "",
            )
        )  # fmt: skip
    return "\ufeff" + out.getvalue()


def _cell(text: str) -> str:
    text = visible(text, lines=True)
    # A spreadsheet would run it as a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
