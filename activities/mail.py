"""Mail: from a letter to a message in text and HTML, and out by SMTP or into a folder of `.eml` files."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator
from email import message_from_binary_file, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, Protocol

import aiosmtplib
from pydantic import AwareDatetime

from activities.language import Language
from workflows.rules.base import Frozen
from workflows.rules.calendar import OSLO

WIDTH = 78
"""Columns of a line of plain text; commands stay whole."""

HEAD: Final = "X-Forsvarlig-Fingerprint"
"""The header with the fingerprint of the ledger's head that a message tells of."""

Header = Literal[
    "X-Forsvarlig-Seq",
    "X-Forsvarlig-Cycle",
    "X-Forsvarlig-Step",
    "X-Forsvarlig-Person",
    "X-Forsvarlig-Fingerprint",
]


class Section(Frozen):
    """A part of a letter: a heading, then text, then a list, then commands, each with a label of its own."""

    heading: str = ""
    text: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()


class Letter(Frozen):
    """What one person is told. `key` makes it the same message every time; `thread` gathers letters."""

    key: str
    thread: str
    sender: str
    name: str
    address: str
    language: Language
    date: AwareDatetime
    subject: str
    greeting: str
    sections: tuple[Section, ...]
    marks: tuple[tuple[Header, str], ...] = ()


class MailError(Exception):
    """A message that was not taken. `transient`: it may be another time. Names no person and no address."""

    def __init__(self, what: str, *, transient: bool) -> None:
        super().__init__(what)
        self.transient = transient


class Mailer(Protocol):
    """A way out for messages."""

    @property
    def repeatable(self) -> bool:
        """Sending a message again leaves no second one."""

    async def send(self, message: EmailMessage) -> None:
        """Return when the message has been taken; `MailError` when it was not."""


def usable(address: str | None) -> bool:
    """Whether something can be sent to `address` at all."""
    if not address or any(c.isspace() or c in '<>,;:"' for c in address):
        return False
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and _ascii_domain(domain) is not None


def as_message(letter: Letter) -> EmailMessage:
    """The letter as a message; the same letter gives the same bytes. Its address must be `usable`."""
    host = parseaddr(letter.sender)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = letter.sender
    local, _, domain = letter.address.rpartition("@")
    address = f"{local}@{_ascii_domain(domain)}"
    message["To"] = Address(display_name=_one_line(letter.name), addr_spec=address)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = letter.date.astimezone(OSLO)
    message["Message-ID"] = _message_id(letter.key, host)
    # The first letter of a thread is nobody's: everyone's letters hang on an id that stands for the matter.
    message["In-Reply-To"] = message["References"] = _message_id(f"thread {letter.thread}", host)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for name, value in letter.marks:
        message[name] = value
    message.set_content(as_text(letter), cte="8bit")
    message.add_alternative(as_html(letter), subtype="html", cte="8bit")
    message["Content-Language"] = letter.language
    message.set_boundary(_digest(f"boundary {letter.key}"))
    return message


def as_text(letter: Letter) -> str:
    """The letter as plain text."""
    parts = [letter.greeting]
    for section in letter.sections:
        lines = [section.heading.upper()] if section.heading else []
        for paragraph in section.text:
            lines += _wrapped(paragraph)
        for item in section.items:
            lines += _wrapped(item, "- ", "  ")
        for label, command in section.commands:
            lines += [f"{label}:", f"  {command}"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter) -> str:
    """The letter as HTML that a screen reader can walk through: language, title, headings, lists."""
    escape = html.escape
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{letter.language}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(letter.subject)}</title></head>",
        '<body style="font-family: sans-serif; font-size: 16px; line-height: 1.5; max-width: 40em">',
        f"<p>{escape(letter.greeting)}</p>",
    ]
    for section in letter.sections:
        if section.heading:
            lines.append(f'<h2 style="font-size: 1.1em; margin-bottom: 0">{escape(section.heading)}</h2>')
        lines += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
        if section.items:
            lines += ["<ul>", *(f"<li>{escape(item)}</li>" for item in section.items), "</ul>"]
        for label, command in section.commands:
            lines.append(f"<p>{escape(label)}:</p>")
            lines.append(f'<pre style="white-space: pre-wrap"><code>{escape(command)}</code></pre>')
    return "\n".join([*lines, "</body>", "</html>", ""])


