"""What rules and store find wrong is said in the language of whoever reads it."""

from __future__ import annotations

import ast
import copy
import pickle
import string
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities import phrase_words
from activities.language import Language, speaking
from activities.ledger.notes import NoteError
from activities.phrases import said, worded
from workflows.rules.phrase import NOTHING, Phrase, either

SOURCES = [
    file
    for package in ("workflows", "activities", "worker", "portal")
    for file in (Path(phrase_words.__file__).parents[1] / package).rglob("*.py")
]


def made() -> set[str]:
    """The template of every phrase that the product makes and that has words in it."""
    templates = {
        call.args[0].value
        for file in SOURCES
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("Phrase", "NoteError")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    return {str(template) for template in templates if has_words(str(template))}


def has_words(template: str) -> bool:
    return any(c.isalpha() for text, *_ in string.Formatter().parse(template) for c in text)


def fields(template: str) -> set[str]:
    return {name for _, name, *_ in string.Formatter().parse(template) if name is not None}


def test_every_phrase_has_its_words_and_none_are_left_over() -> None:
    assert made() == set(phrase_words.WORDS)


@pytest.mark.parametrize(("english", "bokmal"), phrase_words.WORDS.items())
def test_the_words_name_the_values_of_the_phrase(english: str, bokmal: str) -> None:
    assert fields(bokmal) == fields(english)


def test_no_two_phrases_share_a_bokmal_text_and_so_an_english_one() -> None:
    assert len(set(phrase_words.WORDS.values())) == len(phrase_words.WORDS)


@pytest.mark.parametrize(("english", "bokmal"), phrase_words.WORDS.items())
def test_in_english_a_phrase_reads_as_the_rules_wrote_it(english: str, bokmal: str) -> None:
    phrase = Phrase(english, **{name: Anything() for name in fields(english)})
    with speaking("en"):
        assert worded(phrase) == phrase, bokmal


class Anything:
    """A value that fits every field."""

    def __format__(self, spec: str) -> str:
        return f"<{spec}>"

    def __repr__(self) -> str:
        return "<quoted>"


@pytest.mark.parametrize(
    ("spoken", "told"),
    [
        ("nb", "det finnes ikke noe steg «Y99». Mente du Y9 eller Y90? Kjent her: Y1, Y9."),
        ("nn", "det finst ikkje noko steg «Y99». Meinte du Y9 eller Y90? Kjent her: Y1, Y9."),
        ("en", "no step «Y99». Did you mean Y9 or Y90? Known: Y1, Y9."),
    ],
)
def test_phrases_inside_phrases_are_said_in_the_same_language(spoken: Language, told: str) -> None:
    guess = Phrase("Did you mean {ids}?", ids=either(["Y9", "Y90"]))
    phrase = Phrase("no step «{id}».", id="Y99").then(guess).then(Phrase("Known: {known}.", known="Y1, Y9"))
    with speaking(spoken):
        assert worded(phrase) == told


def test_a_phrase_that_has_no_words_yet_is_said_in_english() -> None:
    with speaking("nb"):
        assert worded(Phrase("the {thing} is odd", thing="sea")) == "the sea is odd"


@given(st.text(), st.text())
def test_a_value_is_set_in_as_it_is_and_never_read_as_a_template(id: str, word: str) -> None:
    phrase = Phrase("no step «{id}».", id=id).then(either([word]))
    assert phrase == f"no step «{id}». {word}".rstrip(" " if not word else "")
    again = pickle.loads(pickle.dumps(phrase))  # noqa: S301  (what was just pickled)
    assert again == copy.deepcopy(phrase) == phrase


def test_nothing_leaves_no_space_behind() -> None:
    assert NOTHING.then(Phrase("Add it.")) == Phrase("Add it.").then(NOTHING) == "Add it."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = [1, 2", "listen er ikke lukket med «]» (ved slutten av filen)"),
        ("a = 1\nb = [1,\n2 3]", "listen er ikke lukket med «]» (linje 3, kolonne 3)"),
        ("a = ?", "verdien er ikke gyldig (linje 1, kolonne 5)"),
        ("a 1", "det mangler «=» etter nøkkelen (linje 1, kolonne 3)"),
        ("a = 1\na = 2\n", "verdien er satt før (linje 2, kolonne 6)"),
        ('a = "x', "teksten er ikke lukket med anførselstegn (ved slutten av filen)"),
        ("a = 1 2", "det står mer på linjen enn det kan (linje 1, kolonne 7)"),
    ],
)
def test_a_fault_in_toml_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    with speaking("nb"):
        assert said(caught.value) == told


def test_an_error_of_ours_is_said_by_the_phrase_it_was_raised_with() -> None:
    error = NoteError("The signature of {name} is not over this text.", name="vitne.example")
    assert str(error) == "The signature of vitne.example is not over this text."
    with speaking("nn"):
        assert said(error) == "Signaturen til vitne.example gjeld ikkje denne teksten"


def test_what_nobody_of_ours_said_is_repeated_on_one_line() -> None:
    assert said(ValueError("two\n  lines.")) == "two lines"
