"""How long each kind of record is kept, from when that counts, and who decides it.

No law sets a fixed time for the documentation of the psychosocial working environment; the employer decides, as
controller, and gives the reason (GDPR art. 5(1)(e), 24). What ships is a proposal with limits: nobody shortens
what others may still need to ask about, and nobody keeps for ever what is of no more use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from workflows.rules.base import Frozen
from workflows.rules.calendar import oslo_day
from workflows.rules.events import AttemptRefused, Fact
from workflows.rules.organisation import EMPLOYEE_SIDE, Organisation, Role, Slice
from workflows.rules.programme import Text
from workflows.rules.record_facts import RetentionSet
from workflows.rules.refusals import refused
from workflows.rules.statement import SetRetention
from workflows.rules.terms import CycleRef, Records, Refusal

CONTROLLER = (Role.TOP_MANAGER, Role.HR)
"""The roles that decide for the controller, which is the employer (GDPR art. 4(7))."""

NOTICE = timedelta(days=30)
"""A shorter time counts so long after it was decided, so that whoever is concerned can object."""

CountsFrom = Literal["year_end", "deposited", "left", "delivered", "written"]


class RetentionError(ValueError):
    """A file of retention times that cannot be used: where, what is wrong, and what to do."""


class Kept(Frozen):
    """How long one kind of record is kept. `days` None: for as long as the ledger.

    The employer may choose from `least` to `most` days; `ground` is the law and `source` where the time is from.
    """

    records: Records
    days: int | None = Field(default=None, ge=0)
    counts_from: CountsFrom
    least: int = Field(ge=0)
    most: int = Field(ge=0)
    ground: str = Field(min_length=1)
    source: str = Field(min_length=1)
    why: Text

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.days is not None and not self.least <= self.days <= self.most:
            raise ValueError(
                f"days is {self.days}, which is not from least ({self.least}) to most ({self.most})"
            )
        return self


class Schedule(Frozen):
    """One rule for each kind of record."""

    rules: tuple[Kept, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        have = [rule.records for rule in self.rules]
        twice = sorted({records for records in have if have.count(records) > 1})
        missing = [records for records in get_args(Records) if records not in have]
        if twice:
            raise ValueError(f"{twice[0]} has two rules; keep one")
        if missing:
            raise ValueError(f"{missing[0]} has no rule; add one")
        return self

    def rule(self, records: Records) -> Kept:
        return self._by_records[records]

    @cached_property
    def _by_records(self) -> Mapping[Records, Kept]:
        return {rule.records: rule for rule in self.rules}


def parse_retention(text: str, where: str = "retention.toml") -> Schedule:
    """Read a schedule from TOML; `RetentionError` names the rule and the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RetentionError(f"{where} is not valid TOML: {error}. Correct that line.") from error
    try:
        return Schedule.model_validate(raw)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
        raise RetentionError(f"{where}: {place or 'the rules'}: {fault['msg']}. Correct it.") from None


# --- what the employer decided --------------------------------------------------------------------


class Decided(Frozen):
    """That records of a kind are kept for so many days, decided on a day."""

    records: Records
    days: int
    on: date


def decided(facts: Iterable[Fact]) -> tuple[Decided, ...]:
    """The employer's own decisions among the facts, in their order."""
    return tuple(
        Decided(records=fact.body.records, days=fact.body.days, on=oslo_day(fact.recorded))
        for fact in facts
        if isinstance(fact.body, RetentionSet)
    )


def in_force(schedule: Schedule, decisions: Iterable[Decided], on: date) -> Schedule:
    """The schedule as it counts `on` that day.

    The latest decision counts, and a longer time at once; a shorter one counts when `NOTICE` has passed, and a
    decision outside of the limits not at all.
    """
    made = [d for d in decisions if d.on <= on]
    return Schedule(rules=tuple(_in_force(rule, made, on) for rule in schedule.rules))


