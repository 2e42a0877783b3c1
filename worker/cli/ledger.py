"""`forsvarlig ledger`: checkpoints of the ledger, anchors outside it, witnesses, and whether it was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activities.language import N_, _, format_moment, format_number, ngettext
from worker.cli.choices import Meaning
from worker.cli.fact_words import RESTORED
from worker.cli.failures import Conflict, Failure
from worker.cli.frame import emit, frame
from worker.cli.ledger_check import check
from worker.cli.ledger_export import export
from worker.cli.ledger_given import damaged, ledgers, log_key_failure, newest_checkpoint, pin
from worker.cli.ledger_restored import go_on, in_the_way
from worker.cli.ledger_time import timestamp
from worker.cli.ledger_witness import cosign, request, witness
from worker.cli.options import employer_option
from workflows.rules.terms import Restored

if TYPE_CHECKING:
    from datetime import datetime

    from activities.anchors import Status
    from activities.checkpoints import Made
    from activities.store.checkpoints import AnchorKind, AnchorRow

KINDS: dict[AnchorKind, str] = {
    "pin": N_("anker"),
    "mail": N_("e-post"),
    "timestamp": N_("tidsstempel"),
    "witness": N_("vitne"),
}


@click.group(
    help=N_(
        "Kontrollpunkter og ankere: det som gjør at en endring i hovedboken ikke kan skjules, heller ikke av den "
        "som eier databasen. Et anker er til nytte bare når noen andre har det."
    )
)
def ledger() -> None:
    """The ledger's checkpoints and anchors."""


for command in (pin, check, timestamp, request, witness, cosign, export):
    ledger.add_command(command)


@ledger.command(
    short_help=N_("Vis hvor gammelt det nyeste ankeret er."),
    help=N_(
        "Vis hvor langt hovedboken er dekket av kontrollpunkter, og av ankere utenfor databasen. Slutter med 1 når "
        "noe har stått i mer enn et døgn uten at et anker dekker det."
    ),
)
@employer_option
@click.pass_context
def status(context: click.Context, employer: str | None) -> None:
    """How far each ledger is covered."""
    late = asyncio.run(_status(employer))
    context.exit(1 if late else 0)


@ledger.command(
    short_help=N_("Lag et kontrollpunkt nå."),
    help=N_(
        "Lag et kontrollpunkt nå. Arbeideren gjør det selv hvert halve minutt. Den husker det siste utenfor "
        "databasen, og signerer ikke en hovedbok som ikke begynner med det. Er det fordi dere har lagt tilbake en "
        "sikkerhetskopi, si det med --after-restore; da føres det, og alle som kontrollerer, ser det."
    ),
)
@click.option(
    "--after-restore",
    is_flag=True,
    help=N_("Gå videre fra hovedboken slik den er nå, og før at den ikke begynner med det som er signert."),
)
@click.option("--reason", type=Meaning(RESTORED), help=N_("Grunnen, sammen med --after-restore."))
@employer_option
def checkpoint(after_restore: bool, reason: Restored | None, employer: str | None) -> None:
    """Make a checkpoint of what is recorded."""
    if after_restore != (reason is not None):
        raise click.UsageError(_("--after-restore og --reason hører sammen."))
    asyncio.run(_checkpoint(employer) if reason is None else go_on(employer, reason))


@ledger.command(
    name="rotate-key",
    short_help=N_("Bytt nøkkelen til kontrollpunktene."),
    help=N_(
        "Bytt nøkkelen som kontrollpunktene signeres med. Den gamle signerer for den nye, så alle kan se at den er "
        "rett, og filen blir tatt vare på ved siden av."
    ),
)
@click.option(
    "--lost",
    is_flag=True,
    help=N_("Den gamle nøkkelen er borte. Bare et anker kan siden vise at det var dere som byttet."),
)
def rotate_key(lost: bool) -> None:
    """Change the log key."""
    asyncio.run(_rotate(lost))


# --- what they do ---------------------------------------------------------------------------------


