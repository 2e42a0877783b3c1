"""A ledger that does not begin with what this machine has signed of it: how that is said, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.language import _, format_number
from worker.cli.failures import Conflict, Failure, head_file
from worker.cli.frame import emit, frame
from worker.cli.ledger_given import damaged, log_key_failure, one_ledger

if TYPE_CHECKING:
    from activities.checkpoints import Made
    from activities.signed_heads import TakenBack
    from activities.store.database import Reader
    from workflows.rules.terms import Restored

COMMAND = "forsvarlig ledger checkpoint --after-restore --reason backup"


def problem(error: TakenBack) -> str:
    """What is wrong with the ledger."""
    return _(
        "Hovedboken til {employer} ({size} fakta) begynner ikke med de {signed} fakta som er signert her. Den er "
        "endret utenfra, eller en eldre kopi er lagt tilbake. Ingen kontrollpunkter lages; årene går videre."
    ).format(employer=error.employer, size=format_number(error.size), signed=format_number(error.signed))


def remedy() -> str:
    """What to do about it."""
    return _(
        "Har dere lagt tilbake en sikkerhetskopi, si det: {command}. Ellers: ta vare på databasen og mappen {folder} "
        "slik de er, finn ut hvem som har vært i databasen, og si fra til verneombudet."
    ).format(command=COMMAND, folder=frame().settings.signed_heads)


def taken_back(error: TakenBack) -> Failure:
    """Why no checkpoint is made, and what to do."""
    return Conflict(problem(error), remedy())


async def in_the_way(reader: Reader, employer: str) -> Failure | None:
    """What keeps this machine from signing the employer's ledger, if anything does."""
    from activities.signed_heads import HeadFileError, SignedHeads, TakenBack, grown_out_of

    try:
        signed = SignedHeads(frame().settings.signed_heads).of(employer)
        if signed is not None:
            await grown_out_of(reader, employer, signed)
    except TakenBack as error:
        return taken_back(error)
    except HeadFileError as error:
        return head_file(error.path, error.fault)
    return None


async def go_on(employer: str | None, reason: Restored) -> None:
    """Sign the ledger as it is, and record that it does not begin with what was signed."""
    from activities.checkpoints import Checkpoints, LogKeyError, NotTakenBack
    from activities.ledger.log import LedgerError
    from activities.ledger.notes import NoteError
    from activities.signatures import SigningKey
    from activities.signed_heads import SignedHeads
    from worker.cli import clock
    from workflows.rules.stored_facts import FactError

    settings = frame().settings
    key, signed = SigningKey.load_or_make(settings.log_key), SignedHeads(settings.signed_heads)
    async with one_ledger(employer) as (database, home):
        try:
            made = await Checkpoints(database, key, clock.now, signed).go_on_after_restore(home.id, reason)
        except NotTakenBack as error:
            raise Conflict(
                _(
                    "Hovedboken til {employer} begynner med alt som er signert her, så ingenting er i veien."
                ).format(employer=home.id),
                "forsvarlig ledger checkpoint",
            ) from error
        except LogKeyError as error:
            raise log_key_failure(error) from error
        except (LedgerError, FactError, NoteError) as error:
            raise damaged(error) from error
    emit(
        "ledger-checkpoint-after-restore",
        {
            "employer": home.id, "reason": reason, "size": made.checkpoint.size,
            "fingerprint": made.checkpoint.fingerprint, "note": made.note,
        },
        table=lambda: "\n".join(_lines(home.id, made)),
    )  # fmt: skip


def _lines(employer: str, made: Made) -> list[str]:
    from worker.cli.layout import wrapped
    from worker.cli.receipts import keep

    text = _(
        "Hovedboken til {employer} går videre med {size} fakta. Det er ført at den ikke begynner med det som var "
        "signert; ankere fra før viser det samme. Gi verneombudet et nytt: {command}"
    )
    said = text.format(
        employer=employer, size=format_number(made.checkpoint.size), command="forsvarlig ledger pin"
    )
    return [*wrapped(said), *wrapped(keep(made.checkpoint.fingerprint))]
