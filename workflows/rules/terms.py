"""The terms that facts and statements share: ids of cycles and steps, outcomes, refusals, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id

HEX = r"^[0-9a-f]{64}$"
Hash = Annotated[str, Field(pattern=HEX)]

_ID = r"[a-z0-9][a-z0-9-]{0,62}"
CycleId = Annotated[str, Field(pattern=rf"^{_ID}(/{_ID}){{0,3}}$")]
StepKey = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2,3}(\.[0-9]{1,2})?$")]


FactId = Annotated[str, Field(min_length=1, max_length=300)]

Records = Literal["text", "deposited_text", "document", "person", "delivery", "mail", "history", "reading"]
"""The kinds of records that are kept for a time: what people wrote with an act, texts that wait for theirs,
filed documents, people in the directory, the outbox's notes of what was sent, mails in the mail folder, exported
histories, and notes of who read what."""

Basis = Literal["retention", "request", "mistake", "left"]
"""Why something was erased: its time was up, the person asked, it should never have been there, the person left."""

Restored = Literal["backup", "failover", "started_anew"]
"""Why a ledger does not begin with what was signed of it: an older backup was restored, a copy that lagged behind
took over, or the database was made anew."""

What = Literal["evidence", "approve", "consult", "treat", "answer"]
"""What people are asked for; `answer` is the employer's reasoned answer to a disagreement."""


class Outcome(StrEnum):
    """What a person can answer in a gate. Which outcomes fit which kind of slot: `rules.gate`."""

    APPROVED = "approved"
    REJECTED = "rejected"
    CHANGES_REQUESTED = "changes_requested"
    AGREED = "agreed"
    AGREED_WITH_REMARKS = "agreed_with_remarks"
    DISAGREES = "disagrees"
    NO_RESPONSE = "no_response_after_real_opportunity"
    TREATED = "treated"


class Refusal(StrEnum):
    """Why an attempt was refused."""

    UNKNOWN_STEP = "unknown_step"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    NO_EVIDENCE = "no_evidence"
    NOT_ELIGIBLE = "not_eligible"
    NOT_YOUR_TURN = "not_your_turn"
    STALE_VERSION = "stale_version"
    WRONG_OUTCOME = "wrong_outcome"
    OWN_DOCUMENT = "own_document"
    ALREADY_DECIDED = "already_decided"
    TWO_ROLES = "two_roles"
    COMMENT_REQUIRED = "comment_required"
    TEXT_TOO_LONG = "text_too_long"
    OPPORTUNITY_NOT_GIVEN = "opportunity_not_given"
    TOO_LATE = "too_late"
    WRONG_DOCUMENT = "wrong_document"
    WRONG_STAGE = "wrong_stage"
    WRONG_VOTES = "wrong_votes"
    WRONG_DATES = "wrong_dates"
    NOTHING_TO_ANSWER = "nothing_to_answer"
    LOOP = "loop"
    NOT_DELEGABLE = "not_delegable"
    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_DELEGATION = "unknown_delegation"
    UNREADABLE = "unreadable"
    UNKNOWN_SIGNAL = "unknown_signal"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_PERSON = "wrong_person"
    WRONG_PLACE = "wrong_place"
    OWN_KEY_REQUIRED = "own_key_required"
    EXPIRED = "expired"
    FUTURE_DATED = "future_dated"
    REPLAYED = "replayed"
    NOTHING_TO_ERASE = "nothing_to_erase"
    STILL_NEEDED = "still_needed"
    KEPT_TOO_SHORT = "kept_too_short"
    KEPT_TOO_LONG = "kept_too_long"


def year_cycle(employer: str, year: int) -> str:
    """The workflow id of an employer's year."""
    return f"year/{employer}/{year}"


def unit_cycle(employer: str, unit: str, year: int) -> str:
    """The workflow id of a unit's year."""
    return f"unit/{employer}/{unit}/{year}"


_CYCLE = re.compile(
    rf"(?:year/(?P<alone>{_ID})|unit/(?P<employer>{_ID})/(?P<unit>{_ID}))/(?P<year>[0-9]{{4}})"
)


class CycleRef(Frozen):
    """A cycle by its parts; `unit` is None for the employer's own year."""

    employer: Id
    year: int
    unit: Id | None = None

    @property
    def id(self) -> str:
        if self.unit is None:
            return year_cycle(self.employer, self.year)
        return unit_cycle(self.employer, self.unit, self.year)

    @classmethod
    def parse(cls, id: str) -> CycleRef:
        """From a workflow id; `ValueError` says what one looks like."""
        if found := _CYCLE.fullmatch(id):
            employer, unit = found["alone"] or found["employer"], found["unit"]
            return cls(employer=employer, year=int(found["year"]), unit=unit)
        raise ValueError(
            f"{id!r} is no cycle. A cycle is year/<employer>/<year> or unit/<employer>/<unit>/<year>."
        )


def at(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, whole seconds, `2027-01-04T07:00:00Z`. ValueError for a naive one."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone, so its moment is not known: give it one.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
