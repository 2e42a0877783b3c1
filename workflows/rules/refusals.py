"""The refusal of an act, with what it was about: one form for every rule and every door."""

from __future__ import annotations

from typing import Any

from workflows.rules.events import Attempt, AttemptRefused
from workflows.rules.statement import (
    Act,
    Answer,
    Decide,
    Delegate,
    EndDelegation,
    EnrolKey,
    EraseDocument,
    ErasePerson,
    EraseText,
    File,
    MoveDueDate,
    RevokeKey,
    SetAbsence,
    SetRetention,
)
from workflows.rules.terms import Refusal

ATTEMPTS: dict[type[Any], Attempt] = {
    Decide: "decision",
    File: "evidence",
    Answer: "answer",
    MoveDueDate: "due_date",
    Delegate: "delegation",
    EndDelegation: "delegation",
    SetAbsence: "absence",
    EnrolKey: "key",
    RevokeKey: "key",
    EraseText: "erasure",
    EraseDocument: "erasure",
    ErasePerson: "erasure",
    SetRetention: "retention",
}
"""What is attempted by which act."""


def refused(act: Act, reason: Refusal, **more: Any) -> AttemptRefused:
    """The refusal of `act`; `more` are further fields of the fact."""
    about = {name: getattr(act, name, None) for name in ("role", "outcome", "document", "version")}
    return AttemptRefused.model_validate({"attempt": ATTEMPTS[type(act)], "reason": reason, **about, **more})
