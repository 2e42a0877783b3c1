"""The inspection file on paper: PDF/A-3a and PDF/UA-1 in one, with the ledger in it, by typst.

Texts reach typst as data and are never read as its markup. Only the fonts that come with it are used, so that
the same paper gives the same bytes on every machine.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from activities.legible import JOINERS
from portal.dossier.paper import Paper


def pdf(paper: Paper, evidence: bytes, at: datetime) -> bytes:
    """The PDF, dated `at`, with `evidence` (UTF-8) attached: the same bytes for the same arguments."""
    import typst

    return typst.compile(
        _template(), ignore_system_fonts=True, sys_inputs=_inputs(paper, evidence.decode()),
        format="pdf", pdf_standards=["a-3a", "ua-1"], timestamp=at.astimezone(UTC),
    )  # fmt: skip


@cache
def _template() -> bytes:
    return files("portal.dossier").joinpath("dossier.typ").read_bytes()


def _inputs(paper: Paper, evidence: str) -> dict[str, str]:
    shown = json.dumps(printable(paper.model_dump(mode="json")), ensure_ascii=False)
    return {"paper": shown, "evidence": evidence}


def printable(value: object) -> object:
    """The value with each character that the fonts lack written as `[U+1F600]`: PDF/A has no empty boxes.

    A joiner has no look of its own, and is left out.
    """
    if isinstance(value, str):
        seen = (char for char in value if char not in JOINERS)
        return "".join(char if _has_glyph(char) else f"[U+{ord(char):04X}]" for char in seen)
    if isinstance(value, dict):
        return {key: printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
    return value


_GLYPHS = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1CD, 0x1DC),
    (0x1E2, 0x1E9), (0x1EE, 0x1EF), (0x218, 0x21B), (0x391, 0x3A1), (0x3A3, 0x3A9), (0x3B1, 0x3C9),
    (0x400, 0x45F), (0x1E80, 0x1E85), (0x1EA0, 0x1EF9), (0x2010, 0x2015), (0x2018, 0x201E),
    (0x2020, 0x2022), (0x2026, 0x2026), (0x2030, 0x2030), (0x2039, 0x203A), (0x20AC, 0x20AC),
    (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2248),
    (0x2260, 0x2260), (0x2264, 0x2265), (0x2713, 0x2713), (0xFFFD, 0xFFFD),
)  # fmt: skip
"""Ranges of characters that typst's own text fonts have: the scripts of Europe, with Sámi and Vietnamese."""


@cache
def _has_glyph(char: str) -> bool:
    return char == "\n" or any(first <= ord(char) <= last for first, last in _GLYPHS)
