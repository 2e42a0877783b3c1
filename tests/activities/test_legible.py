"""What people wrote is shown so that nothing in it is hidden, and nothing that is seen is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.legible import TAB, legible
from worker.cli.naming import visible

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
FLAG = "\N{WAVING WHITE FLAG}\N{VARIATION SELECTOR-16}\N{ZERO WIDTH JOINER}\N{RAINBOW}"
PERSIAN = "\u0645\u06cc\N{ZERO WIDTH NON-JOINER}\u062e\u0648\u0627\u0647\u0645"
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


@pytest.mark.parametrize("words", ["Bemanningen på nattskiftet", FAMILY, FLAG, PERSIAN, "10\xa0000 kr", ""])
def test_what_is_seen_stands_as_it_was_written(words: str) -> None:
    assert legible(words) == words


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Skift\tTimer\n Natt\t12", f"Skift{TAB}Timer\\n Natt{TAB}12"),
        ("\x1b[31mrødt", "\\x1b[31mrødt"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}nim", "\\u202enim"),
        ("\N{RIGHT-TO-LEFT ISOLATE}a", "\\u2067a"),
        ("a\N{ZERO WIDTH SPACE}b", "a\\u200bb"),
        ("\udcff", "\\udcff"),
        ("\r\n", "\\r\\n"),
        ("ad\N{ZERO WIDTH JOINER}min", "ad\\u200dmin"),
        ("\N{ZERO WIDTH JOINER}\N{WOMAN}", "\\u200d\N{WOMAN}"),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}", "\N{WOMAN}\\u200d"),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER} ", "\N{WOMAN}\\u200d "),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH JOINER}\N{MAN}", "\N{WOMAN}\\u200d\\u200d\N{MAN}"),
    ],
)
def test_what_nobody_sees_is_written_out_and_a_tab_is_spaces(words: str, shown: str) -> None:
    assert legible(words) == shown
    assert visible(words) == shown


def test_with_lines_the_breaks_stay_however_they_were_written() -> None:
    assert legible("a\r\nb\nc\rd", lines=True) == "a\nb\nc\\rd"


hidden = st.sampled_from(
    [*JOINERS, "\t", "\n", "\r\n", "\x00", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{WOMAN}", "a", " "]
)


@given(st.lists(hidden | st.text(max_size=3)).map("".join), st.booleans())
def test_nothing_hidden_is_left_but_joiners_between_what_is_seen_and_again_changes_nothing(
    words: str, lines: bool
) -> None:
    shown = legible(words, lines=lines)
    kept = [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert set(kept) <= {*JOINERS, *("\n" if lines else "")}
    assert shown.strip(JOINERS) == shown
    assert legible(shown, lines=lines) == shown
