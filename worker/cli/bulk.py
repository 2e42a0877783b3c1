"""Many answers from one CSV file: read whole and checked whole before the first is given, then given."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from activities.language import _
from worker.cli.deciding import Ask
from worker.cli.failures import BadInput, Conflict, Failure, unreadable
from worker.cli.frame import emit, progress
from worker.cli.naming import ALIASES, visible
from workflows.rules.organisation import Role

if TYPE_CHECKING:
    from activities.situations import Situations
    from activities.store.database import Reader
    from worker.cli.deciding import Answer

HEADINGS = {
    "cycle": "cycle", "årshjul": "cycle", "step": "step", "steg": "step", "as": "as", "person": "as",
    "role": "role", "rolle": "role", "outcome": "outcome", "svar": "outcome", "comment": "comment",
    "begrunnelse": "comment", "merknad": "comment", "version": "version", "versjon": "version",
}  # fmt: skip
REQUIRED = ("cycle", "step", "as", "outcome")
_MOST_FAULTS = 20


class _Fault(Exception):
    """One cell that cannot be used."""


def read_asks(file: Path) -> list[tuple[str, Ask]]:
    """The rows of the file, each with its place («svar.csv:2»).

    Delimiter ; or , or tab; UTF-8 with or without BOM, UTF-16 with BOM, or cp1252. `BadInput` names every
    bad cell by file, line and column; then nothing has been done.
    """
    try:
        text = _decoded(file.read_bytes())
    except OSError as error:
        raise unreadable(file, error) from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";", ",", "\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found, faults = [], []
    columns: list[str] | None = None
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(file, cells)
                continue
            place = f"{file.name}:{rows.line_num}"
            try:
                found.append((place, _ask(dict(zip(columns, (c.strip() for c in cells), strict=False)))))
            except _Fault as fault:
                faults.append(f"{place}: {fault}")
    except csv.Error:
        faults.append(
            _("{place}: anførselstegnene går ikke opp").format(place=f"{file.name}:{rows.line_num}")
        )
    if not found and not faults:
        raise BadInput(
            _("{file} har ingen rader.").format(file=file.name),
            _("Første rad er overskriftene cycle;step;as;role;outcome;comment; så kommer ett svar per rad."),
        )
    raise_faults(faults)
    return found


def raise_faults(faults: Sequence[str]) -> None:
    """`BadInput` with the faults, if there are any."""
    if faults:
        more = (
            [_("… og {count} til").format(count=len(faults) - _MOST_FAULTS)]
            if len(faults) > _MOST_FAULTS
            else []
        )
        raise BadInput(
            "\n".join([_("Ingenting er ført, for filen har feil:"), *faults[:_MOST_FAULTS], *more]),
            _("Rett radene, og kjør kommandoen igjen."),
        )


async def ready_all(
    reader: Reader,
    situations: Situations,
    asks: Sequence[tuple[str, Ask]],
    nonce: str,
    *,
    year: int | None,
    employer: str | None,
) -> list[tuple[str, Answer]]:
    """Every row with its person, step, role and document found; `BadInput` names those that are not."""
    from worker.cli.deciding import ready

    answers, faults = [], []
    for number, (place, ask) in enumerate(asks, 1):
        try:
            answer = await ready(reader, situations, ask, f"{nonce}-{number}", year=year, employer=employer)
        except Failure as failure:
            faults.append(f"{place}: {failure.message} {failure.remedy}")
        else:
            answers.append((place, answer))
    raise_faults(faults)
    return answers


async def give_all(
    asks: Sequence[tuple[str, Ask]], nonce: str, *, year: int | None, employer: str | None
) -> None:
    """Give the answers one by one, and tell what became of each; `Conflict` when any is refused."""
    from activities.situations import Situations
    from worker.cli.cases import follow_up, read_case
    from worker.cli.deciding import give, result, said, wrapped_all
    from worker.cli.employers import store
    from worker.cli.receipts import recorded
    from worker.cli.refusals import Try, told
    from worker.cli.signing import desk

    situations = Situations()
    items, lines, refused = [], [], 0
    async with store() as database:
        async with database.read() as reader:
            answers = await ready_all(reader, situations, asks, nonce, year=year, employer=employer)
        progress(
            _("{count} svar. Stopper det underveis, kjør på nytt med --nonce {nonce}.").format(
                count=len(answers), nonce=nonce
            )
        )
        doors = desk(database, situations)
        for place, answer in answers:
            async with database.read() as reader:
                case = await read_case(
                    reader, answer.case.row.id, answer.case.step.key, answer.case.now, situations=situations
                )
            receipt = await give(doors, database, answer)
            item = {"place": place, **result(answer, receipt)}
            text = " ".join(said(answer, receipt))
            if receipt.reason is not None:
                refused += 1
                why = told(
                    receipt.reason, case, Try(answer.person.id, answer.role, answer.outcome, answer.version)
                )
                item |= {"problem": why.problem, "remedy": why.remedy}
                text = f"{recorded(why.problem, receipt)} {why.remedy}"
            items.append(item)
            lines.append(f"{place}  {'✗' if receipt.reason else '✓'}  {answer.case.title}: {text}")
        async with database.read() as reader:
            waits = await follow_up(reader, answers[0][1].case.now)
    emit(
        "decisions",
        {"nonce": nonce, "accepted": len(items) - refused, "refused": refused, "items": items},
        table=lambda: "\n".join(wrapped_all(lines)),
    )
    if waits and refused < len(items):
        progress(waits)
    if refused:
        raise Conflict(
            _("{refused} av {count} svar ble nektet; de andre er ført.").format(
                refused=refused, count=len(items)
            ),
            _("Rett de radene det gjelder, og kjør dem på nytt i en egen fil."),
        )


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _columns(file: Path, cells: Sequence[str]) -> list[str]:
    named = [HEADINGS.get(cell.strip().casefold(), "") for cell in cells]
    unknown = [visible(cell.strip()) for cell, name in zip(cells, named, strict=True) if not name]
    missing = [name for name in REQUIRED if name not in named]
    twice = sorted({name for name in named if name and named.count(name) > 1})
    if unknown or missing or twice:
        problems = [
            *(_("ukjent kolonne «{name}»").format(name=name) for name in unknown),
            *(_("kolonnen «{name}» mangler").format(name=name) for name in missing),
            *(_("kolonnen «{name}» står to ganger").format(name=name) for name in twice),
        ]
        raise BadInput(
            f"{file.name}: {', '.join(problems)}.",
            _("Overskriftene er cycle;step;as;role;outcome;comment, og version om du vil."),
        )
    return named


def _ask(row: dict[str, str]) -> Ask:
    from worker.cli.decide import outcome_of

    for column in REQUIRED:
        if not row.get(column):
            raise _Fault(_("kolonnen «{name}» er tom").format(name=column))
    outcome = outcome_of(row["outcome"])
    if outcome is None:
        text = _("«{value}» i kolonnen «outcome» er ikke et svar; skriv {words}")
        raise _Fault(text.format(value=visible(row["outcome"]), words=", ".join(ALIASES)))
    role = row.get("role") or None
    roles = [r.value for r in Role]
    if role is not None and role not in roles:
        text = _("«{value}» i kolonnen «role» er ikke en rolle; skriv {words}")
        raise _Fault(text.format(value=visible(role), words=", ".join(roles)))
    version = row.get("version") or None
    if version is not None and not version.isdecimal():
        raise _Fault(_("«{value}» i kolonnen «version» er ikke et helt tall").format(value=visible(version)))
    return Ask(
        cycle=row["cycle"],
        step=row["step"],
        person=row["as"],
        role=Role(role) if role else None,
        outcome=outcome,
        comment=row.get("comment") or None,
        version=int(version) if version else None,
    )
