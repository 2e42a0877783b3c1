"""What is said of a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activities.language import _
from worker.cli.frame import frame

if TYPE_CHECKING:
    from activities.receipts import Receipt


def keep(fingerprint: str) -> str:
    """The line about a fingerprint, for people."""
    from activities.signed_heads import SignedHeads

    said = _("Avtrykk: {fingerprint} – ta vare på det").format(fingerprint=fingerprint)
    if stopped := SignedHeads(frame().settings.signed_heads).refused():
        stop = _(
            "OBS: hovedboken til {employers} signeres ikke lenger, for den begynner ikke med det som er signert. Se: "
            "{command}"
        ).format(employers=", ".join(stopped), command="forsvarlig ledger status")
        return f"{said}\n{stop}"
    return said


def noted(receipt: Receipt, sentence: str) -> str:
    """What was recorded, in the sentence given, with its number; or that it was there before."""
    first = _("Dette var ført fra før.") if receipt.repeated else _("Ført.")
    number = _("(nr. {seq} i historikken)").format(seq=receipt.seq)
    return f"{first} {sentence} {number}"


def recorded(problem: str, receipt: Receipt) -> str:
    """The problem, and that the attempt stands in the ledger."""
    number = _("Forsøket er ført som nr. {seq} i historikken.").format(seq=receipt.seq)
    return f"{problem} {number}"