class EmlFolder:
    """Writes each message to a file: `<date>_<seq>_<step>_<person id>.eml`. Nothing is sent.

    A message about several facts has the place of the last and `all` for a step.
    """

    repeatable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write the message, whole or not at all; one that is there already is left as it is."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise MailError(
                f"{self._folder} cannot be written: {error.strerror}. Check its owner and the disk.",
                transient=True,
            ) from error

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._place(message)
        if place is None:
            return
        handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".unfinished")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(place)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(unfinished).unlink()
            raise

    def _place(self, message: EmailMessage) -> Path | None:
        """Where the message goes; None when it is there already."""
        stem = "_".join(_name_parts(message))
        id = str(message["Message-ID"])
        # Two employers' ledgers may give one name; their messages have different ids.
        for name in (stem, f"{stem}_{_digest(id)[:8]}"):
            place = self._folder / f"{name}.eml"
            if not place.exists():
                return place
            with place.open("rb") as file:
                if str(message_from_binary_file(file, policy=policy.SMTP)["Message-ID"]) == id:
                    return None
        raise MailError(
            f"{place} is there and holds another message. Move it away; the message is written then.",
            transient=True,
        )


class Smtp:
    """Sends through a mail server, one connection a message.

    With `starttls` (the usual port is 587) or `tls` (465) the server must have a certificate that this
    machine trusts. `timeout` in seconds is for each answer of the server.
    """

    repeatable = False

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        starttls: bool = True,
        tls: bool = False,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 30,
    ) -> None:
        self._place = f"{host}:{port}"
        self._host, self._port = host, port
        self._tls, self._starttls = tls, starttls and not tls
        self._user, self._password = user, password
        self._timeout = timeout

    async def send(self, message: EmailMessage) -> None:
        """Hand the message to the server.

        `MailError` is permanent when the server refuses this recipient or this message for good (5xx), and
        transient for everything that may be mended without changing the message.
        """
        try:
            await aiosmtplib.send(
                message, hostname=self._host, port=self._port, use_tls=self._tls, start_tls=self._starttls,
                username=self._user, password=self._password, timeout=self._timeout,
            )  # fmt: skip
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise self._refused("the recipient", {refused.code for refused in error.recipients}) from error
        except aiosmtplib.SMTPDataError as error:
            raise self._refused("the message", {error.code}) from error
        except (aiosmtplib.SMTPNotSupported, ValueError) as error:
            # Its address needs what this server does not have, or what none has.
            raise self._trouble("cannot carry this message", error, transient=False) from error
        except aiosmtplib.SMTPResponseException as error:
            raise self._trouble(f"answered {error.code}", error, transient=True) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._trouble("cannot be used", error, transient=True) from error

    def _refused(self, what: str, codes: set[int]) -> MailError:
        said = ", ".join(str(code) for code in sorted(codes))
        return MailError(f"{self._place} refuses {what}: {said}", transient=any(code < 500 for code in codes))

    def _trouble(self, what: str, error: Exception, *, transient: bool) -> MailError:
        return MailError(f"{self._place} {what}: {type(error).__name__}", transient=transient)


def _name_parts(message: EmailMessage) -> Iterator[str]:
    date = parsedate_to_datetime(str(message["Date"])) if message["Date"] else None
    yield f"{date:%Y-%m-%d}" if date else "undated"
    seq = str(message["X-Forsvarlig-Seq"] or "")
    if not seq:
        yield _digest(str(message["Message-ID"]))[:16]
        return
    places = seq.split()
    yield places[-1].zfill(6)
    yield re.sub(r"[^A-Za-z0-9.-]", "-", str(message["X-Forsvarlig-Step"] or ("all" if places[1:] else "-")))
    yield re.sub(r"[^A-Za-z0-9.-]", "-", str(message["X-Forsvarlig-Person"] or "-"))


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    wrapper = textwrap.TextWrapper(WIDTH, first, rest, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _message_id(key: str, host: str) -> str:
    return f"<{_digest(key)[:40]}@{host}>"


def _ascii_domain(domain: str) -> str | None:
    """The domain as the name system has it (`blåbær.no` is `xn--blbr-roah.no`); None for no domain."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
