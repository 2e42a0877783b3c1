"""What every letter has: its matter, who takes part, why it is done, whom to ask, and how things are said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import NamedTuple

from activities.language import Language, Translator, format_by, format_day, translator
from activities.mail import Section
from activities.store.rows import PersonRow
from activities.words import OUTCOME_NAMES, ROLES, TO_COME, WAITED_FOR
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact, StepReopened
from workflows.rules.gate import Pending, barred_from, responsible
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.situation import Situation
from workflows.rules.standing import StepStanding

_SHORT_DAY: Mapping[Language, str] = {"nb": "d. MMMM", "nn": "d. MMMM", "en": "d MMMM"}


class Matter(NamedTuple):
    """A fact of a step, and the step as it stands `now`; `before` is the step right before the fact.

    `reopened` says why the step is open again, when that is why people are asked.
    """

    seq: int
    fact: Fact
    situation: Situation
    step: PlannedStep
    here: StepStanding
    before: StepStanding | None
    profile: Profile
    rehearsal: bool
    now: datetime
    reopened: StepReopened | None = None

    @property
    def day(self) -> date:
        return oslo_day(self.now)


class Piece(NamedTuple):
    """What one matter comes to in few words: a letter of its own, or a section among others.

    `asks` is how many things the reader is waited for in it, `due` the first day that one of them is due.
    """

    subject: str
    heading: str
    text: tuple[str, ...]
    items: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    asks: int = 0
    due: date | None = None


class Voice:
    """How things are said to one person, in that person's language."""

    def __init__(self, people: Mapping[str, PersonRow], person: PersonRow) -> None:
        self.people, self.person = people, person
        self.t: Translator = translator(person.language)

    @property
    def greeting(self) -> str:
        _ = self.t
        return _("Hei {name}!").format(name=self.person.name)

    def trial(self) -> Section:
        """What stands first in everything that comes from a rehearsal."""
        _ = self.t
        note = _("Dette er en prøvekjøring. Ingenting i den gjelder på ordentlig, og du skal ikke gjøre noe.")
        return Section(text=(note,))

    def kept_outside(self, fingerprint: str) -> Section:
        """What stands last: how the record is now, which a reader can hold against it later."""
        _ = self.t
        text = _(
            "Avtrykk av historikken: {fingerprint}. Ta vare på denne e-posten. Blir noe i historikken endret "
            "siden, kan du vise det med avtrykket."
        )
        return Section(text=(text.format(fingerprint=fingerprint),))

    def on_trial(self, subject: str) -> str:
        _ = self.t
        return _("Prøvekjøring: {subject}").format(subject=subject)

    def _name(self, id: str) -> str:
        _ = self.t
        if id not in self.people:
            return id
        return self.people[id].name or _("slettet person ({id})").format(id=id)

    def _asked_who(self, holders: Iterable[Holder], role: Role) -> Section | None:
        """Whom to ask: the first of the holders who is in the directory, unless the reader is one of them."""
        _ = self.t
        ids = [h.person for h in holders]
        found = [self.people[id] for id in ids if id in self.people and self.people[id].name]
        if not found or self.person.id in ids:
            return None
        text = _("Spør {name} ({role}, {address}).") if found[0].email else _("Spør {name} ({role}).")
        who = text.format(name=found[0].name, role=_(ROLES[role][0]), address=found[0].email)
        return Section(heading=_("Spørsmål?"), text=(who,))

    def _join(self, parts: Iterable[str]) -> str:
        _ = self.t
        *most, last = list(parts) or [""]
        return _("{most} og {last}").format(most=", ".join(most), last=last) if most else last

    def _long(self, day: date) -> str:
        return format_day(day, self.person.language)

    def _short(self, day: date) -> str:
        language = self.person.language
        return format_by(_SHORT_DAY[language], day, language)

    @staticmethod
    def _capital(text: str) -> str:
        return text[:1].upper() + text[1:]


