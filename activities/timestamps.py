"""Time stamps of checkpoints by somebody else's clock (RFC 3161), asked for over HTTP (§ 3.4) and checked offline."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from datetime import datetime
from typing import IO, TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from email.message import Message

    from rfc3161_client import TimeStampResponse

LARGEST_ANSWER = 65_536
"""Bytes; an answer with its certificates is a few thousand."""

PATIENCE = 30
"""Seconds for the server's answer."""

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_GRANTED = 0

Fault = Literal[
    "not_installed", "unreachable", "too_large", "unreadable", "refused", "not_over_this", "not_trusted",
    "no_roots",
]  # fmt: skip


class TimestampError(Exception):
    """A time stamp that did not come, or proves nothing: `fault` is a stable word, `detail` what was said."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault, self.detail = fault, detail


class Stamp(NamedTuple):
    """An answer of a time stamping authority (DER of TimeStampResp), and the time in it, UTC."""

    answer: bytes
    time: datetime


def authority(url: str) -> str:
    """The name under which a time stamp is noted: its host."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


async def stamp(url: str, note: str, *, patience: float = PATIENCE) -> Stamp:
    """Have the authority at `url` say that the note was there now; `TimestampError` when it does not.

    Nobody else is asked: an authority that sends on to another address has not answered. `patience` is how many
    seconds it may take to begin, and to end. That the answer is about this note and this question is checked; whose
    signature it has, `check_stamp` does.
    """
    _library()
    return await asyncio.to_thread(_stamp, url, note.encode(), patience)


def check_stamp(answer: bytes, note: str, roots: bytes) -> datetime:
    """The time at which the note was there, by an authority whose certificate leads to one of the `roots` (PEM).

    `TimestampError` otherwise. Nothing is asked of anybody, and the certificates need only have counted then.
    """
    _library()
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError, VerifierBuilder

    try:
        trusted = load_pem_x509_certificates(roots)
    except ValueError as error:
        raise TimestampError("no_roots", str(error)) from None
    found = _read(answer)
    _about(found, note.encode())
    try:
        VerifierBuilder(roots=trusted).build().verify_message(found, note.encode())
    except (VerificationError, ValueError) as error:
        raise TimestampError("not_trusted", " ".join(str(error).split())) from None
    return found.tst_info.gen_time


def is_about(answer: bytes, note: str) -> bool:
    """Whether the time stamp is about this note; `TimestampError` for bytes that are none."""
    _library()
    try:
        _about(_read(answer), note.encode())
    except TimestampError as error:
        if error.fault != "not_over_this":
            raise
        return False
    return True


def _stamp(url: str, note: bytes, patience: float) -> Stamp:
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    asked = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
    answer = _asked(url, asked.as_bytes(), patience)
    found = _read(answer)
    _about(found, note)
    if found.tst_info.nonce != asked.nonce:
        raise TimestampError("not_over_this", "the answer is to another question")
    return Stamp(answer, found.tst_info.gen_time)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nobody: who may be asked is a setting, and not the authority's to say."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def _asked(url: str, query: bytes, patience: float) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise TimestampError("unreachable", f"{url} is no web address")
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme is looked at above
            url, data=query, headers={"Content-Type": _QUERY, "Accept": _REPLY}
        )
        with urllib.request.build_opener(_Straight).open(request, timeout=patience) as answer:
            content = _content(answer, patience)
    except urllib.error.HTTPError as error:
        error.close()
        raise TimestampError("unreachable", f"{authority(url)}: HTTP {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TimestampError("unreachable", f"{authority(url)}: {_said(error)}") from None
    if len(content) > LARGEST_ANSWER:
        raise TimestampError("too_large", f"{authority(url)}: more than {LARGEST_ANSWER} bytes")
    return content


def _content(answer: http.client.HTTPResponse, patience: float) -> bytes:
    """What the server says, as far as it is small enough and comes in time; it may send a byte now and then."""
    content, deadline = b"", time.monotonic() + patience
    while len(content) <= LARGEST_ANSWER and (part := answer.read1(LARGEST_ANSWER)):
        content += part
        if time.monotonic() > deadline:
            raise TimeoutError("it takes too long")
    return content


def _read(answer: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        found = decode_timestamp_response(answer)
        if found.status != _GRANTED:
            raise TimestampError("refused", ", ".join(found.status_string) or f"status {found.status}")
        # A granted answer without a token cannot be read any further.
        _ = found.tst_info.message_imprint
    except ValueError as error:
        raise TimestampError("unreadable", " ".join(str(error).split())) from None
    return found


def _about(found: TimeStampResponse, note: bytes) -> None:
    imprint = found.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != hashlib.sha256(note).digest():
        raise TimestampError("not_over_this", "the time stamp is about something else")


def _library() -> None:
    try:
        import rfc3161_client  # noqa: F401
    except ModuleNotFoundError:
        raise TimestampError("not_installed", "pip install 'forsvarlig[timestamps]'") from None


def _said(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__


_SHA256 = "2.16.840.1.101.3.4.2.1"
"""The only hash that is asked for, as X.509 names it."""
