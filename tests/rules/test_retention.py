"""How long records are kept: the shipped proposal, the employer's decisions, and when the time is up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.employers import MEDIUM, SINCE, employer
from workflows.rules.events import AttemptRefused, Fact, StepOpened
from workflows.rules.organisation import Absence, Assignment, Delegation, Employment, Organisation, Role
from workflows.rules.record_facts import RetentionSet
from workflows.rules.retention import (
    NOTICE,
    Decided,
    RetentionError,
    before,
    decided,
    decides,
    due,
    elected,
    ends,
    gone_since,
    in_force,
    parse_retention,
    set_retention,
    year_end,
)
from workflows.rules.statement import SetRetention
from workflows.rules.terms import Records, Refusal
from workflows.standard import retention_text

SHIPPED = parse_retention(retention_text())
COMMENT = "ab" * 32
DAY = date(2027, 5, 10)
TOP, HR, MANAGER, REP, COLLEAGUE = "p1", "p2", "p3", "p4", "p5"

days = st.dates(date(2020, 1, 1), date(2060, 1, 1))
kinds = st.sampled_from(get_args(Records))


def fact(body: Any, recorded: datetime, **changes: Any) -> Fact:
    parts = {
        "id": "f",
        "employer": "fjell",
        "concerns": recorded,
        "recorded": recorded,
        "body": body,
        **changes,
    }
    return Fact.model_validate(parts)


# --- what ships -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "years"),
    [("text", 10), ("document", 10), ("history", 10), ("person", 3), ("delivery", 3), ("mail", 1)],
)
def test_the_shipped_times_are_so_many_whole_years(records: Records, years: int) -> None:
    since = date(2027, 12, 31)
    last = ends(SHIPPED, records, since)
    assert last is not None
    assert 0 <= (last - since.replace(year=since.year + years)).days <= 1


def test_a_text_that_waits_for_its_statement_waits_a_month() -> None:
    assert ends(SHIPPED, "deposited_text", DAY) == DAY + timedelta(days=30)


def test_who_read_what_stays_as_long_as_the_ledger() -> None:
    assert ends(SHIPPED, "reading", DAY) is None
    assert before(SHIPPED, "reading", DAY) is None
    assert not due(SHIPPED, "reading", DAY, date.max)


def test_every_kind_says_why_in_the_three_languages_and_on_what_ground() -> None:
    for records in get_args(Records):
        rule = SHIPPED.rule(records)
        assert len({rule.why.in_(language) for language in ("nb", "nn", "en")}) == 3
        assert rule.ground
        assert rule.source


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("days = 30\n", "days = 3\n", "days is 3, which is not from least (7) to most (30)"),
        ('records = "mail"', 'records = "text"', "text has two rules"),
        ('records = "mail"', 'records = "post"', "Input should be"),
        ("days = 30\n", "days = tretti\n", "not valid TOML"),
        ("days = 30\n", "dager = 30\n", "dager"),
        ('counts_from = "left"', 'counts_from = "born"', "counts_from"),
    ],
)
def test_a_faulty_schedule_is_refused_with_the_place(old: str, new: str, fault: str) -> None:
    with pytest.raises(RetentionError) as refused:
        parse_retention(retention_text().replace(old, new, 1), "egen.toml")
    assert fault in str(refused.value)
    assert str(refused.value).startswith("egen.toml")


def test_a_schedule_must_have_every_kind() -> None:
    text = retention_text()
    with pytest.raises(RetentionError, match="reading has no rule"):
        parse_retention(text[: text.index('[[rules]]\nrecords = "reading"')])


# --- when the time is up --------------------------------------------------------------------------


@given(kinds, days, days)
def test_what_is_due_stays_due_and_is_so_from_its_last_day_on(
    records: Records, since: date, on: date
) -> None:
    last = ends(SHIPPED, records, since)
    assert due(SHIPPED, records, since, on) == (last is not None and on >= last)
    if due(SHIPPED, records, since, on):
        assert due(SHIPPED, records, since, on + timedelta(days=1))


@given(kinds, days, days)
def test_what_counts_from_before_the_limit_is_what_is_due(records: Records, since: date, on: date) -> None:
    limit = before(SHIPPED, records, on)
    assert due(SHIPPED, records, since, on) == (limit is not None and since <= limit)


def test_no_date_is_too_late_to_be_counted_from() -> None:
    assert ends(SHIPPED, "text", date.max) is None
    assert before(SHIPPED, "text", date.min) is None


@pytest.mark.parametrize(
    ("cycle", "recorded", "day"),
    [
        ("unit/fjell/u1/2027", "2027-03-01T10:00:00Z", date(2027, 12, 31)),
        ("unit/fjell/u1/2027", "2026-12-02T10:00:00Z", date(2027, 12, 31)),
        ("unit/fjell/u1/2027", "2028-01-20T10:00:00Z", date(2028, 12, 31)),
        (None, "2027-12-31T22:59:59Z", date(2027, 12, 31)),
        (None, "2027-12-31T23:00:00Z", date(2028, 12, 31)),
    ],
)
def test_a_year_ends_on_its_last_day_in_norway(cycle: str | None, recorded: str, day: date) -> None:
    assert year_end(fact(StepOpened(due=DAY), datetime.fromisoformat(recorded), cycle=cycle)) == day


# --- what the employer decided --------------------------------------------------------------------


def times(*made: tuple[int, date]) -> list[Decided]:
    return [Decided(records="text", days=count, on=on) for count, on in made]


def text_days(made: list[Decided], on: date) -> int:
    found = in_force(SHIPPED, made, on).rule("text").days
    assert found is not None
    return found


def test_a_longer_time_counts_at_once() -> None:
    assert text_days(times((5000, DAY)), DAY) == 5000
    assert text_days(times((5000, DAY)), DAY - timedelta(days=1)) == 3653


def test_a_shorter_time_counts_when_everybody_has_had_a_month_to_object() -> None:
    made = times((1200, DAY))
    assert text_days(made, DAY + NOTICE - timedelta(days=1)) == 3653
    assert text_days(made, DAY + NOTICE) == 1200


def test_a_long_time_that_is_taken_back_counts_until_the_notice_is_over() -> None:
    made = times((5000, DAY), (1200, DAY + timedelta(days=1)))
    assert text_days(made, DAY + NOTICE) == 5000
    assert text_days(made, DAY + NOTICE + timedelta(days=1)) == 1200


def test_a_decision_outside_of_the_limits_counts_for_nothing() -> None:
    """However it came into the ledger."""
    assert text_days(times((1, SINCE)), DAY) == 3653
    assert text_days(times((36_000, SINCE)), DAY) == 3653


@given(st.lists(st.tuples(st.integers(0, 9000), days), max_size=5), days)
def test_nothing_is_ever_kept_shorter_than_the_least(made: list[tuple[int, date]], on: date) -> None:
    rule = in_force(SHIPPED, times(*sorted(made, key=lambda m: m[1])), on).rule("text")
    assert rule.days is not None
    assert rule.least <= rule.days <= rule.most


def test_decisions_are_read_from_the_ledger_in_their_order() -> None:
    said = RetentionSet(records="mail", days=90, comment=COMMENT)
    facts = [
        fact(said, datetime(2027, 5, 10, 23, tzinfo=UTC)),
        fact(StepOpened(due=DAY), datetime(2027, 5, 11, tzinfo=UTC)),
    ]
    assert decided(facts) == (Decided(records="mail", days=90, on=date(2027, 5, 11)),)


# --- who has left ---------------------------------------------------------------------------------


def leaver(until: date | None, *more: Assignment, **changes: Any) -> Organisation:
    made = employer(17)
    kept = tuple(
        e.model_copy(update={"until": until}) if e.person == COLLEAGUE else e for e in made.employments
    )
    return made.model_copy(update={"employments": kept, "assignments": (*made.assignments, *more), **changes})


GONE = date(2027, 4, 1)


def test_who_works_here_has_not_been_gone_at_all() -> None:
    assert gone_since(MEDIUM, COLLEAGUE, DAY) is None
    assert gone_since(leaver(date(2028, 1, 1)), COLLEAGUE, DAY) is None


def test_who_left_has_been_gone_since_the_first_day_without_work() -> None:
    assert gone_since(leaver(GONE), COLLEAGUE, DAY) == GONE


def test_a_role_that_stands_without_work_keeps_its_holder_until_it_ends() -> None:
    board = Assignment(role=Role.BOARD, person=COLLEAGUE, since=SINCE)
    assert gone_since(leaver(GONE, board), COLLEAGUE, DAY) is None
    ended = board.model_copy(update={"until": date(2027, 5, 1)})
    assert gone_since(leaver(GONE, ended), COLLEAGUE, DAY) == date(2027, 5, 1)


def test_a_role_that_fell_away_with_the_work_keeps_nobody() -> None:
    role = Assignment(role=Role.HR, person=COLLEAGUE, since=SINCE)
    assert gone_since(leaver(GONE, role), COLLEAGUE, DAY) == GONE


def test_who_is_to_begin_again_is_not_gone() -> None:
    again = Employment(person=COLLEAGUE, unit="u1", since=date(2027, 9, 1))
    made = leaver(GONE)
    assert (
        gone_since(made.model_copy(update={"employments": (*made.employments, again)}), COLLEAGUE, DAY)
        is None
    )


def test_a_helper_from_outside_is_here_as_long_as_the_help_lasts() -> None:
    helper = "b9"
    away = Absence(person=TOP, substitute=helper, since=SINCE, until=date(2027, 5, 1))
    assert gone_since(leaver(None, absences=(away,)), helper, DAY) == date(2027, 5, 1)
    open_ended = away.model_copy(update={"until": None})
    assert gone_since(leaver(None, absences=(open_ended,)), helper, DAY) is None
    given = Delegation(id="d", person=TOP, to=helper, since=SINCE, until=date(2027, 6, 1))
    assert gone_since(leaver(None, delegations=(given,)), helper, DAY) is None


def test_somebody_nobody_ever_named_has_no_day_to_count_from() -> None:
    assert gone_since(MEDIUM, "p99", DAY) is None


# --- who decides ----------------------------------------------------------------------------------


def test_the_top_manager_and_hr_decide_for_the_controller_and_nobody_else() -> None:
    assert [p for p in MEDIUM.people() if decides(MEDIUM, p, DAY)] == [TOP, HR]


def test_who_has_an_elected_role_too_does_not_decide_for_the_employer() -> None:
    both = Assignment(role=Role.DEPUTY_SAFETY_REP, person=HR, area="a-u1", since=SINCE)
    made = MEDIUM.model_copy(update={"assignments": (*MEDIUM.assignments, both)})
    assert not decides(made, HR, DAY)
    assert [p for p in made.people() if elected(made, p, DAY)] == [HR, REP]


LIMITS = SHIPPED.rule("text").least, SHIPPED.rule("text").most


@pytest.mark.parametrize(
    ("actor", "act", "reason"),
    [
        (TOP, SetRetention(records="text", days=LIMITS[0], comment=COMMENT), None),
        (HR, SetRetention(records="text", days=LIMITS[1], comment=COMMENT), None),
        (MANAGER, SetRetention(records="text", days=4000, comment=COMMENT), Refusal.NOT_ELIGIBLE),
        (REP, SetRetention(records="text", days=4000, comment=COMMENT), Refusal.NOT_ELIGIBLE),
        (TOP, SetRetention(records="text", days=LIMITS[0] - 1, comment=COMMENT), Refusal.KEPT_TOO_SHORT),
        (TOP, SetRetention(records="text", days=LIMITS[1] + 1, comment=COMMENT), Refusal.KEPT_TOO_LONG),
        (TOP, SetRetention(records="reading", days=0, comment=COMMENT), Refusal.KEPT_TOO_SHORT),
        (TOP, SetRetention(records="text", days=4000), Refusal.COMMENT_REQUIRED),
    ],
)
def test_retention_is_decided_by_the_controller_within_limits_and_with_a_reason(
    actor: str, act: SetRetention, reason: Refusal | None
) -> None:
    said = set_retention(MEDIUM, SHIPPED, actor, act, DAY)
    assert (said.reason if isinstance(said, AttemptRefused) else None) == reason
    if isinstance(said, AttemptRefused):
        assert said.attempt == "retention"
    else:
        assert (said.records, said.days, said.comment) == (act.records, act.days, act.comment)
