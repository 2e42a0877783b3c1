"""Facts about whose key counts, and who acts for whom when.

They belong to the employer, not to a year (`Fact.cycle` is None).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id, Role
from workflows.rules.statement import Base64, KeyId


class KeyEnrolled(Frozen):
    """This key counts from now on: for `person`, or for people who are logged in here (`person` None)."""

    kind: Literal["key_enrolled"] = "key_enrolled"
    key: KeyId
    public_key: Base64
    person: Id | None = None


class KeyRevoked(Frozen):
    """This key counts no longer; what it signed before stays true."""

    kind: Literal["key_revoked"] = "key_revoked"
    key: KeyId
    reason: Literal["lost", "stolen", "replaced", "left"]


class Delegated(Frozen):
    """A person handed what is asked of them to somebody else for a time."""

    kind: Literal["delegated"] = "delegated"
    delegation: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    person: Id
    to: Id
    since: date
    until: date
    role: Role | None = None
    unit: Id | None = None
    step: str | None = Field(default=None, pattern=r"^[A-Z][0-9]{2,3}$")


class DelegationEnded(Frozen):
    kind: Literal["delegation_ended"] = "delegation_ended"
    delegation: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    until: date


class AbsenceSet(Frozen):
    kind: Literal["absence_set"] = "absence_set"
    person: Id
    since: date
    until: date
    substitute: Id | None = None
