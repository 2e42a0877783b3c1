"""How `forsvarlig history` looks: for people, for programs, and in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from activities.language import _, format_clock, format_day, format_moment
from activities.words import capital
from worker.cli.frame import PROGRAM
from worker.cli.history_pages import Page, Told
from worker.cli.layout import heading, wrapped
from worker.cli.naming import visible
from worker.cli.proof import how_known
from worker.cli.readings import behind, why_hidden
from workflows.rules.calendar import OSLO

_APART = timedelta(minutes=1)
"""Two times of a fact that differ by more are both shown."""

_CSV = (
    "seq", "concerns", "recorded", "unit", "step", "step_name", "kind", "actor", "text", "comment",
    "comment_hidden", "cycle", "unit_name", "actor_name", "people", "method", "key", "via", "fault", "body",
)  # fmt: skip


def document(page: Page) -> dict[str, Any]:
    """The page for programs. `after` and `before` are where the next page and the one before it begin and end."""
    facts = [
        {
            **told.row.model_dump(mode="json", exclude={"employer"}),
            "unit_name": told.unit_name,
            "step_name": told.step_name,
            "text": told.text,
            "comment": told.writing.text if told.writing else None,
            "comment_hidden": told.writing.hidden if told.writing else None,
            "proof": told.proof,
        }
        for told in page.facts
    ]
    after = page.facts[-1].row.seq if page.facts and page.later else None
    before = page.facts[0].row.seq if page.facts and page.earlier else None
    return {
        "facts": facts, "earlier": page.earlier, "after": after, "before": before, "as_of": page.as_of,
        "lag": page.lag,
    }  # fmt: skip


def lines(page: Page) -> Iterator[str]:
    """The page for people: under each day, what happened with its number, time and place."""
    if page.lag:
        yield from wrapped(behind(page.lag))
    if page.as_of is not None:
        yield from wrapped(_("Slik det var {day}, da dagen var over.").format(day=format_day(page.as_of)))
    if not page.facts:
        yield _("Ingenting passer. Ta bort et filter, eller se alt: {command}").format(
            command=f"{PROGRAM} history --after 0"
        )
        return
    if page.earlier:
        text = _("Det er eldre hendelser: legg til --before {seq}. Fra begynnelsen: --after 0.")
        yield text.format(seq=page.facts[0].row.seq)
    day: date | None = None
    for told in page.facts:
        here = told.row.concerns.astimezone(OSLO)
        if here.date() != day:
            day = here.date()
            yield ""
            yield heading(capital(format_day(day)))
        yield from _fact(told)
    if page.later:
        yield ""
        yield _("Det er flere: legg til --after {seq}.").format(seq=page.facts[-1].row.seq)


def _fact(told: Told) -> Iterator[str]:
    row, writing = told.row, told.writing
    place = " · ".join(part for part in (told.unit_name, row.step) if part)
    clock = format_clock(row.concerns.astimezone(OSLO))
    yield from wrapped(f"{row.seq:>5}  {clock}  {place}: {told.text}", 0, 14)
    if writing is not None and writing.text is not None:
        yield from wrapped(f"«{visible(writing.text, lines=True)}»", 14)
    elif writing is not None and writing.hidden is not None:
        yield from wrapped(why_hidden(writing.hidden, writing.roles), 14)
    if told.proof is not None:
        yield from wrapped(how_known(told.proof), 14)
    if abs(row.recorded - row.concerns) > _APART:
        yield from wrapped(_("(ført {when})").format(when=format_moment(row.recorded)), 14)


def csv_head() -> str:
    """A byte-order mark and the names of the columns, as Norwegian spreadsheets want them."""
    return "\ufeff" + _as_csv([_CSV])


def csv_rows(facts: Iterable[Told]) -> str:
    """One line a fact, with semicolons between its fields."""
    return _as_csv(map(_fields, facts))


def _fields(told: Told) -> tuple[str, ...]:
    row, writing, proof = told.row, told.writing, told.proof
    return (
        str(row.seq), row.concerns.isoformat(), row.recorded.isoformat(), row.unit or "", row.step or "",
        told.step_name or "", row.kind, row.actor, told.text, (writing.text if writing else None) or "",
        (writing.hidden if writing else None) or "", row.cycle or "", told.unit_name, told.actor_name,
        " ".join(row.people), (proof.method if proof else None) or "", (proof.key if proof else None) or "",
        (proof.via if proof else None) or "", proof.fault.value if proof and proof.fault else "",
        json.dumps(row.body, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip


def _as_csv(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows(map(_cell, row) for row in rows)
    return out.getvalue()


def _cell(text: str) -> str:
    text = visible(text, lines=True)
    # A spreadsheet would run it as a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
