"""Facts: what they may carry, and how an old one is read."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from workflows.rules import events, record_facts
from workflows.rules.events import Body, Fact
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.programme import Kind, Stage
from workflows.rules.statement import Votes
from workflows.rules.stored_facts import CURRENT, UPCASTERS, FactError, read_fact
from workflows.rules.terms import CycleRef, Outcome, Refusal, What, at

NOON = datetime(2027, 5, 3, 10, tzinfo=UTC)
HASH = "ab" * 32
FREE_TEXT = ["Kari Nordmann", "kari@fjell.no", "KARI", "", "-kari", "kari\n", "kåre", "k" * 64]


def raw(**changes: Any) -> dict[str, Any]:
    """A fact in its stored form."""
    return {
        "v": 1, "id": "unit/fjell/u1/2027/Y10#opened", "employer": "fjell", "cycle": "unit/fjell/u1/2027",
        "step": "Y10", "concerns": "2027-03-01T07:00:00Z", "recorded": "2027-03-01T07:00:00Z",
        "actor": "system", "body": {"kind": "step_opened", "due": "2027-03-31"}, **changes,
    }  # fmt: skip


# --- reading old facts ----------------------------------------------------------------------------


def test_a_fact_of_the_current_version_is_read_as_it_was_written() -> None:
    fact = read_fact(raw())
    assert (fact.kind, fact.step, fact.actor) == ("step_opened", "Y10", "system")
    assert read_fact(json.loads(fact.model_dump_json())) == fact


@pytest.mark.parametrize("version", [2, 99, "1", None, 1.0])
def test_a_fact_of_a_version_this_program_does_not_know_is_not_guessed_at(version: object) -> None:
    with pytest.raises(FactError, match=r"Y10#opened.*reads up to 1.*Run the version"):
        read_fact(raw(v=version))


def test_a_fact_without_a_version_is_refused() -> None:
    without = raw()
    del without["v"]
    with pytest.raises(FactError, match="version None"):
        read_fact(without)


@pytest.mark.parametrize("version", [0, -1])
def test_a_fact_older_than_the_oldest_upcaster_names_the_missing_step(version: int) -> None:
    with pytest.raises(FactError, match=rf"no way from version {version} to {version + 1}"):
        read_fact(raw(v=version))


def renamed(fact: dict[str, Any]) -> dict[str, Any]:
    body = dict(fact["body"])
    body["due"] = body.pop("deadline")
    return {**fact, "v": 0, "body": body}


def moved(fact: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in fact.items() if k != "by"}, "v": 1, "actor": fact["by"]}


def test_an_old_fact_is_brought_up_version_by_version() -> None:
    old = raw(v=-1, by="p3", body={"kind": "step_opened", "deadline": "2027-03-31"})
    del old["actor"]
    kept = json.loads(json.dumps(old))
    fact = read_fact(old, {-1: renamed, 0: moved})
    assert (fact.actor, fact.v) == ("p3", 1)
    assert fact.body == events.StepOpened(due=date(2027, 3, 31))
    assert old == kept, "an old fact is never rewritten, only read upwards"


def test_a_chain_with_a_missing_link_stops_at_the_gap() -> None:
    with pytest.raises(FactError, match="no way from version 0 to 1"):
        read_fact(raw(v=-1, body={"kind": "step_opened", "deadline": "2027-03-31"}), {-1: renamed})


def test_every_version_before_the_current_one_has_an_upcaster() -> None:
    assert set(UPCASTERS) == set(range(1, CURRENT))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"body": {"kind": "step_vanished"}}, "body"),
        ({"body": {"kind": "step_opened"}}, "due"),
        ({"body": {"kind": "step_opened", "due": "2027-03-31", "surprise": 1}}, "surprise"),
        ({"recorded": "2027-03-01T07:00:00"}, "recorded"),
    ],
    ids=["an unknown kind", "a missing key", "an unknown key", "a time without a zone"],
)
def test_a_damaged_fact_is_refused_at_the_place_of_the_damage(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as error:
        read_fact(raw(**changes))
    assert place in {str(part) for part in error.value.errors()[0]["loc"]}


def test_a_damaged_fact_does_not_repeat_its_content_in_the_error() -> None:
    with pytest.raises(ValidationError) as error:
        read_fact(raw(actor="Kari Nordmann"))
    assert "Nordmann" not in str(error.value)


# --- every kind of body ---------------------------------------------------------------------------

BODIES: tuple[type[Any], ...] = get_args(get_args(Body)[0])
people = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
holders = st.builds(Holder, person=people, acting_for=st.none() | people)
hashes = st.integers(0, 2**256 - 1).map(lambda n: f"{n:064x}")
roles = st.sampled_from(Role)
whats = st.sampled_from(get_args(What))
outcomes = st.sampled_from(Outcome)
profiles = st.sampled_from(Profile)
dates = st.dates(date(2000, 1, 1), date(2099, 12, 31))
counts = st.integers(0, 10**6)
steps = st.from_regex(r"[A-Z][0-9]{2,3}(\.[0-9]{1,2})?", fullmatch=True)
ids = st.from_regex(r"[A-Z][0-9]{2,3}", fullmatch=True)
keys = st.from_regex(r"[0-9a-f]{16}", fullmatch=True)
signatures = st.binary(min_size=64, max_size=64).map(lambda b: b64encode(b).decode())
stages = st.sampled_from(Stage)
votes = st.builds(
    Votes,
    majority=st.lists(people, min_size=1, max_size=3).map(tuple),
    minority=st.lists(people, max_size=3).map(tuple),
    position=st.none() | hashes,
)
tuples_of_people = st.lists(people, max_size=3).map(tuple)
missing = st.builds(lambda what, role: f"{what}:{role.value}", whats, roles)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "programme": hashes, "law": hashes, "organisation": hashes, "before_hash": st.none() | hashes,
    "profile": profiles, "profile_before": profiles, "profile_after": profiles, "rehearsal": st.booleans(),
    "unit": people, "due": dates, "predecessors_open": st.lists(steps, max_size=3).map(tuple), "what": whats,
    "role": roles, "people": tuples_of_people, "days_before": counts,
    "days_after": counts, "deviation": st.booleans(), "wec_item": st.booleans(), "document": hashes,
    "on_behalf_of": st.none() | people, "asked": st.sampled_from(Kind), "outcome": outcomes,
    "comment": st.none() | hashes, "fulfils": st.booleans(), "attempt": st.sampled_from(get_args(events.Attempt)),
    "reason": st.sampled_from(Refusal), "late": st.booleans(), "disagreements": tuples_of_people,
    "vacant": st.lists(roles, max_size=2).map(tuple), "roles": st.lists(roles, max_size=2).map(tuple),
    "missing": st.lists(missing, max_size=3).map(tuple), "everyone": counts, "closed": counts,
    "left_open": counts, "withdrawn": counts, "back_to": st.none() | stages, "votes": st.none() | votes,
    "claimed": st.none() | people, "input": st.none() | hashes, "count": st.integers(1, 10**6),
    "because": st.sampled_from(["new_version", "basis_changed", "sent_back"]), "by": st.none() | steps,
    "decision": st.text(min_size=1, max_size=300, alphabet="abc/#0123456789 "), "disagree": tuples_of_people,
    "key": keys, "public_key": st.binary(min_size=32, max_size=32).map(lambda b: b64encode(b).decode()),
    "person": people, "to": people, "since": dates, "until": dates, "delegation": people, "step": st.none() | ids,
    "substitute": st.none() | people,
    "basis": st.sampled_from(get_args(record_facts.Basis)), "signature": signatures, "previous": st.none() | keys,
    "previous_signature": st.none() | signatures, "workflow": st.just("unit/fjell/u1/2027"),
    "run": st.uuids().map(str), "events": st.integers(1, 10**6), "sha256": hashes, "size": st.integers(1, 10**6),
    "version": st.integers(1, 50), "purpose": st.sampled_from(["history", "step", "dossier", "search"]),
    "facts": st.lists(st.text("abc/#0123456789", min_size=1, max_size=300), min_size=1, max_size=3).map(tuple),
    "year": st.integers(2000, 2099), "texts": st.booleans(), "names": st.booleans(), "before": dates,
    "records": st.sampled_from(get_args(record_facts.Records)), "days": st.integers(0, 36_500),
}  # fmt: skip
OTHERWISE: dict[tuple[type[Any], str], st.SearchStrategy[Any]] = {
    (events.Asked, "people"): st.lists(holders, max_size=3).map(tuple),
    (events.Appointed, "people"): st.lists(holders, max_size=3).map(tuple),
    (events.AttemptRefused, "role"): st.none() | roles,
    (events.AttemptRefused, "outcome"): st.none() | outcomes,
    (events.AttemptRefused, "document"): st.none() | hashes,
    (events.AttemptRefused, "version"): st.none() | st.integers(0, 50),
    (events.Delegated, "role"): st.none() | roles,
    (events.Delegated, "unit"): st.none() | people,
    (events.DisagreementAnswered, "comment"): hashes,
    (events.StepClosed, "basis"): st.lists(st.tuples(steps, st.integers(1, 50)), max_size=2).map(tuple),
    (record_facts.HistoryExported, "closed"): st.booleans(),
    (record_facts.HistoryExported, "version"): st.from_regex(r"[0-9]\.[0-9]{1,2}\.[0-9]", fullmatch=True),
    (record_facts.TextsRead, "facts"): st.lists(st.integers(1, 10**6), min_size=1, max_size=3).map(tuple),
    (record_facts.RecordsErased, "count"): st.integers(1, 10**6),
    (record_facts.RetentionSet, "comment"): hashes,
    (record_facts.LedgerRestored, "reason"): st.sampled_from(get_args(record_facts.Restored)),
    (record_facts.LedgerRestored, "size"): counts,
    (record_facts.LedgerRestored, "lost"): st.none() | st.integers(1, 10**6),
    (record_facts.LedgerRestored, "root"): st.none() | hashes,
    (record_facts.DossierMade, "unit"): st.none() | people,
    (events.KeyEnrolled, "person"): st.none() | people,
    (events.KeyRevoked, "reason"): st.sampled_from(["lost", "stolen", "replaced", "left"]),
    (events.RunStartedAgain, "reason"): st.just("missing"),
    (events.ResponsibilityMoved, "before"): tuples_of_people,
    (events.ResponsibilityMoved, "after"): tuples_of_people,
    (events.DueDateChanged, "after"): dates,
    (events.DueDateChanged, "reason"): st.sampled_from(["organisation_changed", "decided"]),
    (events.StepWithdrawn, "reason"): st.sampled_from(["unit_closed", "duty_ended"]),
    (events.OrganisationChanged, "before"): FIELDS["before_hash"],
}


def built(body: type[Any]) -> st.SearchStrategy[Any]:
    names = [name for name in body.model_fields if name != "kind"]
    assert [name for name in names if (body, name) not in OTHERWISE and name not in FIELDS] == []
    return st.builds(body, **{n: OTHERWISE[body, n] if (body, n) in OTHERWISE else FIELDS[n] for n in names})


@settings(max_examples=150, deadline=None)
@given(
    body=st.one_of([built(b) for b in BODIES]),
    step=st.none() | steps,
    moment=st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_a_fact_of_any_kind_survives_its_journey_as_json(
    body: Any, step: str | None, moment: datetime
) -> None:
    fact = Fact(
        id="f", employer="fjell", cycle="year/fjell/2027", step=step, concerns=moment, recorded=moment,
        actor="p1", body=body,
    )  # fmt: skip
    back = read_fact(json.loads(fact.model_dump_json()))
    assert back == fact
    assert type(back.body) is type(body)


def test_the_kinds_of_facts_are_all_different() -> None:
    kinds = [b.model_fields["kind"].default for b in BODIES]
    assert len(set(kinds)) == len(kinds) == 45


# --- no personal text -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", FREE_TEXT)
@pytest.mark.parametrize("where", ["employer", "actor", "cycle", "step"])
def test_the_frame_of_a_fact_has_no_room_for_personal_text(where: str, text: str) -> None:
    with pytest.raises(ValidationError):
        Fact.model_validate(raw(**{where: text}))


@pytest.mark.parametrize("text", FREE_TEXT)
@pytest.mark.parametrize(
    "body",
    [
        {"kind": "unit_year_started", "unit": "?"},
        {"kind": "step_opened", "due": "2027-03-31", "predecessors_open": ["?"]},
        {"kind": "asked", "what": "evidence", "role": "manager", "people": [{"person": "?"}]},
        {
            "kind": "asked", "what": "evidence", "role": "manager",
            "people": [{"person": "p1", "acting_for": "?"}],
        },
        {"kind": "reminded", "days_before": 3, "people": ["?"]},
        {"kind": "escalated", "days_after": 3, "people": ["?"], "deviation": False, "wec_item": False},
        {"kind": "responsibility_moved", "role": "manager", "before": ["?"], "after": []},
        {"kind": "responsibility_moved", "role": "manager", "before": [], "after": ["?"]},
        {"kind": "evidence_submitted", "document": HASH, "version": 1, "on_behalf_of": "?"},
        {"kind": "evidence_submitted", "document": "?", "version": 1},
        {
            "kind": "decision_recorded", "role": "manager", "asked": "approve", "outcome": "rejected",
            "document": HASH, "version": 1, "comment": "?",
        },
        {
            "kind": "decision_recorded", "role": "manager", "asked": "approve", "outcome": "rejected",
            "document": HASH, "version": 1, "on_behalf_of": "?",
        },
        {"kind": "step_closed", "document": HASH, "version": 1, "late": False, "disagreements": ["?"]},
        {"kind": "informed", "roles": [], "people": ["?"]},
        {"kind": "step_left_open", "missing": ["?"]},
        {"kind": "appointed", "role": "manager", "people": [{"person": "?"}]},
        {"kind": "decisions_stale", "document": HASH, "version": 1, "people": ["?"], "because": "new_version"},
        {"kind": "answer_demanded", "version": 1, "disagree": ["?"], "due": "2027-03-31"},
        {"kind": "wec_matter_raised", "version": 1, "disagree": [], "people": ["?"]},
        {"kind": "disagreement_answered", "version": 1, "disagree": [], "comment": "?", "late": False},
        {"kind": "answer_overdue", "version": 1, "due": "2027-03-31", "people": ["?"]},
        {"kind": "attempt_refused", "attempt": "signal", "reason": "unsigned", "claimed": "?"},
        {"kind": "attempt_refused", "attempt": "signal", "reason": "unsigned", "input": "?"},
        {"kind": "due_date_changed", "before": "2027-03-31", "after": "2027-04-30", "reason": "?"},
        {"kind": "key_enrolled", "key": "0" * 16, "public_key": "A" * 44, "person": "?"},
        {"kind": "key_revoked", "key": "?", "reason": "lost"},
        {"kind": "key_revoked", "key": "0" * 16, "reason": "?"},
        {
            "kind": "delegated", "delegation": "d1", "person": "p1", "to": "?", "since": "2027-01-01",
            "until": "2027-02-01",
        },
        {"kind": "absence_set", "person": "?", "since": "2027-01-01", "until": "2027-02-01"},
    ],
    ids=lambda body: f"{body['kind']}",
)  # fmt: skip
def test_no_body_has_room_for_personal_text(body: dict[str, Any], text: str) -> None:
    filled = json.loads(json.dumps(body).replace('"?"', json.dumps(text)))
    with pytest.raises(ValidationError):
        TypeAdapter(Body).validate_python(filled)


@pytest.mark.parametrize("step", ["Y10", "Y100", "Y28.1", "A01"])
def test_steps_are_named_by_their_key(step: str) -> None:
    assert Fact.model_validate(raw(step=step)).step == step


@pytest.mark.parametrize("step", ["y10", "Y1", "Y1000", "Y10.", "Y10.123", "Y10 ", "Y10\n", "YY10"])
def test_nothing_else_is_a_step(step: str) -> None:
    with pytest.raises(ValidationError):
        Fact.model_validate(raw(step=step))


@pytest.mark.parametrize("id", ["", "x" * 400])
def test_the_idempotency_key_is_neither_empty_nor_endless(id: str) -> None:
    with pytest.raises(ValidationError):
        Fact.model_validate(raw(id=id))


def test_the_longest_ids_of_a_cycle_a_person_and_an_attempt_make_a_key() -> None:
    longest = f"unit/{'e' * 63}/{'u' * 63}/2027/Y28.2#act {'p' * 63} 00000000-0000-4000-8000-000000000000"
    assert read_fact(raw(id=longest)).id == longest


def test_a_fact_cannot_be_edited() -> None:
    with pytest.raises(ValidationError):
        read_fact(raw()).actor = "p9"  # type: ignore[misc]


# --- cycles and moments ---------------------------------------------------------------------------


@pytest.mark.parametrize(("id", "unit"), [("year/fjell/2027", None), ("unit/fjell/u-1/2027", "u-1")])
def test_a_cycle_is_read_from_the_id_of_its_workflow(id: str, unit: str | None) -> None:
    ref = CycleRef.parse(id)
    assert (ref.employer, ref.year, ref.unit, ref.id) == ("fjell", 2027, unit, id)


@pytest.mark.parametrize(
    "id",
    [
        "", "fjell", "year/fjell", "year/fjell/twenty", "year//2027", "unit/fjell/2027", "unit/fjell//2027",
        "year/fjell/2027/u1", "year/fjell/²", "year/fjell/-1", "year/Kari Nordmann/2027", "campaign/fjell/2027",
        "year/fjell/2027\n", "year/fjell/٢٠٢٧", "year/fjell/99999",
    ],
)  # fmt: skip
def test_what_is_no_cycle_is_told_how_one_looks(id: str) -> None:
    with pytest.raises(
        ValueError, match=r"A cycle is year/<employer>/<year> or unit/<employer>/<unit>/<year>"
    ):
        CycleRef.parse(id)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Oslo"), timezone(timedelta(hours=-5))])
def test_a_moment_is_written_in_utc_from_whatever_zone(zone: Any) -> None:
    assert at(NOON.astimezone(zone)) == "2027-05-03T10:00:00Z"


def test_a_moment_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        at(datetime(2027, 5, 3, 10))  # noqa: DTZ001
