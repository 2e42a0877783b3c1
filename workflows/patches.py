"""The names of `workflow.patched`, with the day each came. One is removed when no year runs that began before it.

A sealed run (`CycleInput.sealed`) began after all of these, and asks none of them.
"""

from __future__ import annotations

from typing import Final

SEALED_START: Final = "sealed-start"
"""23 November 2026: a run that was not started under our key is started anew."""

MAILBOX: Final = "mailbox"
"""23 November 2026: signals other than the bell are handed to the activity `receive`."""

FRESH_RUN: Final = "fresh-run"
"""23 November 2026: a run with many signals goes on in a fresh one."""
