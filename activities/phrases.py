"""Says in the language spoken what rules and store found wrong: they make phrases, and this has the words."""

from __future__ import annotations

import re

from activities.language import N_, _
from activities.phrase_words import SAID, WORDS
from workflows.rules.phrase import Phrase

_TOML_PLACE = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)"
)
_AT = N_("{what} (linje {line}, kolonne {column})")
_AT_THE_END = N_("{what} (ved slutten av filen)")


def worded(phrase: Phrase) -> str:
    """The phrase in the language spoken; its English where it has no words of ours."""
    values = {name: _value(value) for name, value in phrase.values.items()}
    return _(WORDS.get(phrase.template, phrase.template)).format(**values)


def _value(value: object) -> object:
    if isinstance(value, Phrase):
        return worded(value)
    return said(value) if isinstance(value, Exception) or value in SAID else value


def said(error: object) -> str:
    """What an error says, on one line and without a full stop, in the language spoken where it is known in it.

    An error of ours is known by the phrase that it was raised with, as its `fault` or alone; of a library's
    those that people meet. A fault in TOML is told with its place: "verdien er ikke gyldig (linje 3, kolonne 5)".
    """
    phrase = getattr(error, "fault", None) or next(iter(getattr(error, "args", ())), None)
    if isinstance(phrase, Phrase):
        return worded(phrase).rstrip(".")
    text = " ".join(str(error).split()).rstrip(".")
    if found := _TOML_PLACE.fullmatch(text):
        place = _AT if found["line"] else _AT_THE_END
        return _(place).format(what=_known(found["what"]), line=found["line"], column=found["column"])
    return _known(text)


def _known(text: str) -> str:
    return _(SAID[text]) if text in SAID else text
