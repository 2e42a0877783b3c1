"""What people, roles, answers and documents are called where a command tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from activities.language import _, current
from activities.legible import legible
from activities.words import ROLES, listed
from worker.cli.fact_words import LACKING
from workflows.rules.events import SYSTEM, UNKNOWN
from workflows.rules.organisation import Holder, Role
from workflows.rules.terms import Outcome

Names = Mapping[str, str]
"""What people are called, by id. Whoever is not there (erased, unknown) is called by the id."""

_HASH_SHOWN: Final = 12
MOST_NAMED: Final = 6

ALIASES: Final[Mapping[str, Outcome]] = {
    "godkjenn": Outcome.APPROVED,
    "avvis": Outcome.REJECTED,
    "be-om-endring": Outcome.CHANGES_REQUESTED,
    "enig": Outcome.AGREED,
    "enig-med-merknad": Outcome.AGREED_WITH_REMARKS,
    "uenig": Outcome.DISAGREES,
    "ikke-svart": Outcome.NO_RESPONSE,
    "behandlet": Outcome.TREATED,
}
"""The Norwegian words for answers that `forsvarlig decide --outcome` takes."""


def typed(outcome: Outcome) -> str:
    """The answer as it is typed on the command line, in the language spoken."""
    if current() == "en":
        return outcome.value
    return next(word for word, meant in ALIASES.items() if meant is outcome)


def visible(text: str, *, lines: bool = False) -> str:
    """The text with every character that could steer a terminal written out as `\\x1b`.

    That is what `legible` writes out; with `lines`, line breaks stay.
    """
    return legible(text, lines=lines)


def name(person: str, names: Names) -> str:
    """What a person is called; the id of whoever is not in the directory (any more)."""
    if person == SYSTEM:
        return _("systemet")
    if person == UNKNOWN:
        return _("en ukjent")
    return visible(names.get(person) or person)


def people(ids: Iterable[str], names: Names) -> str:
    """The names, or the first of them and how many more there are."""
    everyone = list(dict.fromkeys(ids))
    if not everyone:
        return _("ingen")
    if len(everyone) <= MOST_NAMED:
        return listed(name(p, names) for p in everyone)
    shown = ", ".join(name(p, names) for p in everyone[: MOST_NAMED - 1])
    return _("{shown} og {count} til").format(shown=shown, count=len(everyone) - MOST_NAMED + 1)


def holder(held: Holder, names: Names) -> str:
    """Who acts, and for whom."""
    return on_behalf(held.person, held.acting_for, names)


def on_behalf(person: str, other: str | None, names: Names) -> str:
    """«Kari», or «Kari for Per»."""
    if other is None:
        return name(person, names)
    return _("{name} for {other}").format(name=name(person, names), other=name(other, names))


def role_bearer(role: Role) -> str:
    """The one who has the role, as in «… får beskjed»."""
    return _(ROLES[role][1])


def short_hash(hash: str) -> str:
    """As much of a fingerprint as people compare by eye."""
    return hash[:_HASH_SHOWN]


def lacking(missing: Iterable[str]) -> str:
    """What was missing, from `what:role` codes."""
    parts = []
    for code in missing:
        what, _colon, role = code.partition(":")
        known = what in LACKING and role in {r.value for r in Role}
        parts.append(_(LACKING[what]).format(role=role_bearer(Role(role))) if known else code)
    return listed(parts)
