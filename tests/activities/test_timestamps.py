"""Time stamps (RFC 3161): what an authority said is checked without it, and what it did not say is not believed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.timestamps import LARGEST_ANSWER, TimestampError, authority, check_stamp, is_about, stamp
from tests.activities.tsa import BORN, Party, answer, party, refusal, serving

NOTE = "forsvarlig/923609016/nordfjord-tre\n545\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
WHEN = datetime(2027, 1, 4, 7, tzinfo=UTC)

ROOT = party("Rot")
STAMPER, STRANGER = party("Tidsstempel", ROOT), party("Tidsstempel", party("Annen rot"))


def stamped(query: bytes) -> bytes:
    return answer(query, STAMPER, WHEN)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(stamped) as address:
        yield address


async def fault(reply: Callable[[bytes], bytes | int | str]) -> TimestampError:
    with serving(reply) as address, pytest.raises(TimestampError) as caught:
        await stamp(address, NOTE)
    return caught.value


async def test_a_note_is_stamped_and_the_stamp_is_checked_offline(url: str) -> None:
    made = await stamp(url, NOTE)
    assert made.time == WHEN
    assert check_stamp(made.answer, NOTE, ROOT.pem) == WHEN
    assert is_about(made.answer, NOTE)


async def test_an_altered_note_and_a_wrong_root_are_rejected(url: str) -> None:
    made = await stamp(url, NOTE)
    assert not is_about(made.answer, NOTE.replace("545", "546"))
    for note, roots, said in (
        (NOTE.replace("545", "546"), ROOT.pem, "not_over_this"),
        (NOTE, STRANGER.pem, "not_trusted"),
        (NOTE, party("Rot").pem, "not_trusted"),
        (NOTE, b"", "no_roots"),
        (NOTE, b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "no_roots"),
    ):
        with pytest.raises(TimestampError) as caught:
            check_stamp(made.answer, note, roots)
        assert caught.value.fault == said


async def test_one_of_several_roots_is_enough(url: str) -> None:
    made = await stamp(url, NOTE)
    assert check_stamp(made.answer, NOTE, party("En annen").pem + ROOT.pem) == WHEN


@pytest.mark.parametrize(
    "stamper",
    [STRANGER, party("Selv"), ROOT],
    ids=["somebody else's authority", "nobody's authority", "a root that may not stamp times"],
)
async def test_a_stamp_by_somebody_else_is_not_trusted(stamper: Party) -> None:
    with serving(lambda query: answer(query, stamper, WHEN)) as address:
        made = await stamp(address, NOTE)
    with pytest.raises(TimestampError) as caught:
        check_stamp(made.answer, NOTE, ROOT.pem)
    assert caught.value.fault == "not_trusted"


async def test_a_stamp_from_before_the_certificate_counted_is_not_trusted() -> None:
    with serving(lambda query: answer(query, STAMPER, BORN - timedelta(days=1))) as address:
        made = await stamp(address, NOTE)
    with pytest.raises(TimestampError) as caught:
        check_stamp(made.answer, NOTE, ROOT.pem)
    assert caught.value.fault == "not_trusted"


async def test_the_answer_to_another_question_is_refused() -> None:
    assert (await fault(lambda query: answer(query, STAMPER, WHEN, nonce=1))).fault == "not_over_this"


async def test_an_authority_that_says_no_is_quoted() -> None:
    error = await fault(lambda _query: refusal("out of order"))
    assert (error.fault, error.detail) == ("refused", "out of order")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"junk", "unreadable"),
        (b"", "unreadable"),
        (b"<html>" * 500, "unreadable"),
        (b"\x30\x03\x30\x01\x02", "unreadable"),
        (b"\x30\x05\x30\x03\x02\x01\x00", "unreadable"),
        (b"x" * (LARGEST_ANSWER + 1), "too_large"),
        (503, "unreachable"),
        (404, "unreachable"),
    ],
)
async def test_what_is_no_answer_is_refused(reply: bytes | int, said: str) -> None:
    assert (await fault(lambda _query: reply)).fault == said


async def test_an_authority_that_sends_on_to_another_address_is_not_followed() -> None:
    asked = list[bytes]()

    def elsewhere(query: bytes) -> bytes:
        asked.append(query)
        return b""

    with serving(elsewhere) as other:
        error = await fault(lambda _query: other)
    assert (error.fault, error.detail) == ("unreachable", "127.0.0.1: HTTP 303")
    assert asked == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1", "nowhere"]
)
async def test_an_authority_that_is_not_there_is_said(address: str) -> None:
    with pytest.raises(TimestampError) as caught:
        await stamp(address, NOTE)
    assert caught.value.fault == "unreachable"


async def test_without_the_extra_package_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(TimestampError, match="pip install 'forsvarlig") as caught:
        await stamp("http://127.0.0.1:9/", NOTE)
    assert caught.value.fault == "not_installed"


@given(st.binary(max_size=400))
def test_whatever_bytes_are_kept_as_a_stamp_they_prove_nothing(raw: bytes) -> None:
    with pytest.raises(TimestampError):
        check_stamp(raw, NOTE, ROOT.pem)


def test_an_authority_is_noted_by_its_host() -> None:
    assert authority("https://tsa.example:8443/stamp?x=1") == "tsa.example"
