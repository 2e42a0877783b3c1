"""A simple model of the gate, written from what is promised and not from how it is kept: dictionaries and sets.

It knows one unit's year of three steps and says of each act whether it is to be accepted. Who stands in for whom
it keeps in its own books; from the product it takes only the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from workflows.rules.calendar import WorkCalendar, oslo_day
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind, Stage
from workflows.rules.statement import Answer, Decide, File, MoveDueDate
from workflows.rules.terms import Outcome

FITS = {
    Kind.APPROVE: {Outcome.APPROVED, Outcome.REJECTED, Outcome.CHANGES_REQUESTED},
    Kind.CONSULT: {Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES, Outcome.NO_RESPONSE},
    Kind.TREAT: {Outcome.TREATED},
}
SAYS_NO = {Outcome.REJECTED, Outcome.CHANGES_REQUESTED}
WITHOUT_A_WORD = {Outcome.APPROVED, Outcome.AGREED, Outcome.TREATED}
DAYS_TO_ANSWER = 14

LEADER, BOARD = "p1", "b1"


class Slot(NamedTuple):
    kind: Kind
    role: Role
    order: int
    quorum: int = 1
    four_eyes: bool = False


class Said(NamedTuple):
    """An accepted answer: `voices` are the one who said it and the one it was said for."""

    version: int
    slot: Slot
    outcome: Outcome
    voices: frozenset[str]
    counted: str


class Instead(NamedTuple):
    """`to` acts for `person` from `since` up to `until`."""

    person: str
    to: str
    since: date
    until: date


@dataclass
class Step:
    key: str
    stage: Stage
    slots: tuple[Slot, ...]
    opens: date
    due: date
    builds_on: str | None = None
    state: str = "to come"
    document: str = ""
    version: int = 0
    authors: frozenset[str] = frozenset()
    spoilt: bool = False
    """The version counts no longer, and a new one is waited for."""
    in_doubt: bool = False
    """… because of something else, so that the same document may still hold."""
    said: list[Said] = field(default_factory=list)
    passed: int = 0
    basis: int = 0
    sent_back_to: str | None = None
    asked: dict[tuple[int, Slot], tuple[frozenset[str], datetime]] = field(default_factory=dict)
    owed: dict[int, set[str]] = field(default_factory=dict)

    def now_said(self, slot: Slot | None = None) -> list[Said]:
        return [a for a in self.said if a.version == self.version and slot in (None, a.slot)]

    def full(self, slot: Slot) -> bool:
        given = self.now_said(slot)
        return any(a.outcome is Outcome.NO_RESPONSE for a in given) or len(given) >= slot.quorum

    def turn(self) -> list[Slot]:
        """The slots whose turn it is."""
        if self.version == 0 or self.spoilt:
            return []
        open_ = [s for s in self.slots if not self.full(s)]
        return [s for s in open_ if s.order == open_[0].order] if open_ else []


@dataclass
class Model:
    calendar: WorkCalendar
    closes: datetime
    steps: dict[str, Step]
    holders: dict[Role, tuple[str, ...]]
    deputy: str
    away: list[Instead] = field(default_factory=list)
    handed_on: list[Instead] = field(default_factory=list)
    over: bool = False

    # --- who ----------------------------------------------------------------------------------------

    def acting(self, role: Role, now: datetime) -> list[tuple[str, str | None]]:
        """Who acts in the role, and for whom."""
        day = oslo_day(now)
        found: list[tuple[str, str | None]] = []
        for person in self.holders.get(role, ()):
            gone = [a for a in self.away if a.person == person and a.since <= day < a.until]
            handed = [h for h in self.handed_on if h.person == person and h.since <= day < h.until]
            if role is Role.SAFETY_REP:
                other = self.deputy if gone else None
            elif gone:
                other = gone[0].to
            else:
                other = max(handed, key=lambda h: h.since).to if handed else None
            found.append((other, person) if other else (person, None))
        return found

    def entitled(
        self, role: Role, now: datetime, barred: frozenset[str] = frozenset()
    ) -> list[tuple[str, str | None]]:
        """Who may act; what all of them are barred from goes up to their leader, and then to the board."""
        own = self.acting(role, now)
        for level in (own, [(LEADER, None)], [(BOARD, None)]):
            fit = [(p, f) for p, f in level if not {p, f} & barred]
            if fit:
                return fit
        return own

    def voices(
        self, entitled: list[tuple[str, str | None]], actor: str, behalf: str | None
    ) -> frozenset[str] | None:
        """The actor, with whom they act for; None when they are not entitled."""
        for person, other in entitled:
            if person == actor and behalf in (None, other):
                return frozenset({person, other or person})
        if behalf is None and any(other == actor for _, other in entitled):
            return frozenset({actor})
        return None

    def barred(self, step: Step, slot: Slot) -> frozenset[str]:
        """Who has said or filed what keeps them from approving."""
        if slot.kind is not Kind.APPROVE:
            return frozenset()
        found = set(step.authors) if slot.four_eyes else set()
        for a in step.now_said():
            two_parts = a.slot.kind is Kind.CONSULT or slot.four_eyes or a.slot.four_eyes
            if a.slot != slot and a.outcome is not Outcome.NO_RESPONSE and two_parts:
                found |= a.voices
        return frozenset(found)

    def waiting(self, step: Step, now: datetime) -> list[tuple[Slot, list[tuple[str, str | None]]]]:
        if step.state != "open":
            return []
        return [(s, self.entitled(s.role, now, self.barred(step, s))) for s in step.turn()]

    # --- what is to be accepted ---------------------------------------------------------------------

    def accepts(
        self, step: Step, actor: str, act: Decide | File | Answer | MoveDueDate, now: datetime
    ) -> bool:
        if self.over or now >= self.closes or step.state in ("to come", "left open"):
            return False
        match act:
            case File():
                return self._accepts_filing(step, actor, act, now)
            case Decide():
                return self._accepts_decision(step, actor, act, now)
            case Answer():
                against = {p for v, people in step.owed.items() if v <= act.version for p in people}
                able = self.entitled(Role.MANAGER, now, frozenset(against))
                voices = self.voices(able, actor, act.on_behalf_of)
                return (
                    voices is not None
                    and not voices & against
                    and act.version in step.owed
                    and act.comment is not None
                )
            case MoveDueDate():
                able = [
                    *self.acting(Role.MANAGER, now),
                    *self.acting(Role.HR, now),
                    *self.acting(Role.TOP_MANAGER, now),
                ]
                may = any(actor in pair for pair in able)
                in_time = oslo_day(now) <= act.due < oslo_day(self.closes)
                return (
                    step.state == "open"
                    and may
                    and in_time
                    and act.due != step.due
                    and act.comment is not None
                )

    def _accepts_filing(self, step: Step, actor: str, act: File, now: datetime) -> bool:
        able = self.acting(Role.MANAGER, now), self.acting(Role.HR, now)
        may = any(self.voices(pairs, actor, act.on_behalf_of) for pairs in able)
        return may and (act.document != step.document or step.in_doubt)

    def _accepts_decision(self, step: Step, actor: str, act: Decide, now: datetime) -> bool:
        fit = [s for s in step.slots if s.role is act.role and act.outcome in FITS[s.kind]]
        if step.state != "open" or not fit or fit[0] not in step.turn():
            return False
        slot, seen = fit[0], (act.version, act.document) == (step.version, step.document)
        reasoned = act.comment is not None or act.outcome in WITHOUT_A_WORD
        stages = {step.stage, *(s.stage for s in self.behind(step) if s.state == "closed")}
        back = act.back_to is None or (act.outcome is Outcome.CHANGES_REQUESTED and act.back_to in stages)
        if not (seen and reasoned and back):
            return False
        if act.outcome is Outcome.NO_RESPONSE:
            return self._had_time(step, slot, now) and (
                self.voices(self.acting(Role.MANAGER, now), actor, None) is not None
            )
        barred = self.barred(step, slot)
        voices = self.voices(self.entitled(slot.role, now, barred), actor, act.on_behalf_of)
        if voices is None or voices & barred:
            return False
        if slot.kind is Kind.CONSULT and any(
            voices & a.voices for a in step.now_said() if a.slot.kind is Kind.APPROVE
        ):
            return False
        return not any(voices & a.voices for a in step.now_said(slot))

    def _had_time(self, step: Step, slot: Slot, now: datetime) -> bool:
        asked = step.asked.get((step.version, slot))
        if asked is None:
            return False
        return oslo_day(now) > self.calendar.consultation_deadline(oslo_day(asked[1]), DAYS_TO_ANSWER)

    def behind(self, step: Step) -> list[Step]:
        return [self.steps[step.builds_on]] if step.builds_on else []

    # --- what follows -------------------------------------------------------------------------------

    def does(self, step: Step, actor: str, act: Decide | File | Answer | MoveDueDate, now: datetime) -> None:
        """The act is accepted."""
        match act:
            case File():
                able = [*self.acting(Role.MANAGER, now), *self.acting(Role.HR, now)]
                step.authors = self.voices(able, actor, act.on_behalf_of) or frozenset()
                step.document, step.version = act.document, step.version + 1
                step.spoilt = step.in_doubt = False
                step.state = "open"
            case Answer():
                step.owed = {v: people for v, people in step.owed.items() if v > act.version}
            case MoveDueDate():
                step.due = act.due
            case Decide():
                self._decides(step, actor, act, now)

    def _decides(self, step: Step, actor: str, act: Decide, now: datetime) -> None:
        slot = next(s for s in step.slots if s.role is act.role and act.outcome in FITS[s.kind])
        if act.outcome is Outcome.NO_RESPONSE:
            voices = frozenset({actor})
        else:
            able = self.entitled(slot.role, now, self.barred(step, slot))
            voices = self.voices(able, actor, act.on_behalf_of) or frozenset()
        counted = next(iter(voices - {actor}), actor)
        step.said.append(Said(step.version, slot, act.outcome, voices, counted))
        if act.outcome is Outcome.DISAGREES:
            step.owed.setdefault(step.version, set()).add(counted)
        if act.outcome in SAYS_NO:
            step.spoilt = True
            for earlier in self.behind(step):
                if earlier.stage is act.back_to and earlier.state == "closed":
                    earlier.state, earlier.spoilt, earlier.in_doubt = "open", True, True
                    step.sent_back_to = earlier.key

    def looks(self, now: datetime) -> None:
        """What the calendar and the gates bring about by themselves."""
        for step in self.steps.values():
            if step.state == "to come" and self.calendar.moment(step.opens) <= now < self.closes:
                step.state = "open"
        for step in self.steps.values():
            passes = step.version > 0 and not step.spoilt and not step.turn()
            if step.state == "open" and passes:
                step.state, step.passed = "closed", step.version
                step.basis = max((s.passed for s in self.behind(step)), default=0)
        for step in self.steps.values():
            newer = any(s.state == "closed" and s.passed > step.basis > 0 for s in self.behind(step))
            if step.state == "closed" and newer and now < self.closes:
                step.state, step.spoilt, step.in_doubt = "open", True, True
            if step.sent_back_to and self.steps[step.sent_back_to].state == "closed":
                step.sent_back_to = None
            if step.state == "open" and now >= self.closes:
                step.state = "left open"
            self._asks(step, now)
        states = {s.state for s in self.steps.values()}
        nothing_owed = not any(s.owed for s in self.steps.values())
        self.over = self.over or now >= self.closes or (states == {"closed"} and nothing_owed)

    def _asks(self, step: Step, now: datetime) -> None:
        if step.sent_back_to:
            return
        for slot, able in self.waiting(step, now):
            people = frozenset(p for p, _ in able)
            before = step.asked.get((step.version, slot))
            if before is None or not people & before[0]:
                step.asked[step.version, slot] = people, now
            elif people != before[0]:
                step.asked[step.version, slot] = people, before[1]
