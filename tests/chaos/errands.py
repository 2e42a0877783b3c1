"""What people do when they are asked, and in what careless ways; the same for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import TypeAdapter

from activities.ledger.log import Payload, commitment
from activities.store.rows import InboxRow
from workflows.rules.base import Frozen
from workflows.rules.organisation import Role
from workflows.rules.terms import Hash, Outcome, What

TWICE, AGAIN, JUNK, SIGNAL, REMARKS = 0.3, 0.1, 0.2, 0.1, 0.3
"""How often a decision is sent twice at once, and again under another nonce; how often junk comes with it, how
often it comes as a signed signal past our door, and how often somebody consulted has something to remark."""


class Errand(Frozen):
    """One thing that one person does about one version: `what` it was asked for, and how it is sent."""

    cycle: str
    step: str
    what: What
    role: Role
    person: str
    document: Hash | None
    version: int
    outcome: Outcome | None
    remark: bool
    twice: bool
    again: bool
    junk: bool
    by_signal: bool

    @property
    def key(self) -> str:
        return f"{self.cycle}/{self.step} {self.what} {self.version}"

    @property
    def nonce(self) -> str:
        return f"e.{_sha256(self.key)[:24]}"

    @property
    def other_nonce(self) -> str:
        return f"again.{_sha256(self.key)[:24]}"

    def fact(self, nonce: str) -> str:
        """The id of the fact that this becomes."""
        return f"{self.cycle}/{self.step}#act {self.person} {nonce}"

    @property
    def comment(self) -> Payload | None:
        """What the person remarks, under a salt that is the same each time, so that a retry is the same bytes."""
        text = f"Merknad til {self.key}"
        return Payload(salt=hashlib.sha256(text.encode()).digest(), text=text) if self.remark else None

    @property
    def commitment(self) -> str | None:
        comment = self.comment
        return None if comment is None else commitment(comment.salt, comment.text)


def errand(seed: int, row: InboxRow, document: str | None) -> Errand:
    """What the person who is waited for does."""
    luck = Random(f"{seed} {row.cycle} {row.step} {row.what} {row.version}")
    outcome = None
    decides = row.what in ("consult", "approve")
    remark = luck.random() < REMARKS and row.what == "consult"
    if decides:
        outcome = Outcome.APPROVED if row.what == "approve" else Outcome.AGREED
        outcome = Outcome.AGREED_WITH_REMARKS if remark else outcome
    return Errand(
        cycle=row.cycle, step=row.step, what=row.what, role=row.role, person=row.person, document=document,
        version=row.version, outcome=outcome, remark=remark, twice=luck.random() < TWICE,
        again=luck.random() < AGAIN and decides, junk=luck.random() < JUNK,
        by_signal=luck.random() < SIGNAL and decides,
    )  # fmt: skip


class Line(Frozen):
    """One line of a decider's journal, on the disk before anything else is done.

    `begun` and `done` enclose an errand. `tried` and `acknowledged` enclose each sending of something: `how` it
    was sent, and the fact and place that a door answered with. `idle`: nothing is left to do in this `life`.
    """

    kind: Literal["begun", "tried", "acknowledged", "done", "idle"]
    errand: Errand | None = None
    how: Literal["door", "again", "signal", "signal again", "junk"] | None = None
    digest: Hash | None = None
    """The SHA-256 of what was sent as a signal."""
    fact: str | None = None
    seq: int | None = None
    repeated: bool = False
    refused: str | None = None
    life: int = 0


_LINE: TypeAdapter[Line] = TypeAdapter(Line)


def read_journal(path: Path, after: int = 0) -> tuple[list[Line], int]:
    """The lines from the byte `after` on, and where they end. One that was cut off by a death never counted."""
    if not path.exists():
        return [], after
    with path.open("rb") as file:
        file.seek(after)
        found = file.read()
    whole = found[: found.rfind(b"\n") + 1]
    return [_LINE.validate_json(line) for line in whole.splitlines() if line.strip()], after + len(whole)


def unfinished(lines: Iterable[Line]) -> list[Errand]:
    """The errands that were begun and are not done."""
    left: dict[str, Errand] = {}
    for line in lines:
        if line.errand is None:
            continue
        if line.kind == "begun":
            left[line.errand.key] = line.errand
        elif line.kind == "done":
            left.pop(line.errand.key, None)
    return list(left.values())


def junk(luck: Random) -> tuple[str, Any]:
    """The name and the content of a signal that nobody can use."""
    choices: list[tuple[str, Any]] = [
        ("approve_everything", {"role": "top_manager", "number": luck.random()}),
        ("decide", {"outcome": "approved", "number": luck.random()}),
        ("decide", ["approved", luck.random()]),
        (f"signal-{luck.random()}", None),
    ]
    return luck.choice(choices)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
