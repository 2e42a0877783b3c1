"""Files that others gave away to be checked: what was written out of a ledger, and histories from Temporal."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activities.language import _
from worker.cli.failures import BadInput, unreadable
from worker.cli.frame import frame
from worker.cli.naming import visible

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from temporalio.api.common.v1 import Payload
    from temporalio.api.history.v1 import History

PUBLIC = 44
"""Characters of a public key in base64."""


async def values_in(file: Path) -> tuple[list[Any], int]:
    """Everything readable in a file, as JSON values, and how much in it is sealed with keys not here."""
    content = _bytes(file)
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise _unusable(file) from error
    if content.lstrip()[:1] != b"{":
        return await _opened(file, _history(file, content))
    values = _json(file, content)
    if len(values) == 1 and "events" in values[0]:
        return await _opened(file, _json_history(file, values[0]))
    return values, 0


def _json(file: Path, content: bytes) -> list[Any]:
    """One JSON value, or one a line."""
    try:
        return [json.loads(content)]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError as error:
        raise _unusable(file) from error


def _history(file: Path, content: bytes) -> History:
    from google.protobuf.message import DecodeError
    from temporalio.api.history.v1 import History

    try:
        return History.FromString(content)
    except DecodeError as error:
        raise _unusable(file) from error


def _json_history(file: Path, value: dict[str, Any]) -> History:
    """As `temporal workflow show --output json` writes it."""
    from google.protobuf.json_format import ParseError
    from temporalio.api.history.v1 import History
    from temporalio.client import WorkflowHistory

    try:
        return History(events=WorkflowHistory.from_json("", value).events)
    except (ParseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unusable(file) from error


async def _opened(file: Path, history: History) -> tuple[list[Any], int]:
    """The JSON in every payload that can be opened here, and how many cannot."""
    from temporalio.converter import WorkflowSerializationContext

    from worker.codec import SealingCodec
    from worker.keyring import Keyring
    from workflows.trust import PLAINTEXT, mark

    if not history.events:
        raise _unusable(file)
    workflow = history.events[0].workflow_execution_started_event_attributes.workflow_id
    context = WorkflowSerializationContext(namespace="", workflow_id=workflow)
    codec = SealingCodec(Keyring(frame().settings.payload_keys)).with_context(context)
    values, shut = list[Any](), 0
    for payload in await codec.decode(list(_payloads(history))):
        if mark(payload) not in (None, PLAINTEXT):
            shut += 1
            continue
        try:
            values.append(json.loads(payload.data))
        except ValueError:
            continue
    return values, shut


def _payloads(message: Message) -> Iterator[Payload]:
    """Every payload in a message, however deep."""
    from google.protobuf.message import Message as AnyMessage
    from temporalio.api.common.v1 import Payload

    stack: list[Any] = [message]
    while stack:
        here = stack.pop()
        if isinstance(here, Payload):
            yield here
        elif isinstance(here, AnyMessage):
            stack += [value for _field, value in here.ListFields()]
        elif isinstance(here, Mapping):
            stack += here.values()
        elif isinstance(here, Sequence) and not isinstance(here, str | bytes):
            stack += here


def keys_in(given: Sequence[str]) -> tuple[list[str], list[Any]]:
    """The public keys that were given, and what the files that were given say."""
    public, values = list[str](), list[Any]()
    for each in given:
        if Path(each).is_file():
            values += _json(Path(each), _bytes(Path(each)))
            continue
        try:
            raw = base64.b64decode(each, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(each) != PUBLIC or base64.b64encode(raw).decode() != each:
            raise click.UsageError(
                _("«{key}» er verken en offentlig nøkkel eller en fil.").format(key=visible(each))
            )
        public.append(each)
    return public, values


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error


def _unusable(file: Path) -> BadInput:
    return BadInput(
        _("{file} er verken en historikk fra Temporal eller en utskrift av hovedboken.").format(file=file),
        _("Eksporter den på nytt, eller lag en utskrift: forsvarlig proof ÅRSHJUL STEG --out FIL"),
    )
