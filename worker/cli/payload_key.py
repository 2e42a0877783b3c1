"""`forsvarlig payload-key`: the keys under which what goes through Temporal is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from worker.cli.failures import Failure, NotFound, reason
from worker.cli.frame import emit, frame

if TYPE_CHECKING:
    from worker.keyring import Keyring, PayloadKey


@click.group(
    name="payload-key",
    help=N_(
        "Vis og bytt nøklene som det som sendes gjennom Temporal, er forseglet med. De lages av seg selv. Ta vare "
        "på alle sammen: det en nøkkel har forseglet, kan bare leses med den."
    ),
)
def payload_key() -> None:
    """The keys of each employer."""


@payload_key.command(
    name="list", help=N_("Vis nøklene, og hvilken det skrives med nå. Selve nøklene vises aldri.")
)
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Bare denne virksomheten."))
def list_(employer: str | None) -> None:
    """Each employer's keys, oldest first."""
    ring = _keyring()
    shown: list[tuple[str, PayloadKey, bool]] = []
    for owner in [_known(ring, employer)] if employer is not None else ring.employers():
        keys = ring.keys(owner)
        shown += [(owner, key, key is keys[-1]) for key in keys]
    document = {
        "folder": str(ring.folder),
        "keys": [
            {"employer": owner, "key": key.id, "made": key.made, "current": current}
            for owner, key, current in shown
        ],
    }
    emit("payload-keys", document, table=lambda: "\n".join(_line(*each) for each in shown) or _none(ring))


@payload_key.command(
    help=N_(
        "Lag en ny nøkkel for en virksomhet. Alle arbeidere skriver med den fra nå av; de gamle blir liggende, for "
        "det de har forseglet, må kunne leses."
    )
)
@click.argument("employer", metavar=N_("VIRKSOMHET"))
def rotate(employer: str) -> None:
    """Make a new key to write with."""
    ring = _keyring()
    try:
        made = ring.rotate(_known(ring, employer))
    except OSError as error:
        raise Failure(
            _("Nøkkelen kan ikke lages i {folder}: {reason}.").format(
                folder=ring.folder, reason=reason(error)
            ),
            _("Gi deg selv skrivetilgang til mappen, eller rett innstillingen payload_keys."),
        ) from error
    text = _("{employer} skriver fra nå av med nøkkelen {key}. Ta en sikkerhetskopi av {folder}.")
    emit(
        "payload-key-rotate",
        {"employer": employer, "key": made.id},
        table=text.format(employer=employer, key=made.id, folder=ring.folder),
    )


def _keyring() -> Keyring:
    from worker.keyring import Keyring

    return Keyring(frame().settings.payload_keys)


def _known(ring: Keyring, employer: str) -> str:
    known = ring.employers()
    if employer in known:
        return employer
    raise NotFound(
        _("«{employer}» har ingen nøkkel i {folder}.").format(employer=employer, folder=ring.folder),
        _("Skriv en av disse: {known}. Se nøklene: forsvarlig payload-key list").format(
            known=", ".join(known)
        )
        if known
        else _(
            "Start et år (forsvarlig year start) og en arbeider (forsvarlig up), så lages nøkkelen av seg selv."
        ),
    )


def _line(employer: str, key: PayloadKey, current: bool) -> str:
    mark = _("skrives med") if current else _("bare til lesing")
    return f"{employer:30} {key.id:20} {key.made:%Y-%m-%d} {mark}"


def _none(ring: Keyring) -> str:
    return _("Ingen nøkler i {folder} ennå. De lages når noe forsegles for første gang.").format(
        folder=ring.folder
    )
