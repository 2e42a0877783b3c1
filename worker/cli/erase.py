"""`forsvarlig erase`: texts, documents and names, before their time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from activities.language import N_, _, format_moment, ngettext
from activities.words import listed
from worker.cli.choices import Meaning
from worker.cli.confirm import confirm
from worker.cli.desk import Desk, at_desk
from worker.cli.erasing import (
    clean,
    dossiers_since,
    files,
    foreseen,
    refusal,
    told_of_dossiers,
    waits_for,
    who_may_agree,
)
from worker.cli.fact_sentences import sentence
from worker.cli.fact_words import REASONS
from worker.cli.failures import Conflict, NotFound
from worker.cli.frame import PROGRAM, emit, frame
from worker.cli.layout import wrapped
from worker.cli.naming import name, short_hash
from worker.cli.options import WHO, employer_option, nonce_option, number
from worker.cli.receipts import keep, noted
from worker.cli.signing import key_option
from workflows.rules.events import AttemptRefused, EvidenceSubmitted, Fact
from workflows.rules.record_facts import ErasureAsked

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from activities.store.rows import PersonRow
    from workflows.rules.statement import EraseDocument, ErasePerson, EraseText

_who = click.option("--as", "actor", required=True, metavar=N_("PERSON"), help=WHO)
_yes = click.option("--yes", is_flag=True, help=N_("Ikke spør først."))
_dry_run = click.option("--dry-run", is_flag=True, help=N_("Vis bare hva som ville skje."))


_TEXT_BASES: Final = {
    "request": N_("den det gjelder, ba om det"),
    "mistake": N_("det skulle aldri vært der"),
}
_text_basis = click.option(
    "--basis",
    required=True,
    type=Meaning(_TEXT_BASES),
    metavar=N_("GRUNN"),
    help=N_("request (den det gjelder, ba om det) eller mistake (det skulle aldri vært der)."),
)


@click.group(
    help=N_(
        "Slett tekster, dokumenter og navn før lagringstiden er ute. At noe ble skrevet, når og av hvem, blir "
        "stående, og hovedboken kan kontrolleres som før.\n\n"
        "En tekst slettes når to har sagt ja: øverste leder eller HR, og den som skrev den. Ingen leder kan slette "
        "det et verneombud har skrevet. Det som er skrevet for arbeidsgiver, krever et verneombuds ja."
    )
)
def erase() -> None:
    """Erase before the time is up."""


@erase.command(help=N_("Slett det som er skrevet i hendelser, gitt med nummeret i historikken."))
@click.argument("numbers", nargs=-1, required=True, type=number(1), metavar=N_("NR..."))
@_who
@_text_basis
@_dry_run
@_yes
@employer_option
@key_option
@nonce_option
def text(
    numbers: tuple[int, ...], actor: str, basis: Literal["request", "mistake"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    """Say that what was written with these facts may be erased."""
    asyncio.run(_text(numbers, actor, basis, dry_run, yes, employer, key_file, nonce))


@erase.command(help=N_("Slett innholdet i et dokument, gitt med nummeret der det ble lagt fram."))
@click.argument("number", type=number(1), metavar=N_("NR"))
@_who
@_text_basis
@_dry_run
@_yes
@employer_option
@key_option
@nonce_option
def document(
    number: int, actor: str, basis: Literal["request", "mistake"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    """Say that the content of a filed document may be erased."""
    asyncio.run(_document(number, actor, basis, dry_run, yes, employer, key_file, nonce))


@erase.command(
    help=N_(
        "Slett navn, adresse og nummer til en som har sluttet. Historikken viser rollen og «slettet person» "
        "etterpå. Det gjør øverste leder eller HR."
    )
)
@click.argument("who", metavar=N_("PERSON"))
@_who
@click.option(
    "--basis",
    required=True,
    type=Meaning({**_TEXT_BASES, "left": N_("har sluttet")}),
    metavar=N_("GRUNN"),
    help=N_(
        "request (den det gjelder, ba om det), mistake (det skulle aldri vært der) eller left (har sluttet)."
    ),
)
@_dry_run
@_yes
@employer_option
@key_option
@nonce_option
def person(
    who: str, actor: str, basis: Literal["request", "mistake", "left"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    """Erase somebody's name."""
    asyncio.run(_person(who, actor, basis, dry_run, yes, employer, key_file, nonce))


@erase.command(name="list", help=N_("Vis hva noen vil ha slettet, og hvem som må være enig."))
@employer_option
def list_(employer: str | None) -> None:
    """Print what waits for somebody's word."""
    asyncio.run(_list(employer))


@erase.command(
    help=N_(
        "Kontroller alt som er slettet, fra hovedboken alene: at lagringstiden var ute, eller at begge sider hadde "
        "sagt ja med signaturer som stemmer."
    )
)
@employer_option
def check(employer: str | None) -> None:
    """Judge again everything that was erased."""
    asyncio.run(_check(employer))


# --- texts ----------------------------------------------------------------------------------------


