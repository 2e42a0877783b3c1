"""The words of the domain as the command line says them, in the language spoken at the time of the call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from activities.language import N_, _, current, format_by, ngettext
from activities.words import listed

if TYPE_CHECKING:
    from workflows.rules.findings import Finding
    from workflows.rules.organisation import Organisation, Role

Standing = Literal["planned", "open", "overdue", "closed", "closed_late", "left_open", "withdrawn"]

STANDINGS: Final[Mapping[Standing, str]] = {
    "planned": N_("kommer"),
    "open": N_("åpen"),
    "overdue": N_("over fristen"),
    "closed": N_("ferdig"),
    "closed_late": N_("ferdig, for sent"),
    "left_open": N_("ikke gjort"),
    "withdrawn": N_("falt bort"),
}
"""How a step stands on a day."""

PROFILES: Final[Mapping[str, str]] = {
    "small": N_("under fem ansatte"),
    "medium": N_("verneombud, uten AMU"),
    "large": N_("verneombud og AMU"),
}

GATES: Final[Mapping[str, str]] = {
    "consult": N_("rådspørres: {who}"),
    "approve": N_("tar stilling: {who}"),
    "treat": N_("behandler: {who}"),
}
"""What a participant of a gate does."""

WAITS: Final[Mapping[str, str]] = {
    "evidence": N_("{who} skal legge fram"),
    "approve": N_("{who} skal ta stilling"),
    "consult": N_("{who} blir rådspurt"),
    "treat": N_("{who} skal behandle"),
    "answer": N_("{who} skal svare den som er uenig"),
}

_FINDINGS: Final[Mapping[str, tuple[str, str]]] = {
    "no_safety_rep": (
        N_("{unit} har ikke verneombud (verneområde {detail})."),
        N_("Få verneombud valgt, legg det inn i «roller» med verneområdet, og importer på nytt."),
    ),
    "area_missing": (
        N_("{unit} hører ikke til noe verneområde og har ikke verneombud."),
        N_("Fyll inn verneområde i «enheter», og importer på nytt."),
    ),
    "no_manager": (
        N_("{unit} har ingen leder; den nærmeste lederen over svarer så lenge."),
        N_("Legg inn rollen «leder» for enheten i «roller», og importer på nytt."),
    ),
    "no_senior_safety_rep": (
        N_("{place} har flere verneombud, men ikke hovedverneombud."),
        N_("Få hovedverneombud valgt, legg det inn i «roller», og importer på nytt."),
    ),
    "no_wec_chair": (
        N_("{place} skal ha arbeidsmiljøutvalg (AMU), men ingen leder det."),
        N_("Legg inn rollen «AMU-leder» i «roller», og importer på nytt."),
    ),
    "no_top_manager": (
        N_("{place} har ingen øverste leder."),
        N_("Legg inn rollen «daglig leder» i «roller», og importer på nytt."),
    ),
    "conflicting_roles": (
        N_("{person} har roller på begge sider: {detail}."),
        N_("Gi den ene rollen til en annen, eller sett til-dato i «roller», og importer på nytt."),
    ),
    "substitute_loop": (
        N_("Vikarene går i ring: {detail}."),
        N_("La den siste vikaren stå uten vikar i «fravær», og importer på nytt."),
    ),
    "unit_loop": (
        N_("Enhetene er over hverandre i ring: {detail}."),
        N_("La den øverste stå uten overordnet enhet i «enheter», og importer på nytt."),
    ),
}
_OTHER_FINDING: Final = (
    N_("Organisasjonen henger ikke sammen ved {place} ({code}: {detail})."),
    N_("Rett filene, og importer på nytt."),
)
_ROLES_IN_DETAIL: Final = ("conflicting_roles",)
_AREAS_IN_DETAIL: Final = ("no_safety_rep",)
_PEOPLE_IN_DETAIL: Final = ("substitute_loop",)


class Told(NamedTuple):
    """A finding for people: what is wrong or missing, and what to do."""

    problem: str
    remedy: str


def counted(standing: Standing, count: int) -> str:
    """So many steps that stand in this way: «3 åpne»."""
    text = {
        "planned": ngettext("{count} kommer", "{count} kommer", count),
        "open": ngettext("{count} åpent", "{count} åpne", count),
        "overdue": ngettext("{count} over fristen", "{count} over fristen", count),
        "closed": ngettext("{count} ferdig", "{count} ferdige", count),
        "closed_late": ngettext("{count} ferdig for sent", "{count} ferdige for sent", count),
        "left_open": ngettext("{count} ikke gjort", "{count} ikke gjort", count),
        "withdrawn": ngettext("{count} falt bort", "{count} falt bort", count),
    }[standing]
    return text.format(count=count)


def role_name(role: Role) -> str:
    """The role as a person has it: «verneombud»."""
    from activities.words import ROLES

    return _(ROLES[role][0])


def short_day(day: date) -> str:
    """A day of a known year: «4. jan.»."""
    return format_by("d MMM" if current() == "en" else "d. MMM", day)


def whole_day(day: date) -> str:
    """A day with its year: «4. januar 2027»."""
    return format_by("d MMMM y" if current() == "en" else "d. MMMM y", day)


def day_and_year(day: date) -> str:
    """A day with its year, cut short: «4. jan. 2027»."""
    return format_by("d MMM y" if current() == "en" else "d. MMM y", day)


def month_name(day: date) -> str:
    """«januar 2027»."""
    return format_by("LLLL y", day)


def is_yes(answer: str) -> bool:
    """Whether an answer means yes, in any of the languages; all else is a no."""
    return answer.strip().casefold() in ("j", "ja", "y", "yes")


def finding(found: Finding, organisation: Organisation, names: Mapping[str, str]) -> Told:
    """What an organisation's finding says, with names of units and people for ids."""
    from workflows.rules.organisation import Role

    units = {unit.id: unit.name for unit in organisation.units}
    areas = {area.id: area.name for area in organisation.areas}
    detail: Collection[str] = found.detail
    if found.code in _ROLES_IN_DETAIL:
        detail = [role_name(Role(role)) for role in detail]
    elif found.code in _AREAS_IN_DETAIL:
        detail = [areas.get(area, area) for area in detail]
    elif found.code in _PEOPLE_IN_DETAIL:
        detail = [names.get(person, person) for person in detail]
    arrows = found.code.endswith("_loop")
    values = {
        "place": organisation.name if found.place == organisation.employer else found.place,
        "unit": units.get(found.place, found.place),
        "person": names.get(found.place, found.place),
        "detail": " → ".join(detail) if arrows else listed(detail),
        "code": found.code,
    }
    problem, remedy = _FINDINGS.get(found.code, _OTHER_FINDING)
    return Told(_(problem).format(**values), _(remedy))
