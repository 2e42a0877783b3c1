"""`forsvarlig delegate`: hand what is asked of you to somebody else for a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from activities.language import N_, _
from activities.words import ROLES, listed
from worker.cli.choices import Meaning
from worker.cli.desk import Desk, answer, at_desk
from worker.cli.frame import emit
from worker.cli.handing import deputy_note, first_day_after, handed_on, last_day, not_over, refused, scope_of
from worker.cli.moments import DAY
from worker.cli.naming import name, visible
from worker.cli.options import WHO, employer_option, nonce_option
from worker.cli.signing import key_option
from worker.cli.words import day_and_year, whole_day
from workflows.rules.authority_facts import Delegated, DelegationEnded
from workflows.rules.organisation import Delegation, Role

STEP = re.compile(r"([A-Z][0-9]{2,3})(?:\.[0-9]{1,2})?")


@click.group(
    invoke_without_command=True,
    help=N_(
        "Gi en annen fullmakt til å svare på det du blir spurt om, for en tid. Du kan fortsatt svare selv, og begge "
        "navnene blir stående. Ansvaret blir hos arbeidsgiver. Et verv som verneombud kan ingen gi fullmakt til."
    ),
)
@click.option("--as", "person", metavar=N_("PERSON"), help=WHO)
@click.option("--to", metavar=N_("PERSON"), help=N_("Den som skal gjøre det."))
@click.option("--from", "since", type=DAY, metavar=N_("DATO"), help=N_("Den første dagen (i dag)."))
@click.option("--until", type=DAY, metavar=N_("DATO"), help=N_("Den siste dagen, som er med."))
@click.option(
    "--role",
    type=Meaning({role.value: words[0] for role, words in ROLES.items()}),
    metavar=N_("ROLLE"),
    help=N_("Bare det du blir spurt om i denne rollen."),
)
@click.option("--unit", metavar=N_("ENHET"), help=N_("Bare i denne enheten og dem under den."))
@click.option("--step", "key", metavar=N_("STEG"), help=N_("Bare i dette steget, som Y15."))
@employer_option
@key_option
@nonce_option
@click.pass_context
def delegate(context: click.Context, /, **options: Any) -> None:
    """Record a delegation."""
    given = {"--as": options["person"], "--to": options["to"], "--until": options["until"]}
    if context.invoked_subcommand is not None:
        if any(value is not None for value in given.values()):
            raise click.UsageError(
                _("Skriv valgene etter «{command}».").format(command=context.invoked_subcommand)
            )
        return
    missing = [option for option, value in given.items() if value is None]
    if missing:
        raise click.UsageError(_("Det mangler {what}.").format(what=listed(missing)))
    asyncio.run(_delegate(**options))


async def _delegate(
    person: str,
    to: str,
    since: date | None,
    until: date,
    role: str | None,
    unit: str | None,
    key: str | None,
    employer: str | None,
    key_file: Path | None,
    nonce: str,
) -> None:
    from worker.cli.places import find_unit
    from workflows.rules.statement import Delegate

    async with at_desk(employer) as desk:
        actor, other = desk.person(person, "--as"), desk.person(to, "--to")
        act = Delegate(
            person=actor, to=other, since=since if since else desk.today,
            until=first_day_after(until), role=Role(role) if role else None,
            unit=find_unit(desk.organisation, unit) if unit else None,
            step=await _step(desk, key) if key else None,
        )  # fmt: skip
        receipt = await desk.act(actor, act, nonce, key_file)
        body = receipt.fact.body
        id = body.delegation if isinstance(body, Delegated) else None
        handed = Delegation(id=id or "-", **act.model_dump(exclude={"act"}))
        note = deputy_note(desk.organisation, actor, handed, desk.names) if role is None else None
        said = handed_on(handed, desk.organisation, desk.names)
        end = _("Vil du avslutte før: {command}").format(command=f"forsvarlig delegate end {id} --as {actor}")
        answer(
            "delegation", receipt, {"delegation": id, **_row(handed), "nonce": nonce},
            [said, *([note] if note else []), end], refused(desk, receipt, actor, actor, other),
        )  # fmt: skip


async def _step(desk: Desk, text: str) -> str:
    """The id of the step that is meant; it must be one of a year that runs, when one does."""
    from workflows.rules.programme import Programme

    found = STEP.fullmatch(text.strip().upper())
    if found is None:
        raise click.BadParameter(
            _("«{text}» er ikke et steg; et steg er som Y15.").format(text=visible(text)), param_hint="--step"
        )
    async with desk.database.read() as reader:
        running = await reader.cycles(employer=desk.employer, state="running")
        programmes = [await reader.rulebook(hash) for hash in dict.fromkeys(c.programme for c in running)]
    ids = {step.id for text in programmes for step in Programme.model_validate_json(text).steps}
    if ids and found[1] not in ids:
        from worker.cli.failures import NotFound

        raise NotFound(
            _("Ingen av årene som går, har et steg {step}.").format(step=found[1]),
            _("Se stegene: forsvarlig plan"),
        )
    return found[1]


@delegate.command("list", help=N_("Vis fullmaktene som gjelder eller skal begynne."))
@click.option("--all", "everything", is_flag=True, help=N_("Vis også dem som er over."))
@employer_option
def list_(everything: bool, employer: str | None) -> None:
    """Print the delegations."""
    asyncio.run(_list(everything, employer))


async def _list(everything: bool, employer: str | None) -> None:
    async with at_desk(employer) as desk:
        known = desk.organisation.delegations
        shown = known if everything else not_over(known, desk.today)
        rows = [d for d in shown if isinstance(d, Delegation)]
        data = {
            "employer": desk.employer,
            "delegations": [{"delegation": d.id, **_row(d), "in_force": d.holds_on(desk.today)} for d in rows],
        }  # fmt: skip
        emit("delegations", data, table=lambda: _table(desk, rows))


def _row(delegation: Delegation) -> dict[str, Any]:
    return delegation.model_dump(exclude={"id"})


def _table(desk: Desk, rows: Sequence[Delegation]) -> Any:
    from worker.cli.tables import Column, table

    if not rows:
        return _("Ingen har gitt fullmakt.")
    columns = [
        Column(_("Fra")), Column(_("Til")), Column(_("Hva")),
        Column(_("Første dag"), fixed=True), Column(_("Siste dag"), fixed=True),
        Column(_("Id"), fixed=True, style="dim"),
    ]  # fmt: skip
    cells = []
    for d in rows:
        last = last_day(d.until)
        never = last is not None and last < d.since
        cells.append(
            (
                name(d.person, desk.names), name(d.to, desk.names), scope_of(d, desk.organisation),
                day_and_year(d.since), _("aldri") if never else day_and_year(last) if last else "", d.id,
            )
        )  # fmt: skip
    return table(columns, cells)


@delegate.command(
    help=N_(
        "Avslutt en fullmakt før tiden. Det kan begge de to gjøre; er det noe som arbeidsgiver skal gjøre, kan "
        "også lederen og HR."
    )
)
@click.argument("delegation", metavar=N_("ID"))
@click.option("--as", "person", required=True, metavar=N_("PERSON"), help=WHO)
@click.option(
    "--on", "on", type=DAY, metavar=N_("DATO"), help=N_("Den første dagen uten fullmakten (i dag).")
)
@employer_option
@key_option
@nonce_option
def end(
    delegation: str,
    person: str,
    on: date | None,
    employer: str | None,
    key_file: Path | None,
    nonce: str,
) -> None:
    """End a delegation."""
    asyncio.run(_end(delegation, person, on, employer, key_file, nonce))


async def _end(
    id: str, person: str, on: date | None, employer: str | None, key_file: Path | None, nonce: str
) -> None:
    from worker.cli.failures import NotFound
    from workflows.rules.statement import EndDelegation

    async with at_desk(employer) as desk:
        actor = desk.person(person, "--as")
        found = next((d for d in desk.organisation.delegations if d.id == id.strip().lower()), None)
        if found is None:
            raise NotFound(
                _("Ingen fullmakt har id-en «{id}».").format(id=visible(id)),
                _("Se fullmaktene: forsvarlig delegate list"),
            )
        act = EndDelegation(delegation=found.id, until=on if on else desk.today)
        receipt = await desk.act(actor, act, nonce, key_file)
        ended = receipt.fact.body.until if isinstance(receipt.fact.body, DelegationEnded) else act.until
        said = _("Fullmakten fra {person} til {to} gjelder ikke lenger fra {day}.").format(
            person=name(found.person, desk.names), to=name(found.to, desk.names), day=whole_day(ended)
        )
        document = {"delegation": found.id, **_row(found), "until": act.until, "nonce": nonce}
        answer(
            "delegation_ended",
            receipt,
            document,
            [said],
            refused(desk, receipt, actor, found.person, found.to),
        )
