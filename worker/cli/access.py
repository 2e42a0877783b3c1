"""`forsvarlig access`: everything that is kept about one person, for that person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, format_moment, ngettext
from worker.cli.desk import Desk, at_desk
from worker.cli.fact_words import KINDS
from worker.cli.failures import Conflict
from worker.cli.frame import emit
from worker.cli.layout import heading, wrapped
from worker.cli.naming import name, visible
from worker.cli.options import WHO, employer_option

if TYPE_CHECKING:
    from activities.access import KeptAbout


@click.command(
    help=N_(
        "Vis alt som er lagret om en person: navn og adresse, roller, det personen har skrevet, hendelser som "
        "nevner personen, e-poster, og hvem som har lest det personen skrev. Det kan personen selv, øverste leder "
        "og HR; det andre leser, blir ført i historikken.\n\n"
        "Anonyme svar er ikke med: ingen kan finne hvem som har gitt dem."
    )
)
@click.argument("who", metavar=N_("PERSON"))
@click.option("--as", "actor", metavar=N_("PERSON"), help=WHO)
@employer_option
def access(who: str, actor: str | None, employer: str | None) -> None:
    """Print everything about one person."""
    asyncio.run(_access(who, actor, employer))


async def _access(who: str, actor: str | None, employer: str | None) -> None:
    from activities.access import kept_about
    from workflows.rules.retention import decides

    async with at_desk(employer) as desk:
        person = desk.directory[desk.person(who, "")]
        asker = desk.person(actor, "--as") if actor else person.id
        if asker != person.id and not decides(desk.organisation, asker, desk.today):
            raise Conflict(
                _("{name} kan ikke se alt om {person}.").format(
                    name=name(asker, desk.names), person=name(person.id, desk.names)
                ),
                _("Be personen selv, øverste leder eller HR om det."),
            )
        found = await kept_about(desk.database, person, asker, desk.now)
        emit("access", found, table=lambda: "\n".join(_lines(desk, found)))


def _lines(desk: Desk, found: KeptAbout) -> Iterator[str]:
    row = found.person
    yield heading(name(row.id, desk.names))
    yield _("id {id}").format(id=row.id)
    if row.email:
        yield _("e-post {address}").format(address=visible(row.email))
    if row.external_key:
        yield _("ansattnr {number}").format(number=visible(row.external_key))
    for part in found.parts.values():
        for one in part:
            said = ", ".join(f"{key}: {value}" for key, value in one.items() if value is not None)
            yield from wrapped(f"- {said}", hang=2)
    yield ""
    yield heading(_("Det personen har skrevet"))
    for text in found.texts:
        said = visible(text.text) if text.text is not None else _("(vises ikke for deg, eller er slettet)")
        yield from wrapped(_("- nr. {seq}: {text}").format(seq=text.seq, text=said), hang=2)
    for read in found.read:
        places = ", ".join(str(seq) for seq in read.facts)
        said = _("- {who} leste {when} nr. {places}").format(
            who=name(read.reader, desk.names), when=format_moment(read.when), places=places
        )
        yield from wrapped(said, hang=2)
    if found.named_in:
        places = ", ".join(map(str, found.named_in))
        yield from wrapped(_("Navnet står i det som er skrevet i nr. {places}.").format(places=places))
    yield ""
    yield heading(_("Hendelser som nevner personen"))
    for fact in found.facts:
        said = _("- nr. {seq}, {when}: {what}").format(
            seq=fact.seq, when=format_moment(fact.recorded), what=_(KINDS[fact.kind])
        )
        yield from wrapped(said, hang=2)
    yield ""
    yield ngettext("{count} e-post til personen.", "{count} e-poster til personen.", len(found.sent)).format(
        count=len(found.sent)
    )
