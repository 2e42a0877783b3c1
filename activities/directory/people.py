"""Who an opaque person id stands for: the only place where a name or an address is kept."""

from __future__ import annotations

from collections.abc import Mapping

from activities.language import Language, _
from activities.store.rows import PersonRow
from workflows.rules.base import Frozen
from workflows.rules.organisation import Id


class PersonCard(Frozen):
    """Name and address of one person. `external_key` is the employer's own number (ansattnr) for the person.

    Erasing a person empties the card; the id goes on standing in the organisation and in the ledger.
    """

    id: Id
    name: str
    email: str
    language: Language = "nb"
    external_key: str


def names_of(people: Mapping[str, PersonRow]) -> dict[str, str]:
    """What people are called, by id, in the language spoken; who was erased is called that."""
    return {id: row.name or _("slettet person ({id})").format(id=id) for id, row in people.items()}
