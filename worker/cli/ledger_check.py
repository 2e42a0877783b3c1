"""`forsvarlig ledger check`: anchors, fingerprints and time stamps held against the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from activities.language import N_, _, format_moment, format_number
from activities.phrases import said
from worker.cli.failures import BadInput, Failure
from worker.cli.frame import emit
from worker.cli.ledger_given import content_of, ledgers
from worker.cli.options import employer_option

if TYPE_CHECKING:
    from activities.anchors import Checked, Verdict
    from activities.ledger.heads import Anchor, Fingerprint
    from activities.ledger.notes import Vkey
    from activities.store.database import Reader
    from activities.store.rows import EmployerRow

STAMP = ".tsr"
"""The suffix of a time stamp's file (RFC 3161 § 3.2)."""

VERDICTS: dict[Verdict, str] = {
    "same": N_("Stemmer: alt som var i hovedboken da, er der uendret."),
    "changed": N_("ENDRET: det som var i hovedboken da, er ikke det som er der nå (nå: {there})."),
    "shorter": N_("AVKORTET: hovedboken har færre fakta enn da."),
    "other_log": N_("Dette ankeret er fra en annen virksomhets hovedbok."),
    "other_key": N_("FREMMED NØKKEL: fakta stemmer, men nøkkelen gjaldt ikke for denne hovedboken."),
    "not_whole": N_("ØDELAGT: det mangler fakta midt i hovedboken."),
}


@click.command(
    short_help=N_("Kontroller hovedboken mot ankere."),
    help=N_(
        "Kontroller hovedboken mot ankere som er tatt vare på utenfor den. ANKER er en fil fra «forsvarlig ledger "
        "pin», eller et avtrykk fra en kvittering eller e-post, som "
        "545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E. Alle fakta leses og regnes på nytt. Slutter "
        "med 1 når noe ikke stemmer."
    ),
)
@click.argument("anchors", nargs=-1, metavar=N_("ANKER..."))
@click.option("--timestamps", is_flag=True, help=N_("Kontroller også tidsstemplene som er tatt vare på her."))
@click.option(
    "--roots",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar=N_("FIL"),
    help=N_("Rotsertifikatene du stoler på for tidsstempler (PEM)."),
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar=N_("NØKKEL"),
    help=N_("Den offentlige nøkkelen til et vitne som skal ha medsignert ankeret."),
)
@employer_option
def check(
    anchors: tuple[str, ...],
    timestamps: bool,
    roots: Path | None,
    witnesses: tuple[str, ...],
    employer: str | None,
) -> None:
    """Hold what is kept outside against the ledger."""
    if not anchors and not timestamps:
        raise click.UsageError(_("Det mangler {what}.").format(what=_("ANKER")))
    stamps = [Path(name) for name in anchors if name.endswith(STAMP)]
    if (timestamps or stamps) and roots is None:
        raise click.UsageError(_("Tidsstempler kontrolleres mot rotsertifikater: skriv --roots FIL."))
    held = [(name, _read(name)) for name in anchors if not name.endswith(STAMP)]
    given = Given(held, [vkey_of(text) for text in witnesses], stamps, timestamps, roots)
    asyncio.run(_check(given, employer))


class Given(NamedTuple):
    """What is to be held against the ledger."""

    held: list[tuple[str, Anchor | Fingerprint]]
    witnesses: list[Vkey]
    stamps: list[Path]
    stored: bool
    roots: Path | None


class _Stamped(NamedTuple):
    """One time stamp: the time that is proved, or why none is."""

    name: str
    size: int | None
    time: datetime | None
    problem: str | None


class _Seen(NamedTuple):
    """What a witness said of an anchor: when it cosigned, or why that is not proved."""

    name: str
    witness: str
    time: datetime | None
    problem: str | None


def _read(text: str) -> Anchor | Fingerprint:
    from activities.ledger.heads import read_anchor, read_fingerprint
    from activities.ledger.notes import NoteError

    file = Path(text)
    try:
        return read_anchor(content_of(file)) if file.is_file() else read_fingerprint(text)
    except NoteError as error:
        if file.is_file():
            raise BadInput(
                _("{file} er ikke et anker: {error}.").format(file=file, error=said(error)),
                _("Er filen endret underveis, hent den på nytt der den ble tatt vare på."),
            ) from error
        raise BadInput(
            _("«{text}» er verken en fil eller et avtrykk.").format(text=text),
            _("Et avtrykk skrives som 545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E."),
        ) from error


