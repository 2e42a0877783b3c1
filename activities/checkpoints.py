"""Checkpoints: the installation's log key signs the head of an employer's ledger, each naming the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from activities.ledger.heads import Checkpoint, note_hash, origin_of, read_checkpoint, signed_checkpoint
from activities.ledger.log import LedgerError
from activities.ledger.log_keys import KIND, LogKey, counting_at, enrolment, log_keys
from activities.ledger.merkle import Frontier, verify_consistency
from activities.ledger.notes import NoteError, log_vkey, verified
from activities.signatures import SigningKey
from activities.signed_heads import HeadFileError, SignedHead, SignedHeads, TakenBack, grown_out_of
from activities.store import checkpoints as kept
from activities.store.checkpoints import CheckpointRow
from activities.store.database import Database, Reader, StoreError
from activities.store.transaction import Transaction
from workflows.rules.events import Fact
from workflows.rules.record_facts import LedgerRestored
from workflows.rules.stored_facts import FactError
from workflows.rules.terms import Restored, at


class LogKeyError(Exception):
    """The installation's log key is not the one that the ledger enrolled last; both are named by their ids."""

    def __init__(self, employer: str, key: str, enrolled: str) -> None:
        super().__init__(
            f"The log key {key} is not the one that the ledger of {employer!r} enrolled last, {enrolled}. Put "
            "that one's file back, or change it for all to see: forsvarlig ledger rotate-key"
        )
        self.employer, self.key, self.enrolled = employer, key, enrolled


class NotTakenBack(Exception):
    """The ledger grows out of what this machine has signed, so there is nothing to go on from."""


HINDERED = (LogKeyError, HeadFileError, StoreError, LedgerError, FactError, NoteError)
"""What can hinder a checkpoint of one employer."""


class Made(NamedTuple):
    """A checkpoint that is kept, its note, and whether it is new."""

    checkpoint: Checkpoint
    note: str
    new: bool


class _Walked(NamedTuple):
    """The log keys of a ledger, what was remembered of it, and its tree as it grows out of that."""

    keys: list[LogKey]
    signed: SignedHead | None
    reached: Frontier | None