async def _status(employer: str | None) -> bool:
    from activities.anchors import Damaged, status
    from worker.cli import clock

    now = clock.now()
    try:
        async with ledgers(employer) as (database, homes), database.read() as reader:
            found = [await status(reader, home.id) for home in homes]
            stopped = {each.employer: await in_the_way(reader, each.employer) for each in found}
    except Damaged as error:
        raise damaged(error) from error
    late = [each for each in found if each.is_late(now)]
    emit(
        "ledger-status",
        {
            "late": bool(late),
            "employers": [
                {**_status_document(each, now), "taken_back": stopped[each.employer] is not None}
                for each in found
            ],
        },
        table=lambda: "\n".join(
            line
            for each in found
            for line in (*_status_lines(each, now), *_stopped_lines(stopped[each.employer]))
        ),
    )
    return bool(late) or any(stopped.values())


def _stopped_lines(failure: Failure | None) -> list[str]:
    """Why no checkpoint is made."""
    from worker.cli.layout import wrapped

    return [*wrapped(f"✗ {failure.message}", 2), *wrapped(failure.remedy, 4)] if failure is not None else []


def _status_document(found: Status, now: datetime) -> dict[str, Any]:
    from activities.timestamps import authority

    document = found.model_dump(exclude={"checkpoint", "anchors", "root", "unstamped", "unstamped_since"})
    newest, url = found.checkpoint, frame().settings.timestamp_url
    return {
        **document,
        "fingerprint": found.fingerprint,
        "late": found.is_late(now),
        "timestamps": None
        if url is None
        else {
            "authority": authority(url),
            "unstamped": found.unstamped,
            "unstamped_since": found.unstamped_since,
            "late": found.lacks_stamp(now),
        },
        "checkpoint": None
        if newest is None
        else {"size": newest.size, "time": newest.time, "fingerprint": newest.fingerprint},
        "anchors": {
            kind: {"size": row.size, "holder": row.holder, "made": row.made}
            for kind, row in found.anchors.items()
        },
    }


def _status_lines(found: Status, now: datetime) -> list[str]:
    from worker.cli.layout import heading, wrapped

    title = _("{employer} (prøve)").format(employer=found.employer) if found.rehearsal else found.employer
    facts = _("{count} fakta, avtrykk {fingerprint}").format(
        count=format_number(found.facts), fingerprint=found.fingerprint
    )
    lines = [heading(title), *wrapped(facts, 2)]
    newest = found.checkpoint
    if newest is None:
        lines += wrapped(_("Kontrollpunkt: ingen ennå."), 2)
    else:
        text = _("Kontrollpunkt: {count} fakta, {when}").format(
            count=format_number(newest.size), when=format_moment(newest.time)
        )
        lines += wrapped(text, 2)
    if found.uncovered and found.uncovered_since is not None:
        text = ngettext(
            "{count} faktum er ikke dekket av et kontrollpunkt; det er fra {when}.",
            "{count} fakta er ikke dekket av et kontrollpunkt; det første er fra {when}.",
            found.uncovered,
        )
        lines += wrapped(text.format(count=found.uncovered, when=format_moment(found.uncovered_since)), 2)
    for kind, row in found.anchors.items():
        lines += wrapped(_anchor_line(kind, row, now), 2)
    return [*lines, *_stamp_lines(found, now), *_outside_lines(found, now)]


def _anchor_line(kind: AnchorKind, row: AnchorRow, now: datetime) -> str:
    text = _("Utenfor: {kind} hos {holder}, {count} fakta, {when} ({age} siden)")
    return text.format(
        kind=_(KINDS[kind]), holder=row.holder, count=format_number(row.size), when=format_moment(row.made),
        age=_age(row.made, now),
    )  # fmt: skip


def _stamp_lines(found: Status, now: datetime) -> list[str]:
    """That the authority which workers ask once a day does not answer; nothing when it does, or none is set."""
    from activities.timestamps import authority
    from worker.cli.layout import wrapped

    url = frame().settings.timestamp_url
    if url is None or not found.lacks_stamp(now) or found.unstamped_since is None:
        return []
    text = _("✗ {host} har ikke stemplet det som er ført siden {when}.").format(
        host=authority(url), when=format_moment(found.unstamped_since)
    )
    remedy = _("Spør selv, og se hva som er i veien: {command}").format(command="forsvarlig ledger timestamp")
    return [*wrapped(text, 2), *wrapped(remedy, 4)]