def vkey_of(text: str) -> Vkey:
    """A public key as it is printed: `name+id+base64`; `BadInput` for anything else."""
    from activities.ledger.notes import NoteError, Vkey

    try:
        return Vkey.read(text.strip())
    except NoteError as error:
        raise BadInput(
            _("«{text}» er ingen offentlig nøkkel: {error}.").format(text=text[:200], error=said(error)),
            _("Den skrives som navn+id+base64, slik vitnet eller «forsvarlig ledger pin» viste den."),
        ) from error


async def _check(given: Given, employer: str | None) -> None:
    from activities.anchors import check as checked
    from activities.anchors import forks

    async with ledgers(employer) as (database, homes), database.read() as reader:
        found: list[Checked] = []
        stamped: list[_Stamped] = []
        for home, held in _by_ledger(given.held, homes, employer):
            found += await checked(reader, home.id, held)
        if given.stored or given.stamps:
            for home in homes:
                stamped += await _stamps(reader, home.id, given)
        stamped += _unmatched(given, stamped)
    pairs, seen = forks(given.held), _witnessed(given)
    wrong = [each for each in found if not each.ok]
    unproven = any(s.problem for s in stamped) or any(s.problem for s in seen)
    bad = bool(wrong or pairs or unproven)
    emit(
        "ledger-check",
        {
            "ok": not bad,
            "anchors": [{**each.model_dump(), "ok": each.ok} for each in found],
            "forks": [list(pair) for pair in pairs],
            "timestamps": [each._asdict() for each in stamped],
            "witnesses": [each._asdict() for each in seen],
        },
        table=lambda: "\n".join(_lines(found, pairs, stamped, seen)),
    )
    if bad:
        raise Failure(
            _("Hovedboken er ikke den som ankerne viser.")
            if wrong or pairs
            else _("Et tidsstempel eller en medsignatur beviser ikke det den skal."),
            _(
                "Ta vare på databasen og ankerne slik de er, og hent en sikkerhetskopi fra før endringen. Se hva som "
                "er galt: forsvarlig db verify"
            )
            if wrong or pairs
            else _("Kontroller at filen, rotsertifikatene og vitnets nøkkel er de rette."),
        )


def _by_ledger(
    held: list[tuple[str, Anchor | Fingerprint]], homes: list[EmployerRow], employer: str | None
) -> list[tuple[EmployerRow, list[tuple[str, Anchor | Fingerprint]]]]:
    """Which ledger each is to be held against: the one that an anchor names, else the only one there is."""
    from activities.ledger.heads import Anchor
    from worker.cli.failures import Conflict

    by: dict[str, list[tuple[str, Anchor | Fingerprint]]] = {}
    known = {home.id: home for home in homes}
    for name, item in held:
        named = item.checkpoint.origin.rpartition("/")[2] if isinstance(item, Anchor) else ""
        if named not in known and len(homes) > 1:
            raise Conflict(
                _("Her er det flere virksomheter, og {name} sier ikke hvilken.").format(name=name),
                _("Velg en av dem med --employer: {known}").format(known=", ".join(known)),
            )
        by.setdefault(named if named in known else homes[0].id, []).append((name, item))
    return [(known[id], items) for id, items in by.items()]


# --- time stamps and witnesses --------------------------------------------------------------------


async def _stamps(reader: Reader, employer: str, given: Given) -> list[_Stamped]:
    """The time stamps that are kept here, where they are asked for, and those in files that are about this ledger."""
    from activities.store import checkpoints as kept

    notes = dict(await kept.checkpoints(reader, employer))
    found = []
    if given.stored:
        rows = await kept.anchors(reader, employer, kind="timestamp")
        found += [
            _stamp(row.holder, row.content or b"", row.size, notes.get(row.size), given) for row in rows
        ]
    for file in given.stamps:
        content = content_of(file)
        about = next((size for size, note in notes.items() if _about(file, content, note)), None)
        if about is not None:
            found.append(_stamp(str(file), content, about, notes[about], given))
    return found


