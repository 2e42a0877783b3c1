"""What came of reading and replaying a history, in words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from activities.language import N_, _
from worker.cli.frame import PROGRAM
from worker.cli.naming import visible

if TYPE_CHECKING:
    from activities.history_files import Fault
    from worker.replaying import Verdict

FAULTS: Final[dict[Fault, str]] = {
    "unreadable": N_("Filen finnes ikke, eller kan ikke leses."),
    "not_packed": N_("Filen er ikke pakket slik en historikk er (gzip)."),
    "damaged": N_("Filen er kuttet av, eller noe i den er endret."),
    "too_large": N_("Filen er større enn noen historikk kan være."),
    "not_a_history": N_("Filen holder noe annet enn en historikk fra Temporal."),
    "not_its_start": N_("Historikken begynner ikke med starten av et løp (hendelse {event})."),
    "events_missing": N_(
        "Historikken mangler hendelser, eller har dem i feil rekkefølge, ved hendelse {event}."
    ),
    "contradiction": N_("Hendelse {event} kan ikke stå der den står, eller sier noe annet enn slaget sitt."),
}
"""Why a file is no history."""

_KINDS: Final = {
    "nothing": N_("ingenting"),
    "timer_started": N_("satte en alarm"),
    "timer_canceled": N_("tok bort en alarm"),
    "local_activity": N_("utførte «{name}»"),
    "activity": N_("ba om «{name}»"),
    "completed": N_("avsluttet løpet"),
    "failed": N_("avsluttet løpet med en feil"),
    "canceled": N_("avbrøt løpet"),
    "continued_as_new": N_("gikk videre i et nytt løp"),
}


def decided(what: str | None) -> str:
    """What a program did at a point: «satte en alarm»."""
    kind, _colon, name = (what or "nothing").partition(":")
    return _(_KINDS[kind]).format(name=visible(name)) if kind in _KINDS else visible(what or "")


def fault(found: Fault, event: int | None) -> str:
    """Why a file is no history."""
    return _(FAULTS[found]).format(event=event)


def told(verdict: Verdict) -> Iterator[str]:
    """Why a history does not replay, and what to do; nothing when it does."""
    match verdict.status:
        case "unreadable":
            yield fault(verdict.fault or "unreadable", verdict.event)
            yield _("Hent filen på nytt, fra arkivet eller sikkerhetskopien.")
        case "unknown":
            yield _("Dette programmet har ingen arbeidsflyt av denne typen.")
        case "keys_missing":
            yield _("Nøklene som åpner historikken, er ikke her: {keys}.").format(
                keys=", ".join(map(visible, verdict.keys))
            )
            yield _("Si hvor de er med --keys MAPPE.")
        case "fails":
            yield _("Programmet stopper med en feil: {said}.").format(
                said=visible(verdict.said or "").rstrip(".")
            )
            yield from _version(verdict)
        case "diverges":
            yield _diverges(verdict)
            yield from _version(verdict)


def _diverges(verdict: Verdict) -> str:
    if verdict.event is None:
        return _("Programmet går en annen vei enn historikken: {said}.").format(
            said=visible(verdict.said or "")
        )
    if verdict.gave is None:
        return _("Hendelse {event} følger ikke av det programmet bestemmer.").format(event=verdict.event)
    text = _("Ved hendelse {event} skiller de lag. Historikken: {had}. Programmet nå: {gave}.")
    return text.format(event=verdict.event, had=decided(verdict.had), gave=decided(verdict.gave))


def _version(verdict: Verdict) -> Iterator[str]:
    here = version(PROGRAM)
    if verdict.version is None:
        yield _("Historikken sier ikke hvilken versjon som kjørte den; dette er {here}.").format(here=here)
    elif verdict.version != here:
        yield _("Den ble kjørt av versjon {version}; dette er {here}. Prøv med den versjonen.").format(
            version=visible(verdict.version), here=here
        )
    else:
        yield _(
            "Den ble kjørt av denne versjonen, {here}: enten er programmet eller historikken endret."
        ).format(here=here)