def _outside_lines(found: Status, now: datetime) -> list[str]:
    from worker.cli.layout import wrapped

    if found.rehearsal or found.unanchored_since is None:
        return []
    text = ngettext(
        "{count} faktum er ikke i noe anker utenfor; det er fra {when}.",
        "{count} fakta er ikke i noe anker utenfor; det første er fra {when}.",
        found.unanchored,
    ).format(count=format_number(found.unanchored), when=format_moment(found.unanchored_since))
    if not found.is_late(now):
        return wrapped(text, 2)
    late = _("Det er over et døgn siden. Lag et anker, og gi det til noen andre: {command}").format(
        command="forsvarlig ledger pin"
    )
    return [*wrapped(f"✗ {text}", 2), *wrapped(late, 4)]


def _age(then: datetime, now: datetime) -> str:
    hours = max(int((now - then).total_seconds() // 3600), 0)
    if hours < 48:
        return ngettext("{count} time", "{count} timer", hours).format(count=hours)
    return ngettext("{count} dag", "{count} dager", hours // 24).format(count=hours // 24)


async def _checkpoint(employer: str | None) -> None:
    async with ledgers(employer) as (database, homes):
        made = [(home.id, await newest_checkpoint(database, home.id)) for home in homes]
    emit(
        "ledger-checkpoint",
        {
            "checkpoints": [
                {
                    "employer": employer, "new": each.new, "size": each.checkpoint.size,
                    "time": each.checkpoint.time, "fingerprint": each.checkpoint.fingerprint,
                    "note": each.note,
                }
                for employer, each in made
            ]
        },
        table=lambda: "\n".join(_made_lines(made)),
    )  # fmt: skip


def _made_lines(made: Sequence[tuple[str, Made]]) -> list[str]:
    from worker.cli.receipts import keep

    lines = []
    for employer, each in made:
        text = _("{employer}: nytt kontrollpunkt over {count} fakta.") if each.new else _(
            "{employer}: kontrollpunktet over {count} fakta dekker alt."
        )  # fmt: skip
        lines += [text.format(employer=employer, count=format_number(each.checkpoint.size))]
        lines += [keep(each.checkpoint.fingerprint)]
    return lines


async def _rotate(lost: bool) -> None:
    from activities.checkpoints import LogKeyError
    from activities.signatures import KeyFileError
    from activities.signed_heads import SignedHeads, TakenBack
    from worker.cli import clock
    from worker.cli.employers import store
    from worker.cli.ledger_restored import taken_back
    from worker.log_key import NotLost, rotate_log_key

    place, signed = frame().settings.log_key, SignedHeads(frame().settings.signed_heads)
    try:
        async with store() as database:
            done = await rotate_log_key(database, place, clock.now, signed, lost=lost)
    except LogKeyError as error:
        raise log_key_failure(error) from error
    except TakenBack as error:
        raise taken_back(error) from error
    except KeyFileError as error:
        if error.fault != "missing":
            raise
        raise _no_key(place) from error
    except NotLost as error:
        raise Conflict(
            _("Nøkkelen i {file} er den som gjelder, så den er ikke borte.").format(file=error.file),
            _("Bytt den uten --lost. Er den på avveie, flytt filen bort først."),
        ) from error
    emit(
        "ledger-rotate-key",
        {"key": done.key, "file": place, "kept": done.kept, "lost": lost, "employers": done.employers},
        table=lambda: "\n".join(_rotated_lines(done.key, place, done.kept, done.employers)),
    )


def _no_key(place: Path) -> Failure:
    return Conflict(
        _("Nøkkelen som kontrollpunktene signeres med, ligger ikke i {file}.").format(file=place),
        _(
            "Hent filen fra sikkerhetskopien. Finnes den ikke der: forsvarlig ledger rotate-key --lost. Er ingen "
            "laget ennå: forsvarlig ledger checkpoint"
        ),
    )


def _rotated_lines(key: str, place: Path, kept: Path | None, employers: Sequence[str]) -> list[str]:
    lines = [
        _("Kontrollpunktene signeres fra nå av med nøkkelen {key}, i {file}.").format(key=key, file=place),
    ]
    if kept is not None:
        lines.append(_("Den gamle har signert for den nye, og ligger i {file}.").format(file=kept))
    else:
        lines.append(
            _(
                "Ingen gammel nøkkel har signert for den nye. Det står i hovedboken, og den som kontrollerer den, "
                "får se det. Vis fram et anker fra før byttet for at de skal tro det."
            )
        )
    if employers:
        lines.append(_("Gjelder for {employers}.").format(employers=", ".join(employers)))
    return [*lines, _("Lag et nytt anker, og gi det til verneombudet: {command}").format(
        command="forsvarlig ledger pin"
    )]  # fmt: skip
