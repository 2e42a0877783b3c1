"""The year 2027 of Nordfjord Tre AS, from its files and its story, as the demonstration runs it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.history_files import SUFFIX, read, workflow_of
from activities.store.database import Database
from activities.store.rows import CycleRow, PersonRow, StepRow
from tests.rules.employers import law, programme
from worker.archive import position
from worker.keyring import Keyring
from worker.plugin import forsvarlig_plugin
from worker.settings import Settings
from worker.staging import cast_from_files, rehearse
from worker.story import Story, read_story
from workflows.rules.addressees import told
from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.events import (
    Asked,
    AttemptRefused,
    CycleStarted,
    DecisionRecorded,
    Escalated,
    EvidenceSubmitted,
    Fact,
    StepClosed,
    StepLeftOpen,
)
from workflows.rules.organisation import Role
from workflows.rules.standing import fold
from workflows.rules.terms import Outcome, Refusal

pytestmark = pytest.mark.xdist_group("whole year")
"""What is made once for all of them is made by one process."""

NORDFJORD = Path(__file__).parents[2] / "examples" / "nordfjord"
EMPLOYER, YEAR = "nordfjord-tre", 2027
UNITS = ("administrasjon", "produksjon", "sagbruk", "salg")

MADE_BY_VIRTUAL_TIME = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
}
"""The server notes each jump of a clock, and each order to jump; a year in real time has neither."""


@dataclass
class WholeYear:
    """What the rehearsal left, read once."""

    database: Database
    story: Story
    facts: list[Fact]
    steps: list[StepRow]
    cycles: list[CycleRow]
    people: dict[str, PersonRow]
    histories: dict[str, History]
    mails: list[EmailMessage]
    mail_files: list[Path]
    keyring: Keyring

    def of(self, unit: str | None, step: str | None = None) -> list[Fact]:
        cycle = f"unit/{EMPLOYER}/{unit}/{YEAR}" if unit else f"year/{EMPLOYER}/{YEAR}"
        return [f for f in self.facts if f.cycle == cycle and step in (None, f.step)]

    def person(self, name: str) -> str:
        """The id of the person with this name."""
        [id] = [person.id for person in self.people.values() if person.name == name]
        return id

    def comments(self) -> list[str]:
        return [d.comment for d in self.story.deviations if d.comment]

    def asked(self, unit: str) -> Iterable[tuple[date, Asked]]:
        return ((oslo_day(f.concerns), f.body) for f in self.of(unit) if isinstance(f.body, Asked))


@pytest.fixture(scope="module")
async def year(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeYear]:
    state = tmp_path_factory.mktemp("nordfjord")
    story = read_story(NORDFJORD / "story.toml")
    cast = cast_from_files(NORDFJORD, law(), date(YEAR, 1, 1))
    settings = Settings(state=state, task_queue="nordfjord")
    installation = await rehearse(settings, cast, programme(), law(), YEAR, story, files=NORDFJORD)
    database = installation.database
    async with database.read() as reader:
        facts = [fact for _, fact in await reader.facts(EMPLOYER)]
        steps = await reader.steps(employer=EMPLOYER)
        cycles = await reader.cycles(employer=EMPLOYER)
        people = await reader.people(EMPLOYER)
    kept = [read(file) for file in settings.histories.rglob(f"*{SUFFIX}")]
    histories = {workflow_of(events): History(events=events) for events in kept}
    mail_files = list(settings.mail_directory.iterdir())
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in mail_files]
    yield WholeYear(
        database, story, facts, steps, cycles, people, histories, mails, mail_files, installation.keyring
    )
    await database.close()


def bodies(facts: Iterable[Fact], kind: type) -> list[tuple[Fact, object]]:
    return [(f, f.body) for f in facts if isinstance(f.body, kind)]


# --- people ---------------------------------------------------------------------------------------


def test_the_substitute_answers_for_the_absent_manager_and_both_are_named(year: WholeYear) -> None:
    manager, substitute = year.person("Åsmund Reed"), year.person("Agnieszka Kowalski")
    asked = [b for day, b in year.asked("sagbruk") if b.role is Role.MANAGER and day < date(YEAR, 5, 31)]
    away = [b for b in asked if b.people[0].acting_for]
    assert away
    assert {(h.person, h.acting_for) for b in away for h in b.people} == {(substitute, manager)}
    answers = [
        (f.actor, f.body.on_behalf_of)
        for f in year.of("sagbruk")
        if isinstance(f.body, EvidenceSubmitted | DecisionRecorded) and f.body.on_behalf_of
    ]
    assert set(answers) == {(substitute, manager)}
    assert len(answers) >= 5


async def test_the_disagreement_of_the_safety_rep_is_kept_and_the_step_is_closed(year: WholeYear) -> None:
    safety_rep = year.person("Juhán Utsi")
    plan = year.of("sagbruk", "Y16")
    [answer] = [f for f in plan if f.actor == safety_rep]
    assert isinstance(answer.body, DecisionRecorded)
    assert answer.body.outcome is Outcome.DISAGREES
    [closed] = [f.body for f in plan if isinstance(f.body, StepClosed)]
    assert closed.disagreements == (safety_rep,)
    [comment] = [d.comment for d in year.story.deviations if d.outcome is Outcome.DISAGREES]
    assert comment is not None
    assert answer.body.comment is not None
    async with year.database.read() as reader:
        assert await reader.payload(EMPLOYER, answer.id) == comment


def test_comments_stand_in_no_fact(year: WholeYear) -> None:
    ledger = "\n".join(fact.model_dump_json() for fact in year.facts)
    assert len(year.comments()) == 3
    assert [comment for comment in year.comments() if comment in ledger] == []


def test_the_manager_who_answers_in_the_place_of_the_safety_rep_is_refused_and_that_is_recorded(
    year: WholeYear,
) -> None:
    [refused] = [f for f in year.facts if isinstance(f.body, AttemptRefused)]
    assert refused.actor == year.person("Sunniva Øvrebø")
    assert (refused.step, oslo_day(refused.concerns)) == ("Y15", date(YEAR, 5, 12))
    assert isinstance(refused.body, AttemptRefused)
    assert (refused.body.reason, refused.body.role) == (Refusal.NOT_ELIGIBLE, Role.SAFETY_REP)
    answers = [f for f in year.of("produksjon", "Y15") if isinstance(f.body, DecisionRecorded)]
    assert refused.actor not in {f.actor for f in answers if f.body.role is Role.SAFETY_REP}


def test_the_new_manager_of_produksjon_is_asked_from_the_third_of_may(year: WholeYear) -> None:
    before, after = year.person("Geir Myklebust"), year.person("Sunniva Øvrebø")
    managers = {
        (day, holder.person)
        for day, body in year.asked("produksjon")
        if body.role is Role.MANAGER
        for holder in body.people
    }
    start = date(YEAR, 5, 3)
    assert {person for day, person in managers if day < start} == {before}
    assert {person for day, person in managers if day >= start} == {after}


def test_the_top_manager_gets_the_changes_that_were_asked_for(year: WholeYear) -> None:
    goals = year.of(None, "Y05")
    outcomes = [
        f.body.outcome
        for f in goals
        if isinstance(f.body, DecisionRecorded) and f.body.role is Role.TOP_MANAGER
    ]
    assert outcomes == [Outcome.CHANGES_REQUESTED, Outcome.APPROVED]
    [closed] = [f.body for f in goals if isinstance(f.body, StepClosed)]
    assert closed.version == 2


# --- steps ----------------------------------------------------------------------------------------


def test_nothing_happens_in_the_closed_unit_after_its_end(year: WholeYear) -> None:
    end = date(YEAR, 10, 1)
    late = [f.kind for f in year.of("salg") if oslo_day(f.concerns) >= end]
    assert set(late) <= {"step_withdrawn", "cycle_closed"}
    assert "cycle_closed" in late
    assert {s.status for s in year.steps if s.unit == "salg"} == {"closed", "withdrawn"}
    others = {f.cycle for f in year.facts if f.kind == "step_opened" and oslo_day(f.concerns) >= end}
    assert others >= {f"unit/{EMPLOYER}/{unit}/{YEAR}" for unit in UNITS if unit != "salg"}


def test_the_late_safety_round_becomes_a_deviation_and_is_closed_late(year: WholeYear) -> None:
    safety_round = year.of("produksjon", "Y20")
    rungs = [f.body for f in safety_round if isinstance(f.body, Escalated)]
    assert [rung.deviation for rung in rungs] == [False, True]
    [closed] = [f.body for f in safety_round if isinstance(f.body, StepClosed)]
    assert closed.late


def test_what_was_never_assessed_stands_open_when_the_year_is_closed(year: WholeYear) -> None:
    [left] = [f for f in year.facts if isinstance(f.body, StepLeftOpen)]
    assert left.cycle == f"unit/{EMPLOYER}/sagbruk/{YEAR}"
    assert left.step == "Y29"
    assert isinstance(left.body, StepLeftOpen)
    assert left.body.missing == ("evidence:manager",)
    assert oslo_day(left.concerns) == date(YEAR + 1, 1, 31)
    assert [s.step for s in year.steps if s.status == "left_open"] == ["Y29"]


def test_every_cycle_is_closed_and_the_employers_last(year: WholeYear) -> None:
    assert {c.id for c in year.cycles} == {
        f"year/{EMPLOYER}/{YEAR}",
        *(f"unit/{EMPLOYER}/{unit}/{YEAR}" for unit in UNITS),
    }
    assert {c.state for c in year.cycles} == {"closed"}
    last = [fact for fact in year.facts if fact.cycle is not None][-1]
    assert (last.cycle, last.kind) == (f"year/{EMPLOYER}/{YEAR}", "cycle_closed")
    started = [f.body for f in year.facts if isinstance(f.body, CycleStarted)]
    assert all(body.rehearsal for body in started)


# --- mail -----------------------------------------------------------------------------------------


def words(mail: EmailMessage) -> str:
    """All that a reader sees, on one line."""
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return " ".join([str(mail["Subject"]), *(p.get_content() for p in parts if p is not None)])


def test_every_mail_is_an_eml_file_to_somebody_in_the_directory(year: WholeYear) -> None:
    assert {path.suffix for path in year.mail_files} == {".eml"}
    assert 0 < len(year.mails) <= sum(len(told(fact)) for fact in year.facts)
    addresses = {person.email for person in year.people.values()}
    assert {mail["To"].addresses[0].addr_spec for mail in year.mails} <= addresses
    assert max(Counter(str(mail["Message-ID"]) for mail in year.mails).values()) == 1


def test_nobody_gets_two_mails_on_one_day(year: WholeYear) -> None:
    days = Counter(
        (mail["X-Forsvarlig-Person"], mail["Date"].datetime.astimezone(OSLO).date()) for mail in year.mails
    )
    assert max(days.values()) == 1
    several = [mail for mail in year.mails if " " in str(mail["X-Forsvarlig-Seq"])]
    assert several, "the digest is tried"


def test_each_fact_is_told_a_person_once_at_most(year: WholeYear) -> None:
    told_of = Counter(
        (mail["X-Forsvarlig-Person"], place)
        for mail in year.mails
        for place in str(mail["X-Forsvarlig-Seq"]).split()
    )
    assert set(told_of.values()) == {1}


def test_no_mail_contains_a_comment(year: WholeYear) -> None:
    texts = [" ".join(words(mail).split()) for mail in year.mails]
    # A sentence that runs over two lines is found, so a comment would be.
    assert any("lagt fram av Agnieszka Kowalski for Åsmund Reed" in text for text in texts)
    assert [c for c in year.comments() if any(c in text for text in texts)] == []


async def test_the_outbox_is_empty(year: WholeYear) -> None:
    async with year.database.read() as reader:
        assert await reader.outbox_pending() == 0


# --- the record -----------------------------------------------------------------------------------


async def test_the_ledger_is_whole(year: WholeYear) -> None:
    async with year.database.read() as reader:
        verification = await reader.verify(EMPLOYER)
        head = await reader.head(EMPLOYER)
    assert verification.ok, verification.faults
    assert head.size == len(year.facts)


async def test_projections_that_are_rebuilt_from_the_ledger_are_the_same(year: WholeYear) -> None:
    async with year.database.read() as reader:
        before = await reader.checksums(EMPLOYER)
    async with year.database.write(EMPLOYER) as transaction:
        assert await transaction.rebuild() == before
    assert len(set(before.values())) > 1


def test_no_name_address_or_comment_is_in_a_history_or_a_workflow_id(year: WholeYear) -> None:
    personal = {text for p in year.people.values() for text in (p.name, p.email) if text} | {*year.comments()}
    assert len(personal) > 200
    content = b"\n".join(h.SerializeToString() for h in year.histories.values())
    content += "\n".join(year.histories).encode()
    # What is there is found: ids of cycles are in the clear, and nothing is packed or escaped.
    assert f"unit/{EMPLOYER}/sagbruk/{YEAR}".encode() in content
    # Payloads are sealed: not even ids of people, roles or kinds of facts can be read.
    words = {"safety_rep", "step_opened", *(id for id in year.people if len(id) >= 8)}
    assert [word for word in words if word.encode() in content] == []
    spelt = {text: (text.encode(), json.dumps(text)[1:-1].encode()) for text in personal}
    assert [text for text, spellings in spelt.items() if any(s in content for s in spellings)] == []


def test_histories_have_at_most_27_events_a_step(year: WholeYear) -> None:
    kinds = Counter(
        event.event_type
        for history in year.histories.values()
        for event in history.events
        if event.event_type not in MADE_BY_VIRTUAL_TIME
    )
    events, steps = sum(kinds.values()), len(year.steps)
    told = ", ".join(f"{EventType.Name(kind)[11:]} {count}" for kind, count in kinds.most_common())
    assert events <= 27 * steps, f"{events} events for {steps} steps are {events / steps:.1f} a step: {told}"


async def test_the_histories_that_were_just_made_replay(year: WholeYear) -> None:
    assert set(year.histories) == {c.id for c in year.cycles}
    replayer = Replayer(workflows=[], plugins=[forsvarlig_plugin(keyring=year.keyring)])
    for id, history in year.histories.items():
        await replayer.replay_workflow(WorkflowHistory(id, list(history.events)))


@pytest.mark.parametrize("month", [3, 6, 9, 11])
@pytest.mark.parametrize("unit", ["sagbruk", None])
async def test_the_history_of_a_year_of_disputes_answers_as_the_facts_of_that_day(
    year: WholeYear, unit: str | None, month: int
) -> None:
    cycle = f"unit/{EMPLOYER}/{unit}/{YEAR}" if unit else f"year/{EMPLOYER}/{YEAR}"
    moment = datetime(YEAR, month, 20, 22, tzinfo=UTC)
    found = await position(year.histories[cycle].events, moment, keyring=year.keyring)
    assert found.standing == fold(fact for fact in year.of(unit) if fact.recorded <= moment)
