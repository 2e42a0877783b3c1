"""A cycle while people come and go, and while the employer changes."""

from __future__ import annotations

from datetime import timedelta

from tests.rules.cycle_stories import U1, YEAR, asked, at, d, lawful, moved_again, of
from tests.rules.employers import LARGE, MEDIUM, SMALL, employer, hired, manager_changed, unit_closed
from tests.rules.virtual_people import HASH, OTHER_HASH, answering, live, noon, situation
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import advance
from workflows.rules.organisation import Absence, Assignment, Organisation, Role, Unit
from workflows.rules.standing import fold
from workflows.rules.terms import CycleRef

# --- people who come and go ------------------------------------------------------------------------


def test_when_a_manager_leaves_the_new_one_is_asked_that_day() -> None:
    changed = manager_changed(MEDIUM, "u1", d("2027-05-10"), "p9")
    facts, _ = live(situation(changed, U1), until=at("2027-05-11"))
    [moved] = of(facts, "Y15", "responsibility_moved")
    assert moved.body.kind == "responsibility_moved"
    assert (oslo_day(moved.recorded), moved.body.before, moved.body.after) == (
        d("2027-05-10"),
        ("p3",),
        ("p9",),
    )
    assert asked(facts, "Y15") == [("2027-05-05", "evidence", ["p3"]), ("2027-05-10", "evidence", ["p9"])]


def test_when_a_manager_leaves_and_nobody_follows_the_one_above_is_asked() -> None:
    changed = manager_changed(MEDIUM, "u1", d("2027-05-10"), None)
    facts, _ = live(situation(changed, U1), until=at("2027-05-11"))
    assert asked(facts, "Y15")[-1] == ("2027-05-10", "evidence", ["p1"])


def test_while_the_manager_is_away_the_substitute_is_asked_and_after_that_the_manager_again() -> None:
    away = Absence(person="p3", substitute="p9", since=d("2027-05-07"), until=d("2027-05-13"))
    some = MEDIUM.model_copy(update={"absences": (away,)})
    facts, _ = live(situation(some, U1), until=at("2027-05-14"))
    assert asked(facts, "Y15") == [
        ("2027-05-05", "evidence", ["p3"]), ("2027-05-07", "evidence", ["p9"]), ("2027-05-13", "evidence", ["p3"]),
    ]  # fmt: skip


def test_nobody_is_asked_anew_when_nothing_changed_for_them() -> None:
    changed = manager_changed(LARGE, "u2", d("2027-05-10"), "p9")
    facts, _ = live(situation(changed, U1), until=at("2027-05-31"))
    assert not [f for f in facts if f.kind == "responsibility_moved"]


def uuid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012x}"


def with_unions(count: int) -> Organisation:
    """MEDIUM with so many union representatives, whose ids are as long as they are in the directory."""
    more = tuple(Assignment(role=Role.UNION_REP, person=uuid(n), since=d("2020-01-01")) for n in range(count))
    return MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, *more)})


def test_a_change_among_many_representatives_is_recorded() -> None:
    away = Absence(person=uuid(1), substitute=uuid(99), since=d("2027-03-08"))
    some = with_unions(9).model_copy(update={"absences": (away,)})
    people = answering(
        lambda step, here, waiting: (
            noon(d("2027-03-03")) if step.key == "Y14" and waiting.role is not Role.UNION_REP else None
        )
    )
    facts, standing = live(situation(some, U1), people, until=at("2027-03-09"))
    lawful(situation(some, U1), facts, standing)
    assert uuid(99) in asked(facts, "Y14")[-1][2]


def test_the_longest_ids_there_are_fit_into_a_fact() -> None:
    long = "e" * 63
    ref = CycleRef(employer=long, year=2027, unit="u" * 63)
    base = employer(17)
    some = base.model_copy(
        update={
            "employer": long,
            "units": tuple(u.model_copy(update={"id": "u" * 63}) if u.id == "u1" else u for u in base.units),
            "employments": tuple(e.model_copy(update={"unit": "u" * 63}) for e in base.employments),
        }
    )
    away = Absence(person="p4", since=d("2027-03-15"))
    deputy = Assignment(role=Role.DEPUTY_SAFETY_REP, person="p" * 63, area="a-u1", since=d("2020-01-01"))
    some = some.model_copy(update={"absences": (away,), "assignments": (*some.assignments, deputy)})
    people = answering(
        lambda step, here, waiting: noon(d("2027-03-03")) if waiting.what == "evidence" else None
    )
    facts, _ = live(situation(some, ref), people, until=at("2027-03-30"))
    assert of(facts, "Y10", "responsibility_moved")


def test_three_changes_on_one_day_are_three_facts() -> None:
    ways = {
        h: manager_changed(MEDIUM, "u1", d("2027-05-06"), p) for h, p in ((HASH, "p9"), (OTHER_HASH, "p8"))
    }
    noons = noon(d("2027-05-06"))
    order = [HASH, OTHER_HASH, HASH, OTHER_HASH, HASH]
    facts, standing = live(situation(ways[HASH], U1), until=at("2027-05-06"))
    for hour, hash in enumerate(order):
        new = advance(situation(ways[hash], U1, hash), standing, noons + timedelta(hours=hour))
        standing = fold(new, standing)
        facts += new
    assert moved_again(facts) == {}
    assert [who for _, _, who in asked(facts, "Y15")] == [["p3"], ["p9"], ["p8"], ["p9"], ["p8"], ["p9"]]


# --- an employer that changes ----------------------------------------------------------------------


