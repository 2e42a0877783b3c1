"""What people do in a rehearsal: who answers when, who is late, who disagrees, who keeps silent.

A story is data (TOML). Whoever it does not name acts as `default` says.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from pathlib import Path

from pydantic import Field, ValidationError

from activities.language import _
from activities.phrases import said
from activities.store.rows import InboxRow
from workflows.rules.base import Frozen
from workflows.rules.calendar import OSLO, WorkCalendar, oslo_day
from workflows.rules.organisation import Role
from workflows.rules.terms import Outcome


class StoryError(ValueError):
    """A story file that cannot be read: `problem` names the file and the key, `remedy` says what to do."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = _("Rett filen; examples/nordfjord/story.toml er et eksempel.")


class Default(Frozen):
    """How people act when nothing else is said, in open days of the work calendar."""

    evidence_before_due: int = Field(default=6, ge=0)
    answer_after_asked: int = Field(default=1, ge=0)


class Deviation(Frozen):
    """One person acts otherwise: later, otherwise, or not at all. Empty fields match everything."""

    step: str | None = None
    unit: str | None = None
    role: Role | None = None
    version: int | None = None
    silent: bool = False
    after_due: int | None = None
    after_asked: int | None = None
    outcome: Outcome | None = None
    comment: str | None = None

    def matches(self, row: InboxRow) -> bool:
        return (
            self.step in (None, row.step)
            and self.unit in (None, row.unit)
            and self.role in (None, row.role)
            and self.version in (None, row.version)
        )


class Attempt(Frozen):
    """Somebody tries what the gate should refuse."""

    on: date
    step: str
    unit: str | None = None
    person_in: Role
    person_unit: str | None = None
    role: Role
    outcome: Outcome


class Change(Frozen):
    """New files with the organisation are imported on a day."""

    on: date
    files: str


class Story(Frozen):
    """A whole story; with `silent`, nobody does anything at all."""

    silent: bool = False
    default: Default = Default()
    deviations: tuple[Deviation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    changes: tuple[Change, ...] = ()

    def deviation(self, row: InboxRow) -> Deviation | None:
        return next((d for d in self.deviations if d.matches(row)), None)

    def acts_at(self, row: InboxRow, calendar: WorkCalendar, due: date) -> datetime | None:
        """When the person acts on what is asked; None for one who keeps silent."""
        deviation = self.deviation(row)
        if self.silent or (deviation is not None and deviation.silent):
            return None
        asked = oslo_day(row.asked_at)
        if deviation is not None and deviation.after_due is not None:
            day = calendar.add_working_days(due, deviation.after_due)
        elif deviation is not None and deviation.after_asked is not None:
            day = calendar.add_working_days(asked, deviation.after_asked)
        elif row.what == "evidence" and row.version == 0:
            day = calendar.add_working_days(due, -self.default.evidence_before_due)
        else:
            day = calendar.add_working_days(asked, self.default.answer_after_asked)
        hour = time(10) if row.what == "evidence" else time(13)
        return max(datetime.combine(day, hour, OSLO), row.asked_at)


OUTCOME_OF = {"approve": Outcome.APPROVED, "consult": Outcome.AGREED, "treat": Outcome.TREATED}
"""What people answer when the story does not say otherwise."""


def read_story(path: Path) -> Story:
    """The story in a TOML file; `StoryError` names the file and the first fault."""
    try:
        return Story.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StoryError(f"{path}: {said(getattr(error, 'strerror', None) or error)}.") from error
    except ValidationError as error:
        from worker.value_faults import problem_of

        fault = error.errors()[0]
        unknown = fault["type"] == "extra_forbidden"
        problem = _("er ikke kjent her") if unknown else problem_of(fault)
        raise StoryError(f"{path}: {'.'.join(map(str, fault['loc']))} {problem}.") from error