async def _text(
    numbers: Sequence[int], actor: str, basis: Literal["request", "mistake"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    from workflows.rules.statement import EraseText

    async with at_desk(employer) as desk:
        says = desk.person(actor, "--as")
        facts = [await _at(desk, number) for number in dict.fromkeys(numbers)]
        act = EraseText(facts=tuple(fact.id for _seq, fact in facts), basis=basis)
        dossiers = await dossiers_since(desk, min(seq for seq, _fact in facts), names=False)
        agree = await who_may_agree(desk, [fact for _seq, fact in facts], says)
        shown = [_("Dette gjelder det som er skrevet i:"), *(_line(desk, seq, fact) for seq, fact in facts)]
        await _carried_out(
            desk, says, act, shown, agree, dossiers, dry_run, yes, key_file, nonce,
            {"places": [seq for seq, _fact in facts]},
        )  # fmt: skip


async def _document(
    number: int, actor: str, basis: Literal["request", "mistake"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    from workflows.rules.statement import EraseDocument

    async with at_desk(employer) as desk:
        says = desk.person(actor, "--as")
        seq, fact = await _at(desk, number)
        if not isinstance(fact.body, EvidenceSubmitted):
            raise NotFound(
                _("Nr. {seq} la ikke fram noe dokument.").format(seq=seq),
                f"{PROGRAM} history --kind evidence_submitted",
            )
        hash = fact.body.document
        async with desk.database.read() as reader:
            row = await reader.document(hash)
        called = row.name if row is not None and row.name else short_hash(hash)
        shown = [_("Dette gjelder dokumentet «{name}»:").format(name=called), _line(desk, seq, fact)]
        dossiers = await dossiers_since(desk, seq, names=False)
        agree = await who_may_agree(desk, [fact], says)
        act = EraseDocument(document=hash, basis=basis)
        await _carried_out(
            desk, says, act, shown, agree, dossiers, dry_run, yes, key_file, nonce, {"document": hash}
        )


async def _person(
    who: str, actor: str, basis: Literal["request", "mistake", "left"], dry_run: bool, yes: bool,
    employer: str | None, key_file: Path | None, nonce: str,
) -> None:  # fmt: skip
    from activities.store.erasing import texts_with
    from workflows.rules.statement import ErasePerson

    async with at_desk(employer) as desk:
        says = desk.person(actor, "--as")
        row = desk.directory[desk.person(who, "")]
        act = ErasePerson(person=row.id, basis=basis)
        async with desk.database.read() as reader:
            naming = await texts_with(reader, desk.employer, [row.name]) if row.name else []
        mails = len(await files().mails_about(row)) if row.name else 0
        shown = [_("Dette gjelder navn, adresse og nummer til {name}.").format(name=name(row.id, desk.names))]
        if mails:
            shown.append(ngettext(
                "Én e-post i e-postmappen nevner personen, og slettes.",
                "{count} e-poster i e-postmappen nevner personen, og slettes.", mails,
            ).format(count=mails))  # fmt: skip
        if naming:
            places = listed(str(seq) for seq, _fact in naming)
            shown.append(_("Navnet står i det som er skrevet i nr. {places}. Det slettes ikke her: {command}").format(
                places=places, command=f"{PROGRAM} erase text {naming[0][0]} --as …"
            ))  # fmt: skip
        dossiers = await dossiers_since(desk, 1, names=True)
        more = {"person": row.id, "mails": mails, "named_in": [seq for seq, _fact in naming]}
        await _carried_out(desk, says, act, shown, (), dossiers, dry_run, yes, key_file, nonce, more, row)


async def _carried_out(
    desk: Desk, says: str, act: EraseText | EraseDocument | ErasePerson, shown: list[str],
    agree: Sequence[str], dossiers: Sequence[tuple[int, Fact]], dry_run: bool, yes: bool,
    key_file: Path | None, nonce: str, more: dict[str, Any], row: PersonRow | None = None,
) -> None:  # fmt: skip
    """Show what will come of it, ask, do it, and delete what follows."""
    body = await foreseen(desk, says, act)
    document = {"basis": act.basis, "nonce": nonce, **more, "dossiers": [seq for seq, _fact in dossiers]}
    if isinstance(body, ErasureAsked):
        shown.append(waits_for(agree, desk.names))
    elif not isinstance(body, AttemptRefused):
        shown += [_("Det slettes nå, og kan ikke hentes tilbake."), *told_of_dossiers(dossiers, desk.names)]
    refused = isinstance(body, AttemptRefused)
    if dry_run:
        outcome = _("Ingenting er gjort.")
        if isinstance(body, AttemptRefused):
            outcome = _("Det ville blitt nektet: {reason}.").format(reason=_(REASONS[body.reason]))
        _emit({"accepted": not refused, "dry_run": True, "outcome": body.kind, **document}, [*shown, outcome])
        return
    if not refused:
        if not frame().json:
            click.echo("\n".join(_laid(shown)))
        question = _("Skal det slettes? [j/N]")
        if isinstance(body, ErasureAsked):
            question = _("Skal det føres at du vil ha det slettet? [j/N]")
        confirm(question, yes=yes)
    receipt = await _act(desk, says, act, nonce, key_file)
    document |= {
        "accepted": receipt.accepted, "dry_run": False, "outcome": receipt.fact.kind, "seq": receipt.seq,
        "repeated": receipt.repeated, "reason": receipt.reason, "fingerprint": receipt.fingerprint,
    }  # fmt: skip
    if not receipt.accepted:
        if frame().json:
            emit("erase", document, table="")
        raise refusal(receipt)
    erased = not isinstance(receipt.fact.body, ErasureAsked)
    left = await clean(desk.database, desk.employer, row) if erased else []
    told = noted(receipt, sentence(receipt.fact.body, says, desk.names))
    _emit(document, [told, *left, keep(receipt.fingerprint)])


async def _act(
    desk: Desk, says: str, act: EraseText | EraseDocument | ErasePerson, nonce: str, key: Path | None
) -> Receipt:
    from worker.cli.signing import desk as doors
    from worker.cli.signing import own_key

    own = own_key(desk.employer, says, key)
    return await doors(desk.database).act(desk.employer, says, act, now=desk.now, nonce=nonce, own=own)


def _emit(document: dict[str, Any], lines: Sequence[str]) -> None:
    emit("erase", document, table=lambda: "\n".join(_laid(lines)))


def _laid(lines: Sequence[str]) -> list[str]:
    return [part for line in lines for part in wrapped(line, hang=2)]


async def _at(desk: Desk, number: int) -> tuple[int, Fact]:
    async with desk.database.read() as reader:
        found = await reader.facts(desk.employer, after=number - 1, limit=1)
    if not found:
        raise NotFound(_("Historikken har ikke nr. {seq}.").format(seq=number), f"{PROGRAM} history")
    return found[0]


def _line(desk: Desk, seq: int, fact: Fact) -> str:
    text = _("- nr. {seq}, {when}: {what}")
    said = sentence(fact.body, fact.actor, desk.names)
    return text.format(seq=seq, when=format_moment(fact.recorded), what=said)


# --- what waits -----------------------------------------------------------------------------------


async def _list(employer: str | None) -> None:
    from activities.erasure import wishes

    async with at_desk(employer) as desk:
        async with desk.database.read() as reader:
            waiting = await wishes(reader, desk.employer, desk.now)
        rows = []
        lines = []
        for wish in waiting:
            agree = await who_may_agree(desk, [fact for _seq, fact in wish.about], wish.fact.actor)
            rows.append(
                {
                    "seq": wish.seq, "actor": wish.fact.actor, "recorded": wish.fact.recorded,
                    "basis": wish.asked.basis, "places": [seq for seq, _fact in wish.about],
                    "document": wish.asked.document, "agree": list(agree),
                }
            )  # fmt: skip
            lines.append(_line(desk, wish.seq, wish.fact))
            lines += [f"  {_line(desk, seq, fact)}" for seq, fact in wish.about]
            lines.append("  " + waits_for(agree, desk.names))
            what = "document" if wish.asked.document is not None else "text"
            places = " ".join(str(seq) for seq, _fact in wish.about[: 1 if what == "document" else None])
            lines.append(f"  {PROGRAM} erase {what} {places} --basis {wish.asked.basis} --as …")
        emit(
            "erasures", {"employer": desk.employer, "waiting": rows},
            table=lambda: "\n".join(lines) or _("Ingenting venter på å bli slettet."),
        )  # fmt: skip


# --- what was erased ------------------------------------------------------------------------------

_DOUBTS = {
    "too_early": N_("nr. {seq}: slettet før lagringstiden var ute"),
    "one_word": N_("nr. {seq}: slettet uten at begge sider hadde sagt ja"),
    "not_proven": N_("nr. {seq}: signaturen beviser ikke hvem som slettet"),
}


async def _check(employer: str | None) -> None:
    from activities.erasure_audit import audit

    async with at_desk(employer) as desk, desk.database.read() as reader:
        found = await audit(reader, desk.employer)
    lines = []
    for doubt in found.doubts:
        text = _(_DOUBTS[doubt.doubt]).format(seq=doubt.seq)
        about = _("det gjaldt nr. {seq}").format(seq=doubt.about)
        lines.append(f"{text} ({about})" if doubt.about is not None else text)
    text = ngettext("{count} sletting er kontrollert.", "{count} slettinger er kontrollert.", found.erasures)
    emit(
        "erasure-check", {"employer": desk.employer, **found.model_dump()},
        table=lambda: text.format(count=found.erasures),
    )  # fmt: skip
    if lines:
        raise Conflict(
            _("Noe er slettet slik det ikke skulle vært: {what}.").format(what="; ".join(lines)),
            _("Vis det til verneombudet og den som skrev det: forsvarlig history --kind texts_erased"),
        )
