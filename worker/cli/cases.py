"""A step as it stands, read from the store in one view, with everything that is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from activities.as_of import as_of, end_of
from activities.as_of import situation as situation_then
from activities.directory.people import names_of
from activities.language import _, current, format_day
from activities.situations import Situations, opened_step
from activities.store.rows import CycleRow, PersonRow
from activities.words import WAITED_FOR, capital, listed
from worker.cli.as_of_options import Then
from worker.cli.failures import NotFound
from worker.cli.frame import PROGRAM, frame
from worker.cli.naming import holder, name, role_bearer
from worker.cli.people import described
from worker.cli.places import find_cycle, find_step, typed_cycle
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import advance
from workflows.rules.dissent import awaited_answers
from workflows.rules.events import AttemptRefused, EvidenceSubmitted, Fact
from workflows.rules.gate import (
    NEEDS_COMMENT,
    OUTCOMES,
    SENDS_BACK,
    Pending,
    barred_from,
    pending,
    responsible,
)
from workflows.rules.organisation import Holder, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.programme import Kind
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.statement import Unreadable, read_statement
from workflows.rules.terms import Outcome, What

if TYPE_CHECKING:
    from activities.store.database import Reader

_STUCK = timedelta(minutes=2)


class Quorum(NamedTuple):
    """Who has answered a question that needs several answers, how many it needs, and who can still answer."""

    given: tuple[str, ...]
    needed: int
    waiting_for: tuple[str, ...]

    def said(self, names: Mapping[str, str]) -> str:
        """«2 av 3 har svart, venter på Kari og Per»."""
        told = _("{given} av {needed} har svart, venter på {names}")
        waiting = listed(name(person, names) for person in self.waiting_for) or _("ingen")
        return told.format(given=len(self.given), needed=self.needed, names=waiting)


@dataclass(frozen=True)
class Case:
    """One step of one cycle at `now`. `facts` are the step's own, with their places in the ledger."""

    row: CycleRow
    situation: Situation
    standing: Standing
    step: PlannedStep
    planned: bool
    facts: tuple[tuple[int, Fact], ...]
    directory: dict[str, PersonRow]
    employers: int
    now: datetime

    @property
    def here(self) -> StepStanding | None:
        return self.standing.step(self.step.key)

    @property
    def today(self) -> date:
        return oslo_day(self.now)

    @cached_property
    def names(self) -> dict[str, str]:
        return names_of(self.directory)

    @property
    def name(self) -> str:
        """The step's name in the language spoken."""
        return self.step.name.in_(current())

    @property
    def unit_name(self) -> str:
        """Where the step is: the unit, or the employer."""
        return unit_name(self.situation)

    @property
    def title(self) -> str:
        """«Y15 Handlingsplan – Sagbruk, 2027»."""
        return f"{self.step.key} {self.name} – {self.unit_name}, {self.situation.cycle.year}"

    @property
    def typed(self) -> str:
        """Cycle and step as a command takes them."""
        return f"{typed_cycle(self.situation.cycle, self.employers)} {self.step.key}"

    @property
    def show(self) -> str:
        return f"{PROGRAM} step show {self.typed}"

    def waiting(self) -> tuple[Pending, ...]:
        """What the step waits for today: in its open gate, and answers owed to those who disagree."""
        here = self.here
        if here is None or here.settled in ("left_open", "withdrawn") or self.standing.closed_at is not None:
            return ()
        owed = awaited_answers(self.step, here)
        if here.settled == "closed":
            return owed
        return (*pending(self.step, here, self.situation.organisation, self.today), *owed)

    def holders(self, what: What, role: Role) -> tuple[Holder, ...]:
        """Who is responsible for that today."""
        here, barred = self.here, frozenset[str]()
        if here is not None:
            barred = barred_from(self.step, here, what, role, here.version)
        return responsible(self.step, self.situation.organisation, what, role, self.today, barred)

    def may(self, what: What, role: Role, person: str) -> bool:
        """Whether the person has the part today; whoever is away may still act."""
        return any(person in (h.person, h.acting_for) for h in self.holders(what, role))

    def part(self, p: Pending) -> str:
        """«Verneombudet, Per Hansen: er rådspurt, har ikke svart»."""
        who = listed(holder(h, self.names) for h in self.holders(p.what, p.role))
        role = capital(role_bearer(p.role))
        if not who:
            return _("{role}: ingen har rollen").format(role=role)
        count = self.quorum(p)
        state = f"{_(WAITED_FOR[p.what])}; {count.said(self.names)}" if count else _(WAITED_FOR[p.what])
        return _("{role}, {names}: {state}").format(role=role, names=who, state=state)

    def quorum(self, p: Pending) -> Quorum | None:
        """How far a question has come that needs several answers; None where one is enough."""
        slot = next((s for s in self.step.slots if (s.kind.value, s.role) == (p.what, p.role)), None)
        if slot is None or slot.quorum == 1 or self.here is None:
            return None
        given = [
            d.person
            for d in self.here.now_decided()
            if (d.asked, d.role) == (slot.kind, slot.role) and d.outcome not in SENDS_BACK
        ]
        spoken_for = {
            who for d in self.here.now_decided() if d.role is slot.role for who in (d.person, d.on_behalf_of)
        }
        left = tuple(
            h.person
            for h in self.holders(p.what, p.role)
            if not spoken_for & {h.person, h.acting_for or h.person}
        )
        return Quorum(given=tuple(given), needed=slot.quorum, waiting_for=left)

    def documents(self) -> dict[int, str]:
        """The hash of each version that was filed."""
        bodies = [fact.body for _seq, fact in self.facts]
        return {b.version: b.document for b in bodies if isinstance(b, EvidenceSubmitted)}

    def foreseen(self) -> Case:
        """The case as it is when the calendar and the gate have done what follows from its facts."""
        due = advance(self.situation, self.standing, self.now)
        own = tuple((0, f) for f in due if f.step == self.step.key)
        changes = {"standing": fold(due, self.standing), "facts": (*self.facts, *own)}
        return Case(**{**self.__dict__, **changes})

    # --- commands ---------------------------------------------------------------------------------

    def submit_command(self, person: str) -> str:
        return submit_command(self.typed, person)

    def decide_command(self, person: str, role: Role | None, outcome: Outcome) -> str:
        return decide_command(self.typed, person, role, outcome)

    def commands(self, what: What, person: str, role: Role | None = None) -> list[str]:
        """Every way for the person to answer, each as a command to type."""
        if what == "evidence":
            return [self.submit_command(person)]
        if what == "answer":
            return [answer_command(self.typed, person)]
        return [self.decide_command(person, role, outcome) for outcome in answers(what)]


