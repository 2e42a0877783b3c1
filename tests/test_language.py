"""Three languages: which one is spoken, and whether every text has its translation."""

from __future__ import annotations

import ast
import gettext
import os
import shutil
import string
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from activities import language
from activities.language import (
    CATALOGUES,
    CLICK_DOMAIN,
    DOMAIN,
    Language,
    _,
    catalogue_path,
    choose,
    compiled,
    format_clock,
    format_day,
    format_moment,
    format_number,
    read_catalogue,
    speaking,
    translator,
    untranslated,
    used_messages,
)


def ids(catalogue: Catalog) -> set[object]:
    return {message.id for message in catalogue if message.id}


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(
    ("environ", "option", "configured", "spoken"),
    [
        ({}, None, None, "nb"),
        ({"LANG": "C"}, None, None, "nb"),
        ({"LANG": "POSIX"}, None, None, "nb"),
        ({"LANG": "C.UTF-8"}, None, None, "nb"),
        ({"LANG": "no_NO.UTF-8"}, None, None, "nb"),
        ({"LANG": "nn_NO.UTF-8"}, None, None, "nn"),
        ({"LANG": "en-GB"}, None, None, "en"),
        ({"LANG": "de_DE"}, None, None, "nb"),
        ({"LANG": "en_US", "LC_ALL": "C"}, None, None, "nb"),
        ({"LANG": "en_US", "LC_MESSAGES": "nn_NO"}, None, None, "nn"),
        ({"LANG": "en_US", "LANGUAGE": "da:nn:en"}, None, None, "nn"),
        ({"LANGUAGE": "en"}, None, "nn", "nn"),
        ({"FORSVARLIG_LANG": "en", "LANGUAGE": "nb"}, None, "nn", "en"),
        ({"FORSVARLIG_LANG": "en"}, "nn", None, "nn"),
    ],
)
def test_the_language_is_chosen_from_the_option_the_settings_and_the_environment(
    environ: dict[str, str], option: str | None, configured: str | None, spoken: Language
) -> None:
    assert choose(environ, option, configured) == spoken


def test_a_language_of_others_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'sv' is not a language of ours: choose one of nb, nn, en"):
        translator("sv")


@pytest.mark.parametrize(("domain", "spoken"), CATALOGUES)
def test_a_catalogue_has_exactly_the_texts_of_the_code(domain: str, spoken: str) -> None:
    used, present = ids(used_messages(domain)), ids(read_catalogue(domain, spoken))
    assert used == present, "run: python -m activities.language update"


@pytest.mark.parametrize(("domain", "spoken"), CATALOGUES)
def test_every_text_is_translated(domain: str, spoken: str) -> None:
    assert untranslated(read_catalogue(domain, spoken)) == []


@pytest.mark.parametrize(("domain", "spoken"), CATALOGUES)
def test_the_compiled_catalogue_is_the_one_that_is_read(domain: str, spoken: str) -> None:
    path = catalogue_path(domain, spoken)
    assert path.with_suffix(".mo").read_bytes() == compiled(read_catalogue(domain, spoken))


@pytest.mark.parametrize(("domain", "spoken"), CATALOGUES)
def test_a_translation_has_the_placeholders_of_its_text(domain: str, spoken: str) -> None:
    for message in read_catalogue(domain, spoken):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        allowed = set[str]().union(*map(placeholders, map(str, originals)))
        for original, translation in zip(map(str, originals), map(str, translations), strict=True):
            if not message.id or not translation:
                continue
            if domain == CLICK_DOMAIN:
                # Click names types in English ("integer"), which a translation does better to leave out.
                assert placeholders(translation) <= allowed, original
            else:
                assert placeholders(translation) == placeholders(original), original


def test_the_extraction_finds_texts_that_are_marked_only() -> None:
    assert "Vis hva som venter på en person." in ids(used_messages(DOMAIN))


def test_no_text_hides_in_an_f_string_where_the_extraction_cannot_see_it() -> None:
    project = Path(language.__file__).parents[1]
    hidden = [
        f"{file}:{call.lineno}"
        for package in ("workflows", "activities", "worker", "portal")
        for file in (project / package).rglob("*.py")
        for outer in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(outer, ast.JoinedStr)
        for call in ast.walk(outer)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "N_", "ngettext")
        and isinstance(call.args[0], ast.Constant)
    ]
    assert hidden == []


def test_updating_twice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(language.LOCALE_DIR, tmp_path / "locale")
    monkeypatch.setattr(language, "LOCALE_DIR", tmp_path / "locale")
    language.update()
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.?o")}
    language.update()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.?o")} == first
    assert len(first) == 2 * len(CATALOGUES)


def test_the_update_command_says_how_it_is_called() -> None:
    call = [sys.executable, "-m", "activities.language", "compile"]
    answer = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (2, "Usage: python -m activities.language update\n")


def test_nynorsk_falls_back_to_bokmal() -> None:
    with speaking("nn"):
        assert _("Gjør dette:") == "Gjer dette:"
        unknown = "En tekst som ingen har oversatt."
        assert _(unknown) == unknown


def test_the_language_is_looked_up_when_a_text_is_shown() -> None:
    with speaking("nb"):
        with speaking("en"):
            assert _("Avbrutt.") == "Stopped."
        assert _("Avbrutt.") == "Avbrutt."


def test_the_empty_text_stays_empty() -> None:
    assert translator("en").gettext("") == ""


@pytest.mark.parametrize(("spoken", "said"), [("nb", "Bruk:"), ("nn", "Bruk:"), ("en", "Usage:")])
def test_click_speaks_the_same_language(spoken: Language, said: str) -> None:
    with speaking(spoken):
        assert gettext.gettext("Usage:") == said


def test_speaking_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGUAGE", raising=False)
    with speaking("nn"):
        assert os.environ["LANGUAGE"] == "nn:nb"
    assert "LANGUAGE" not in os.environ


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("nb", "mandag 4. januar 2027"),
        ("nn", "måndag 4. januar 2027"),
        ("en", "Monday 4 January 2027"),
    ],
)
def test_a_day_is_written_with_its_weekday(spoken: Language, written: str) -> None:
    assert format_day(date(2027, 1, 4), spoken) == written


@pytest.mark.parametrize(
    ("spoken", "written"), [("nb", "1. juli 2027 kl. 09.30"), ("en", "1 July 2027 at 09:30")]
)
def test_a_moment_is_written_in_norwegian_time(spoken: Language, written: str) -> None:
    assert format_moment(datetime(2027, 7, 1, 7, 30, tzinfo=UTC), spoken) == written


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_the_time_of_day_is_written_as_in_a_moment(spoken: Language) -> None:
    moment = datetime(2027, 7, 1, 7, 30, tzinfo=UTC)
    assert format_clock(moment, spoken) == {"nb": "09.30", "nn": "09.30", "en": "09:30"}[spoken]
    assert format_moment(moment, spoken).endswith(format_clock(moment, spoken))


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        format_moment(datetime(2027, 7, 1, 7, 30), "nb")  # noqa: DTZ001  (what is refused)


def test_numbers_have_the_separators_of_the_language() -> None:
    assert format_number(1234.5, "nb") == "1\N{NO-BREAK SPACE}234,5"
    assert format_number(1234.5, "en") == "1,234.5"