def _about(file: Path, content: bytes, note: str) -> bool:
    from activities.timestamps import TimestampError, is_about
    from worker.cli.ledger_time import stamp_failure

    try:
        return is_about(content, note)
    except TimestampError as error:
        if error.fault == "unreadable":
            raise BadInput(
                _("{file} er ikke et tidsstempel.").format(file=file),
                _("Er filen endret underveis, hent den på nytt der den ble tatt vare på."),
            ) from error
        raise stamp_failure(error) from error


def _stamp(name: str, content: bytes, size: int, note: str | None, given: Given) -> _Stamped:
    from activities.timestamps import TimestampError, check_stamp
    from worker.cli.ledger_time import stamp_failure

    if note is None:
        return _Stamped(name, size, None, _("Kontrollpunktet som ble tidsstemplet, er borte fra databasen."))
    try:
        roots = content_of(given.roots) if given.roots is not None else b""
        return _Stamped(name, size, check_stamp(content, note, roots), None)
    except TimestampError as error:
        if error.fault in ("not_installed", "no_roots"):
            raise stamp_failure(error) from error
        return _Stamped(name, size, None, stamp_failure(error).message)


def _unmatched(given: Given, stamped: list[_Stamped]) -> list[_Stamped]:
    known = {each.name for each in stamped}
    problem = _("Tidsstempelet er ikke over noe kontrollpunkt i denne databasen.")
    return [_Stamped(str(f), None, None, problem) for f in given.stamps if str(f) not in known]


def _witnessed(given: Given) -> list[_Seen]:
    from activities.ledger.heads import Anchor
    from activities.ledger.notes import NoteError, cosigned_at, verified

    seen = []
    for name, item in given.held:
        for key in given.witnesses:
            if not isinstance(item, Anchor):
                problem = _("Et avtrykk er ikke medsignert av noen: kontroller ankerfilen.")
                seen.append(_Seen(name, key.name, None, problem))
                continue
            try:
                verified(item.note, [key])
                seen.append(_Seen(name, key.name, cosigned_at(item.note, key), None))
            except NoteError as error:
                seen.append(_Seen(name, key.name, None, said(error)))
    return seen


# --- what is said ---------------------------------------------------------------------------------


def _lines(
    found: Sequence[Checked],
    pairs: Sequence[tuple[str, str]],
    stamped: Sequence[_Stamped],
    seen: Sequence[_Seen],
) -> list[str]:
    from worker.cli.layout import wrapped

    lines: list[str] = []
    for each in found:
        said = _(VERDICTS[each.verdict]).format(there=each.there)
        name = each.name if each.name == each.fingerprint else f"{each.name} ({each.fingerprint})"
        text = f"{'✓' if each.ok else '✗'} {name}: {said}"
        lines += wrapped(text, hang=2)
    for one, other in pairs:
        text = _(
            "✗ TO HISTORIER: {one} og {other} kan ikke begge være sanne. Hovedboken er vist fram i to utgaver. "
            "De to ankerne er beviset; ta vare på begge."
        )
        lines += wrapped(text.format(one=one, other=other), hang=2)
    for stamp in stamped:
        if stamp.time is None:
            lines += wrapped(f"✗ {stamp.name}: {stamp.problem}", hang=2)
        else:
            text = _("✓ {name}: kontrollpunktet over {count} fakta fantes {when}.")
            lines += wrapped(
                text.format(
                    name=stamp.name, count=format_number(stamp.size or 0), when=format_moment(stamp.time)
                ),
                hang=2,
            )
    for each_seen in seen:
        if each_seen.time is None:
            lines += wrapped(f"✗ {each_seen.name}, {each_seen.witness}: {each_seen.problem}", hang=2)
        else:
            text = _("✓ {name}: medsignert av {witness} {when}.")
            lines += wrapped(
                text.format(
                    name=each_seen.name, witness=each_seen.witness, when=format_moment(each_seen.time)
                ),
                hang=2,
            )
    return lines
