"""Who an opaque person id stands for: the only place where a name or an address is kept."""

from __future__ import annotations

from activities.language import Language
from workflows.rules.base import Frozen
from workflows.rules.organisation import Id


class PersonCard(Frozen):
    """Name and address of one person. `external_key` is the employer's own number (ansattnr) for the person.

    Erasing a person erases the card; the id goes on standing in the organisation and in the ledger.
    """

    id: Id
    name: str
    email: str
    language: Language = "nb"
    external_key: str