def answers(what: What) -> list[Outcome]:
    """The answers that the one who is asked can give, in the order they are always listed."""
    return [o for o in Outcome if o in OUTCOMES[Kind(what)] and o is not Outcome.NO_RESPONSE]


def submit_command(typed: str, person: str) -> str:
    """How the person files evidence; `typed` is cycle and step as a command takes them."""
    file = _("FIL")
    return f"{PROGRAM} step submit {typed} {file} --as {person}"


def answer_command(typed: str, person: str) -> str:
    """How the person answers those who disagree."""
    reason = _("arbeidsgivers begrunnede svar")
    return f'{PROGRAM} answer {typed} --as {person} --comment "{reason}"'


def decide_command(typed: str, person: str, role: Role | None, outcome: Outcome) -> str:
    from worker.cli.naming import typed as word

    command = f"{PROGRAM} decide {typed} --as {person}"
    if role is not None:
        command += f" --role {role.value}"
    command += f" --outcome {word(outcome)}"
    reason = _("din begrunnelse")
    return f'{command} --comment "{reason}"' if outcome in NEEDS_COMMENT else command


def unit_name(situation: Situation) -> str:
    """The unit's name, or the employer's."""
    unit = situation.cycle.unit
    return situation.organisation.name if unit is None else situation.organisation.unit(unit).name


