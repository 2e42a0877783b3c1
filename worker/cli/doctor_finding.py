"""What a check of the installation finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from worker.settings import Settings


class Finding(NamedTuple):
    """What one check found. `check` is stable; a warning or error has a remedy."""

    check: str
    status: Literal["ok", "warning", "error"]
    message: str
    remedy: str | None = None


Check = Callable[["Settings"], AsyncIterator[Finding]]
"""Looks at one thing; finds one or more things about it, in the language spoken."""
