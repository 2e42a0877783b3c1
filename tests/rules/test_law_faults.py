"""A register of law with faults is refused, each fault with its place and a remedy."""

from __future__ import annotations

import pytest

from tests.rules.written_law import PROVISION, REQUIREMENT, SMALL, THRESHOLD, changed
from workflows.rules.law import LawError, parse_law

FAULTS = [
    (changed('"test"', '"test'), r"my\.toml is not valid TOML: .*line 1.*Correct that line"),
    (changed('version = "test"\n', ""), r"my\.toml: version is missing\. Add it"),
    (
        changed("[[requirements]]", "[[requirement]]"),
        r"my\.toml: requirement is an unknown key\. Did you mean requirem",
    ),
    (
        changed("valid_from", "vaild_from"),
        r"provisions\[0\] \(AML-6-1\)\.vaild_from is an unknown key\. Did you mean",
    ),
    (
        changed('nb = "alle"', 'no = "alle"'),
        r"requirements\[0\] \(R-04\)\.participants\.no is an unknown key.*en, nb",
    ),
    (
        changed("2024-01-01", '"2024-01-01"'),
        r"valid_from is not a date: '2024-01-01'\. Write it without quotes",
    ),
    (changed("2024-01-01", "20240101"), r"valid_from is not a date: 20240101"),
    (changed("2024-01-01", "2024-01-01T00:00:00"), r"valid_from is not a date"),
    (changed('"Verneombud."', '" "'), r"\(AML-6-1\)\.nb is empty\. Write the text"),
    (changed('"AML-6-1"', '"aml § 6-1"'), r"provisions\[0\] \(aml § 6-1\)\.id is 'aml § 6-1': .*pattern"),
    (changed('"verified"', '"sure"'), r"confidence is 'sure': Input should be 'verified' or 'unverified'"),
    (changed('["S0"]', '["S8"]'), r"requirements\[0\] \(R-04\)\.stages\.0 is 'S8'"),
    (changed('["S0"]', "[]"), r"\(R-04\)\.stages is \[\]"),
    (
        changed('gate = "hard"', 'gate = "veto"'),
        r"\(R-04\)\.gate is 'veto': Input should be 'hard' or 'soft'",
    ),
    (changed("value = 5", "value = true"), r"thresholds\[0\] \(safety_rep\)\.value is True"),
    (changed("value = 5", "value = 0"), r"\(safety_rep\)\.value is 0"),
    (
        changed('["AML-6-1"]', '["AML-6-11"]'),
        r"requirement R-04 cites the unknown provision AML-6-11\. Did you mean A",
    ),
    (
        changed('provision = "AML-6-1"', 'provision = "AML-6"'),
        r"threshold safety_rep cites the unknown provision AML-6",
    ),
    (SMALL + REQUIREMENT, r"my\.toml: requirement R-04 stands there twice"),
    (SMALL + PROVISION, r"AML-6-1 holds twice at once: from 2024-01-01 and from 2024-01-01\. Set valid_to"),
    (SMALL + THRESHOLD, r"safety_rep holds twice at once"),
    ('version = "1"\nprovisions = 3', r"my\.toml: provisions is 3"),
    ('version = "1"\nprovisions = [3]', r"my\.toml: provisions\[0\] is 3"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_named_by_file_and_key_with_a_remedy(text: str, message: str) -> None:
    with pytest.raises(LawError, match=message) as error:
        parse_law(text, "my.toml")
    assert str(error.value).startswith("my.toml")


@pytest.mark.parametrize("end", ["2024-01-01", "2023-12-31"])
def test_a_row_must_end_after_it_starts(end: str) -> None:
    text = SMALL.replace("valid_from = 2024-01-01\n", f"valid_from = 2024-01-01\nvalid_to = {end}\n", 1)
    with pytest.raises(LawError, match=rf"\(AML-6-1\): valid_to {end} is not after valid_from 2024-01-01"):
        parse_law(text)


def test_all_faults_are_told_at_once() -> None:
    text = changed('"verified"', '"sure"').replace("value = 5", "value = 0")
    with pytest.raises(LawError) as error:
        parse_law(text)
    assert [line.split(" ")[1] for line in str(error.value).splitlines()] == [
        "provisions[0]",
        "thresholds[0]",
    ]
