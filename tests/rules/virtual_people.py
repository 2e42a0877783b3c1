"""Runs a cycle by the rules alone, without engine or store: people act, the calendar moves on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from tests.rules.employers import law, programme, year_plan
from workflows.rules.acts import judge
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.cycle import advance, next_moment
from workflows.rules.dissent import awaited_answers
from workflows.rules.events import AttemptRefused, CycleStarted, Fact
from workflows.rules.gate import SENDS_BACK, Pending, barred_from, pending, responsible
from workflows.rules.organisation import Organisation
from workflows.rules.plan import PlannedStep
from workflows.rules.programme import Programme
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, StepStanding, fold
from workflows.rules.statement import Answer, Decide, File
from workflows.rules.terms import CycleRef, Outcome

HASH = "0" * 64
OTHER_HASH = "f" * 64


def situation(
    organisation: Organisation, cycle: CycleRef, hash: str = HASH, by: Programme | None = None
) -> Situation:
    """The situation of a cycle of the standard programme, with its plan."""
    return Situation(
        cycle=cycle, programme=by or programme(), law=law(), organisation=organisation, organisation_hash=hash,
        plan=year_plan(organisation, cycle.year).only(cycle),
    )  # fmt: skip


def start(where: Situation, now: datetime) -> Fact:
    body = CycleStarted(
        programme=HASH, law=HASH, organisation=where.organisation_hash,
        profile=where.organisation.duties(where.law, oslo_day(now)).profile,
    )  # fmt: skip
    return Fact(
        id="start", employer=where.cycle.employer, cycle=where.cycle.id, concerns=now, recorded=now, body=body
    )


class Act(NamedTuple):
    """At `at`, `who` does what is waited for in the step: files, answers in its gate, or answers who disagrees."""

    at: datetime
    step: str
    who: str
    pending: Pending
    outcome: Outcome | None = None


People = Callable[[Situation, Standing, datetime], Sequence[Act]]


def nobody(where: Situation, standing: Standing, now: datetime) -> Sequence[Act]:
    """Everybody keeps silent."""
    return ()


ANSWERS: dict[str, Outcome] = {
    "approve": Outcome.APPROVED,
    "consult": Outcome.AGREED,
    "treat": Outcome.TREATED,
}

When = Callable[[PlannedStep, StepStanding, Pending], datetime | None]
What = Callable[[PlannedStep, StepStanding, Pending], Outcome]


def usual(step: PlannedStep, here: StepStanding, waiting: Pending) -> Outcome:
    return ANSWERS[waiting.what]


def answering(when: When, what: What = usual) -> People:
    """Whoever is waited for acts at the moment that `when` names (never, for None), and answers `what`."""

    def people(where: Situation, standing: Standing, now: datetime) -> Iterator[Act]:
        day = oslo_day(now)
        for step in where.plan.of(where.cycle):
            here = standing.step(step.key)
            if here is None:
                continue
            for waiting in _waited_for(where, standing, step, here, day):
                barred = barred_from(step, here, waiting.what, waiting.role, waiting.version)
                who = responsible(step, where.organisation, waiting.what, waiting.role, day, barred)
                at = when(step, here, waiting)
                if not who or at is None:
                    continue
                outcome = what(step, here, waiting) if waiting.what in ANSWERS else None
                yield Act(max(at, here.opened_at), step.key, who[0].person, waiting, outcome)

    return lambda where, standing, now: tuple(people(where, standing, now))


def _waited_for(
    where: Situation, standing: Standing, step: PlannedStep, here: StepStanding, day: date
) -> Iterator[Pending]:
    if standing.closed_at is not None:
        return
    if here.settled in (None, "closed"):
        yield from awaited_answers(step, here)
    held_back = any(s.settled is None and s.reopened_by == step.key for s in standing.steps.values())
    sent_back = any(d.outcome in SENDS_BACK for d in here.now_decided()) and not here.needs_evidence
    if here.settled is None and not held_back and not sent_back:
        yield from pending(step, here, where.organisation, day)


def noon(day: datetime | object) -> datetime:
    return datetime.combine(day, time(12), OSLO).astimezone(UTC)  # type: ignore[arg-type]


def document(act: int) -> str:
    return f"{act:064x}"


def said(here: StepStanding, act: Act, number: int) -> Decide | File | Answer:
    """The statement in which the person does it."""
    if act.pending.what == "answer":
        return Answer(version=act.pending.version, comment=HASH)
    if act.outcome is None:
        return File(document=document(number))
    return Decide(
        role=act.pending.role, outcome=act.outcome, document=here.document or HASH, version=here.version,
        comment=HASH,
    )  # fmt: skip


def perform(where: Situation, standing: Standing, act: Act, number: int, now: datetime) -> Fact:
    """What the gate makes of the act; a refusal is a mistake in the test."""
    here = standing.step(act.step)
    assert here is not None
    body = judge(where, standing, act.step, act.who, said(here, act, number), now)
    assert not isinstance(body, AttemptRefused), f"{now} {act}: {body.reason}"
    return Fact(
        id=f"act {number}", employer=where.cycle.employer, cycle=where.cycle.id, step=act.step, concerns=act.at,
        recorded=now, actor=act.who, body=body,
    )  # fmt: skip


def live(
    where: Situation,
    people: People = nobody,
    *,
    change: Callable[[datetime], Situation] | None = None,
    begin: datetime | None = None,
    stopped: tuple[datetime, datetime] | None = None,
    until: datetime | None = None,
) -> tuple[list[Fact], Standing]:
    """All facts of the cycle from 1 January (or `begin`) to its end (or `until`), moment by moment.

    While the worker is `stopped`, from the one moment to the other, the calendar brings nothing about, and
    people act all the same: the doors write to the ledger without it.
    """
    now = begin or datetime(where.cycle.year, 1, 1, 6, tzinfo=UTC)
    facts = [start(where, now)]
    standing = fold(facts)
    while True:
        if change is not None:
            where = change(now)
        if stopped is None or not stopped[0] <= now < stopped[1]:
            new = list(advance(where, standing, now))
            facts += new
            standing = fold(new, standing)
        acts = sorted(people(where, standing, now), key=lambda a: (a.at, a.step, a.who))
        if acts and acts[0].at <= now:
            made = perform(where, standing, acts[0], len(facts), now)
            facts.append(made)
            standing = fold([made], standing)
            continue
        upcoming = next_moment(where, standing, now)
        if upcoming is not None and stopped is not None and stopped[0] <= upcoming < stopped[1]:
            upcoming = stopped[1]
        moments = [a.at for a in acts[:1]] + ([upcoming] if upcoming is not None else [])
        if not moments or (until is not None and min(moments) > until):
            return facts, standing
        now = min(moments)


def days(count: float) -> timedelta:
    return timedelta(days=count)
