"""What is said of a receipt: that its fingerprint is to be kept."""

from __future__ import annotations

from activities.language import _


def keep(fingerprint: str) -> str:
    """The line about a fingerprint, for people."""
    return _("Avtrykk: {fingerprint} – ta vare på det").format(fingerprint=fingerprint)