async def read_case(
    reader: Reader,
    cycle: str,
    step: str,
    now: datetime,
    *,
    situations: Situations | None = None,
    year: int | None = None,
    employer: str | None = None,
    then: Then | None = None,
) -> Case:
    """The step that the words mean, as it stands now or stood `then`; errors as in `places`."""
    row = await find_cycle(reader, cycle, today=oslo_day(now), year=year, employer=employer)
    facts = await reader.facts(row.employer, cycle=row.id)
    if then is None:
        situation = await (situations or Situations()).of(reader, row)
    else:
        past = await as_of(reader, row.employer, end_of(then.day), then.clock, cycles=[row.id])
        if past.cycle(row.id) is None:
            raise not_started_then(row.id, then.day)
        situation, now = await situation_then(reader, row, past), past.at
        facts = [(seq, fact) for seq, fact in facts if past.counts(seq, fact)]
    standing = fold(f for _seq, f in facts)
    key = find_step(situation, standing, step)
    planned = situation.plan.find(situation.cycle, key)
    # find_step knows planned and opened steps only.
    there = planned or opened_step(situation, standing.steps[key], standing.profile or row.profile)
    return Case(
        row=row,
        situation=situation,
        standing=standing,
        step=there,
        planned=planned is not None,
        facts=tuple((seq, f) for seq, f in facts if f.step == key or (f.step is None and tried(f) == key)),
        directory=await reader.people(row.employer),
        employers=len(await reader.employers()),
        now=now,
    )


def not_started_then(cycle: str, day: date) -> NotFound:
    """A year that had not begun on the day that is asked about."""
    text = _("Årshjulet {cycle} var ikke startet {day}.").format(cycle=cycle, day=format_day(day))
    return NotFound(text, _("Velg en senere dag med --as-of, eller prøv --by concerned."))


def tried(fact: Fact) -> str | None:
    """The step in which a refused attempt was made that nobody could be held to; None for other facts."""
    if fact.signed is None or not isinstance(fact.body, AttemptRefused):
        return None
    try:
        return read_statement(fact.signed).step
    except Unreadable:
        return None


async def follow_up(reader: Reader, now: datetime) -> str | None:
    """What to know when nobody follows up what was recorded; None when somebody seems to.

    The act itself is recorded in any case: reminders, mails and the next questions are what waits.
    """
    from worker.connection import NoTemporal, connect_config

    waits = _("Det er ført. Påminnelser, e-post og neste spørsmål går ut når en arbeider kjører.")
    try:
        connect_config(frame().settings.state)
    except NoTemporal:
        return _("{waits} Ingen motor kjører nå: start den med «forsvarlig up».").format(waits=waits)
    stuck = await reader.outbox_due(now - _STUCK, 1)
    if stuck and stuck[0].attempts == 0:
        return _("{waits} Ingen har gjort det på en stund: se «forsvarlig doctor».").format(waits=waits)
    return None


def next_lines(after: Case) -> list[str]:
    """What happens now, in sentences."""
    case = after.foreseen()
    here = case.here
    done = [_("Steget er ferdig.")] if here is not None and here.settled == "closed" else []
    waiting = [case.part(p) for p in case.waiting()]
    if not waiting:
        return done
    return [*done, _("Nå ventes det på:"), *(f"  {part}" for part in waiting)]


def people_who_may(case: Case, parts: Iterable[tuple[What, Role]]) -> str:
    """Names and ids of those who have one of the parts today; empty when nobody has."""
    ids = dict.fromkeys(h.person for what, role in parts for h in case.holders(what, role))
    return listed(described(case.directory[id]) if id in case.directory else id for id in ids)
