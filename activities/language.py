"""Bokmål, nynorsk and English for every text a person reads: messages, dates and numbers.

Bokmål texts in the code are the message ids of the gettext domain `forsvarlig`; nynorsk falls back to them
where it has no text of its own. Click's messages live in the domain `messages`, where Click looks for them.
`python -m activities.language update` collects the texts and compiles the catalogues.
"""

from __future__ import annotations

import contextlib
import gettext as catalogues
import os
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

Language = Literal["nb", "nn", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("nb", "nn", "en")
LOCALE_DIR: Final = Path(__file__).with_name("locale")
_PROJECT: Final = Path(__file__).parents[1]
DOMAIN: Final = "forsvarlig"
CLICK_DOMAIN: Final = "messages"
"""The text domain that Click's own messages are looked up in; Click gives no way to choose it."""

CATALOGUES: Final[tuple[tuple[str, Language], ...]] = (
    (DOMAIN, "en"),
    (DOMAIN, "nn"),
    (CLICK_DOMAIN, "nb"),
    (CLICK_DOMAIN, "nn"),
)
"""Which domain has a catalogue in which language."""

_OSLO = ZoneInfo("Europe/Oslo")
_BABEL_LOCALE: Final[dict[Language, str]] = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}
_DAY: Final[dict[Language, str]] = {
    "nb": "EEEE d. MMMM y",
    "nn": "EEEE d. MMMM y",
    "en": "EEEE d MMMM y",
}
_MOMENT: Final[dict[Language, str]] = {
    "nb": "d. MMMM y 'kl.' HH.mm",
    "nn": "d. MMMM y 'kl.' HH.mm",
    "en": "d MMMM y 'at' HH:mm",
}

_CLOCK: Final[dict[Language, str]] = {"nb": "%H.%M", "nn": "%H.%M", "en": "%H:%M"}

_current: ContextVar[Language | None] = ContextVar("language", default=None)


class Translator:
    """The texts of one language. Called with a bokmål text, it answers with that language's text."""

    def __init__(self, language: Language) -> None:
        """Loads the catalogue of `language`; a text without a translation stays bokmål."""
        self.language = language
        self._texts = catalogues.translation(DOMAIN, LOCALE_DIR, [language], fallback=True)

    def __call__(self, message: str) -> str:
        return self.gettext(message)

    def gettext(self, message: str) -> str:
        """The translation of `message`; the empty text stays empty."""
        return self._texts.gettext(message) if message else message

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """The translation that fits `count` things."""
        return self._texts.ngettext(singular, plural, count)


