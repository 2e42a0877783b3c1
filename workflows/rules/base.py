"""The base of every model in the rules: immutable, and strict about what it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value. An unknown field is an error, so that a misspelt key in a file is found.

    A validation error does not repeat the value: it may be personal, and errors end in logs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