def _in_force(rule: Kept, made: Iterable[Decided], on: date) -> Kept:
    if rule.days is None:
        return rule
    own = [d for d in made if d.records == rule.records and rule.least <= d.days <= rule.most]
    # What was in force on the day before the notice began, and everything decided since.
    before = [d.days for d in own if d.on <= on - NOTICE]
    since = [d.days for d in own if d.on > on - NOTICE]
    return rule.model_copy(update={"days": max([before[-1] if before else rule.days, *since])})


# --- whether the time is up -----------------------------------------------------------------------


def ends(schedule: Schedule, records: Records, since: date) -> date | None:
    """The first day on which what counts from `since` is kept no longer; None for what stays."""
    days = schedule.rule(records).days
    try:
        return None if days is None else since + timedelta(days=days)
    except OverflowError:
        return None


def due(schedule: Schedule, records: Records, since: date, on: date) -> bool:
    """Whether what counts from `since` has been kept long enough `on` that day."""
    last = ends(schedule, records, since)
    return last is not None and last <= on


def before(schedule: Schedule, records: Records, on: date) -> date | None:
    """What counts from this day or earlier is due `on` that day; None for what stays."""
    days = schedule.rule(records).days
    try:
        return None if days is None else on - timedelta(days=days)
    except OverflowError:
        return None


def year_end(fact: Fact) -> date:
    """The last day of the year that the fact is about: of its cycle, or in which it was recorded if later."""
    recorded = oslo_day(fact.recorded)
    year = recorded.year if fact.cycle is None else max(CycleRef.parse(fact.cycle).year, recorded.year)
    return date(year, 12, 31)


def gone_since(organisation: Organisation, person: str, on: date) -> date | None:
    """The day since which the person has had no part here; None for who has one on that day, or is to.

    The later of the end of the last employment and of the last assignment that stood without one.
    """
    employed = [e for e in organisation.employments if e.person == person]
    assigned = [a for a in organisation.assignments if a.person == person]
    helping: list[Slice] = [a for a in organisation.absences if a.substitute == person]
    helping += [d for d in organisation.delegations if d.to == person]
    left = organisation.left(person, on)
    here = left is None and bool(employed)
    # Nothing goes to somebody who has left, whatever the others forgot to end.
    asked = not employed and any(s.until is None or on < s.until for s in helping)
    to_come = any(on < s.since for s in (*employed, *assigned))
    if here or asked or to_come or any(organisation.stands(a, on) for a in assigned):
        return None
    over = [left, *(s.until for s in (*assigned, *helping) if s.until is not None and s.until <= on)]
    return max((day for day in over if day is not None), default=None)


# --- who decides ----------------------------------------------------------------------------------


def decides(organisation: Organisation, person: str, day: date) -> bool:
    """Whether the person decides for the controller: the top manager or HR, who has no elected role (E24)."""
    holders = {h.person for role in CONTROLLER for h in organisation.holders(role, None, day)}
    return person in holders and not organisation.elected(person, day)


def elected(organisation: Organisation, person: str, day: date) -> bool:
    """Whether the person holds an elected role that day and none that decides for the employer."""
    if decides(organisation, person, day) or organisation.has_left(person, day):
        return False
    return any(
        a.person == person and a.role in EMPLOYEE_SIDE and organisation.stands(a, day)
        for a in organisation.assignments
    )


def set_retention(
    organisation: Organisation, schedule: Schedule, actor: str, act: SetRetention, day: date
) -> RetentionSet | AttemptRefused:
    """May `actor` decide this? Whoever decides for the controller may, within the limits and with a reason."""
    rule = schedule.rule(act.records)
    if not decides(organisation, actor, day):
        return refused(act, Refusal.NOT_ELIGIBLE)
    if rule.days is None or act.days < rule.least:
        return refused(act, Refusal.KEPT_TOO_SHORT)
    if act.days > rule.most:
        return refused(act, Refusal.KEPT_TOO_LONG)
    if act.comment is None:
        return refused(act, Refusal.COMMENT_REQUIRED)
    return RetentionSet(records=act.records, days=act.days, comment=act.comment)
