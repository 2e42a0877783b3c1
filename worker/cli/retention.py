"""`forsvarlig retention`: how long records are kept, who decided it, and what is due."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from activities.language import N_, _, current, format_day, format_number, ngettext
from activities.words import capital
from worker.cli.choices import Meaning
from worker.cli.desk import Desk, answer, at_desk
from worker.cli.erasing import files, old_pages, refusal
from worker.cli.fact_sentences import sentence
from worker.cli.fact_words import REASONS, RECORDS
from worker.cli.failures import Conflict, Failure
from worker.cli.frame import emit, working
from worker.cli.options import WHO, employer_option, nonce_option
from worker.cli.receipts import recorded
from worker.cli.signing import key_option
from workflows.rules.terms import Records, Refusal

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from activities.retention import Due, Retention
    from workflows.rules.retention import Kept, Schedule

_FROM: Final = {
    "year_end": N_("utgangen av året det gjaldt"),
    "deposited": N_("da teksten ble lagt inn"),
    "left": N_("da personen sluttet"),
    "delivered": N_("da det ble sendt"),
    "written": N_("da filen ble skrevet"),
}


@click.group(
    help=N_(
        "Vis og bestem hvor lenge opplysninger lagres. Hvert år 15. januar slettes det som er lagret lenge nok; "
        "det føres i historikken hva som gikk."
    )
)
def retention() -> None:
    """How long records are kept."""


@retention.command(help=N_("Vis lagringstidene som gjelder, med grunn, grenser og hva som kan slettes nå."))
@employer_option
def show(employer: str | None) -> None:
    """Print the schedule in force."""
    asyncio.run(_show(employer))


@retention.command(
    "set",
    help=N_(
        "Bestem hvor lenge et slag opplysninger lagres. Det gjør øverste leder eller HR, med grunn. En kortere "
        "tid gjelder fra tretti dager etter at den er bestemt; verneombudene får beskjed."
    ),
)
@click.argument("records", type=Meaning(RECORDS), metavar=N_("SLAG"))
@click.argument("days", type=click.IntRange(0, 36_500), metavar=N_("DAGER"))
@click.option("--as", "actor", required=True, metavar=N_("PERSON"), help=WHO)
@click.option("--comment", required=True, metavar=N_("TEKST"), help=N_("Grunnen."))
@employer_option
@key_option
@nonce_option
def set_(
    records: Records, days: int, actor: str, comment: str, employer: str | None, key_file: Path | None,
    nonce: str,
) -> None:  # fmt: skip
    """Decide how long records of a kind are kept."""
    asyncio.run(_set(records, days, actor, comment, employer, key_file, nonce))


@retention.command(help=N_("Slett nå det som er lagret lenge nok, i stedet for å vente til 15. januar."))
@click.option("--dry-run", is_flag=True, help=N_("Vis bare hva som ville blitt slettet."))
@employer_option
def run(dry_run: bool, employer: str | None) -> None:
    """Erase what is due."""
    asyncio.run(_run(dry_run, employer))


# --- what they do ---------------------------------------------------------------------------------


async def _show(employer: str | None) -> None:
    from activities.retention import schedule_of

    async with at_desk(employer) as desk:
        async with desk.database.read() as reader:
            schedule = await schedule_of(reader, desk.employer, desk.today)
        due = await _retention(desk).due(desk.employer)
    data = {
        "employer": desk.employer,
        "on": desk.today,
        "rules": [rule.model_dump() for rule in schedule.rules],
        "due": [found._asdict() for found in due],
    }
    emit("retention", data, table=lambda: _table(schedule, due))


async def _set(
    records: Records, days: int, actor: str, comment: str, employer: str | None, key_file: Path | None,
    nonce: str,
) -> None:  # fmt: skip
    from activities.erasure import shipped_schedule
    from activities.ledger.log import commit
    from activities.retention import schedule_of
    from worker.cli.signing import desk as doors
    from worker.cli.signing import own_key
    from workflows.rules.statement import SetRetention

    async with at_desk(employer) as desk:
        says = desk.person(actor, "--as")
        text, commitment = commit(comment) if comment.strip() else (None, None)
        receipt = await doors(desk.database).act(
            desk.employer, says, SetRetention(records=records, days=days, comment=commitment), now=desk.now,
            nonce=nonce, own=own_key(desk.employer, says, key_file), texts=[text] if text else [],
        )  # fmt: skip
        async with desk.database.read() as reader:
            counts = (await schedule_of(reader, desk.employer, desk.today)).rule(records).days
    lines = [sentence(receipt.fact.body, says, desk.names)] if receipt.accepted else [""]
    if receipt.accepted and counts != days:
        lines.append(
            _("Det er kortere enn før, og gjelder om tretti dager. Til da lagres det i {days} dager.").format(
                days=format_number(counts or 0)
            )
        )
    document = {"records": records, "days": days, "days_today": counts, "nonce": nonce}
    limits = shipped_schedule().rule(records)
    answer("retention-set", receipt, document, lines, _refusal(receipt, limits))


async def _run(dry_run: bool, employer: str | None) -> None:
    async with at_desk(employer) as desk:
        found = _retention(desk)
        due = await found.due(desk.employer)
        clean = True
        if not dry_run:
            with working(_("Sletter …")):
                more = True
                while more:
                    _count, more = await found.erase(desk.employer)
                clean = await found.finish(desk.employer)
    data: dict[str, Any] = {
        "employer": desk.employer,
        "dry_run": dry_run,
        "erased": [one._asdict() for one in due],
        "old_pages_gone": clean,
    }
    lines = [_told(due, dry_run), *([] if clean else [old_pages()])]
    emit("retention-run", data, table=lambda: "\n".join(lines))


def _refusal(receipt: Receipt, rule: Kept) -> Failure:
    if receipt.reason not in (Refusal.KEPT_TOO_SHORT, Refusal.KEPT_TOO_LONG):
        return refusal(receipt)
    problem = _("Nektet: {reason}.").format(reason=_(REASONS[receipt.reason]))
    remedy = _("Velg fra {least} til {most} dager, og se hvorfor: forsvarlig retention show")
    if rule.days is None:
        remedy = _("Dette blir stående så lenge hovedboken finnes, og kan ikke få noen lagringstid.")
    return Conflict(recorded(problem, receipt), remedy.format(least=rule.least, most=rule.most))


def _retention(desk: Desk) -> Retention:
    from activities.retention import Retention

    return Retention(desk.database, files(), lambda: desk.now)


def _told(due: list[Due], dry_run: bool) -> str:
    if not due:
        return _("Ingenting er lagret lenge nok til å slettes.")
    first = _("Dette ville blitt slettet:") if dry_run else _("Dette er slettet:")
    line = _("- {what}: {count}, fra før {day}")
    return "\n".join(
        [
            first,
            *(
                line.format(
                    what=_(RECORDS[one.records]), count=format_number(one.number), day=format_day(one.before)
                )
                for one in due
            ),
        ]
    )


def _table(schedule: Schedule, due: list[Due]) -> Any:
    from worker.cli.tables import Column, heading, plain, stacked, table

    waiting = {one.records: one.number for one in due}
    columns = [
        Column(_("Opplysning")), Column(_("Lagres"), fixed=True), Column(_("Regnes fra")),
        Column(_("Grenser"), fixed=True), Column(_("Kan slettes"), fixed=True, right=True),
    ]  # fmt: skip
    rows = [_cells(rule, waiting.get(rule.records, 0)) for rule in schedule.rules]
    language = current()
    reasons = [
        plain(f"{capital(_(RECORDS[rule.records]))}: {rule.why.in_(language)} ({rule.ground})")
        for rule in schedule.rules
    ]
    return stacked(table(columns, rows), heading(_("Hvorfor")), *reasons)


def _cells(rule: Kept, waiting: int) -> tuple[str, ...]:
    number = format_number(waiting) if waiting else ""
    if rule.days is None:
        return (f"{_(RECORDS[rule.records])} ({rule.records})", _("alltid"), "", "", number)
    limits = _("{least} til {most}").format(least=_long(rule.least), most=_long(rule.most))
    what = f"{_(RECORDS[rule.records])} ({rule.records})"
    return what, _long(rule.days), _(_FROM[rule.counts_from]), limits, number


def _long(days: int) -> str:
    """A number of days, as years where it is as long as some whole years are."""
    years = round(days / 365.25)
    if years and 365 * years <= days <= 366 * years and abs(days - 365.25 * years) < 1:
        return ngettext("{count} år", "{count} år", years).format(count=years)
    return ngettext("{count} dag", "{count} dager", days).format(count=format_number(days))
