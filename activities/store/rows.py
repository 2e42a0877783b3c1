"""What the store gives back: one frozen model a kind of row."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BeforeValidator

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id, Profile, Role
from workflows.rules.terms import What

Mode = Literal["real", "rehearsal"]
State = Literal["running", "closed"]
Status = Literal["open", "closed", "left_open", "withdrawn"]
Channel = Literal["mail", "bell", "start"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class Head(Frozen):
    """Where an employer's ledger ends: how many leaves, and the Merkle root over them (hex)."""

    size: int
    root: str


class EmployerRow(Frozen):
    """An employer; a rehearsal stays one for ever."""

    id: Id
    org_number: str
    name: str
    mode: Mode
    created: AwareDatetime


class PersonRow(Frozen):
    """A person in the directory; `external_key` is the id in the file they were imported from."""

    employer: Id
    id: Id
    name: str
    email: str | None = None
    language: Literal["nb", "nn", "en"] = "nb"
    external_key: str | None = None


class CycleRow(Frozen):
    """A year of the employer (`unit` is None) or of a unit, with the hashes of what it pins."""

    id: str
    employer: Id
    unit: Id | None = None
    year: int
    programme: str
    law: str
    organisation: str
    profile: Profile
    state: State = "running"
    started: AwareDatetime
    closed: AwareDatetime | None = None
    next_moment: AwareDatetime | None = None


class DocumentRow(Frozen):
    """A document by the SHA-256 of its content (hex); `size` in bytes."""

    hash: str
    media_type: str
    size: int
    stored_at: AwareDatetime
    name: str | None = None


class OutboxRow(Frozen):
    """Something to be told outside the database, at least once; `key` lets the receiver see a repetition."""

    id: int
    employer: Id
    key: str
    channel: Channel
    target: str
    fact_seq: int | None
    created: AwareDatetime
    not_before: AwareDatetime
    delivered: AwareDatetime | None
    attempts: int
    last_error: str | None


class InboxRow(Frozen):
    """One person who is waited for."""

    employer: Id
    unit: Id | None
    year: int
    cycle: str
    step: str
    what: What
    role: Role
    person: Id
    acting_for: Id | None
    version: int
    asked_at: AwareDatetime
    due: date | None


class StepRow(Frozen):
    """How a step stands. `waiting_for` lists `what:role` with commas; `late` is said when it closes.

    A step that was withdrawn before it opened has neither `opened_at` nor `due`.
    """

    employer: Id
    unit: Id | None
    year: int
    cycle: str
    step: str
    status: Status
    opened_at: AwareDatetime | None
    due: date | None
    original_due: date | None
    closed_at: AwareDatetime | None
    late: bool
    document: str | None
    version: int
    waiting_for: str


class TimelineRow(Frozen):
    """One fact, laid out for reading; `people` is everyone whom it names, the actor included."""

    employer: Id
    seq: int
    cycle: str | None
    unit: Id | None
    step: str | None
    kind: str
    concerns: AwareDatetime
    recorded: AwareDatetime
    actor: str
    people: Annotated[
        tuple[str, ...], BeforeValidator(lambda v: tuple(v.split()) if isinstance(v, str) else v)
    ]
    body: Annotated[dict[str, Any], BeforeValidator(lambda v: json.loads(v) if isinstance(v, str) else v)]
