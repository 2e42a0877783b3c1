"""Finding the person that a command names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar

from activities.directory.people import PersonCard, names_of
from activities.language import _
from activities.store.rows import PersonRow
from worker.cli.failures import Failure, NotFound
from worker.cli.naming import visible

_MOST_SHOWN = 5


class Ambiguous(Failure):
    """What was typed fits several; the remedy says how to choose."""

    code: ClassVar[str] = "usage"
    exit_code: ClassVar[int] = 2


def find_person(directory: Mapping[str, PersonRow], text: str, option: str = "--as") -> PersonRow:
    """The person with this id, e-mail address, number (ansattnr) or full name; case does not matter.

    Part of a name is never enough: an act must not end up with somebody else. An id goes before all else,
    since it is what the product itself writes. `NotFound` names those who are near, `Ambiguous` all who fit;
    both say what to type, with `option` in front.
    """
    wanted = " ".join(text.split()).casefold()
    if wanted in directory:
        return directory[wanted]
    found = [row for row in directory.values() if wanted in _ways_to_say(row)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(
            _("{count} personer passer med «{text}»: {who}.").format(
                count=len(found), text=visible(text), who=_shown(found)
            ),
            _("Skriv id-en i stedet, som {option} {id}.").format(option=option, id=found[0].id),
        )
    nobody = _("Ingen i katalogen er «{text}».").format(text=visible(text))
    raise NotFound(nobody, _remedy(directory, wanted, option))


def described(row: PersonRow) -> str:
    """«Kari Nordmann (kari, ansattnr 1001)»."""
    if not row.name:
        return names_of({row.id: row})[row.id]
    if row.external_key is None or row.external_key == row.id:
        return f"{visible(row.name)} ({row.id})"
    return _("{name} ({id}, ansattnr {number})").format(
        name=visible(row.name), id=row.id, number=visible(row.external_key)
    )


def card(row: PersonRow) -> PersonCard:
    """The person as an import knows people; whoever has no number (an erased person) has the id for it."""
    return PersonCard(
        id=row.id, name=row.name, email=row.email or "", language=row.language,
        external_key=row.external_key or row.id,
    )  # fmt: skip


def _ways_to_say(row: PersonRow) -> set[str]:
    said = (row.email, row.external_key, row.name)
    return {" ".join(way.split()).casefold() for way in said if way}


def _remedy(directory: Mapping[str, PersonRow], wanted: str, option: str) -> str:
    near = _near(directory, wanted)
    if not near:
        return _("Se hvem som er der: forsvarlig org show")
    text = _("Mente du {who}? Skriv id-en, som {option} {id}.")
    return text.format(who=_shown(near), option=option, id=near[0].id)


def _near(directory: Mapping[str, PersonRow], wanted: str) -> list[PersonRow]:
    """People with a word of the name, else those whose name, id or address looks alike."""
    words = set(wanted.split())
    sharing = [row for row in directory.values() if words and words <= set(row.name.casefold().split())]
    if sharing:
        return sharing
    ways = {way: row for row in directory.values() for way in (row.id, *_ways_to_say(row))}
    alike = (ways[way] for way in difflib.get_close_matches(wanted, list(ways), n=_MOST_SHOWN, cutoff=0.7))
    return list({row.id: row for row in alike}.values())


def _shown(rows: Iterable[PersonRow]) -> str:
    everyone = list(rows)
    shown = "; ".join(described(row) for row in everyone[:_MOST_SHOWN])
    more = len(everyone) - _MOST_SHOWN
    return _("{shown} og {count} til").format(shown=shown, count=more) if more > 0 else shown
