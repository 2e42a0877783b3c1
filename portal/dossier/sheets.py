"""The inspection file as a spreadsheet, to sort and count in: requirements, steps, decisions and due dates.

Every text is a text: nothing that somebody wrote is run as a formula or opened as a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

from activities.language import _, current
from activities.words import OUTCOME_NAMES
from portal.dossier.paper import legible
from portal.dossier.requirements import RECORDS
from portal.dossier.telling import STATES, Teller, numbers, role_name
from portal.dossier.themes import by_theme
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.events import DueDateChanged, Escalated
from workflows.rules.evidence import StepEvidence

LONGEST = 32_767
"""Characters of a cell (Excel's limit)."""

Cell = str | int | date | None


def workbook(teller: Teller) -> bytes:
    """The XLSX file: the same bytes for the same sources."""
    import xlsxwriter  # type: ignore[import-untyped]

    sources = teller.sources
    out = BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    title = _("Tilsynsmappe: {name}, {year}").format(
        name=legible(sources.organisation.name), year=sources.options.year
    )
    book.set_properties(
        {
            "title": title[:255],
            "subject": _("PRØVEKJØRING") if sources.rehearsal else "",
            # A zip file knows no time before 1980, nor any time zone.
            "created": sources.checkpoint.time.astimezone(OSLO).replace(tzinfo=None),
        }
    )
    heading = book.add_format({"bold": True, "bg_color": "#EEF2F6", "bottom": 1, "text_wrap": True})
    formats = {
        str: book.add_format({"text_wrap": True, "valign": "top"}),
        date: book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}),
    }
    for name, columns, rows in _sheets(teller):
        sheet = book.add_worksheet(name)
        first = last = 1 if sources.rehearsal else 0
        if sources.rehearsal:
            sheet.write_string(0, 0, _("PRØVEKJØRING"), heading)
        for column, (head, width) in enumerate(columns):
            sheet.write_string(first, column, head, heading)
            sheet.set_column(column, column, width)
        for last, row in enumerate(rows, first + 1):
            for column, value in enumerate(row):
                _write(sheet, last, column, value, formats)
        sheet.freeze_panes(first + 1, 0)
        sheet.autofilter(first, 0, max(last, first + 1), len(columns) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(first)
    book.close()
    return out.getvalue()


def _write(sheet: Any, row: int, column: int, value: Cell, formats: Mapping[type, Any]) -> None:
    match value:
        case date():
            sheet.write_datetime(row, column, value, formats[date])
        case int():
            sheet.write_number(row, column, value, formats[str])
        case str():
            sheet.write_string(row, column, fitted(legible(value)), formats[str])


def fitted(text: str) -> str:
    """The text, when a cell holds it; else as much as it holds, and where the rest is."""
    if len(text) <= LONGEST:
        return text
    rest = " " + _("[… resten står i dossier.pdf]")
    return text[: LONGEST - len(rest)] + rest


Columns = Sequence[tuple[str, int]]


def _sheets(teller: Teller) -> Iterator[tuple[str, Columns, Iterable[Sequence[Cell]]]]:
    steps = teller.sources.steps
    yield (
        _("krav"),
        ((_("Tema"), 26), (_("Krav"), 8), (_("Hva loven krever"), 60), (_("Historikken"), 18),
         (_("Steg"), 8), (_("Mangler"), 60), (_("Fakta"), 14)),
        _requirements(teller),
    )  # fmt: skip
    yield (
        _("steg"),
        ((_("Steg"), 8), (_("Navn"), 40), (_("Hvor"), 22), (_("Stand"), 16), (_("Åpner"), 12),
         (_("Første frist"), 12), (_("Frist"), 12), (_("Ferdig"), 12), (_("Versjon"), 9), (_("Krav"), 22),
         (_("Mangler"), 50), (_("Fakta"), 18)),
        (_step(teller, step) for step in steps),
    )  # fmt: skip
    yield (
        _("beslutninger"),
        ((_("Faktum"), 8), (_("Dag"), 12), (_("Steg"), 8), (_("Hvor"), 22), (_("Hvem"), 26), (_("For"), 22),
         (_("Rolle"), 26), (_("Svar"), 26), (_("Versjon"), 9), (_("Dokument"), 30),
         (_("Det som er skrevet"), 60), (_("Arbeidsgivers svar"), 40)),
        _decisions(teller, steps),
    )  # fmt: skip
    yield (
        _("frister"),
        ((_("Faktum"), 8), (_("Dag"), 12), (_("Steg"), 8), (_("Hvor"), 22), (_("Før"), 12), (_("Etter"), 12),
         (_("Hva"), 80)),
        _dates(teller, steps),
    )  # fmt: skip


def _requirements(teller: Teller) -> Iterator[Sequence[Cell]]:
    for theme, found in by_theme(teller.sources.shown.requirements, teller.sources.wanted):
        for each in found:
            requirement = each.requirement
            lacking = [
                f"{step.key}, {teller.place(step)}: {teller.lack(step, lack)}" for step, lack in each.lacking
            ]
            yield (
                theme.name.in_(current()),
                requirement.id,
                requirement.en if current() == "en" else requirement.nb,
                _(RECORDS[each.record]),
                len(each.steps),
                "\n".join(lacking),
                numbers(seq for _step, lack in each.lacking for seq in lack.seqs),
            )


def _step(teller: Teller, step: StepEvidence) -> Sequence[Cell]:
    return (
        step.key,
        step.name.in_(current()),
        teller.place(step),
        _(STATES[step.state]),
        step.opens,
        step.first_due,
        step.due,
        oslo_day(step.settled_at) if step.settled_at is not None else None,
        max((f.version for f in step.filings), default=None),
        ", ".join(step.requirements),
        "\n".join(teller.lack(step, lack) for lack in step.lacks),
        numbers(step.seqs),
    )


def _decisions(teller: Teller, steps: Iterable[StepEvidence]) -> Iterator[Sequence[Cell]]:
    for step in steps:
        answers = {d.version: d for d in step.dissent}
        for reply in step.replies:
            written = teller.sources.texts.get(reply.seq)
            dissent = answers.get(reply.version) if reply.outcome.value == "disagrees" else None
            answered = teller.sources.texts.get(dissent.answered or 0) if dissent is not None else None
            owed = None
            if dissent is not None:
                owed = _("ikke svart; fristen var {due}").format(due=dissent.due.isoformat())
                if dissent.answered_at is not None:
                    owed = _("svart {day}").format(day=oslo_day(dissent.answered_at).isoformat())
                    owed += f"\n{teller.quoted(answered)}" if answered is not None and answered.text else ""
            filed = next((f for f in step.filings if f.version == reply.version), None)
            row = teller.sources.documents.get(filed.document) if filed is not None else None
            yield (
                reply.seq,
                oslo_day(reply.at),
                step.key,
                teller.place(step),
                teller.person(reply.person),
                teller.person(reply.on_behalf_of) if reply.on_behalf_of is not None else None,
                role_name(reply.role),
                _(OUTCOME_NAMES[reply.outcome]),
                reply.version,
                row.name if row is not None else None,
                teller.quoted(written) if written is not None and written.text is not None else None,
                owed,
            )


def _dates(teller: Teller, steps: Iterable[StepEvidence]) -> Iterator[Sequence[Cell]]:
    for step in steps:
        told = sorted([*step.moved, *step.escalated], key=lambda pair: pair[0])
        for seq, fact in told:
            moved = fact.body if isinstance(fact.body, DueDateChanged) else None
            concerned = fact.concerns if isinstance(fact.body, Escalated) else fact.recorded
            yield (
                seq,
                oslo_day(concerned),
                step.key,
                teller.place(step),
                moved.before if moved is not None else None,
                moved.after if moved is not None else None,
                teller.fact(fact),
            )
