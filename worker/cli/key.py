"""`forsvarlig key`: people's own signing keys, so that nobody else can speak for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.directory.people import names_of
from activities.language import N_, _, format_moment
from activities.words import REVOKED
from worker.cli.choices import Meaning
from worker.cli.fact_words import REASONS
from worker.cli.failures import BadInput, Conflict, NotFound
from worker.cli.frame import PROGRAM, emit
from worker.cli.naming import name
from worker.cli.options import WHO, employer_option, nonce_option
from worker.cli.proof_files import PUBLIC
from worker.cli.receipts import keep, recorded
from worker.cli.signing import key_option

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from activities.signatures import SigningKey
    from activities.store.database import Database, Reader
    from workflows.rules.statement import EnrolKey, RevokeKey
    from workflows.rules.terms import Refusal


@click.group(
    help=N_(
        "Vis, lag og trekk tilbake nøklene som folk signerer med. For den som har sin egen nøkkel, kan ingen andre "
        "svare så lenge den gjelder. HR og øverste leder kan trekke den tilbake, og det kan den som styrer denne "
        "maskinen, gjøre i deres navn. Det føres i historikken for alle å se, og personen og verneombudet får en "
        "e-post med en gang."
    )
)
def key() -> None:
    """Signing keys of people."""


@key.command(
    help=N_(
        "Lag din egen nøkkel og registrer den. Filen er bare for deg: den som har den, kan svare som deg. Får du "
        "e-post om at nøkkelen er trukket tilbake uten at du har bedt om det, lag en ny og si fra til "
        "verneombudet. En ny nøkkel når du har en fra før, signeres med den du har."
    )
)
@click.option("--as", "person", metavar=N_("PERSON"), help=WHO)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Hvor nøkkelen skal ligge, når det ikke er standardplassen."),
)
@click.option(
    "--offline", is_flag=True, help=N_("Lag bare filen, uten database, og skriv ut den offentlige nøkkelen.")
)
@key_option
@nonce_option
@employer_option
def new(
    person: str | None,
    file: Path | None,
    offline: bool,
    key_file: Path | None,
    nonce: str,
    employer: str | None,
) -> None:
    """Make a key file, and have it count."""
    if offline:
        if file is None or person is not None or key_file is not None:
            raise click.UsageError(_("--offline lager bare en fil: skriv --file, og la --as og --key være."))
        _offline(file)
        return
    if person is None:
        raise click.UsageError(_("Det mangler {what}.").format(what="--as"))
    asyncio.run(_new(person, file, key_file, nonce, employer))


@key.command(
    help=N_(
        "Registrer en nøkkel som er laget et annet sted. NØKKEL er den offentlige nøkkelen, som «forsvarlig key "
        "new --offline» skriver ut."
    )
)
@click.argument("public_key", metavar=N_("NØKKEL"))
@click.option("--as", "person", required=True, metavar=N_("PERSON"), help=WHO)
@key_option
@nonce_option
@employer_option
def enrol(public_key: str, person: str, key_file: Path | None, nonce: str, employer: str | None) -> None:
    """Have a key count for a person."""
    if len(public_key) != PUBLIC:
        raise click.UsageError(
            _("En offentlig nøkkel er {count} tegn, som «forsvarlig key new --offline» skriver ut.").format(
                count=PUBLIC
            )
        )
    asyncio.run(_enrol(public_key, person, key_file, nonce, employer))


@key.command(name="list", help=N_("Vis nøklene: hvem sine, fra når, og om de er trukket tilbake."))
@click.option("--person", metavar=N_("PERSON"), help=N_("Bare denne personens."))
@employer_option
def list_(person: str | None, employer: str | None) -> None:
    """The keys, oldest first."""
    asyncio.run(_list(person, employer))


@key.command(
    help=N_(
        "Trekk en nøkkel tilbake: den gjelder ikke fra nå av, og det den signerte før, står. Du kan trekke din "
        "egen; er den mistet, kan HR eller øverste leder gjøre det."
    )
)
@click.argument("key_id", metavar=N_("NØKKEL"))
@click.option("--as", "person", required=True, metavar=N_("PERSON"), help=WHO)
@click.option(
    "--reason",
    required=True,
    type=Meaning(REVOKED),
    metavar=N_("GRUNN"),
    help=N_("lost (mistet), stolen (på avveie), replaced (byttet ut) eller left (har sluttet)."),
)
@key_option
@nonce_option
@employer_option
def revoke(
    key_id: str, person: str, reason: str, key_file: Path | None, nonce: str, employer: str | None
) -> None:
    """Have a key count no longer."""
    asyncio.run(_revoke(key_id, person, reason, key_file, nonce, employer))


# --- what they do ---------------------------------------------------------------------------------


def _offline(file: Path) -> None:
    from activities.signatures import SigningKey

    made = SigningKey.new()
    made.save(file)
    said = _("Nøkkelen {key} ligger i {file}. Registrer den offentlige: {command}")
    emit(
        "key",
        {"key": made.id, "public_key": made.public_key, "file": str(file), "seq": None},
        table=lambda: "\n".join(
            (
                made.public_key,
                said.format(
                    key=made.id,
                    file=file,
                    command=f"{PROGRAM} key enrol {made.public_key} --as " + _("PERSON"),
                ),
            )
        ),
    )


class _Who(NamedTuple):
    employer: str
    person: str
    names: dict[str, str]


async def _who(reader: Reader, employer: str | None, text: str) -> _Who:
    from worker.cli.employers import chosen
    from worker.cli.people import find_person

    home = (await chosen(reader, employer)).id
    directory = await reader.people(home)
    names = names_of(directory)
    return _Who(home, find_person(directory, text).id, names)


async def _new(
    person: str, file: Path | None, key_file: Path | None, nonce: str, employer: str | None
) -> None:
    from activities.proof import Keys
    from activities.signatures import SigningKey
    from worker.cli.employers import store
    from worker.cli.signing import key_place, own_key
    from workflows.rules.statement import EnrolKey

    async with store() as database:
        async with database.read() as reader:
            who = await _who(reader, employer, person)
            ring = await Keys().of(reader, who.employer)
        usual = key_place(who.employer, who.person)
        place = file if file is not None else usual
        has = ring.own(who.person)
        own = own_key(who.employer, who.person, key_file) if has else None
        if place.exists() and (there := ring.keys.get(SigningKey.load(place).id)) is not None:
            if there.revoked is None:
                problem = _("Nøkkelen i {file} er registrert fra før, som nr. {seq} i historikken.")
            else:
                problem = _("Nøkkelen i {file} er trukket tilbake, som nr. {seq} i historikken.")
            raise Conflict(
                problem.format(file=place, seq=there.revoked or there.enrolled),
                _("Vil du ha en ny, flytt filen bort, eller velg et annet sted med --file."),
            )
        # A file that is there and does not count was left by a call that did not come to its end.
        made = SigningKey.load_or_make(place)
        receipt = await _act(
            database, who, EnrolKey(person=who.person, public_key=made.public_key), nonce, own
        )
    _told_enrolled(receipt, who, made.id, made.public_key, place)


async def _enrol(
    public_key: str, person: str, key_file: Path | None, nonce: str, employer: str | None
) -> None:
    from activities.proof import Keys
    from worker.cli.employers import store
    from worker.cli.signing import own_key
    from workflows.rules.statement import EnrolKey

    async with store() as database:
        async with database.read() as reader:
            who = await _who(reader, employer, person)
            ring = await Keys().of(reader, who.employer)
        own = own_key(who.employer, who.person, key_file) if ring.own(who.person) else None
        try:
            act = EnrolKey(person=who.person, public_key=public_key)
        except ValueError:
            raise BadInput(
                _("«{key}» er ingen offentlig nøkkel.").format(key=public_key),
                _("Skriv den slik «forsvarlig key new --offline» skrev den ut."),
            ) from None
        receipt = await _act(database, who, act, nonce, own)
    _told_enrolled(receipt, who, getattr(receipt.fact.body, "key", ""), public_key, None)


async def _revoke(
    key_id: str, person: str, reason: str, key_file: Path | None, nonce: str, employer: str | None
) -> None:
    from activities.proof import Keys
    from worker.cli.employers import store
    from worker.cli.signing import own_key
    from workflows.rules.statement import RevokeKey

    async with store() as database:
        async with database.read() as reader:
            who = await _who(reader, employer, person)
            ring = await Keys().of(reader, who.employer)
        wanted = key_id.strip().lower()
        if wanted not in ring.keys:
            raise NotFound(_("Ingen nøkkel heter «{key}».").format(key=wanted), f"{PROGRAM} key list")
        own = own_key(who.employer, who.person, key_file) if ring.own(who.person) else None
        act = RevokeKey.model_validate({"key": wanted, "reason": reason})
        receipt = await _act(database, who, act, nonce, own)
    _accepted(receipt, "key-revoke", {"key": wanted})
    told = _("Nøkkelen {key} gjelder ikke lenger ({why}). Ført som nr. {seq} i historikken.")
    emit(
        "key-revoke",
        {"accepted": True, "key": wanted, "reason": reason, **_record(receipt)},
        table="\n".join(
            [told.format(key=wanted, why=_(REVOKED[reason]), seq=receipt.seq), keep(receipt.fingerprint)]
        ),
    )


async def _act(
    database: Database, who: _Who, act: EnrolKey | RevokeKey, nonce: str, own: SigningKey | None
) -> Receipt:
    from worker.cli import clock
    from worker.cli.signing import desk

    return await desk(database).act(who.employer, who.person, act, now=clock.now(), nonce=nonce, own=own)


def _accepted(receipt: Receipt, what: str, document: dict[str, Any]) -> None:
    """`Conflict` when the act was refused."""
    from worker.cli.frame import frame

    if receipt.reason is None:
        return
    if frame().json:
        emit(what, {"accepted": False, **document, "seq": receipt.seq, "reason": receipt.reason}, table="")
    problem = _("Nektet: {reason}.").format(reason=_(REASONS[receipt.reason]))
    raise Conflict(recorded(problem, receipt), _remedy(receipt.reason))


def _record(receipt: Receipt) -> dict[str, object]:
    """Where an act stands in the record, for programs."""
    return {"seq": receipt.seq, "repeated": receipt.repeated, "fingerprint": receipt.fingerprint}


def _remedy(reason: Refusal) -> str:
    from workflows.rules.terms import Refusal

    if reason is Refusal.OWN_KEY_REQUIRED:
        return _(
            "Signer med din egen nøkkel: --key FIL. Er den mistet, be HR eller øverste leder om å trekke den "
            "tilbake: forsvarlig key revoke NØKKEL --as PERSON --reason lost"
        )
    if reason is Refusal.NOT_ELIGIBLE:
        return _("Be den som eier nøkkelen, HR eller øverste leder om det.")
    return _("Se nøklene: forsvarlig key list")


def _told_enrolled(receipt: Receipt, who: _Who, id: str, public_key: str, file: Path | None) -> None:
    document = {
        "person": who.person,
        "key": id,
        "public_key": public_key,
        "file": str(file) if file is not None else None,
    }
    _accepted(receipt, "key", document)
    lines = [
        _("Nøkkelen {key} gjelder fra nå av for {name}. Ført som nr. {seq} i historikken.").format(
            key=id, name=name(who.person, who.names), seq=receipt.seq
        )
    ]
    if file is not None:
        lines += [
            _("Den ligger i {file}, som bare du kan lese. Ta en kopi et trygt sted.").format(file=file),
            _("Nå kan ingen svare for deg uten den. Er den mistet: {command}").format(
                command=f"{PROGRAM} key revoke {id} --as " + _("NAVN") + " --reason lost"
            ),
        ]
    emit(
        "key",
        {"accepted": True, **document, **_record(receipt)},
        table=lambda: "\n".join([*lines, keep(receipt.fingerprint)]),
    )


class _Listed(NamedTuple):
    key: str
    person: str | None
    enrolled: datetime
    seq: int
    revoked: datetime | None
    reason: str | None


async def _list(person: str | None, employer: str | None) -> None:
    from worker.cli.employers import chosen, reading
    from worker.cli.people import find_person
    from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked

    async with reading() as reader:
        home = (await chosen(reader, employer)).id
        directory = await reader.people(home)
        wanted = find_person(directory, person, "--person").id if person is not None else None
        facts = await reader.facts(home, kinds=("key_enrolled", "key_revoked"))
    names = names_of(directory)
    found: dict[str, _Listed] = {}
    for seq, fact in facts:
        match fact.body:
            case KeyEnrolled(key=id, person=owner) if id not in found:
                found[id] = _Listed(id, owner, fact.recorded, seq, None, None)
            case KeyRevoked(key=id, reason=why) if id in found and found[id].revoked is None:
                found[id] = found[id]._replace(revoked=fact.recorded, reason=why)
    shown = [key for key in found.values() if wanted is None or key.person == wanted]
    emit(
        "keys",
        {"employer": home, "keys": [key._asdict() for key in shown]},
        table=lambda: "\n".join(_lines(shown, names)),
    )


def _lines(keys: Sequence[_Listed], names: dict[str, str]) -> Sequence[str]:
    if not keys:
        return (_("Ingen nøkler er registrert. Lag din egen: {command}").format(
            command=f"{PROGRAM} key new --as " + _("PERSON")
        ),)  # fmt: skip
    lines = []
    for key in keys:
        owner = name(key.person, names) if key.person is not None else _("denne installasjonen")
        since = _("fra {when} (nr. {seq})").format(when=format_moment(key.enrolled), seq=key.seq)
        text = f"{key.key}  {owner}, {since}"
        if key.revoked is not None and key.reason is not None:
            text += "; " + _("trukket tilbake {when}: {why}").format(
                when=format_moment(key.revoked), why=_(REVOKED[key.reason])
            )
        lines.append(text)
    return lines
