"""How the inspection file speaks of people, days, steps and places in the ledger, in the language spoken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final, Protocol

from activities.language import N_, _, current, format_by, format_moment, format_number, ngettext
from activities.words import ROLES, listed
from portal.dossier.paper import MOST, legible
from portal.dossier.sources import Sources, Written
from workflows.rules.calendar import oslo_day
from workflows.rules.events import SYSTEM, UNKNOWN, Fact
from workflows.rules.evidence import Lack, State, StepEvidence
from workflows.rules.organisation import Role
from workflows.rules.terms import Refusal


class Voice(Protocol):
    """Says facts in sentences, as the command line does, in the language spoken."""

    def fact(self, fact: Fact, names: Mapping[str, str], units: Mapping[str, str]) -> str:
        """The whole fact in one sentence, without its place and time; `names` and `units` are by id."""
        ...

    def reason(self, refusal: Refusal) -> str:
        """Why something was refused, as half a sentence about the past."""
        ...


STATES: Final[Mapping[State, str]] = {
    "planned": N_("kommer"),
    "open": N_("åpen"),
    "overdue": N_("over fristen"),
    "closed": N_("ferdig"),
    "closed_late": N_("ferdig, for sent"),
    "left_open": N_("ikke gjort"),
    "withdrawn": N_("falt bort"),
}
"""How a step stands on the day of the checkpoint."""

LACKS: Final[Mapping[str, str]] = {
    "left_open": N_("ikke gjort da året ble lukket"),
    "overdue": N_("ikke ferdig, og fristen var {due}"),
    "not_opened": N_("ikke åpnet, enda det skulle åpne {opens}"),
    "no_document": N_("ingen dokumentasjon fra {role}"),
    "vacant": N_("ingen hadde rollen {role}"),
    "no_answer": N_("mangler svar fra {role}"),
    "answer_missing": N_("arbeidsgiver har ikke svart på uenigheten"),
    "answer_late": N_("arbeidsgiver svarte på uenigheten etter fristen"),
    "late": N_("ferdig {settled}, etter fristen, som var {due}"),
    "no_response": N_("{role} svarte ikke etter en reell mulighet"),
}
"""What is lacking, as half a sentence after the name of the step."""


class Teller:
    """Speaks of one dossier's sources."""

    def __init__(self, sources: Sources, voice: Voice) -> None:
        self.sources, self.voice = sources, voice
        erased = {id: _("slettet person ({id})").format(id=id) for id in sources.erased_people}
        self._names = {**sources.names, **erased}
        self._units = {unit.id: unit.name for unit in sources.organisation.units}

    def person(self, id: str) -> str:
        """The person's name; the id where there is none, and that it was erased where it was."""
        if id == SYSTEM:
            return _("systemet")
        if id == UNKNOWN:
            return _("en ukjent")
        return legible(self._names.get(id) or id).replace("\n", " ")

    def people(self, ids: Iterable[str]) -> str:
        """Every one of them by name."""
        return listed(self.person(id) for id in dict.fromkeys(ids)) or _("ingen")

    def who(self, id: str, role: Role | None = None, behalf: str | None = None) -> str:
        """«Kari Nes (verneombud)», «Kari Nes for Per Li (leder)»."""
        name = self.person(id)
        if behalf is not None:
            name = _("{name} for {other}").format(name=name, other=self.person(behalf))
        return f"{name} ({role_name(role)})" if role is not None else name

    def step(self, step: StepEvidence) -> str:
        """«Y15 Vurder risikoen»."""
        return f"{step.key} {legible(step.name.in_(current()))}"

    def place(self, step: StepEvidence) -> str:
        """What the step is of: a unit, or the whole employer."""
        return self.unit(step.cycle.unit)

    def unit(self, unit: str | None) -> str:
        return _("hele virksomheten") if unit is None else legible(self.sources.unit_name(unit))

    def lack(self, step: StepEvidence, lack: Lack) -> str:
        """What is lacking, as half a sentence."""
        return _(LACKS[lack.what]).format(
            due=day(step.due),
            opens=day(step.opens),
            role=role_bearer(lack.role) if lack.role is not None else "–",
            settled=day(oslo_day(step.settled_at)) if step.settled_at is not None else "–",
        )

    def fact(self, fact: Fact) -> str:
        """The fact in a sentence."""
        return legible(self.voice.fact(fact, self._names, self._units))

    def quoted(self, written: Written) -> str:
        """What somebody wrote; of a text without end the first, and where the rest is. It must be one that is shown.

        `shortened` has those that are cut.
        """
        text = legible(written.text or "")
        if len(text) <= MOST:
            return text
        more = _("[… {count} tegn til; hele teksten står i facts.jsonl, nr. {seq}]")
        return f"{text[:MOST]} {more.format(count=format_number(len(text) - MOST), seq=written.seq)}"

    def shortened(self) -> list[tuple[int, int]]:
        """The texts that are cut here: the place of each in the ledger, and how many characters it has."""
        lengths = ((t.seq, len(legible(t.text))) for t in self.sources.texts.values() if t.text is not None)
        return sorted((seq, length) for seq, length in lengths if length > MOST)


def role_name(role: Role) -> str:
    """As a person has it: «verneombud»."""
    return _(ROLES[role][0])


def role_bearer(role: Role) -> str:
    """The one who has it: «verneombudet»."""
    return _(ROLES[role][1])


def day(when: date) -> str:
    """«4. jan. 2027»."""
    return format_by("d MMM y" if current() == "en" else "d. MMM y", when)


def day_of(moment: datetime) -> str:
    """The day in Norway."""
    return day(oslo_day(moment))


def moment(when: datetime) -> str:
    """«4. januar 2027 kl. 09.30», in Norway."""
    return format_moment(when)


def numbers(seqs: Iterable[int]) -> str:
    """Places in the ledger, for a column: «123, 130»."""
    return ", ".join(map(str, sorted(set(seqs))))


def refs(seqs: Iterable[int]) -> str:
    """« (fakta 123, 130)»; nothing without any."""
    found = sorted(set(seqs))
    if not found:
        return ""
    text = ngettext(" (faktum {numbers})", " (fakta {numbers})", len(found))
    return text.format(numbers=", ".join(map(str, found)))
