"""What the facts of one step come to: its line among the steps, and whom it waits for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from workflows.rules.events import (
    AnswerDemanded,
    Asked,
    DecisionRecorded,
    DisagreementAnswered,
    DueDateChanged,
    EvidenceSubmitted,
    Fact,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepReopened,
    StepWithdrawn,
)
from workflows.rules.terms import CycleRef

Row = dict[str, Any]
Key = tuple[str, str, str]
"""What is asked, in which role, of whom."""


@dataclass
class StepStanding:
    """The rows of one step, as the tables `step_status` and `inbox` have them; `take` brings a fact in.

    `opened_at`, `asked_at` and `closed_at` are the times the facts concern.
    """

    cycle: str
    step: str
    status: Row | None = None
    inbox: dict[Key, Row] = field(default_factory=dict)
    answer_due: date | None = None
    """Until when the employer has to answer who disagrees, when a fact has just said so."""

    def take(self, fact: Fact) -> None:
        """Bring in the next fact of this step; one that says nothing about its standing changes nothing."""
        match fact.body:
            case StepOpened(due=due):
                self.status = {
                    **self._blank("open"),
                    "opened_at": fact.concerns,
                    "due": due,
                    "original_due": due,
                }
                self._due(due)
            case Asked() as asked:
                self._ask(asked, fact)
            case EvidenceSubmitted(document=document, version=version):
                self._drop(
                    lambda row: (
                        row["what"] == "evidence" or (row["what"] != "answer" and row["version"] < version)
                    )
                )
                self._set(document=document, version=version)
            case DecisionRecorded() as decision:
                self._answered(decision, fact.actor)
            case SentBack():
                self._drop(_of_the_gate)
            case AnswerDemanded(due=due):
                self.answer_due = due
            case DisagreementAnswered():
                self._drop(lambda row: row["what"] == "answer")
            case StepReopened(due=due):
                self._drop(_of_the_gate)
                self._set(status="open", due=due, closed_at=None, late=False)
            case DueDateChanged(after=due):
                self._set(due=due)
                self._due(due)
            case StepClosed(late=late, document=document, version=version):
                owed = {key: row for key, row in self.inbox.items() if not _of_the_gate(row)}
                self._end("closed", fact, late=late, document=document, version=version)
                self.inbox = owed
            case StepWithdrawn():
                self._end("withdrawn", fact)
            case StepLeftOpen():
                self._end("left_open", fact)
        self._set(waiting_for=",".join(sorted({f"{what}:{role}" for what, role, _ in self.inbox})))

    def _ask(self, asked: Asked, fact: Fact) -> None:
        due = self.status["due"] if self.status else None
        if asked.what == "answer":
            known = [row["due"] for row in self.inbox.values() if row["what"] == "answer"]
            due = self.answer_due or next(iter(known), due)
        self._drop(lambda row: (row["what"], row["role"]) == (asked.what, asked.role.value))
        for holder in asked.people:
            row = {
                **self._place(),
                "what": asked.what,
                "role": asked.role.value,
                "person": holder.person,
                "acting_for": holder.acting_for,
                "version": asked.version,
                "asked_at": fact.concerns,
                "due": due,
            }
            # Whoever acts for two people is asked once.
            self.inbox.setdefault((asked.what, asked.role.value, holder.person), row)

    def _answered(self, decision: DecisionRecorded, actor: str) -> None:
        slot = (decision.asked.value, decision.role.value)
        people = (actor, decision.on_behalf_of)
        self._drop(
            lambda row: (row["what"], row["role"]) == slot and (decision.fulfils or row["person"] in people)
        )

    def _end(self, status: str, fact: Fact, **values: Any) -> None:
        self.inbox = {}
        self.status = {
            **(self.status or self._blank(status)),
            "status": status,
            "closed_at": fact.concerns,
            **values,
        }

    def _drop(self, which: Callable[[Row], bool]) -> None:
        self.inbox = {key: row for key, row in self.inbox.items() if not which(row)}

    def _due(self, due: object) -> None:
        self.inbox = {
            key: {**row, "due": due} if _of_the_gate(row) else row for key, row in self.inbox.items()
        }

    def _set(self, **values: Any) -> None:
        if self.status is not None:
            self.status = {**self.status, **values}

    def _blank(self, status: str) -> Row:
        empty = ("opened_at", "due", "original_due", "closed_at", "document")
        blank = {"status": status, "late": False, "version": 0, "waiting_for": ""}
        return {**self._place(), **dict.fromkeys(empty), **blank}

    def _place(self) -> Row:
        ref = CycleRef.parse(self.cycle)
        cycle = {"employer": ref.employer, "unit": ref.unit, "year": ref.year, "cycle": self.cycle}
        return {**cycle, "step": self.step}


def _of_the_gate(row: Row) -> bool:
    """Whether it is asked in the gate; an answer to a disagreement is owed also when that is closed."""
    return bool(row["what"] != "answer")
