"""What can be wrong with the store."""

from __future__ import annotations

from typing import Literal


class StoreError(Exception):
    """The store cannot do what was asked: `fault` says what is wrong, `remedy` what to do.

    Both are phrases where a person may meet them, so that they can be said in the person's language.
    """

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(f"{fault} {remedy}".rstrip())
        self.fault, self.remedy = fault, remedy


class Unusable(StoreError):
    """The database cannot be reached or written now; whoever tries again may be luckier."""


class NotThere(StoreError):
    """The store has no such thing. `kind` and `id` say what was asked for, the message what to do."""

    def __init__(
        self, kind: Literal["employer", "organisation", "cycle", "document"], id: str, message: str
    ) -> None:
        super().__init__(message)
        self.kind, self.id = kind, id

    @classmethod
    def employer(cls, id: str) -> NotThere:
        """There is no such employer."""
        return cls("employer", id, f"There is no employer {id!r}. Import it first: forsvarlig org import")

    @classmethod
    def organisation(cls, employer: str, hash: str | None = None) -> NotThere:
        """The employer has no organisation, or none with this hash."""
        which = "no organisation" if hash is None else f"no organisation with hash {hash}"
        message = f"The employer {employer!r} has {which}. Import it: forsvarlig org import"
        return cls("organisation", employer, message)

    @classmethod
    def cycle(cls, id: str) -> NotThere:
        """There is no such cycle, or it is another employer's."""
        return cls("cycle", id, f"There is no cycle {id}. List them with: forsvarlig year list")

    @classmethod
    def document(cls, hash: str) -> NotThere:
        """No document with this content is stored."""
        return cls("document", hash, f"There is no document {hash}. Store it first: forsvarlig step submit")


class SchemaError(StoreError):
    """The database has another schema version than this program."""

    def __init__(self, place: str, found: str | None, wanted: str, *, newer: bool) -> None:
        if newer:
            remedy = "It was written by a newer forsvarlig: install that version and run this again."
        else:
            remedy = "Stop the workers, then run: forsvarlig db upgrade"
        version = f"schema version {found}" if found else "no schema yet"
        super().__init__(f"The database {place} has {version}; this program needs {wanted}. {remedy}")
        self.found, self.wanted = found, wanted
