"""What `forsvarlig doctor` finds about the keys that lie in files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from activities.language import _, ngettext
from worker.cli.doctor_finding import Finding
from worker.cli.failures import reason

if TYPE_CHECKING:
    from pathlib import Path

    from worker.settings import Settings


async def payload_keys(settings: Settings) -> AsyncIterator[Finding]:
    """Whether what goes through Temporal can be sealed and read."""
    from worker.keyring import Keyring

    ring = Keyring(settings.payload_keys)
    try:
        faults, owners = list(ring.faults()), ring.employers()
    except OSError as error:
        message = _("Nøkkelmappen {folder} kan ikke leses: {reason}.")
        yield Finding(
            "payload_keys",
            "error",
            message.format(folder=ring.folder, reason=reason(error)),
            _("Gi deg selv lesetilgang til mappen, eller rett innstillingen payload_keys."),
        )
        return
    for fault in faults:
        if fault.problem == "open_to_others":
            message = _("Andre brukere kan lese nøkkelen {file}.").format(file=fault.file)
            yield Finding("payload_keys", "warning", message, f"chmod 600 {fault.file}")
        else:
            message = _(
                "Nøkkelen {file} er ødelagt eller kan ikke leses; det den har forseglet, er utilgjengelig."
            )
            yield Finding(
                "payload_keys",
                "error",
                message.format(file=fault.file),
                _("Hent filen fra sikkerhetskopien. Årene går videre fra hovedboken med en ny nøkkel."),
            )
    if not faults:
        message = ngettext(
            "Nøklene til det som går gjennom Temporal, er i orden ({count} virksomhet).",
            "Nøklene til det som går gjennom Temporal, er i orden ({count} virksomheter).",
            len(owners),
        )
        yield Finding("payload_keys", "ok", message.format(count=len(owners)))


async def signing_key(settings: Settings) -> AsyncIterator[Finding]:
    """Whether this installation can sign for people who are logged in."""
    made = _("Nøkkelen som installasjonen signerer med, lages i {file} første gang den trengs.")
    yield _signs("signing_key", settings.signing_key, made, _("Installasjonen signerer med nøkkelen {key}."))


async def log_key(settings: Settings) -> AsyncIterator[Finding]:
    """Whether checkpoints can be signed."""
    made = _("Nøkkelen som kontrollpunktene signeres med, lages i {file} første gang den trengs.")
    yield _signs("log_key", settings.log_key, made, _("Kontrollpunktene signeres med nøkkelen {key}."))


def _signs(check: str, place: Path, to_be_made: str, signs: str) -> Finding:
    from activities.signatures import KeyFileError, SigningKey
    from worker.cli.failures import key_file

    if not place.exists():
        return Finding(check, "ok", to_be_made.format(file=place))
    try:
        key = SigningKey.load(place)
    except KeyFileError as error:
        failure = key_file(error.path, error.fault)
        return Finding(check, "error", failure.message, failure.remedy)
    return Finding(check, "ok", signs.format(key=key.id))
