"""What a workflow believes of what comes to it from Temporal, where anybody may write who reaches the server.

The codec marks what was not sealed with our key (`worker.codec`). A workflow reads nothing by its type before it
has looked at the mark: whatever cannot be read by its type would stop the workflow for good.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Final, Literal, TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.messages import SignalItem
from workflows.rules.base import Frozen
from workflows.rules.statement import LARGEST
from workflows.rules.terms import Hash

MARK: Final = "forsvarlig-quarantine"
"""The metadata in which the codec says what a payload is: a reason, or `PLAINTEXT`. Ours have none."""

PLAINTEXT: Final = "plaintext"

RING: Final = "ring"
DECIDE: Final = "decide"

NOTHING: Final = RawValue(Payload())
"""What a run was started with that was given no input at all."""

LONGEST_WAIT: Final = timedelta(minutes=5)


class PutAside(Frozen):
    """What the codec leaves of a payload that is not ours: the SHA-256 and size (bytes) of what came."""

    sha256: Hash
    size: int


T = TypeVar("T")
M = TypeVar("M", bound=Frozen)


def mark(payload: Payload) -> str | None:
    """None for what was sealed with our key for this workflow; else `plaintext`, or why it is not ours."""
    found = payload.metadata.get(MARK)
    return None if found is None else found.decode("ascii", "replace")


def content(raw: RawValue, *, sealed: bool) -> bytes | None:
    """The JSON in `raw`, or None when it is not ours. Where nothing is `sealed` yet, plaintext is believed."""
    found = mark(raw.payload)
    if found is None or (found == PLAINTEXT and not sealed):
        return raw.payload.data
    return None


def read(raw: RawValue, kind: type[M], *, sealed: bool) -> M | None:
    """`content` by its type, or None when it is not ours or is something else."""
    found = content(raw, sealed=sealed)
    if found is None:
        return None
    try:
        return kind.model_validate_json(found)
    except ValidationError:
        return None


async def until_ours(ask: Callable[[], Awaitable[RawValue]], ours: Callable[[RawValue], T | None]) -> T:
    """The first answer that is `ours`; asked again for ever, after 1 s and then ever more slowly, up to 5 minutes.

    What is not ours was written by a worker without our keys: it may also be a failure.
    """
    for tries in count():
        try:
            answer = ours(await ask())
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            answer = None
        if answer is not None:
            return answer
        workflow.logger.warning("an answer that is not ours was put aside")
        await workflow.sleep(min(timedelta(seconds=2 ** min(tries, 9)), LONGEST_WAIT), summary="ask again")
    raise AssertionError("count() has no end")


def is_statement(name: str, args: Sequence[RawValue]) -> bool:
    """Whether a signal could be a statement, which goes before junk: then its item has a body. Never raises."""
    return name == DECIDE and len(args) == 1 and _body(args[0].payload) is not None


def signal_item(number: int, name: str, args: Sequence[RawValue]) -> SignalItem:
    """The run's `number`th signal that is not the bell, as it is handed on to be recorded. Never raises."""
    payloads = [arg.payload for arg in args]
    digests = [_digest(payload) for payload in payloads]
    sha256 = digests[0][0] if len(digests) == 1 else _sha256("".join(d for d, _ in digests).encode())
    size = sum(size for _, size in digests)
    body = _body(payloads[0]) if is_statement(name, args) else None
    kind: Literal["decide", "unknown", "unreadable"]
    kind = "decide" if body is not None else "unreadable" if name == DECIDE else "unknown"
    return SignalItem(
        number=number, kind=kind, body=body, sha256=sha256, size=size,
        name=_sha256(name.encode("utf-8", "replace"))[:16],
    )  # fmt: skip


def _body(payload: Payload) -> str | None:
    """A statement proves itself, so it may come as plaintext."""
    if mark(payload) not in (None, PLAINTEXT) or len(payload.data) > LARGEST:
        return None
    try:
        return payload.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _digest(payload: Payload) -> tuple[str, int]:
    """The SHA-256 and size of what came, also of what was put aside."""
    if mark(payload) not in (None, PLAINTEXT):
        with contextlib.suppress(ValidationError):
            aside = PutAside.model_validate_json(payload.data)
            return aside.sha256, aside.size
    return _sha256(payload.data), len(payload.data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
