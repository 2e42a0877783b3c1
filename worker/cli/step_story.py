"""Everything about one step, as programs read it and as `step_view` tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from activities.language import _, current, format_day
from activities.proof import Keys, Proof, is_act, proof
from activities.reading import Hidden, Writing, readable_texts
from worker.cli.as_of_options import Then
from worker.cli.cases import Case, read_case
from worker.cli.employers import store
from worker.cli.fact_sentences import sentence
from worker.cli.naming import role_bearer
from worker.cli.readings import find_reader, noted, reading_time
from worker.cli.words import GATES, role_name
from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    Asked,
    AttemptRefused,
    DecisionDisregarded,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    Escalated,
    EvidenceSubmitted,
    Reminded,
    RoleVacant,
    StepClosed,
    StepLeftOpen,
    StepReopened,
    WecMatterRaised,
)
from workflows.rules.keys import KeyRing
from workflows.rules.organisation import Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS
from workflows.rules.terms import Outcome

if TYPE_CHECKING:
    from activities.store.database import Reader

_NOTHING_WRITTEN = Writing()


class Duty(Frozen):
    """A requirement that the step carries, in the words of the register, and where it stands."""

    id: str
    text: str
    provisions: tuple[str, ...]


class Version(Frozen):
    """A document that was filed. `size` is in bytes; it and `file` are None when the document is unknown."""

    version: int
    document: str
    file: str | None
    size: int | None
    person: str
    on_behalf_of: str | None
    at: datetime
    seq: int
    proof: Proof


class Answer(Frozen):
    """A decision. `comment` is None without one or when it is not shown; `committed` says that there was one.

    `hidden` is why it is not shown, and `readers` are the roles that may read it.
    """

    version: int
    role: Role
    person: str
    on_behalf_of: str | None
    outcome: Outcome
    comment: str | None
    committed: bool
    at: datetime
    seq: int
    proof: Proof
    hidden: Hidden | None = None
    readers: tuple[Role, ...] = ()


class Line(Frozen):
    """A fact in one sentence, and what was said with it; `proof` is there for what a person did or tried."""

    seq: int
    at: datetime
    kind: str
    text: str
    comment: str | None = None
    proof: Proof | None = None
    hidden: Hidden | None = None
    readers: tuple[Role, ...] = ()


class Counted(Frozen):
    """How far a question has come that needs several answers."""

    role: Role
    given: tuple[str, ...]
    needed: int
    waiting_for: tuple[str, ...]


class Waiting(Frozen):
    """Somebody who is waited for, and every way for that person to answer."""

    what: str
    role: Role
    person: str
    acting_for: str | None
    commands: tuple[str, ...]


class StepStory(Frozen):
    """One step: what is asked and why, its dates, and all that was done about it. `names` are by id."""

    cycle: str
    employer: str
    unit: str | None
    unit_name: str
    step: str
    name: str
    typed: str
    state: str
    opens: date
    opened_at: datetime | None
    due: date
    original_due: date
    settled_at: datetime | None
    today: date
    evidence: str
    participants: tuple[Role, ...]
    gate: tuple[str, ...]
    duties: tuple[Duty, ...]
    law: tuple[str, ...]
    builds_on: tuple[str, ...]
    versions: tuple[Version, ...]
    answers: tuple[Answer, ...]
    asked: tuple[Line, ...]
    moved: tuple[Line, ...]
    refused: tuple[Line, ...]
    dissent: tuple[Line, ...]
    quorums: tuple[Counted, ...]
    disagree: tuple[str, ...]
    missing: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    to_come: tuple[str, ...]
    names: dict[str, str]
    as_of: date | None = None
    lag: int = 0


async def read_story(
    cycle: str,
    step: str,
    *,
    year: int | None,
    employer: str | None,
    person: str | None = None,
    then: Then | None = None,
) -> StepStory:
    """The story of the step that the words mean, told to `person`, now or as it was `then`.

    What others wrote and the person reads is put on record. Errors as in `cases.read_case` and
    `people.find_person`.
    """
    from worker.cli import clock

    async with store() as database, database.read() as reader:
        case = await read_case(reader, cycle, step, clock.now(), year=year, employer=employer, then=then)
        ring, lag = await Keys().of(reader, case.row.employer), await reader.lag(case.row.employer)
        reads = await find_reader(reader, case.row.employer, person)
        now = await reading_time(reader, case.row.employer)
        writings = await readable_texts(reader, reads, case.facts, now)
        await noted(database, case.row.employer, reads, "step", writings, now)
        versions = await _versions(reader, case, ring)
    answers = list(_answers(case, ring, writings))
    here, language = case.here, current()
    due = here.due if here is not None else case.step.due
    bodies = [fact.body for _seq, fact in case.facts]
    # The day for which the programme's references were checked when the year was started.
    day = date(case.situation.cycle.year, 6, 1)
    law = case.situation.law
    waiting = [(p, h) for p in case.waiting() for h in case.holders(p.what, p.role)]
    return StepStory(
        cycle=case.row.id,
        employer=case.situation.organisation.name,
        unit=case.row.unit,
        unit_name=case.unit_name,
        step=case.step.key,
        name=case.name,
        typed=case.typed,
        state=_state(case),
        opens=case.step.opens,
        opened_at=here.opened_at if here is not None else None,
        due=due,
        original_due=here.first_due if here is not None else due,
        settled_at=here.settled_at if here is not None else None,
        today=case.today,
        evidence=case.step.evidence.in_(language),
        participants=case.step.participants,
        gate=tuple(
            _(GATES[s.kind.value]).format(who=role_name(s.role))
            for s in sorted(case.step.slots, key=lambda s: s.order)
        ),
        duties=tuple(
            Duty(
                id=duty.id,
                text=duty.en if language == "en" else duty.nb,
                provisions=duty.provisions,
            )
            for duty in (law.requirement(id) for id in case.step.requirements)
        ),
        law=tuple(dict.fromkeys(law.provision(id, day).section for id in case.step.law)),
        builds_on=case.step.builds_on,
        versions=tuple(versions),
        answers=tuple(answers),
        asked=_lines(case, ring, writings, Asked, RoleVacant, Reminded, Escalated),
        moved=_lines(case, ring, writings, DueDateChanged, StepReopened),
        refused=_lines(case, ring, writings, AttemptRefused, DecisionDisregarded),
        dissent=_lines(
            case, ring, writings, AnswerDemanded, WecMatterRaised, AnswerOverdue, DisagreementAnswered
        ),
        quorums=tuple(
            Counted(role=p.role, **count._asdict())
            for p in case.waiting()
            if (count := case.quorum(p)) is not None
        ),
        disagree=tuple(dict.fromkeys(p for b in bodies if isinstance(b, StepClosed) for p in b.disagreements))
        or tuple(dict.fromkeys(a.person for a in answers if a.outcome is Outcome.DISAGREES)),
        missing=tuple(m for b in bodies if isinstance(b, StepLeftOpen) for m in b.missing),
        waiting=tuple(
            Waiting(
                what=p.what,
                role=p.role,
                person=h.person,
                acting_for=h.acting_for,
                commands=tuple(case.commands(p.what, h.person, p.role)) if then is None else (),
            )
            for p, h in waiting
        ),
        to_come=tuple(_no_response(case)) if then is None else (),
        names=_named(case),
        as_of=then.day if then is not None else None,
        lag=lag,
    )


async def _versions(reader: Reader, case: Case, ring: KeyRing) -> list[Version]:
    found = []
    for seq, fact in case.facts:
        if isinstance(fact.body, EvidenceSubmitted):
            row = await reader.document(fact.body.document)
            found.append(
                Version(
                    version=fact.body.version,
                    document=fact.body.document,
                    file=row.name if row else None,
                    size=row.size if row else None,
                    person=fact.actor,
                    on_behalf_of=fact.body.on_behalf_of,
                    at=fact.recorded,
                    seq=seq,
                    proof=proof(ring, seq, fact),
                )
            )
    return found


def _answers(case: Case, ring: KeyRing, writings: Mapping[int, Writing]) -> Iterator[Answer]:
    for seq, fact in case.facts:
        if isinstance(fact.body, DecisionRecorded):
            writing = writings.get(seq, _NOTHING_WRITTEN)
            yield Answer(
                version=fact.body.version,
                role=fact.body.role,
                person=fact.actor,
                on_behalf_of=fact.body.on_behalf_of,
                outcome=fact.body.outcome,
                comment=writing.text,
                committed=fact.body.comment is not None,
                at=fact.recorded,
                seq=seq,
                proof=proof(ring, seq, fact),
                hidden=writing.hidden,
                readers=writing.roles if writing.hidden else (),
            )


def _lines(case: Case, ring: KeyRing, writings: Mapping[int, Writing], *kinds: type) -> tuple[Line, ...]:
    return tuple(
        Line(
            seq=seq,
            at=fact.recorded,
            kind=fact.kind,
            text=sentence(fact.body, fact.actor, case.names),
            comment=writing.text,
            proof=proof(ring, seq, fact) if is_act(fact) else None,
            hidden=writing.hidden,
            readers=writing.roles if writing.hidden else (),
        )
        for seq, fact in case.facts
        if isinstance(fact.body, kinds)
        for writing in (writings.get(seq, _NOTHING_WRITTEN),)
    )


def _state(case: Case) -> str:
    here = case.here
    if here is None:
        return "planned"
    if here.settled is None:
        return "overdue" if here.due < case.today else "open"
    late = here.settled == "closed" and here.settled_at is not None and oslo_day(here.settled_at) > here.due
    return "closed_late" if late else here.settled


def _named(case: Case) -> dict[str, str]:
    from activities.store.projections import mentioned

    ids = {person for _seq, fact in case.facts for person in mentioned(fact)}
    ids |= {h.person for p in case.waiting() for h in case.holders(p.what, p.role)}
    return {id: case.names[id] for id in sorted(ids) if id in case.names}


def _no_response(case: Case) -> Iterator[str]:
    """From when the owner may record that somebody did not answer."""
    here = case.here
    for p in case.waiting():
        question = here.question("consult", p.role, p.version) if here is not None else None
        if p.what != "consult" or question is None:
            continue
        calendar = case.situation.programme.calendar
        last = calendar.consultation_deadline(oslo_day(question.asked_at), REAL_OPPORTUNITY_DAYS)
        owners = case.holders("evidence", case.step.owner)
        if owners:
            command = case.decide_command(owners[0].person, p.role, Outcome.NO_RESPONSE)
            yield _("Fra {day} kan {owner} føre at {role} ikke svarte: {command}").format(
                day=format_day(last),
                owner=role_bearer(case.step.owner),
                role=role_bearer(p.role),
                command=command,
            )