def test_when_a_unit_is_closed_its_open_steps_are_withdrawn_and_its_year_ends() -> None:
    facts, standing = live(situation(unit_closed(MEDIUM, "u1", d("2027-10-01")), U1))
    withdrawn = [f for f in facts if f.body.kind == "step_withdrawn"]
    assert {f.body.reason for f in withdrawn if f.body.kind == "step_withdrawn"} == {"unit_closed"}
    assert {s.settled for s in standing.steps.values()} == {"withdrawn"}
    assert {f.concerns for f in withdrawn} == {at("2027-10-01")}
    assert standing.closed_at == at("2027-10-01")
    assert max(f.recorded for f in facts) == at("2027-10-01")
    assert "Y29" not in standing.steps


def test_in_the_last_hours_of_a_unit_nobody_new_is_asked() -> None:
    # The unit's own representative is not the senior one, who would answer for a unit that is gone.
    where = situation(
        unit_closed(LARGE, "u2", d("2027-10-01")), CycleRef(employer="fjell", year=2027, unit="u2")
    )
    people = answering(
        lambda step, here, waiting: noon(d("2027-09-20")) if waiting.what == "evidence" else None
    )
    _, standing = live(where, people, until=at("2027-09-30"))
    night = at("2027-10-01") - timedelta(hours=5)
    assert oslo_day(night) == d("2027-10-01")
    assert advance(where, standing, night) == ()


def test_what_was_decided_before_a_unit_closed_stands_though_nobody_looked_until_after() -> None:
    where = situation(unit_closed(MEDIUM, "u1", d("2027-10-01")), U1)
    stop = (at("2027-09-20"), at("2027-10-04"))
    people = answering(lambda step, here, waiting: noon(d("2027-09-28")) if step.key == "Y28.1" else None)
    facts, standing = live(where, people, stopped=stop)
    lawful(where, facts, standing)
    assert standing.steps["Y28.1"].settled == "closed"
    assert standing.steps["Y23"].settled == "withdrawn"


def test_a_unit_closed_on_the_closing_day_leaves_its_steps_open() -> None:
    _, standing = live(situation(unit_closed(MEDIUM, "u1", d("2028-01-31")), U1))
    assert {s.settled for s in standing.steps.values()} == {"left_open"}


def test_a_unit_that_is_laid_under_another_keeps_its_open_steps() -> None:
    west = Unit(id="west", name="west", parent="root", since=d("2020-01-01"))
    old = next(u for u in MEDIUM.units if u.id == "u1")
    units = (
        *(u for u in MEDIUM.units if u.id != "u1"), west, old.model_copy(update={"until": d("2027-05-10")}),
        old.model_copy(update={"since": d("2027-05-10"), "parent": "west"}),
    )  # fmt: skip
    facts, standing = live(situation(MEDIUM.model_copy(update={"units": units}), U1))
    assert not of(facts, "Y15", "step_withdrawn", "responsibility_moved")
    assert standing.steps["Y29"].settled == "left_open"


def test_a_closing_that_is_told_afterwards_withdraws_what_had_opened() -> None:
    before, after = (
        situation(MEDIUM, U1),
        situation(unit_closed(MEDIUM, "u1", d("2027-03-01")), U1, OTHER_HASH),
    )
    facts, standing = live(
        before, change=lambda now: before if now < at("2027-03-10") else after, until=at("2027-03-31")
    )
    reasons = {f.body.reason for f in facts if f.body.kind == "step_withdrawn"}
    assert reasons == {"unit_closed"}
    assert {s.settled for s in standing.steps.values()} == {"withdrawn"}


def test_a_new_version_of_the_organisation_is_noted_once() -> None:
    before, after = situation(MEDIUM, U1), situation(MEDIUM, U1, OTHER_HASH)
    facts, _ = live(before, change=lambda now: before if now < at("2027-05-05") else after)
    noted = [f.body for f in facts if f.body.kind == "organisation_changed"]
    assert [(b.organisation, b.before) for b in noted if b.kind == "organisation_changed"] == [
        (OTHER_HASH, HASH)
    ]


def test_the_fifth_person_brings_a_safety_representative_the_day_they_are_hired() -> None:
    some = hired(SMALL, d("2027-04-15"), 3)
    facts, standing = live(situation(some, YEAR))
    [changed] = [f for f in facts if f.body.kind == "duty_changed"]
    assert changed.body.kind == "duty_changed"
    assert (oslo_day(changed.concerns), changed.body.profile_after, changed.body.everyone) == (
        d("2027-04-15"), "medium", 7,
    )  # fmt: skip
    assert standing.profile == "medium"
    # No representative is elected yet: the record says so, step by step.
    people = answering(lambda step, here, waiting: noon(step.due))
    facts, _ = live(situation(some, U1), people)
    assert not of(facts, "Y13", "role_vacant"), "opened on 13 April for the contact person"
    assert [f.body.role for f in of(facts, "Y19", "role_vacant") if f.body.kind == "role_vacant"] == [
        Role.SAFETY_REP
    ]


def test_a_step_that_is_no_longer_planned_is_withdrawn() -> None:
    before = situation(employer(17, ohs_required=True), YEAR)
    after = situation(MEDIUM, YEAR, OTHER_HASH)
    facts, standing = live(
        before, change=lambda now: before if now < at("2027-01-11") else after, until=at("2027-01-12")
    )
    [withdrawn] = of(facts, "Y03", "step_withdrawn")
    assert withdrawn.body.kind == "step_withdrawn"
    assert withdrawn.body.reason == "duty_ended"
    assert {k for k, s in standing.steps.items() if s.settled} == {"Y03"}
