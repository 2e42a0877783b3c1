"""The runs that an employer's yearly Schedules start: which they are, for whom, and of which moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id
from workflows.rules.terms import CycleId

Work = Literal["opener", "retention"]
"""What a Schedule has done: the next year opened, or what was kept long enough erased."""

_ID = r"[a-z0-9][a-z0-9-]{0,62}"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_SCHEDULED = rf"(?P<work>opener|retention)/(?P<employer>{_ID})-(?P<at>{_MOMENT})"

ScheduledId = Annotated[str, Field(pattern=rf"^(opener|retention)/{_ID}-{_MOMENT}$")]
WorkflowId = CycleId | ScheduledId
"""A workflow whose histories are exported: a cycle's, or one that a Schedule started."""


class ScheduledRef(Frozen):
    """A workflow that a Schedule started. Temporal makes its id of the Schedule's and the moment `at`."""

    work: Work
    employer: Id
    at: AwareDatetime

    @property
    def id(self) -> str:
        return f"{self.work}/{self.employer}-{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def opens(self) -> int | None:
        """The year that an opener of that moment opens; None for what opens none."""
        return self.at.astimezone(UTC).year + 1 if self.work == "opener" else None

    @classmethod
    def find(cls, id: str) -> ScheduledRef | None:
        """From a workflow id; None for a cycle's, and for any other that no Schedule has given."""
        found = re.fullmatch(_SCHEDULED, id)
        if found is None:
            return None
        try:
            at = datetime.fromisoformat(found["at"])
        except ValueError:  # a day that no calendar has
            return None
        return cls.model_validate({**found.groupdict(), "at": at})
