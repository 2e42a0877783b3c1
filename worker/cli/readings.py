"""Showing what people wrote: to those who may read it, on record, and saying why where it is not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, ngettext
from activities.words import listed
from worker.cli.frame import PROGRAM
from worker.cli.naming import role_bearer
from workflows.rules.organisation import Role

if TYPE_CHECKING:
    from activities.reading import Hidden, Purpose, Writing
    from activities.store.database import Database, Reader

reader_option = click.option(
    "--as",
    "person",
    metavar=N_("PERSON"),
    help=N_("Hvem du er. Uten vises ikke det folk har skrevet; at du leser det, blir ført."),
)
"""Who reads; nobody who has not said so is shown what people wrote."""


def why_hidden(hidden: Hidden, roles: Sequence[Role]) -> str:
    """Why a text is not shown, and who may read it."""
    if hidden == "erased":
        return _("(begrunnelsen er slettet; avtrykket av den står i historikken)")
    # The committee's chair is one of it.
    bearers = [role_bearer(role) for role in roles if role is not Role.WEC_CHAIR or Role.WEC not in roles]
    who = listed([_("den som skrev den"), *bearers])
    if hidden == "unnamed":
        return _("(begrunnelsen kan leses av {who}: legg til --as)").format(who=who)
    return _("(begrunnelsen kan bare leses av {who})").format(who=who)


async def find_reader(reader: Reader, employer: str, text: str | None) -> str | None:
    """The id of the person who reads; errors as in `people.find_person`."""
    from worker.cli.people import find_person

    return None if text is None else find_person(await reader.people(employer), text).id


async def reading_time(reader: Reader, employer: str) -> datetime:
    """When somebody reads: now; in a rehearsal, whose time is virtual, where its ledger has come to."""
    from worker.cli import clock

    if (await reader.employer(employer)).mode == "real":
        return clock.now()
    size = (await reader.head(employer)).size
    return max(
        (fact.recorded for fact in (await reader.facts_at(employer, [size])).values()), default=clock.now()
    )


async def noted(
    database: Database,
    employer: str,
    person: str | None,
    purpose: Purpose,
    writings: Mapping[int, Writing],
    now: datetime,
) -> None:
    """Put on record what of other people's writing is about to be shown to `person`."""
    from activities.reading import note_read, of_others

    if person is not None:
        await note_read(database, employer, person, purpose, of_others(dict(writings)), now)


def behind(lag: int) -> str:
    """What to know when the projections lack facts."""
    return _("{missing} Bygg dem opp igjen: {command}").format(
        missing=missing(lag), command=f"{PROGRAM} db rebuild"
    )


def missing(lag: int) -> str:
    """How many facts the projections lack."""
    return ngettext("Visningene mangler {count} fakta.", "Visningene mangler {count} fakta.", lag).format(
        count=lag
    )