class Checkpoints:
    """Makes the checkpoints of one database with one log key. `clock` is the time outside.

    `signed` remembers what was signed on this machine. Nothing is signed that does not grow out of that. Without
    it the database is believed: for ledgers that are made and checked in one go.
    """

    def __init__(
        self,
        database: Database,
        key: SigningKey,
        clock: Callable[[], datetime],
        signed: SignedHeads | None = None,
    ) -> None:
        self._database, self._key, self._clock, self._signed = database, key, clock, signed

    async def make(self, employer: str) -> Made:
        """The checkpoint over all that is recorded: the newest one, or a new one where that lacks something.

        The first time, the log key is enrolled by a fact of its own. `LogKeyError` when another one is,
        `LedgerError` when the ledger was changed from outside (`TakenBack` where what was signed here tells),
        `HeadFileError` when that cannot be read or written, and `NotThere` without such an employer; then nothing
        is written.
        """
        try:
            return await self._make(employer)
        except TakenBack:
            if self._signed is not None:
                self._signed.refuse(employer)
            raise

    async def _make(self, employer: str) -> Made:
        walked = await self._walked(employer)
        if not walked.keys:
            await self._enrol_first(employer)
        async with self._database.write(employer) as tx:
            keys = await enrolled(tx, employer)
            if not keys or keys[-1].id != self._key.id:
                raise LogKeyError(employer, self._key.id, keys[-1].id if keys else "")
            return await self._covered(tx, employer, walked)

    async def make_all(self) -> dict[str, Made | Exception]:
        """`make` for every employer whose newest checkpoint is not over all its facts, or not the one signed here.

        What hinders it for one, such as a `LogKeyError` or a ledger that was changed from outside, hinders none
        of the others. `StoreError` when the database cannot be used at all.
        """
        async with self._database.read() as reader:
            extents = await kept.extents(reader)
        made: dict[str, Made | Exception] = {}
        for employer, facts, covered in extents:
            try:
                if facts > covered or self._is_news(employer, covered):
                    made[employer] = await self.make(employer)
            except HINDERED as error:
                made[employer] = error
        return made

    async def rotate(self, employer: str, new: SigningKey, *, lost: bool = False) -> LogKey | None:
        """Enrol `new` after this key, which signs for it, and make a checkpoint with it; the key before it.

        With `lost` whatever key was enrolled last is followed without its signature. Nothing happens, and None
        is answered, where `new` is enrolled last already. `LogKeyError` when the last is neither of the two;
        otherwise errors as in `make`.
        """
        following = Checkpoints(self._database, new, self._clock, self._signed)
        await following._walked(employer)
        async with self._database.write(employer) as tx:
            keys = await enrolled(tx, employer)
            before = keys[-1] if keys else None
            if before is not None and before.id == new.id:
                return None
            if before is not None and before.id != self._key.id and not lost:
                raise LogKeyError(employer, self._key.id, before.id)
            by = self._key if before is not None and not lost else None
            await following._enrol(tx, employer, before, by)
        await following.make(employer)
        return before

    async def go_on_after_restore(self, employer: str, reason: Restored) -> Made:
        """Sign the ledger as it is though it does not grow out of what was signed here; that is a fact of its own.

        What was signed stays in its file under another name. `NotTakenBack`, and nothing is done, where nothing is
        in the way; otherwise errors as in `make`. Each machine that signs remembers for itself, and must be told.
        """
        if self._signed is None:
            raise NotTakenBack
        async with self._database.read() as reader:
            body, name = await _lost(reader, employer, self._signed, reason)
        now = self._clock()
        fact = Fact(
            id=f"{employer}#restored {name or at(now)}",
            employer=employer,
            concerns=now,
            recorded=now,
            body=body,
        )
        async with self._database.write(employer) as tx:
            await tx.append([fact])
        # A crash before this leads here again, and the fact is there once.
        await asyncio.to_thread(self._signed.set_aside, employer)
        return await self.make(employer)

    async def _walked(self, employer: str) -> _Walked:
        """What is there to be signed, looked at before anybody is made to wait for it."""
        signed = await self._remembered(employer)
        async with self._database.read() as reader:
            keys = await enrolled(reader, employer)
            if self._signed is None:
                return _Walked(keys, None, None)
            return _Walked(keys, signed, await grown_out_of(reader, employer, signed))

    async def _remembered(self, employer: str) -> SignedHead | None:
        return None if self._signed is None else await asyncio.to_thread(self._signed.of, employer)

    def _is_news(self, employer: str, covered: int) -> bool:
        """Whether the newest checkpoint is another than the one remembered here."""
        if self._signed is None:
            return False
        signed = self._signed.of(employer)
        if self._signed.is_refused(employer):
            return True
        return (signed.frontier.size if signed is not None else 0) != covered

    async def _enrol_first(self, employer: str) -> None:
        """In a transaction of its own: what is signed, and remembered, must be committed before."""
        async with self._database.write(employer) as tx:
            if not await enrolled(tx, employer):
                await self._enrol(tx, employer)

    async def _enrol(
        self, tx: Transaction, employer: str, before: LogKey | None = None, by: SigningKey | None = None
    ) -> None:
        now, (at, previous) = self._clock(), before[:2] if before is not None else (0, None)
        fact = Fact(
            id=f"{employer}#log key {self._key.id} {at}", employer=employer, concerns=now, recorded=now,
            body=enrolment(employer, self._key, previous, by),
        )  # fmt: skip
        await tx.append([fact])

    async def _covered(self, tx: Transaction, employer: str, walked: _Walked) -> Made:
        head, last = await self._true_head(tx, employer, walked), await kept.newest(tx, employer)
        before = None if last is None else read_checkpoint(last.note)[0]
        if last is not None and before is not None:
            await follows(tx, employer, before, head.size, head.root)
            if before.size == head.size:
                await self._adopt(tx, employer, head, last)
                return Made(before, last.note, new=False)
        checkpoint = Checkpoint(
            origin=before.origin if before is not None else await _origin(tx, employer),
            size=head.size,
            root=head.root,
            time=await self._moment(tx, employer, head.size, before),
            prev=note_hash(last.note) if last is not None else None,
        )
        note = signed_checkpoint(checkpoint, self._key)
        # Before the commit: whoever has the database could let each commit seem to fail, and have it forgotten.
        await self._remember(employer, SignedHead(head, note))
        await kept.add_checkpoint(
            tx, employer, CheckpointRow(size=head.size, note=note, made=checkpoint.time)
        )
        return Made(checkpoint, note, new=True)

    async def _true_head(self, tx: Transaction, employer: str, walked: _Walked) -> Frontier:
        """The ledger's tree, computed from what was signed here and the leaves since."""
        if self._signed is None:
            return tx.frontier
        signed, start = await self._remembered(employer), walked.reached
        if start is None or signed != walked.signed:  # another process has signed meanwhile
            start = signed.frontier if signed is not None else Frontier()
        reached = await kept.grown(tx, employer, start, tx.frontier.size)
        if reached != tx.frontier:
            raise TakenBack(employer, start.size, tx.frontier.size)
        self._signed.accept(employer)
        return tx.frontier

    async def _adopt(self, tx: Transaction, employer: str, head: Frontier, row: CheckpointRow) -> None:
        """Remember a checkpoint that another machine made, or one from before there was anything remembered."""
        signed = await self._remembered(employer)
        if self._signed is not None and (signed is None or signed.note != row.note):
            await opened(tx, employer, row)
            await self._remember(employer, SignedHead(head, row.note))

    async def _remember(self, employer: str, head: SignedHead) -> None:
        if self._signed is not None:
            await asyncio.to_thread(self._signed.remember, employer, head)

    async def _moment(self, tx: Transaction, employer: str, size: int, before: Checkpoint | None) -> datetime:
        """Now; but never before what it covers was recorded, nor before the checkpoint before it."""
        [(_, last)] = await tx.facts(employer, after=size - 1, limit=1)
        earliest = [last.recorded, *([before.time] if before is not None else [])]
        return max(self._clock().astimezone(UTC).replace(microsecond=0), *earliest)


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


async def _lost(
    reader: Reader, employer: str, signed: SignedHeads, reason: Restored
) -> tuple[LedgerRestored, str]:
    """What the ledger does not grow out of, and a name for it; `NotTakenBack` where it does."""
    there = await reader.head(employer)
    try:
        head = await asyncio.to_thread(signed.of, employer)
    except HeadFileError:
        return LedgerRestored(reason=reason, size=there.size), ""
    try:
        await grown_out_of(reader, employer, head)
    except TakenBack:
        if head is None:
            raise
        lost = head.checkpoint
        body = LedgerRestored(reason=reason, size=there.size, lost=lost.size, root=lost.root.hex())
        return body, note_hash(head.note)
    raise NotTakenBack


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
