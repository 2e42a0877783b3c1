"""Signals that came from outside, recorded: anybody who reaches Temporal can send one.

A statement proves itself by its signature and goes through the same door as everybody's; whatever else came is
refused, and that is recorded with its SHA-256. Nothing that comes makes this fail: a workflow would wait for it
for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog
from temporalio import activity

from activities.clocks import Clock, Clocks
from activities.receipts import Receipt
from activities.store.database import Database
from activities.store.errors import NotThere, StoreError
from workflows.messages import Received, ReceiveRequest, SignalItem, SignalOutcome
from workflows.ports import SignalActivities
from workflows.rules.events import AttemptRefused
from workflows.rules.statement import Unreadable, read_envelope, read_statement
from workflows.rules.terms import CycleRef, Refusal

_NAMES_LOGGED = 5

log = structlog.get_logger(__name__)


class SignalDoors(Protocol):
    """The doors that a signal can come through."""

    async def receive(self, raw: bytes, *, place: str, now: datetime, via: str) -> Receipt:
        """Record the signed statement that came for the cycle `place`, or that it was refused."""

    async def refuse_junk(
        self, cycle: str, reason: Refusal, inputs: Sequence[str], *, now: datetime, via: str
    ) -> Receipt:
        """Record once that all of these (SHA-256, hex) were refused for one reason."""


class Mailbox(SignalActivities):
    """The activity behind a year's signals, on the doors and the store that they lead to."""

    def __init__(self, database: Database, doors: SignalDoors, clock: Clock) -> None:
        self._database = database
        self._doors = doors
        self._clocks = Clocks(clock)

    @activity.defn(name="receive")
    async def receive(self, request: ReceiveRequest) -> Received:
        """Statements one by one in their order, junk as one fact for each reason; as in `SignalActivities`."""
        outcomes = dict[int, SignalOutcome]()
        junk = dict[Refusal, list[int]]()
        try:
            async with self._database.read() as reader:
                employer = CycleRef.parse(request.cycle).employer
                now = await self._clocks.believed(reader, employer, request.now)
        except (NotThere, ValueError):
            return _all_refused(request, "unknown_cycle")
        for at, item in enumerate(request.items):
            fault = _fault(item)
            if fault is None:
                found = await self._decide(request, at, now)
                fault = found if isinstance(found, Refusal) else None
                if isinstance(found, SignalOutcome):
                    outcomes[at] = found
            if fault is not None:
                junk.setdefault(fault, []).append(at)
        for reason, places in junk.items():
            outcomes |= await self._refuse(request, reason, places, now)
        return Received(
            outcomes=tuple(outcomes[at] for at in range(len(request.items))), request=request.digest
        )

    async def _decide(self, request: ReceiveRequest, at: int, now: datetime) -> SignalOutcome | Refusal:
        body, via = request.items[at].body or "", _via(request, at)
        try:
            receipt = await self._doors.receive(body.encode(), place=request.cycle, now=now, via=via)
        except NotThere as error:
            return Refusal.WRONG_DOCUMENT if error.kind == "document" else Refusal.WRONG_PLACE
        except StoreError:
            raise
        except Exception as error:  # whatever a statement does to us, the year goes on
            log.error("signal.unexpected", cycle=request.cycle, via=via, error=type(error).__name__)
            return Refusal.UNREADABLE
        return _outcome(receipt)

    async def _refuse(
        self, request: ReceiveRequest, reason: Refusal, places: Sequence[int], now: datetime
    ) -> dict[int, SignalOutcome]:
        """One fact for all of them, but for those that were recorded before, when fewer had come."""
        items = [request.items[at] for at in places]
        log.warning(
            "signal.refused", cycle=request.cycle, reason=reason.value, count=len(items),
            names=sorted({item.name for item in items})[:_NAMES_LOGGED], bytes=sum(item.size for item in items),
        )  # fmt: skip
        outcomes = dict[int, SignalOutcome]()
        while places:
            digests, via = [request.items[at].sha256 for at in places], _via(request, places[0])
            try:
                receipt = await self._doors.refuse_junk(request.cycle, reason, digests, now=now, via=via)
            except NotThere:
                refused = SignalOutcome(accepted=False, reason=reason.value, seq=None)
                return outcomes | dict.fromkeys(places, refused)
            body = receipt.fact.body
            recorded = body.count if isinstance(body, AttemptRefused) else len(places)
            outcomes |= dict.fromkeys(places[:recorded], _outcome(receipt))
            places = places[recorded:]
        return outcomes


def _fault(item: SignalItem) -> Refusal | None:
    """Why an item is junk; None for a statement that its door can judge."""
    if item.body is None:
        return Refusal.UNKNOWN_SIGNAL if item.kind == "unknown" else Refusal.UNREADABLE
    try:
        read_statement(read_envelope(item.body.encode()))
    except Unreadable as error:
        return Refusal.UNSIGNED if error.unsigned else Refusal.UNREADABLE
    return None


def _via(request: ReceiveRequest, at: int) -> str:
    """The door, and at the same time the key by which a repetition is known."""
    return f"signal {request.run}:{request.items[at].number}"


def _outcome(receipt: Receipt) -> SignalOutcome:
    reason = None if receipt.reason is None else receipt.reason.value
    return SignalOutcome(accepted=receipt.accepted, reason=reason, seq=receipt.seq)


def _all_refused(request: ReceiveRequest, reason: str) -> Received:
    refused = SignalOutcome(accepted=False, reason=reason, seq=None)
    return Received(outcomes=(refused,) * len(request.items), request=request.digest)
