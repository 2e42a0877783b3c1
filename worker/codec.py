"""Seals every payload for its workflow with its employer's key (AES-256-GCM), and puts aside what is not ours.

It never raises for what comes. A workflow whose input, signal or answer cannot be decoded stops for good, and
anybody who reaches the server can send one; so what cannot be opened becomes a harmless payload with a mark, and
whoever reads it looks at the mark first (`workflows.trust`). What can fail is sealing: nothing leaves in the clear
because a key could not be read or made.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from pydantic_core import from_json
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    ActivitySerializationContext,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError

from worker.keyring import Keyring, PayloadKey
from workflows.trust import MARK, PLAINTEXT, PutAside

ENCODING: Final = b"binary/forsvarlig-1"
KEY: Final = "forsvarlig-key"
WORKFLOW: Final = "forsvarlig-workflow"
"""Which workflow a payload says it was sealed for: it tells why one does not open, and is believed in nothing else."""

NONCE_BYTES: Final = 12

Reason = Literal["unknown_key", "tampered", "wrong_workflow", "malformed"]

_STARTED_BY_SCHEDULE = re.compile(r"-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
"""What Temporal appends to the id of a workflow that a Schedule starts; its input was sealed without it."""


@dataclass(frozen=True)
class SealingCodec(PayloadCodec, WithSerializationContext):
    """The payloads of one workflow, whose id's second part is the employer.

    Of what comes, what was sealed for this workflow is opened and has no mark; plaintext stays as it is, marked
    `plaintext`; everything else is put aside: JSON with the SHA-256 and size of what came, marked with the
    reason. `wrong_workflow` was sealed for another one of this employer's.
    """

    keyring: Keyring
    workflow: str = ""

    def with_context(self, context: SerializationContext) -> SealingCodec:
        """The codec for the workflow of `context`."""
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return replace(self, workflow=_STARTED_BY_SCHEDULE.sub("", context.workflow_id or ""))
        return self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads sealed; raises `OSError` when there is no key and none can be made."""
        key = self.keyring.current(self._employer)
        return [self._sealed(payload, key) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads opened, marked or put aside; never raises."""
        return [self._opened(payload) for payload in payloads]

    @property
    def _employer(self) -> str:
        parts = self.workflow.split("/")
        return parts[1] if len(parts) > 1 else ""

    def _sealed(self, payload: Payload, key: PayloadKey) -> Payload:
        nonce, name = os.urandom(NONCE_BYTES), _bytes(self.workflow)
        sealed = AESGCM(key.secret).encrypt(nonce, payload.SerializeToString(), _bound(key.id, name))
        metadata = {"encoding": ENCODING, KEY: key.id.encode(), WORKFLOW: name}
        return Payload(metadata=metadata, data=nonce + sealed)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return _in_the_clear(payload)
        id = payload.metadata.get(KEY, b"").decode("ascii", "replace")
        key = self.keyring.find(self._employer, id)
        if key is None:
            return _put_aside(payload, "unknown_key")
        if len(payload.data) < NONCE_BYTES:
            return _put_aside(payload, "malformed")
        cipher, nonce, sealed = AESGCM(key.secret), payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            content = cipher.decrypt(nonce, sealed, _bound(id, _bytes(self.workflow)))
        except InvalidTag:
            other = payload.metadata.get(WORKFLOW, b"")
            return _put_aside(
                payload, "wrong_workflow" if _opens(cipher, nonce, sealed, id, other) else "tampered"
            )
        try:
            opened = Payload.FromString(content)
        except DecodeError:
            return _put_aside(payload, "malformed")
        opened.metadata.pop(MARK, None)
        return opened


class SealingFailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """Messages and stack traces are sealed too, and a failure that makes no sense is still a failure.

    Anybody can write a failure with a number in it that no enumeration has.
    """

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """The failure as an exception; never raises."""
        try:
            return super().from_failure(failure, payload_converter)
        except Exception:
            return ApplicationError("a failure that cannot be read", type="UnreadableFailure")


def _bytes(workflow: str) -> bytes:
    return workflow.encode("utf-8", "replace")


def _bound(key: str, workflow: bytes) -> bytes:
    """What a sealed payload is bound to: it opens under this key and in this workflow only."""
    return key.encode("ascii", "replace") + b"\0" + workflow


def _opens(cipher: AESGCM, nonce: bytes, sealed: bytes, key: str, workflow: bytes) -> bool:
    try:
        cipher.decrypt(nonce, sealed, _bound(key, workflow))
    except InvalidTag:
        return False
    return True


def _in_the_clear(payload: Payload) -> Payload:
    if not _is_readable(payload):
        return _put_aside(payload, "malformed")
    marked = Payload()
    marked.CopyFrom(payload)
    marked.metadata[MARK] = PLAINTEXT.encode()
    return marked


def _is_readable(payload: Payload) -> bool:
    """Whether every converter makes a value of it. A protobuf message names a type that may not be there."""
    match payload.metadata.get("encoding"):
        case b"binary/plain":
            return True
        case b"binary/null":
            return not payload.data
        case b"json/plain":
            try:
                from_json(payload.data)
            except ValueError:
                return False
            return True
    return False


def _put_aside(payload: Payload, reason: Reason) -> Payload:
    aside = PutAside(sha256=hashlib.sha256(payload.data).hexdigest(), size=len(payload.data))
    metadata = {"encoding": b"json/plain", MARK: reason.encode()}
    return Payload(metadata=metadata, data=aside.model_dump_json().encode())
