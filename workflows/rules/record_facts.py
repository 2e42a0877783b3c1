"""Facts about the record itself: its keys, its exports, who read what people wrote, and what was erased.

They belong to the employer, not to a year (`Fact.cycle` is None), so that no running year is woken by them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from workflows.rules.base import Frozen
from workflows.rules.organisation import Id
from workflows.rules.scheduled import WorkflowId
from workflows.rules.statement import Base64, KeyId
from workflows.rules.terms import Basis, FactId, Hash, Records, Restored

MOST_NAMED = 200
"""Facts that one fact names at most; more make several."""


class LogKeyEnrolled(Frozen):
    """Checkpoints of the ledger are signed with this key from here on.

    `signature` is the key's own over what it is enrolled for, `previous_signature` that of the key before it
    (both None for the first). `previous_signature` is None too where the old key was lost: then only an anchor
    tells that this is no stranger's.
    """

    kind: Literal["log_key_enrolled"] = "log_key_enrolled"
    key: KeyId
    public_key: Base64
    signature: Base64
    previous: KeyId | None = None
    previous_signature: Base64 | None = None


class LedgerRestored(Frozen):
    """The ledger had `size` facts when it was signed again though it did not begin with what was signed before.

    That was a head over `lost` facts with this `root`; both are None where nobody knows it any longer.
    """

    kind: Literal["ledger_restored"] = "ledger_restored"
    reason: Restored
    size: int = Field(ge=0)
    lost: int | None = Field(default=None, ge=1)
    root: Hash | None = None


class HistoryExported(Frozen):
    """A run's history was exported; the file has this SHA-256. `version` is of the program that ran it."""

    kind: Literal["history_exported"] = "history_exported"
    workflow: WorkflowId
    run: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    events: int = Field(ge=1)
    sha256: Hash
    size: int = Field(ge=1)
    closed: bool
    version: Annotated[str, Field(pattern=r"^[0-9a-zA-Z.+_-]{1,64}$")]


class TextsRead(Frozen):
    """The actor read what people wrote with these facts, given by their places in the ledger."""

    kind: Literal["texts_read"] = "texts_read"
    purpose: Literal["history", "step", "dossier", "search"]
    facts: tuple[int, ...] = Field(min_length=1, max_length=MOST_NAMED)


class DossierMade(Frozen):
    """An inspection file was made for `year` from the first `size` facts; the ZIP has this SHA-256.

    `texts` says whether it holds what people wrote, `names` whether it holds names.
    """

    kind: Literal["dossier_made"] = "dossier_made"
    year: int
    unit: Id | None = None
    size: int = Field(ge=1)
    sha256: Hash
    texts: bool
    names: bool


class ErasureAsked(Frozen):
    """One of the two who must agree has said that these texts, or this document, may be erased."""

    kind: Literal["erasure_asked"] = "erasure_asked"
    facts: tuple[FactId, ...] = Field(default=(), max_length=MOST_NAMED)
    document: Hash | None = None
    basis: Basis


class TextsErased(Frozen):
    """What people wrote with these facts is erased, with its salts; that it was written, when and by whom stays."""

    kind: Literal["texts_erased"] = "texts_erased"
    facts: tuple[FactId, ...] = Field(min_length=1, max_length=MOST_NAMED)
    basis: Basis


class PersonErased(Frozen):
    """Name, address and number of the person are erased; the id in the facts stays, and leads to nobody."""

    kind: Literal["person_erased"] = "person_erased"
    person: Id
    basis: Basis


class DocumentErased(Frozen):
    """The content of a filed document is erased; its hash in the facts stays."""

    kind: Literal["document_erased"] = "document_erased"
    document: Hash
    basis: Basis


class RecordsErased(Frozen):
    """So many records of a kind, from before this day, were erased because their time was up."""

    kind: Literal["records_erased"] = "records_erased"
    records: Records
    count: int = Field(ge=1)
    before: date
    basis: Basis = "retention"


class RetentionSet(Frozen):
    """The employer decided how long records of a kind are kept: so many days after they are of no use."""

    kind: Literal["retention_set"] = "retention_set"
    records: Records
    days: int = Field(ge=0, le=36_500)
    comment: Hash
