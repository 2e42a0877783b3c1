"""The whole gate against a simple model, in any order of acts that people can think of."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.rules.employers import law
from tests.rules.gate_model import FITS, Instead, Model, Slot, Step
from tests.rules.gate_years import (
    BOARD,
    CHAIR,
    DELEGATE,
    DEPUTY,
    GATES,
    HR,
    MANAGER,
    OTHER,
    REP,
    REP_IS_HEARD,
    STAND_IN,
    TOP,
    UNIONS,
    UNIT,
    M,
    R,
    T,
    U,
    W,
    beginning,
    organisation,
    year,
)
from workflows.rules.acts import judge, judge_for_employer
from workflows.rules.authority_facts import AbsenceSet, Delegated
from workflows.rules.calendar import OSLO, WorkCalendar, oslo_day
from workflows.rules.cycle import advance, next_moment
from workflows.rules.delegation import with_act
from workflows.rules.events import (
    AnswerDemanded,
    AttemptRefused,
    Body,
    CycleStarted,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    DueDateChanged,
    EvidenceSubmitted,
    Fact,
    WecMatterRaised,
)
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind, Stage
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, fold
from workflows.rules.statement import Answer, Decide, Delegate, File, MoveDueDate, SetAbsence
from workflows.rules.terms import Outcome

EVERYBODY = (TOP, HR, MANAGER, REP, OTHER, DEPUTY, STAND_IN, DELEGATE, *UNIONS, CHAIR, BOARD, "nobody")
DOCUMENTS = tuple(f"{n:064x}" for n in range(1, 5))
COMMENT = "c" * 64
ACTS = ("decision_recorded", "evidence_submitted", "disagreement_answered", "due_date_changed")

YES = {
    Kind.APPROVE: (Outcome.APPROVED,),
    Kind.CONSULT: (Outcome.AGREED, Outcome.DISAGREES),
    Kind.TREAT: (Outcome.TREATED,),
}


class Gates(RuleBasedStateMachine):
    """People act in three steps of a unit's year; each act is also put to the model."""

    @initialize(gate=st.integers(0, len(GATES) - 1), manager_is_union=st.booleans())
    def the_year_begins(self, gate: int, manager_is_union: bool) -> None:
        self.gate, self.manager_is_union = gate, manager_is_union
        self.organisation = organisation(manager_is_union)
        self.hash = "0" * 64
        self.facts: list[Fact] = []
        self.standing = Standing()
        self.now = datetime(2027, 1, 12, 8, tzinfo=OSLO)
        self.closes = datetime(2028, 1, 31, 8, tzinfo=OSLO)
        planned = {s.key: s for s in year(gate, manager_is_union).steps}
        slots = {"T01": (REP_IS_HEARD,), "T02": GATES[gate], "T03": (REP_IS_HEARD,)}
        self.model = Model(
            calendar=WorkCalendar(),
            closes=self.closes,
            steps={
                key: Step(key, s.stage, slots[key], s.opens, s.due, "T01" if key == "T02" else None)
                for key, s in planned.items()
            },
            holders={
                R: (REP,), M: (MANAGER,), W: (CHAIR,), T: (TOP,), Role.HR: (HR,),
                U: (MANAGER,) if manager_is_union else UNIONS,
            },
            deputy=DEPUTY,
        )  # fmt: skip
        profile = self.organisation.duties(law(), self.now.date()).profile
        body = CycleStarted(programme=self.hash, law=self.hash, organisation=self.hash, profile=profile)
        self._put(self._fact(None, "system", body))
        self._look()
        for key, step in self.model.steps.items():
            here = self.standing.step(key)
            if here is not None:
                step.due = here.due

    # --- people -------------------------------------------------------------------------------------

    @rule(data=st.data(), times=st.integers(1, 4))
    def people_do_what_is_asked(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            self._one_does_what_is_asked(data)

    @rule(data=st.data(), hours=st.integers(0, 30))
    def one_does_what_is_asked_some_hours_later(self, data: st.DataObject, hours: int) -> None:
        self._passes_to(self.now + timedelta(hours=hours))
        self._one_does_what_is_asked(data)

    def _one_does_what_is_asked(self, data: st.DataObject) -> None:
        asked: list[tuple[Step, str, Decide | File | Answer]] = []
        for step in self.model.steps.values():
            if step.state == "open" and (step.version == 0 or step.spoilt):
                person = data.draw(st.sampled_from([MANAGER, MANAGER, HR]))
                asked.append((step, person, File(document=self._new_document(step))))
            asked += [(step, MANAGER, Answer(version=v, comment=COMMENT)) for v in sorted(step.owed)][-1:]
            asked += [(step, *self._says(data, step, *one)) for one in self.model.waiting(step, self.now)]
        if asked:
            self._tries(*data.draw(st.sampled_from(asked)))

    def _says(
        self, data: st.DataObject, step: Step, slot: Slot, able: list[tuple[str, str | None]]
    ) -> tuple[str, Decide]:
        outcome = data.draw(st.sampled_from((*YES[slot.kind] * 4, *sorted(FITS[slot.kind]))))
        person = data.draw(st.sampled_from([p for p, _ in able]))
        if outcome is Outcome.NO_RESPONSE:
            person = MANAGER
        back_to = (
            data.draw(st.sampled_from([None, Stage.MAP, Stage.MAP]))
            if outcome is Outcome.CHANGES_REQUESTED
            else None
        )
        said = Decide(
            role=slot.role, outcome=outcome, document=step.document or DOCUMENTS[0], version=step.version,
            comment=COMMENT, back_to=back_to,
        )  # fmt: skip
        return person, said

    @rule(data=st.data())
    def somebody_says_something_nearly_right(self, data: st.DataObject) -> None:
        step = self.model.steps[data.draw(st.sampled_from(["T01", "T02", "T02"]))]
        slot = data.draw(st.sampled_from(step.slots))
        actor, said = self._says(data, step, slot, self.model.entitled(slot.role, self.now) or [(TOP, None)])
        spoilt = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "document": st.sampled_from(DOCUMENTS), "version": st.integers(0, 4), "comment": st.none(),
                    "outcome": st.sampled_from(Outcome), "role": st.sampled_from([R, M, U, W, T, Role.HR]),
                    "on_behalf_of": st.sampled_from([MANAGER, REP, TOP]),
                    "back_to": st.sampled_from([Stage.MAP, Stage.ASSESS, Stage.REVIEW]),
                },
            )
        )  # fmt: skip
        spoilt = {key: spoilt[key] for key in list(spoilt)[:1]}
        actor = data.draw(st.sampled_from((*(actor,) * 20, *EVERYBODY)))
        self._tries(step, actor, said.model_copy(update=spoilt))

    @rule(
        key=st.sampled_from(["T01", "T01", "T02"]), actor=st.sampled_from((*(MANAGER, HR) * 8, *EVERYBODY)),
        document=st.sampled_from(DOCUMENTS), behalf=st.sampled_from([None, None, None, MANAGER, TOP]),
    )  # fmt: skip
    def somebody_files(self, key: str, actor: str, document: str, behalf: str | None) -> None:
        self._tries(self.model.steps[key], actor, File(document=document, on_behalf_of=behalf))

    @rule(
        key=st.sampled_from(["T01", "T02"]), actor=st.sampled_from((*(MANAGER, TOP, HR) * 4, *EVERYBODY)),
        comment=st.sampled_from([COMMENT, COMMENT, None]), behalf=st.sampled_from([None, None, MANAGER]),
        choice=st.integers(0, 5), days=st.integers(-2, 400),
    )  # fmt: skip
    def somebody_answers_or_moves_the_due_date(
        self, key: str, actor: str, comment: str | None, behalf: str | None, choice: int, days: int
    ) -> None:
        step = self.model.steps[key]
        if choice < 3:
            versions = sorted(step.owed) or [1]
            version = versions[choice % len(versions)]
            self._tries(step, actor, Answer(version=version, comment=comment, on_behalf_of=behalf))
        else:
            due = oslo_day(self.now) + timedelta(days=days)
            self._tries(step, actor, MoveDueDate(due=due, comment=comment))

    # --- who is there -------------------------------------------------------------------------------

    @rule(person=st.sampled_from([MANAGER, REP, None]), begins=st.integers(0, 10), lasts=st.integers(1, 20))
    def somebody_goes_away_or_hands_everything_on(self, person: str | None, begins: int, lasts: int) -> None:
        since = oslo_day(self.now) + timedelta(days=begins)
        until = since + timedelta(days=lasts)
        if person is None:
            if self._organises(MANAGER, Delegate(person=MANAGER, to=DELEGATE, since=since, until=until)):
                self.model.handed_on.append(Instead(MANAGER, DELEGATE, since, until))
        else:
            self._goes_away(person, since, until)
        self._look()

    def _goes_away(self, person: str, since: date, until: date) -> None:
        substitute = STAND_IN if person == MANAGER else None
        act = SetAbsence(person=person, since=since, until=until, substitute=substitute)
        if self._organises(person, act):
            kept: list[Instead] = []
            for old in self.model.away:
                if old.person != person or old.until <= since or until <= old.since:
                    kept.append(old)
                elif old.since < since:
                    kept.append(old._replace(until=since))
            self.model.away = [*kept, Instead(person, substitute or DEPUTY, since, until)]

    # --- time ---------------------------------------------------------------------------------------

    @rule(days=st.integers(1, 20))
    def days_pass(self, days: int) -> None:
        self._passes_to(self.now + timedelta(days=days))

    @precondition(lambda self: len(self.facts) > 40)
    @rule(seconds=st.sampled_from([-1, 0, 1]))
    def the_year_draws_to_its_end(self, seconds: int) -> None:
        self._passes_to(max(self.now, self.closes + timedelta(seconds=seconds)))

    # --- how it is done -----------------------------------------------------------------------------

    def _new_document(self, step: Step) -> str:
        return f"{100 + step.version:064x}"

    def _situation(self) -> Situation:
        now = {"organisation": self.organisation, "organisation_hash": self.hash}
        return beginning(self.gate, self.manager_is_union).model_copy(update=now)

    def _fact(self, step: str | None, who: str, body: Body) -> Fact:
        return Fact(
            id=f"act {len(self.facts)}", employer="fjell", cycle=UNIT.id, step=step, concerns=self.now,
            recorded=self.now, actor=who, body=body,
        )  # fmt: skip

    def _put(self, *facts: Fact) -> None:
        self.facts += facts
        self.standing = fold(facts, self.standing)

    def _organises(self, actor: str, act: SetAbsence | Delegate) -> bool:
        id = f"d-{len(self.facts)}"
        body = judge_for_employer(self.organisation, KeyRing(), actor, act, id, self.now)
        if not isinstance(body, AbsenceSet | Delegated):
            return False
        self.organisation = with_act(self.organisation, body)
        self.hash = sha256(id.encode()).hexdigest()
        return True

    def _tries(self, step: Step, actor: str, act: Decide | File | Answer | MoveDueDate) -> None:
        expected = self.model.accepts(step, actor, act, self.now)
        before = self.standing
        body = judge(self._situation(), self.standing, step.key, actor, act, self.now)
        outcome = body.reason if isinstance(body, AttemptRefused) else "accepted"
        assert isinstance(
            body,
            DecisionRecorded | EvidenceSubmitted | DisagreementAnswered | DueDateChanged | AttemptRefused,
        )
        assert (outcome == "accepted") == expected, f"{actor} {act!r}: {outcome}"
        self._put(self._fact(step.key, actor, body))
        if not expected:
            assert self.standing.steps == before.steps, "what is refused changes nothing"
            return
        self.model.does(step, actor, act, self.now)
        self._look()

    def _passes_to(self, moment: datetime) -> None:
        situation = self._situation()
        while True:
            upcoming = next_moment(situation, self.standing, self.now)
            if upcoming is None or upcoming > moment:
                break
            self.now = upcoming
            self._look()
        self.now = moment
        self._look()

    def _look(self) -> None:
        situation, before = self._situation(), len(self.facts)
        new = advance(situation, self.standing, self.now)
        self._put(*new)
        assert advance(situation, self.standing, self.now) == (), "asking twice gives nothing more"
        assert len({f.id for f in self.facts}) == len(self.facts)
        assert not [f for f in new if f.kind in ACTS], "silence decides nothing"
        self.model.looks(self.now)
        self._agrees(self.facts[before:])

    def _agrees(self, new: list[Fact]) -> None:
        for key, step in self.model.steps.items():
            here = self.standing.step(key)
            if here is None:
                assert step.state == "to come"
                continue
            assert (here.settled or "open").replace("_", " ") == step.state
            assert here.version == step.version
            owed: dict[int, set[str]] = {}
            for one in here.unanswered():
                owed.setdefault(one.version, set()).update(one.disagree)
            assert owed == step.owed, "who disagrees is owed an answer, and nobody else"
            set_anew = any(f.step == key and f.kind in ("step_opened", "step_reopened") for f in new)
            assert here.due == step.due or set_anew, "a due date moves when somebody moves it"
            step.due = here.due
        assert (self.standing.closed_at is not None) == self.model.over
        self._lawful(new)

    def _lawful(self, new: list[Fact]) -> None:
        """What can be seen in the facts alone."""
        for n, fact in enumerate(new):
            story = [f for f in self.facts if f.step == fact.step]
            if fact.kind == "step_closed":
                self._closed_by_answers(story[: story.index(fact)], fact)
            if isinstance(fact.body, AnswerDemanded):
                raised = [
                    f.body for f in new[n:] if isinstance(f.body, WecMatterRaised) and f.step == fact.step
                ]
                assert fact.body.disagree in [r.disagree for r in raised]
            if isinstance(fact.body, DecisionsStale):
                assert fact.body.version < self.model.steps[fact.step or ""].version or (
                    self.model.steps[fact.step or ""].in_doubt
                )

    def _closed_by_answers(self, story: list[Fact], closed: Fact) -> None:
        version = getattr(closed.body, "version", 0)
        filings = [f for f in story if isinstance(f.body, EvidenceSubmitted)]
        versions = [f.body.version for f in filings if isinstance(f.body, EvidenceSubmitted)]
        assert versions == list(range(1, len(versions) + 1)), "versions rise one by one"
        assert version == versions[-1]
        author = {filings[-1].actor, getattr(filings[-1].body, "on_behalf_of", None)} - {None}
        answers = [
            (f, f.body) for f in story if isinstance(f.body, DecisionRecorded) and f.body.version == version
        ]
        for slot in self.model.steps[closed.step or ""].slots:
            given = [(f, b) for f, b in answers if (b.role, b.asked) == (slot.role, slot.kind)]
            silent = [b for _, b in given if b.outcome is Outcome.NO_RESPONSE]
            people = [p for f, b in given if b not in silent for p in {f.actor, b.on_behalf_of} - {None}]
            assert len(people) == len(set(people)), "nobody counts twice"
            assert silent or len(given) >= slot.quorum
            assert not (slot.four_eyes and author & set(people)), "nobody approves their own document"
            assert not any(b.outcome in (Outcome.REJECTED, Outcome.CHANGES_REQUESTED) for _, b in given)


NIGHTLY = settings.get_current_profile_name() == "nightly"

TestGates = Gates.TestCase
TestGates.settings = settings(
    max_examples=20_000 if NIGHTLY else 300, stateful_step_count=30, deadline=None, database=None
)
