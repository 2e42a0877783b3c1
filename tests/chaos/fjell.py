"""The employer whose year is disturbed: 17 people who do as they are asked. Processes of the tests share it."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from activities.directory.people import PersonCard
from activities.signatures import KeyFileError, SigningKey
from tests.rules.employers import employer
from worker.installation import Installation
from worker.settings import Settings
from worker.staging import Cast, stage
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Body, Fact

YEAR = 2027
ORGANISATION = employer(17)
EMPLOYER = ORGANISATION.employer
CAST = Cast(
    organisation=ORGANISATION,
    people=tuple(
        PersonCard(id=e.person, name=e.person, email=f"{e.person}@fjell.example", external_key=e.person)
        for e in ORGANISATION.employments
    ),
)


def settings(folder: Path) -> Settings:
    return Settings(state=folder, task_queue="fjell")


async def staged(folder: Path) -> Installation:
    """The employer's installation under `folder`; staging it again finds what is there.

    Its key is the same in every folder, since that it counts is a fact of the employer.
    """
    with contextlib.suppress(KeyFileError):
        SigningKey(Ed25519PrivateKey.from_private_bytes(b"fjell".ljust(32))).save(
            settings(folder).signing_key
        )
    return await stage(settings(folder), CAST, YEAR)


What = tuple[str, str, str | None, str, Body, date]


def what(fact: Fact) -> What:
    """All of a fact but the seconds, which are those of the machine."""
    return fact.id, fact.kind, fact.step, fact.actor, fact.body, oslo_day(fact.concerns)


def message_ids(folder: Path) -> list[str]:
    """The Message-ID of every mail that was written, sorted; a mail that was written twice stands twice."""
    out = []
    for mail in settings(folder).mail_directory.glob("*.eml"):
        lines = mail.read_text("utf-8").splitlines()
        out.append(next(line for line in lines if line.startswith("Message-ID: ")))
    return sorted(out)
