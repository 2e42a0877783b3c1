"""`forsvarlig ledger request|witness|cosign`: somebody else watches that the ledger only grows."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from activities.phrases import said
from worker.cli.failures import BadInput, Conflict, Failure, NotFound
from worker.cli.frame import emit, progress
from worker.cli.ledger_given import content_of, newest_checkpoint, one_ledger
from worker.cli.options import employer_option, number

if TYPE_CHECKING:
    from activities.ledger.heads import Anchor
    from activities.ledger.notes import Vkey
    from activities.ledger.witness import WitnessError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    short_help=N_("Be et vitne om å medsignere."),
    help=N_(
        "Skriv en forespørsel til et vitne: det nyeste kontrollpunktet, og beviset for at hovedboken bare har vokst "
        "siden vitnet så den sist (C2SP tlog-witness)."
    ),
)
@click.argument("file", type=_FILE, metavar=N_("FIL"))
@click.option(
    "--since",
    type=number(0),
    default=0,
    show_default=True,
    metavar=N_("ANTALL"),
    help=N_("Hvor mange fakta vitnet så sist; vitnet sier det selv."),
)
@employer_option
def request(file: Path, since: int, employer: str | None) -> None:
    """Write a request."""
    asyncio.run(_request(file, since, employer))


@click.command(
    short_help=N_("Vær vitne: medsigner for andre."),
    help=N_(
        "Vær vitne til en hovedbok: medsigner et nytt kontrollpunkt når det følger av det forrige du så. Trenger "
        "ingen database. Første gang må du si hvem hovedboken er, med --log-key og ankeret du fikk."
    ),
)
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar=N_("FIL"))
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Vitnets egen nøkkelfil; finnes den ikke, blir den laget."),
)
@click.option(
    "--state",
    "memory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar=N_("MAPPE"),
    help=N_("Hvor vitnet husker det nyeste det har sett av hver hovedbok."),
)
@click.option(
    "--log-key",
    metavar=N_("NØKKEL|ANKER"),
    help=N_("Hovedbokens nøkkel, eller et anker med den (nødvendig første gang, og når den er byttet)."),
)
@click.option("--name", metavar=N_("NAVN"), help=N_("Hva vitnet heter, som union.example/hms."))
@click.option("--out", type=_FILE, metavar=N_("FIL"), help=N_("Skriv medsignaturen hit."))
def witness(
    request: Path, key_file: Path, memory: Path, log_key: str | None, name: str | None, out: Path | None
) -> None:
    """Cosign a checkpoint, or say why not."""
    from activities.anchors import write_file
    from activities.ledger.notes import COSIGNATURE, NoteError, Vkey
    from activities.ledger.witness import WitnessError, read_request
    from activities.ledger.witness import witness as asked
    from activities.signatures import SigningKey
    from worker.cli import clock

    raw = content_of(request)
    try:
        _parsed, checkpoint, _note = read_request(raw)
    except NoteError as error:
        raise BadInput(
            _("{file} er ingen forespørsel: {error}.").format(file=request, error=said(error)),
            _("Be den som driver hovedboken, om en ny: forsvarlig ledger request FIL"),
        ) from error
    trusted = _log_key(log_key) if log_key is not None else None
    key = SigningKey.load_or_make(key_file)
    called = name or f"witness.invalid/{key.id}"
    with _remembering(memory, checkpoint.origin) as place:
        remembered = _remembered(place) if place.exists() else None
        try:
            done = asked(raw, remembered, trusted, called, key, clock.now())
        except WitnessError as error:
            raise _refused(error, _evidence(place, error, raw)) from error
        except NoteError as error:
            raise click.UsageError(f"{said(error)}.") from error
        # Remembered before it is given away: else a crash could make the witness say yes to a fork.
        write_file(place, str(done.remembered))
    vkey = Vkey.of(called, key, COSIGNATURE)
    if out is not None:
        write_file(out, str(done.line))
    emit(
        "ledger-witness",
        {
            "origin": checkpoint.origin, "size": checkpoint.size, "fingerprint": checkpoint.fingerprint,
            "first": remembered is None, "line": str(done.line), "vkey": str(vkey), "remembered": place,
        },
        table=str(done.line).rstrip("\n"),
    )  # fmt: skip
    progress("\n".join(_yes(done.remembered, remembered, vkey)))


@click.command(
    short_help=N_("Ta vare på et vitnes medsignatur."),
    help=N_(
        "Ta vare på medsignaturen som et vitne ga. FIL er det vitnet skrev ut. Det neste «forsvarlig ledger pin "
        "--cosigned» har den med."
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar=N_("FIL"))
@click.option(
    "--witness",
    "vkey",
    required=True,
    metavar=N_("NØKKEL"),
    help=N_("Vitnets offentlige nøkkel, slik vitnet ga deg den."),
)
@employer_option
def cosign(file: Path, vkey: str, employer: str | None) -> None:
    """Keep a cosignature."""
    asyncio.run(_cosign(file, vkey, employer))


# --- the ledger's side ----------------------------------------------------------------------------


async def _request(file: Path, since: int, employer: str | None) -> None:
    from activities.anchors import anchor_of, write_file
    from activities.ledger.witness import Request

    async with one_ledger(employer) as (database, home):
        made = await newest_checkpoint(database, home.id)
        size = made.checkpoint.size
        if since > size:
            raise NotFound(
                _("Hovedboken har {size} fakta, og vitnet skal ha sett {since}.").format(
                    size=size, since=since
                ),
                _("Er tallet rett? Da er hovedboken kortere enn den var: forsvarlig ledger check ANKER"),
            )
        async with database.read() as reader:
            proof = await reader.consistency(home.id, since, size) if 0 < since < size else []
            vkey = (await anchor_of(reader, home.id, made)).key
    write_file(file, str(Request(since, tuple(proof), made.note)))
    told = _("Forespørselen om {size} fakta ligger i {file}. Send den til vitnet, som skriver:").format(
        size=size, file=file
    )
    command = f"forsvarlig ledger witness {file.name} --key vitne.pem --state vitne"
    first = _("Første gang også: {option}").format(option=f"--log-key {vkey}")
    emit(
        "ledger-request",
        {"employer": home.id, "file": file, "since": since, "size": size, "vkey": str(vkey)},
        table="\n".join([told, f"  {command}", *([first] if since == 0 else [])]),
    )


async def _cosign(file: Path, vkey: str, employer: str | None) -> None:
    from activities.anchors import NotCosigned, keep_cosignature
    from activities.ledger.notes import COSIGNATURE, NoteError
    from worker.cli import clock
    from worker.cli.ledger_check import vkey_of

    key = vkey_of(vkey)
    if key.kind != COSIGNATURE:
        raise BadInput(
            _("Nøkkelen til {name} er ikke et vitnes nøkkel.").format(name=key.name),
            _("Be vitnet om nøkkelen som «forsvarlig ledger witness» skrev ut."),
        )
    async with one_ledger(employer) as (database, home):
        try:
            content = content_of(file).decode()
            checkpoint = await keep_cosignature(database, home.id, content, key, clock.now())
        except NotCosigned as error:
            raise Conflict(
                _("{file} har ingen medsignatur av {name} over et kontrollpunkt for {employer}.").format(
                    file=file, name=key.name, employer=home.id
                ),
                _(
                    "Er det rett fil, rett vitne og rett virksomhet? Lag ellers en ny: forsvarlig ledger request"
                ),
            ) from error
        except (NoteError, UnicodeDecodeError) as error:
            raise BadInput(
                _("{file} er ingen medsignatur: {error}.").format(file=file, error=said(error)),
                _("Be vitnet om filen på nytt."),
            ) from error
    emit(
        "ledger-cosign",
        {"employer": home.id, "size": checkpoint.size, "witness": key.name},
        table=_("{name} har medsignert kontrollpunktet over {size} fakta. Gi det videre: {command}").format(
            name=key.name, size=checkpoint.size, command="forsvarlig ledger pin --cosigned --to " + _("FIL")
        ),
    )


# --- the witness's side ---------------------------------------------------------------------------


def _log_key(text: str) -> Vkey:
    from activities.ledger.heads import read_anchor
    from activities.ledger.notes import NoteError
    from worker.cli.ledger_check import vkey_of

    file = Path(text)
    if not file.is_file():
        return vkey_of(text)
    try:
        return read_anchor(content_of(file)).key
    except NoteError as error:
        raise BadInput(
            _("{file} er ikke et anker: {error}.").format(file=file, error=said(error)),
            _("Er filen endret underveis, hent den på nytt der den ble tatt vare på."),
        ) from error


@contextmanager
def _remembering(folder: Path, origin: str) -> Iterator[Path]:
    """Where the newest head of a log is remembered; nobody else looks or writes there meanwhile."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9.-]", "_", origin)[:80]
    place = folder / f"{name}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}.anchor"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place


