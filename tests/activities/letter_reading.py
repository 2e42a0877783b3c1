"""What a letter says, as the tests of letters read it."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage

from tests.activities.sawmill import YEAR, Sawmill, text_of
from workflows.rules.organisation import Role
from workflows.rules.terms import Outcome

OPEN = date(2027, 5, 12)
"""Y15, the risk assessment, is open in Sagbruk and due on 20 May."""

SECRET = "En kommentar som bare hører hjemme i saken."


def subject(message: EmailMessage | None) -> str:
    assert message is not None
    return str(message["Subject"])


def flowing(message: EmailMessage | None) -> str:
    """The text on one line, so that a sentence is found wherever it was wrapped."""
    return " ".join(text_of(message).split())


async def asked_per(mill: Sawmill) -> EmailMessage | None:
    """The mail that asks Per, the safety representative, after Kari has filed the assessment."""
    await mill.go(OPEN)
    await mill.file("Y15", "kari")
    [message] = await mill.mails("Y15", "per")
    return message


async def informed(mill: Sawmill, who: str) -> EmailMessage | None:
    """After the senior safety representative disagreed with the preparation of the survey (Y11)."""
    await mill.file("Y11", "hanne", cycle=YEAR)
    await mill.decide("Y11", "per", Role.SENIOR_SAFETY_REP, Outcome.DISAGREES, SECRET, cycle=YEAR)
    await mill.decide("Y11", "hanne", Role.HR, Outcome.APPROVED, cycle=YEAR)
    [message] = await mill.mails("Y11", who, YEAR)
    return message
