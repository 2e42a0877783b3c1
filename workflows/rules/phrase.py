"""What a rule says is wrong, in a form that can be said in another language.

The rules know no language but English. A phrase keeps its template and its values beside the English text,
so that whoever shows it looks the template up and sets the same values in: `activities.phrases`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Phrase(str):
    """An English text that remembers how it was made: `template` with `values` set in by `str.format`.

    A value is a name or a number that is the same in every language, or a phrase in its turn.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Phrase:
        """`KeyError` when the template has a field without a value."""
        phrase = super().__new__(cls, template.format(**values))
        phrase.template, phrase.values = template, values
        return phrase

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """How a copy or a pickle is made anew."""
        return (self.template,), self.values

    def then(self, other: Phrase) -> Phrase:
        """Both, with a space between; an empty one leaves no trace."""
        return Phrase("{first} {second}", first=self, second=other) if self and other else self or other


NOTHING = Phrase("")


def either(words: Sequence[str]) -> Phrase:
    """The words as alternatives: "R-1 or R-2 or R-3". At least one."""
    *earlier, last = words
    one = Phrase("{word}", word=last)
    return Phrase("{one} or {other}", one=either(earlier), other=one) if earlier else one


class Misread(ValueError):
    """One value of a file that cannot be read: what is wrong with it, and what to write instead."""

    def __init__(self, fault: Phrase, remedy: Phrase) -> None:
        super().__init__(f"{fault} {remedy}")
        self.fault, self.remedy = fault, remedy