def _remembered(place: Path) -> Anchor:
    from activities.ledger.heads import read_anchor
    from activities.ledger.notes import NoteError

    try:
        return read_anchor(content_of(place))
    except NoteError as error:
        raise BadInput(
            _("Det vitnet husker i {file}, er ødelagt: {error}.").format(file=place, error=said(error)),
            _(
                "Hent filen fra sikkerhetskopien. Et vitne som glemmer, kan ikke lenger se om noe er tatt bort."
            ),
        ) from error


def _evidence(place: Path, error: WitnessError, raw: bytes) -> Path | None:
    """Keep the request beside what is remembered, where the two together prove that there are two histories."""
    if error.reason != "forked":
        return None
    kept = place.with_suffix(f".fork-{hashlib.sha256(raw).hexdigest()[:12]}")
    kept.write_bytes(raw)
    return kept


def _refused(error: WitnessError, evidence: Path | None) -> Failure:
    """Why the witness does not cosign, and what to do."""
    match error.reason:
        case "unknown_log":
            return NotFound(
                _("Dette vitnet kjenner ikke hovedboken {origin}.").format(origin=error.origin),
                _(
                    "Gi nøkkelen eller et anker du har fått, med --log-key. Bruk det bare når du vet hvor det kom fra."
                ),
            )
        case "unknown_key":
            return Conflict(
                _("{origin} er signert med en annen nøkkel enn den vitnet kjenner.").format(
                    origin=error.origin
                ),
                _(
                    "Spør virksomheten, ikke bare i e-post, om nøkkelen er byttet. Er den det: --log-key NØKKEL"
                ),
            )
        case "forged":
            return Conflict(
                _("Signaturen på kontrollpunktet for {origin} er falsk.").format(origin=error.origin),
                _("Ta vare på filen, og spør virksomheten hvor den kommer fra."),
            )
        case "rolled_back":
            return Conflict(
                _(
                    "{origin} viser {size} fakta, men dette vitnet har sett {known}. Enten er forespørselen gammel, "
                    "eller så er noe tatt bort."
                ).format(origin=error.origin, size=error.size, known=error.known),
                _("Be om en ny: forsvarlig ledger request FIL --since {known}").format(known=error.known),
            )
        case "out_of_step":
            return Conflict(
                _(
                    "Forespørselen viser ikke hva som er kommet til siden vitnet sist så {known} fakta."
                ).format(known=error.known),
                _("Be om en ny: forsvarlig ledger request FIL --since {known}").format(known=error.known),
            )
        case "unproven":
            return Conflict(
                _(
                    "Beviset holder ikke: de {size} fakta i {origin} begynner ikke med de {known} som vitnet har sett."
                ).format(origin=error.origin, size=error.size, known=error.known),
                _(
                    "Be om en ny forespørsel. Er den også slik, er historien skrevet om: ta vare på begge, og si fra "
                    "til verneombudet og Arbeidstilsynet."
                ),
            )
    return Conflict(
        _(
            "TO HISTORIER: {origin} er signert med {size} fakta som ikke er de {known} vitnet har sett."
        ).format(origin=error.origin, size=error.size, known=error.known),
        _("Beviset ligger i {file}. Ta vare på det, og si fra til verneombudet og Arbeidstilsynet.").format(
            file=evidence
        ),
    )


def _yes(now: Anchor, before: Anchor | None, vkey: Vkey) -> list[str]:
    known = before.checkpoint.size if before is not None else 0
    text = _("Hovedboken {origin} har vokst fra {known} til {size} fakta, og begynner som før.")
    if before is None:
        text = _(
            "Første gang dette vitnet ser {origin}: {size} fakta. Fra nå av kan ingenting tas bort usett."
        )
    if known == now.checkpoint.size:
        text = _("Hovedboken {origin} er som sist: {size} fakta.")
    said = text.format(origin=now.checkpoint.origin, known=known, size=now.checkpoint.size)
    key = _("Vitnets offentlige nøkkel: {vkey}").format(vkey=vkey)
    return [said, key]
