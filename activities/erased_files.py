"""Files that follow what was erased: documents, mails in the mail folder, exported histories.

A file is deleted after the fact that says so was committed. `sweep` deletes what an interrupted process left.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from activities.documents import Documents
from activities.history_files import place
from activities.store.database import Database
from activities.store.reader import Reader
from activities.store.rows import PersonRow
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Fact
from workflows.rules.record_facts import DocumentErased, HistoryExported, PersonErased

_FOLLOWED = ("document_erased", "person_erased")
"""The kinds of facts that files follow."""


class ErasedFiles:
    """The files of one installation that hold what can be erased. Folders that are not there hold nothing."""

    def __init__(self, documents: Documents, mail: Path, histories: Path) -> None:
        self.documents = documents
        self._mail = mail
        self._histories = histories
        self._swept: dict[str, int] = {}

    async def sweep(self, reader: Reader, employer: str) -> int:
        """Delete what the ledger says is erased and still is there; how many files.

        Documents, and mails to people who were erased. A mail to somebody else may have named them; who erases
        a person gives the name to `mails_about`, since it is known nowhere afterwards.
        """
        gone = 0
        filed = {
            fact_document(fact): seq
            for seq, fact in await reader.facts(employer, kinds=("evidence_submitted",))
        }
        people = set[str]()
        for seq, fact in await reader.facts(employer, kinds=_FOLLOWED):
            match fact.body:
                case DocumentErased(document=hash) if filed.get(hash, 0) < seq:
                    # Another employer may have filed the same content.
                    if await reader.document(hash) is None:
                        gone += await self.documents.erase(hash)
                case PersonErased(person=id):
                    people.add(id)
        if people:
            to_them = await asyncio.to_thread(lambda: [f for f, m in self._mails() if receiver(m) in people])
            gone += self.delete(to_them)
        return gone

    async def sweep_all(self, database: Database) -> int:
        """`sweep` each employer in whose ledger something was erased since this was asked last; how many files."""
        gone = 0
        async with database.read() as reader:
            for home in await reader.employers():
                seen = self._swept.get(home.id, 0)
                new = await reader.facts(home.id, kinds=_FOLLOWED, after=seen)
                if new:
                    gone += await self.sweep(reader, home.id)
                    self._swept[home.id] = new[-1][0]
        return gone

    async def mails_about(self, person: PersonRow) -> list[Path]:
        """Mails to the person, and those in which the name, the address or the number stands."""
        words = [w for w in (person.name, person.email) if w]
        return await asyncio.to_thread(
            lambda: [f for f, m in self._mails() if receiver(m) == person.id or _says(m, words)]
        )

    def mails_before(self, day: date) -> list[Path]:
        """Mails that were written before that day, the oldest first."""
        return sorted(file for file in _files(self._mail) if _written(file) < day)

    def histories(self, employer: str, facts: Iterable[Fact]) -> list[Path]:
        """The files of these exports that are there."""
        places = (
            place(self._histories, employer, f.body.workflow, f.body.run, f.body.events)
            for f in facts
            if isinstance(f.body, HistoryExported)
        )
        return [file for file in dict.fromkeys(places) if file.exists()]

    @staticmethod
    def delete(files: Iterable[Path]) -> int:
        """Delete the files; how many there were."""
        gone = 0
        for file in files:
            with suppress(FileNotFoundError):
                file.unlink()
                gone += 1
        return gone

    def _mails(self) -> Iterator[tuple[Path, EmailMessage]]:
        for file in _files(self._mail):
            with suppress(FileNotFoundError):
                yield file, BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(file.read_bytes())


def receiver(message: EmailMessage) -> str:
    """The id of the person whom a mail is to."""
    return str(message["X-Forsvarlig-Person"] or "")


def fact_document(fact: Fact) -> str:
    """The document that a fact is about."""
    return str(getattr(fact.body, "document", ""))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml")) if folder.is_dir() else []


def _says(message: EmailMessage, words: Sequence[str]) -> bool:
    said = [str(message[name]) for name in ("To", "From", "Subject") if message[name]]
    parts = (part for part in message.walk() if part.get_content_maintype() == "text")
    said += [html.unescape(str(part.get_content())) for part in parts]
    whole = " ".join(" ".join(said).split()).casefold()
    return any(" ".join(word.split()).casefold() in whole for word in words)


def _written(file: Path) -> date:
    """The day in the file's name, else the day on which the file was written."""
    try:
        return date.fromisoformat(file.name[:10])
    except ValueError:
        return oslo_day(datetime.fromtimestamp(file.stat().st_mtime, UTC))
