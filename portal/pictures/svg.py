"""What every picture is made of: colours for light, dark and paper, shapes, and texts that fit.

Each shape has its literal light colour and a class `yw-…`; a style sheet, where there is one, wins over it.
So a picture is right in a program that knows no style sheets and in a page whose rules forbid them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal
from xml.sax.saxutils import escape

from portal.pictures.scales import number, point, upright
from workflows.rules.programme import Stage

Theme = Literal["css", "print"]

FONT = "Inter,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

ROUND = 2.0
"""The radius of rounded corners: half the line that is drawn around a smaller shape."""

# A stage has a quiet colour for its time and a strong one for its due dates.
LIGHT: Mapping[str, str] = {
    "paper": "#ffffff", "ink": "#1f2429", "muted": "#59626c", "hair": "#e4e7ea", "ring": "#f0f2f4",
    "closed": "#f6f1e6", "today": "#b3261e",
    "plan": "#d5e0ef", "plan-due": "#44689d", "map": "#cde6e3", "map-due": "#1f7f78",
    "assess": "#f7e3b4", "assess-due": "#a0700c", "act": "#f7d5c9", "act-due": "#bf4f2f",
    "inform": "#e6d7ec", "inform-due": "#83519a", "follow_up": "#d9e8c8", "follow_up-due": "#57852f",
    "review": "#dcdfe3", "review-due": "#4d5763",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "paper": "#15181c", "ink": "#eceef0", "muted": "#a7afb8", "hair": "#2c3138", "ring": "#20242a",
    "closed": "#28251d", "today": "#ff8f85",
    "plan": "#2a3f5f", "plan-due": "#8db4ea", "map": "#1c4b48", "map-due": "#62c7bd",
    "assess": "#584314", "assess-due": "#e8b94a", "act": "#64311f", "act-due": "#f08c6c",
    "inform": "#4a3156", "inform-due": "#c99bdd", "follow_up": "#344d20", "follow_up-due": "#9acb6b",
    "review": "#3c434b", "review-due": "#b4bdc7",
}  # fmt: skip


def fill(colour: str) -> str:
    """The attributes of a shape or text filled with one of the colours."""
    return f'class="yw-{colour}" fill="{LIGHT[colour]}"'


def stroke(colour: str) -> str:
    """The attributes of a line in one of the colours."""
    return f'class="yw-{colour}-line" fill="none" stroke="{LIGHT[colour]}"'


def rounded(stage: Stage) -> str:
    """The attributes of shapes in the stage's colour, each `ROUND` larger on every side, with round corners."""
    line = f'stroke="{LIGHT[stage.value]}" stroke-width="{number(2 * ROUND)}" stroke-linejoin="round"'
    return f"{fill(stage.value)} {line}"


def style() -> str:
    """The style sheet: the page's `--wheel-…` where it sets one, else ours for the reader's light or dark."""
    rules = []
    for name in LIGHT:
        value = f"var(--wheel-{name},var(--yw-{name}))"
        outline = f";stroke:{value}" if name in list(Stage) else ""
        rules.append(f".yw-{name}{{fill:{value}{outline}}}")
    rules += [f".yw-{name}-line{{stroke:var(--wheel-{name},var(--yw-{name}))}}" for name in ("hair", "today")]
    dark = f"@media(prefers-color-scheme:dark){{.year-wheel{{{_variables(DARK)}}}}}"
    return f"<style>.year-wheel{{{_variables(LIGHT)}}}{dark}{''.join(rules)}</style>"


def _variables(colours: Mapping[str, str]) -> str:
    return ";".join(f"--yw-{name}:{value}" for name, value in colours.items())


def rect(x: float, y: float, width: float, height: float, attributes: str) -> str:
    size = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f"<rect {size} {attributes}/>"


def turned(text: str, angle: float, radius: float, size: float) -> str:
    """A short text along the circle, its middle at the given point."""
    x, y = point(angle, radius)
    place = f"translate({number(x)} {number(y)}) rotate({number(upright(angle))})"
    return f'<text transform="{place}" y="{number(size * 0.36)}">{xml(text)}</text>'


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(text: str) -> str:
    """The text as XML can hold it: escaped, with � for characters that no XML document may have."""
    return escape(_NOT_XML.sub("\ufffd", text))


def text_width(text: str, size: float) -> float:
    """An upper estimate of the width of `text`, bold, in any ordinary sans-serif font of that size."""
    wide = sum(letter in "MWmw@%…—ÆŒ" or letter >= "\u2e80" for letter in text)
    return size * (0.71 * len(text) + 0.29 * wide)


def shortened(text: str, size: float, room: float) -> str:
    """The text, or as much of its beginning as fits the room, with «…»."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrapped(words: Sequence[str], size: float, room: float) -> list[str]:
    """As few lines as the words need, none much shorter than the others."""
    needed = len(_lines(words, size, room, len(words)))
    return _lines(words, size, room, -(-len(words) // needed))


def _lines(words: Sequence[str], size: float, room: float, most: int) -> list[str]:
    lines = [[words[0]]]
    for word in words[1:]:
        if len(lines[-1]) < most and text_width(" ".join([*lines[-1], word]), size) <= room:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [" ".join(line) for line in lines]
