"""Checkpoints: the installation's log key signs the head of an employer's ledger, each naming the one before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from activities.ledger.log import LedgerError
from activities.ledger.log_keys import KIND, LogKey, counting_at, enrolment, log_keys
from activities.ledger.merkle import verify_consistency
from activities.ledger.notes import (
    Checkpoint,
    NoteError,
    log_vkey,
    note_hash,
    origin_of,
    read_checkpoint,
    signed_checkpoint,
    verified,
)
from activities.signatures import SigningKey
from activities.store import checkpoints as kept
from activities.store.checkpoints import CheckpointRow
from activities.store.database import Database, Reader, StoreError
from activities.store.transaction import Transaction
from workflows.rules.events import Fact
from workflows.rules.stored_facts import FactError


class LogKeyError(Exception):
    """The installation's log key is not the one that the ledger enrolled last; both are named by their ids."""

    def __init__(self, employer: str, key: str, enrolled: str) -> None:
        super().__init__(
            f"The log key {key} is not the one that the ledger of {employer!r} enrolled last, {enrolled}. Put "
            "that one's file back, or change it for all to see: forsvarlig ledger rotate-key"
        )
        self.employer, self.key, self.enrolled = employer, key, enrolled


HINDERED = (LogKeyError, StoreError, LedgerError, FactError, NoteError)
"""What can hinder a checkpoint of one employer."""


class Made(NamedTuple):
    """A checkpoint that is kept, its note, and whether it is new."""

    checkpoint: Checkpoint
    note: str
    new: bool


class Checkpoints:
    """Makes the checkpoints of one database with one log key. `clock` is the time outside."""

    def __init__(self, database: Database, key: SigningKey, clock: Callable[[], datetime]) -> None:
        self._database, self._key, self._clock = database, key, clock

    async def make(self, employer: str) -> Made:
        """The checkpoint over all that is recorded: the newest one, or a new one where that lacks something.

        The first time, the log key is enrolled by a fact of its own. `LogKeyError` when another one is,
        `LedgerError` when the ledger was changed from outside, and `NotThere` without such an employer; then
        nothing is written.
        """
        async with self._database.write(employer) as tx:
            keys = await enrolled(tx, employer)
            if not keys:
                await self._enrol(tx, employer)
            elif keys[-1].id != self._key.id:
                raise LogKeyError(employer, self._key.id, keys[-1].id)
            return await self._covered(tx, employer)

    async def make_all(self) -> dict[str, Made | Exception]:
        """`make` for every employer that something was recorded of since its newest checkpoint.

        What hinders it for one, such as a `LogKeyError` or a ledger that was changed from outside, hinders none
        of the others. `StoreError` when the database cannot be used at all.
        """
        async with self._database.read() as reader:
            behind = await kept.uncovered(reader)
        made: dict[str, Made | Exception] = {}
        for employer in behind:
            try:
                made[employer] = await self.make(employer)
            except HINDERED as error:
                made[employer] = error
        return made

    async def rotate(self, employer: str, new: SigningKey, *, lost: bool = False) -> LogKey | None:
        """Enrol `new` after this key, which signs for it, and make a checkpoint with it; the key before it.

        With `lost` whatever key was enrolled last is followed without its signature. Nothing happens, and None
        is answered, where `new` is enrolled last already. `LogKeyError` when the last is neither of the two.
        """
        async with self._database.write(employer) as tx:
            keys = await enrolled(tx, employer)
            before = keys[-1] if keys else None
            if before is not None and before.id == new.id:
                return None
            if before is not None and before.id != self._key.id and not lost:
                raise LogKeyError(employer, self._key.id, before.id)
            by = self._key if before is not None and not lost else None
            following = Checkpoints(self._database, new, self._clock)
            await following._enrol(tx, employer, before, by)
            await following._covered(tx, employer)
        return before

    async def _enrol(
        self, tx: Transaction, employer: str, before: LogKey | None = None, by: SigningKey | None = None
    ) -> None:
        now, (at, previous) = self._clock(), before[:2] if before is not None else (0, None)
        fact = Fact(
            id=f"{employer}#log key {self._key.id} {at}", employer=employer, concerns=now, recorded=now,
            body=enrolment(employer, self._key, previous, by),
        )  # fmt: skip
        await tx.append([fact])

    async def _covered(self, tx: Transaction, employer: str) -> Made:
        head, last = tx.frontier, await kept.newest(tx, employer)
        before = None if last is None else read_checkpoint(last.note)[0]
        if last is not None and before is not None:
            await follows(tx, employer, before, head.size, head.root)
            if before.size == head.size:
                return Made(before, last.note, new=False)
        checkpoint = Checkpoint(
            origin=before.origin if before is not None else await _origin(tx, employer),
            size=head.size,
            root=head.root,
            time=await self._moment(tx, employer, head.size, before),
            prev=note_hash(last.note) if last is not None else None,
        )
        note = signed_checkpoint(checkpoint, self._key)
        await kept.add_checkpoint(
            tx, employer, CheckpointRow(size=head.size, note=note, made=checkpoint.time)
        )
        return Made(checkpoint, note, new=True)

    async def _moment(self, tx: Transaction, employer: str, size: int, before: Checkpoint | None) -> datetime:
        """Now; but never before what it covers was recorded, nor before the checkpoint before it."""
        [(_, last)] = await tx.facts(employer, after=size - 1, limit=1)
        earliest = [last.recorded, *([before.time] if before is not None else [])]
        return max(self._clock().replace(microsecond=0), *earliest)


async def follows(reader: Reader, employer: str, before: Checkpoint, size: int, root: bytes) -> None:
    """Nothing where a tree begins with what the checkpoint is over; `LedgerError` where it does not.

    A log must sign no two heads that contradict each other (tlog-checkpoint), also when somebody who has the
    database, and not the key, wrote its history anew.
    """
    if before.size > size:
        raise LedgerError(f"there are {size} leaves, and a checkpoint over {before.size}.")
    proof = await reader.consistency(employer, before.size, size)
    if not verify_consistency(before.size, before.root, size, root, proof):
        raise LedgerError(
            f"the {size} leaves do not begin with the {before.size} that the newest checkpoint is over."
        )


async def enrolled(reader: Reader, employer: str) -> list[LogKey]:
    """The log keys of an employer, in the order in which they were enrolled."""
    return log_keys(await reader.facts(employer, kinds=(KIND,)))


async def opened(reader: Reader, employer: str, row: CheckpointRow) -> Checkpoint:
    """A kept checkpoint whose signature is by the key that counted then; `NoteError` otherwise."""
    key = counting_at(await enrolled(reader, employer), row.size)
    checkpoint, note = read_checkpoint(row.note)
    verified(note, [] if key is None else [log_vkey(checkpoint.origin, key.public_key)])
    return checkpoint


async def _origin(reader: Reader, employer: str) -> str:
    """What the log is called, from its first checkpoint on and whatever becomes of the employer's number."""
    home = await reader.employer(employer)
    return origin_of(home.org_number, employer, rehearsal=home.mode == "rehearsal")
