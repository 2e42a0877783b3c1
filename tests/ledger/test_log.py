"""Leaves: the exact bytes, what may be in them, and how text is committed to."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from activities.ledger.log import LedgerError, canonical, commit, commitment, committed, leaf_bytes, read_leaf
from tests.store.made import NOW, a_fact
from workflows.rules.events import DecisionRecorded
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.stored_facts import FactError
from workflows.rules.terms import Outcome

FIRST, LAST = (NOW.replace(year=year, tzinfo=None) for year in (1900, 2999))


def test_a_leaf_is_the_same_bytes_for_ever() -> None:
    assert leaf_bytes(1, a_fact("f1")) == (
        b'{"actor":"system","body":{"due":"2027-02-12","kind":"step_opened","predecessors_open":[]},'
        b'"concerns":"2027-01-04T07:00:00Z","cycle":"unit/nordfjord-tre/sagbruk/2027","employer":"nordfjord-tre",'
        b'"id":"f1","recorded":"2027-01-04T07:00:00Z","seq":1,"step":"Y07","v":1}'
    )


def test_a_moment_in_oslo_is_written_in_utc_and_in_whole_seconds() -> None:
    summer = datetime(2027, 7, 1, 0, 30, 59, 999_999, tzinfo=ZoneInfo("Europe/Oslo"))
    leaf = leaf_bytes(1, a_fact("f1").model_copy(update={"recorded": summer}))
    assert json.loads(leaf)["recorded"] == "2027-06-30T22:30:59Z"
    assert read_leaf(leaf)[1].recorded == datetime(2027, 6, 30, 22, 30, 59, tzinfo=UTC)


@given(
    seq=st.integers(1, 2**53 - 1),
    moment=st.datetimes(FIRST, LAST),
    hours=st.integers(-12, 14),
    id=st.text("abcæøå019/#|-: ", min_size=1, max_size=30),
)
def test_a_leaf_reads_back_as_the_fact_it_was_made_from(
    seq: int, moment: datetime, hours: int, id: str
) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    fact = a_fact(id).model_copy(update={"concerns": aware})
    assert read_leaf(leaf_bytes(seq, fact)) == (seq, fact)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"share": 0.5}, "float 0.5"),
        ({"at": NOW.replace(tzinfo=None)}, "no time zone"),
        ({"ids": {"a"}}, "set"),
        ({"big": 2**53}, "canonical JSON"),
        ({1: "a key"}, "canonical JSON"),
        ({"half a character": "\ud800"}, "canonical JSON"),
    ],
)
def test_what_has_no_single_way_of_being_written_is_refused(value: object, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        canonical(value)


def test_keys_are_ordered_and_days_are_plain() -> None:
    assert canonical({"b": [date(2027, 5, 17), True, None], "a": Role.MANAGER}) == (
        b'{"a":"manager","b":["2027-05-17",true,null]}'
    )


WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text('ab\x00\x7f"\\/\n')
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example({"\U0001f600": 1, "\ue000": 2})
def test_whatever_is_written_is_written_as_rfc_8785_says(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[]", b"{}", b'{"seq":"1","v":1}', b'{"seq":true,"v":1}', b'{"seq":1,"v":1,"id":"f1"}'],
)
def test_bytes_that_are_no_leaf_are_refused(raw: bytes) -> None:
    with pytest.raises((LedgerError, FactError)):
        read_leaf(raw)


def test_a_leaf_of_a_later_version_says_which_program_to_run() -> None:
    later = {**json.loads(leaf_bytes(1, a_fact("f1"))), "v": 99}
    with pytest.raises(FactError, match="newer"):
        read_leaf(json.dumps(later).encode())


def test_a_commitment_is_hmac_sha256_of_the_text_under_the_salt() -> None:
    expected = hmac.new(b"salt", "Vi er uenige – støyen øker".encode(), hashlib.sha256).hexdigest()
    assert commitment(b"salt", "Vi er uenige – støyen øker") == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_same_text_is_never_committed_to_in_the_same_way_twice(text: str) -> None:
    (one, first), (two, second) = commit(text), commit(text)
    assert first != second
    assert (commitment(one.salt, text), commitment(two.salt, text)) == (first, second)
    assert len(one.salt) == 32


def test_the_commitment_of_a_fact_is_that_of_its_comment() -> None:
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.DISAGREES, document="ab" * 32, version=1,
        comment="cd" * 32,
    )  # fmt: skip
    assert committed(a_fact("f1", body)) == "cd" * 32
    assert committed(a_fact("f2")) is None
    assert a_fact("f2").recorded == NOW