class Parts(Voice):
    """The parts of a letter to one person, about one matter, in that person's language."""

    def __init__(self, matter: Matter, people: Mapping[str, PersonRow], person: PersonRow) -> None:
        super().__init__(people, person)
        self.m = matter
        self.step = matter.step.name.in_(person.language)
        organisation, unit = matter.situation.organisation, matter.step.cycle.unit
        self.unit = organisation.name if unit is None else organisation.unit(unit).name

    def _taking_part(self) -> Iterator[Section]:
        """Everyone with a part in the gate, in order, and how far each has come."""
        _ = self.t
        m = self.m
        owner = Pending(what="evidence", role=m.step.owner, version=m.here.version)
        state = _(WAITED_FOR[owner.what]) if m.here.needs_evidence else _("har lagt fram")
        items = [self._part(owner, state)]
        for slot in sorted(m.step.slots, key=lambda s: s.order):
            part = Pending(what=slot.kind.value, role=slot.role, version=m.here.version)
            answers = [d for d in m.here.now_decided() if (d.role, d.asked) == (slot.role, slot.kind)]
            if answers:
                state = self._join(_(OUTCOME_NAMES[d.outcome]) for d in answers)
            else:
                asked = m.here.question(part.what, part.role, part.version) is not None
                state = _((WAITED_FOR if asked else TO_COME)[part.what])
            items.append(self._part(part, state))
        yield Section(heading=_("Hvem er med"), items=tuple(items))

    def _part(self, part: Pending, state: str) -> str:
        _ = self.t
        role = self._capital(_(ROLES[part.role][1]))
        holders = self._responsible(part)
        if not holders:
            return _("{role}: ingen har rollen").format(role=role)
        names = self._join(map(self._holder, holders))
        return _("{role}, {names}: {state}").format(role=role, names=names, state=state)

    def _law(self) -> Iterator[Section]:
        """The duties in plain words, as the register condenses them, and where they stand."""
        _ = self.t
        m = self.m
        english = self.person.language == "en"
        duties = [m.situation.law.requirement(id) for id in m.step.requirements]
        # The day for which the programme's references were checked when the year was started.
        day = date(m.step.cycle.year, 6, 1)
        sections = (m.situation.law.provision(id, day).section for id in m.step.law)
        cited = dict.fromkeys(section.replace("§ ", "§\N{NO-BREAK SPACE}") for section in sections)
        if not duties and not cited:
            return
        rules = (_("Reglene står i {sections}.").format(sections="; ".join(cited)),) if cited else ()
        items = tuple(duty.en if english else duty.nb for duty in duties)
        yield Section(heading=_("Hvorfor"), items=items)
        if rules:
            yield Section(text=rules)

    def contact(self) -> Iterator[Section]:
        """The step's owner, or HR for the owner, unless that is the reader."""
        m = self.m
        owner = Pending(what="evidence", role=m.step.owner, version=m.here.version)
        hr = m.situation.organisation.holders(Role.HR, m.step.cycle.unit, m.day)
        for role, holders in ((m.step.owner, self._responsible(owner)), (Role.HR, hr)):
            if section := self._asked_who(holders, role):
                yield section
                return

    def look(self) -> tuple[str, str]:
        """How to read all of the matter."""
        _ = self.t
        return _("Se saken"), f"forsvarlig step show {self.m.step.cycle.id} {self.m.step.key}"

    def _responsible(self, part: Pending) -> tuple[Holder, ...]:
        m = self.m
        organisation = m.situation.organisation
        barred = barred_from(m.step, m.here, part.what, part.role, part.version)
        return responsible(m.step, organisation, part.what, part.role, m.day, barred)

    def _holder(self, holder: Holder) -> str:
        _ = self.t
        name = self._name(holder.person)
        if holder.person == self.person.id:
            name = _("{name} (deg)").format(name=name)
        if holder.acting_for is None:
            return name
        return _("{name} for {other}").format(name=name, other=self._name(holder.acting_for))