@cache
def translator(language: str) -> Translator:
    """The texts of `language`, one of `LANGUAGES`; raises `ValueError` for another."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not a language of ours: choose one of {', '.join(LANGUAGES)}")
    return Translator(language)


def choose(environ: Mapping[str, str], option: str | None = None, configured: str | None = None) -> Language:
    """The language to speak.

    The first of: `option`, FORSVARLIG_LANG, `configured` (what a settings file says), LANGUAGE, and then the
    first that is set of LC_ALL, LC_MESSAGES and LANG. `no` is bokmål; bokmål is also the answer to languages
    we do not speak, and to C and POSIX.
    """
    for wish in (option, environ.get("FORSVARLIG_LANG"), configured, *environ.get("LANGUAGE", "").split(":")):
        if wish and (known := _known(wish)):
            return known
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return _known(locale) or "nb"


def _known(locale: str) -> Language | None:
    code = locale.partition(".")[0].partition("@")[0].replace("-", "_").partition("_")[0].lower()
    if code == "no":
        return "nb"
    return code if code in LANGUAGES else None


def current() -> Language:
    """The language spoken here: that of `speaking`, else what the environment asks for."""
    return _current.get() or choose(os.environ)


@contextlib.contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak `language` inside, Click included. Click asks the environment, so LANGUAGE is set meanwhile."""
    before = os.environ.get("LANGUAGE")
    token = _current.set(language)
    catalogues.bindtextdomain(CLICK_DOMAIN, str(LOCALE_DIR))
    os.environ["LANGUAGE"] = "nn:nb" if language == "nn" else language
    try:
        yield
    finally:
        _current.reset(token)
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def _(message: str) -> str:
    """`message` in the language spoken at the time of the call."""
    return translator(current()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form that fits `count` things, in the language spoken at the time of the call."""
    return translator(current()).ngettext(singular, plural, count)


def N_(message: str) -> str:  # noqa: N802  (gettext's customary name)
    """Marks a text that is translated later, where it is shown."""
    return message


def format_day(day: date, language: Language | None = None) -> str:
    """A day as people write it, with its weekday: "mandag 4. januar 2027"."""
    language = language or current()
    return format_by(_DAY[language], day, language)


def format_by(pattern: str, day: date, language: Language | None = None) -> str:
    """A day by one of Babel's patterns, with the names of the language: "LLLL y" is "januar 2027"."""
    from babel.dates import format_date

    return format_date(day, pattern, locale=_BABEL_LOCALE[language or current()])


def format_moment(moment: datetime, language: Language | None = None) -> str:
    """A moment in Norwegian time, to the minute: "4. januar 2027 kl. 09.30".

    Raises `ValueError` if `moment` has no time zone.
    """
    from babel.dates import format_datetime

    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: give one, such as UTC")
    language = language or current()
    return format_datetime(moment.astimezone(_OSLO), _MOMENT[language], locale=_BABEL_LOCALE[language])


def format_clock(moment: datetime, language: Language | None = None) -> str:
    """The time of day in Norwegian time, as `format_moment` writes it: "09.30", in English "09:30"."""
    return moment.astimezone(_OSLO).strftime(_CLOCK[language or current()])


def format_number(number: int | float, language: Language | None = None) -> str:
    """A number with the language's separators: 1234.5 is "1 234,5" (with a no-break space) or "1,234.5"."""
    from babel.numbers import format_decimal

    return format_decimal(number, locale=_BABEL_LOCALE[language or current()])


def catalogue_path(domain: str, language: str) -> Path:
    """Where the .po file lies; the compiled .mo is beside it."""
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{domain}.po"


def used_messages(domain: str) -> Catalog:
    """An untranslated catalogue of every text that the code of `domain` uses, with the files it is used in.

    `domain` is `forsvarlig` (the product's packages, by babel.cfg in the project's folder) or `messages`
    (Click as it is installed).
    """
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir
    from babel.messages.frontend import parse_mapping_cfg

    found = Catalog(domain=domain)
    if domain == CLICK_DOMAIN:
        import click

        roots = [Path(click.__file__).parent]
        methods, options = [("**.py", "python")], {}
    else:
        roots = [_PROJECT / name for name in ("workflows", "activities", "worker", "portal")]
        with (_PROJECT / "babel.cfg").open() as mapping:
            methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    keywords = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
    for root in roots:
        for file, _line, message, _comments, context in extract_from_dir(
            root, method_map=methods, options_map=options, keywords=keywords
        ):
            if message and message != ("", ""):
                found.add(message, locations=[(f"{root.name}/{file}", 0)], context=context)
    return found


def read_catalogue(domain: str, language: str) -> Catalog:
    """The catalogue as its .po file has it; empty if there is none yet."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = catalogue_path(domain, language)
    if not path.exists():
        return Catalog(locale=language, domain=domain)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def compiled(catalogue: Catalog) -> bytes:
    """The .mo form of a catalogue."""
    from babel.messages.mofile import write_mo

    output = BytesIO()
    write_mo(output, catalogue)
    return output.getvalue()


def update() -> list[str]:
    """Bring every catalogue in line with the code, keep its translations and compile it.

    Returns the texts that lack a translation, each after its language: "nn: Kontroller databasen."
    """
    from babel.messages.pofile import write_po

    missing: list[str] = []
    for domain, language in CATALOGUES:
        catalogue = read_catalogue(domain, language)
        catalogue.update(used_messages(domain), no_fuzzy_matching=True)
        # Fixed dates: an update that changes nothing writes the same bytes.
        catalogue.creation_date = catalogue.revision_date = datetime(2027, 1, 1, tzinfo=UTC)
        catalogue.header_comment = "#"
        catalogue.project, catalogue.version = "forsvarlig", "1"
        catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
        catalogue.fuzzy = False
        path = catalogue_path(domain, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)
        path.with_suffix(".mo").write_bytes(compiled(read_catalogue(domain, language)))
        missing += [f"{language}: {text}" for text in untranslated(catalogue)]
    return missing


def untranslated(catalogue: Catalog) -> list[str]:
    """The message ids of `catalogue` that lack a translation, or one of its plural forms."""
    lacking = []
    for message in catalogue:
        forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
        if message.id and not all(forms):
            lacking.append(message.id if isinstance(message.id, str) else message.id[0])
    return lacking


def _main(arguments: list[str]) -> int:
    if arguments != ["update"]:
        sys.stderr.write("Usage: python -m activities.language update\n")
        return 2
    missing = update()
    sys.stderr.writelines(f"not translated: {text}\n" for text in missing)
    if missing:
        where = f"{LOCALE_DIR}/*/LC_MESSAGES/*.po"
        sys.stderr.write(f"Fill in msgstr for these {len(missing)} texts in {where} and run this again.\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
