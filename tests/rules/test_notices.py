"""One mail a person and day: nothing is lost, nothing is told twice, and nothing waits longer than a morning."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.calendar import OSLO, oslo_day
from workflows.rules.notices import PATIENCE, QUIET, Go, Wait, Waiting, dated, morning, next_mail

DIGEST_AT = time(8, 15)
MONDAY = date(2027, 5, 10)
EIGHT = datetime(2027, 5, 10, 8, tzinfo=OSLO)


def waiting(*created: datetime) -> list[Waiting]:
    return [Waiting(id=number, created=at) for number, at in enumerate(created, 1)]


def test_nothing_that_waits_is_no_mail() -> None:
    assert next_mail([], None, EIGHT, DIGEST_AT) is None


def test_the_first_of_a_day_goes_as_soon_as_nothing_more_comes() -> None:
    rows = waiting(EIGHT)
    assert next_mail(rows, None, EIGHT, DIGEST_AT) == Wait(ids=(1,), until=EIGHT + QUIET)
    assert next_mail(rows, None, EIGHT + QUIET, DIGEST_AT) == Go(ids=(1,))


def test_what_comes_together_goes_together() -> None:
    rows = waiting(EIGHT, EIGHT + timedelta(seconds=7), EIGHT + timedelta(seconds=15))
    assert next_mail(rows, None, EIGHT + timedelta(seconds=16), DIGEST_AT) == Wait(
        ids=(1, 2, 3), until=EIGHT + timedelta(seconds=25)
    )
    assert next_mail(rows, None, EIGHT + timedelta(seconds=25), DIGEST_AT) == Go(ids=(1, 2, 3))


def test_a_stream_that_does_not_end_holds_nobody_up_for_long() -> None:
    rows = waiting(*(EIGHT + timedelta(seconds=5 * n) for n in range(25)))
    assert next_mail(rows, None, EIGHT + PATIENCE, DIGEST_AT) == Go(ids=tuple(range(1, 26)))


def test_what_comes_after_the_mail_of_the_day_waits_for_the_morning() -> None:
    noon = EIGHT.replace(hour=12)
    assert next_mail(waiting(noon), MONDAY, noon, DIGEST_AT) == Wait(
        ids=(1,), until=datetime(2027, 5, 11, 8, 15, tzinfo=OSLO)
    )


def test_the_first_mail_of_a_day_takes_along_what_waited_for_the_morning() -> None:
    rows = waiting(EIGHT.replace(hour=12), EIGHT + timedelta(days=1))
    now = EIGHT + timedelta(days=1) + QUIET
    assert next_mail(rows, MONDAY, now, DIGEST_AT) == Go(ids=(1, 2))


def test_the_day_is_that_in_oslo_and_not_that_in_utc() -> None:
    late = datetime(2027, 5, 10, 22, 30, tzinfo=UTC)
    assert next_mail(waiting(late), MONDAY, late + QUIET, DIGEST_AT) == Go(ids=(1,))


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_morning_is_at_the_same_hour_when_the_clocks_change(day: date) -> None:
    at = morning(day, DIGEST_AT)
    assert (at.astimezone(OSLO).date(), at.astimezone(OSLO).time()) == (day, DIGEST_AT)


def test_a_mail_bears_the_time_of_its_newest_matter_or_of_the_morning_it_goes() -> None:
    noon = EIGHT.replace(hour=12)
    assert dated(EIGHT, noon, DIGEST_AT) == EIGHT
    assert dated(EIGHT, noon + timedelta(days=1), DIGEST_AT) == morning(date(2027, 5, 11), DIGEST_AT)


# --- laws -----------------------------------------------------------------------------------------

minutes = st.integers(0, 6 * 24 * 60)
"""In a week that the clocks change in."""
START = datetime(2027, 3, 25, 0, 0, tzinfo=OSLO).astimezone(UTC)


class Desk:
    """What a dispatcher does for one person, with nothing kept but what stands in the outbox."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[datetime, datetime]] = {}
        self.mails: list[tuple[datetime, tuple[int, ...]]] = []

    def look(self, now: datetime) -> None:
        due = [id for id, (_, not_before) in self.rows.items() if not_before <= now]
        if not due:
            return
        rows = [Waiting(id=id, created=created) for id, (created, _) in self.rows.items() if created <= now]
        last = max((oslo_day(at) for at, _ in self.mails), default=None)
        match next_mail(rows, last, now, DIGEST_AT):
            case Go(ids=ids):
                self.mails.append((now, ids))
                self.rows = {id: row for id, row in self.rows.items() if id not in ids}
            case Wait(ids=ids, until=until):
                assert until > now, "a dispatcher would look again and again"
                for id in ids:
                    self.rows[id] = (self.rows[id][0], until)


@given(st.lists(minutes, min_size=1, max_size=25), st.lists(minutes, max_size=60))
def test_whenever_it_is_looked_nothing_is_lost_or_told_twice_and_no_day_has_two_mails(
    coming: list[int], looks: list[int]
) -> None:
    desk = Desk()
    happenings = [(at, number) for number, at in enumerate(coming)] + [(at, -1) for at in looks]
    for at, number in sorted(happenings):
        now = START + timedelta(minutes=at)
        if number >= 0:
            desk.rows[number] = (now, now)
        else:
            desk.look(now)
    for day in range(6, 10):
        for minute in range(0, 24 * 60, 30):
            desk.look(START + timedelta(days=day, minutes=minute))
    told = Counter(id for _, ids in desk.mails for id in ids)
    assert told == dict.fromkeys(range(len(coming)), 1)
    assert max(Counter(oslo_day(at) for at, _ in desk.mails).values()) == 1


@given(st.lists(minutes, min_size=1, max_size=25))
def test_with_a_dispatcher_that_is_there_the_first_of_a_day_goes_at_once_and_all_else_by_the_next_morning(
    coming: list[int],
) -> None:
    desk, arrived = Desk(), {}
    to_come = sorted(START + timedelta(minutes=at) for at in coming)
    number = 0
    while to_come or desk.rows:
        moments = [not_before for _, not_before in desk.rows.values()]
        if to_come and (not moments or to_come[0] <= min(moments)):
            arrived[number] = now = to_come.pop(0)
            desk.rows[number] = (now, now)
            number += 1
        else:
            desk.look(min(moments))
    first: dict[date, datetime] = {}
    for at in arrived.values():
        first.setdefault(oslo_day(at), at)
    sent = {id: at for at, ids in desk.mails for id in ids}
    for id, came in arrived.items():
        assert sent[id] <= morning(oslo_day(came) + timedelta(days=1), DIGEST_AT) + PATIENCE
        if came == first[oslo_day(came)]:
            before = [at for at, _ in desk.mails if oslo_day(at) == oslo_day(came) and at <= came]
            assert before or sent[id] <= came + PATIENCE
