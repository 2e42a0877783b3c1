"""A witness says yes to a log that only grows, and can show whoever asks that a fork is one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from activities.anchors import forks
from activities.ledger.heads import Anchor, Checkpoint, read_anchor, signed_checkpoint, with_cosignatures
from activities.ledger.merkle import Frontier, Node, consistency, leaf_hash, root_of
from activities.ledger.notes import COSIGNATURE, NoteError, Vkey, cosigned_at, read_note, verified
from activities.ledger.witness import LONGEST_PROOF, Cosigned, Request, WitnessError, read_request, witness
from activities.signatures import SigningKey

ORIGIN = "forsvarlig/923609016/nordfjord-tre"
NAME = "union.example/hms"
MORNING = datetime(2027, 1, 4, 7, tzinfo=UTC)


def key(seed: int) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG, WITNESS, STRANGER = key(1), key(2), key(3)
VKEY, WITNESS_KEY = Vkey.of(ORIGIN, LOG), Vkey.of(NAME, WITNESS, COSIGNATURE)


class Log:
    """A log with so many leaves, which others may share up to a place."""

    def __init__(self, *leaves: str, by: SigningKey = LOG, origin: str = ORIGIN) -> None:
        self._hashes = [leaf_hash(leaf.encode()) for leaf in leaves]
        self._by, self._origin = by, origin

    @property
    def root(self) -> bytes:
        return root_of(self._hashes)

    def note(self) -> str:
        checkpoint = Checkpoint(origin=self._origin, size=len(self._hashes), root=self.root, time=MORNING)
        return signed_checkpoint(checkpoint, self._by)

    def request(self, old: int, proof: list[bytes] | None = None) -> bytes:
        if proof is None:
            proof = consistency(old, len(self._hashes), self._node) if old else []
        return str(Request(old, tuple(proof), self.note())).encode()

    def _node(self, node: Node) -> bytes:
        first = node.place << node.level
        return root_of(self._hashes[first : first + (1 << node.level)])


def grown(size: int, **how: object) -> Log:
    return Log(*(f"leaf {n}" for n in range(size)), **how)  # type: ignore[arg-type]


def asked(raw: bytes, remembered: Anchor | None = None, trusted: Vkey | None = VKEY) -> Cosigned:
    return witness(raw, remembered, trusted, NAME, WITNESS, MORNING + timedelta(hours=1))


def refused(raw: bytes, remembered: Anchor | None, trusted: Vkey | None = None) -> str:
    with pytest.raises(WitnessError) as caught:
        asked(raw, remembered, trusted)
    return caught.value.reason


SEEN = asked(grown(5).request(0)).remembered


def test_the_example_of_the_specification_is_read() -> None:
    """The request in C2SP tlog-witness, with our two extension lines, which its log does not have."""
    hashes = (
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    )
    note = grown(9).note()
    raw = f"old 20852014\n{hashes}\n{note}".encode()
    request, checkpoint, _note = read_request(raw)
    assert (request.old, len(request.proof), request.note, checkpoint.size) == (20852014, 4, note, 9)
    assert str(request).encode() == raw


def test_the_first_head_of_a_log_is_cosigned_when_its_key_is_known() -> None:
    done = asked(grown(5).request(0))
    note = read_note(with_cosignatures(grown(5).note(), [done.line]))
    assert verified(note, [VKEY, WITNESS_KEY]) == [VKEY, WITNESS_KEY]
    assert cosigned_at(note, WITNESS_KEY) == MORNING + timedelta(hours=1)
    assert read_anchor(str(done.remembered)).checkpoint.size == 5


def test_what_is_remembered_is_an_anchor_with_the_witness_in_it() -> None:
    assert [s.name for s in SEEN.note.signatures] == [ORIGIN, NAME]


@given(st.integers(1, 40), st.integers(0, 40))
def test_every_growth_is_cosigned(size: int, more: int) -> None:
    seen = asked(grown(size).request(0)).remembered
    after = asked(grown(size + more).request(size), seen, None)
    assert after.remembered.checkpoint.size == size + more


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 39))
def test_no_change_of_what_was_seen_is_cosigned(size: int, more: int, changed: int) -> None:
    place = changed % size
    leaves = [f"leaf {n}" for n in range(size + more)]
    seen = asked(Log(*leaves[:size]).request(0)).remembered
    leaves[place] = "another"
    said = refused(Log(*leaves).request(size), seen)
    assert said == ("unproven" if more else "forked")


def test_a_log_that_is_shorter_than_it_was_is_refused() -> None:
    assert refused(grown(4).request(0), SEEN) == "rolled_back"


def test_a_request_from_another_size_than_the_witness_saw_is_refused_with_that_size() -> None:
    with pytest.raises(WitnessError) as caught:
        asked(grown(9).request(3), SEEN)
    assert (caught.value.reason, caught.value.known, caught.value.size) == ("out_of_step", 5, 9)


def test_the_first_request_proves_nothing_before_it() -> None:
    assert refused(grown(5).request(3), None, VKEY) == "out_of_step"
    assert refused(grown(5).request(0, [bytes(32)]), None, VKEY) == "out_of_step"


def test_an_unknown_log_is_refused() -> None:
    assert refused(grown(5).request(0), None) == "unknown_log"
    assert refused(grown(6, origin="other/log").request(5), SEEN) == "unknown_log"
    assert refused(grown(6, origin="other/log").request(5), SEEN, VKEY) == "unknown_log"
    assert refused(grown(6).request(5), SEEN, Vkey.of("other/log", LOG)) == "unknown_log"


def test_another_key_than_the_known_one_is_refused_until_it_is_given() -> None:
    raw = grown(6, by=STRANGER).request(5)
    assert refused(raw, SEEN) == "unknown_key"
    after = asked(raw, SEEN, Vkey.of(ORIGIN, STRANGER))
    assert after.remembered.key == Vkey.of(ORIGIN, STRANGER)


def test_a_forged_signature_is_refused() -> None:
    raw = grown(6).request(5).replace(b"time 2027", b"time 2026")
    assert refused(raw, SEEN) == "forged"


def test_the_same_head_again_is_cosigned_again() -> None:
    assert asked(grown(5).request(5), SEEN, None).remembered.checkpoint.size == 5


def test_a_proof_that_is_cut_or_stretched_is_refused() -> None:
    proof = consistency(5, 9, grown(9)._node)
    for wrong in ([], proof[:-1], [*proof, proof[-1]], proof[::-1]):
        assert refused(grown(9).request(5, wrong), SEEN) == "unproven"


# --- a fork ---------------------------------------------------------------------------------------

HERE, THERE = Log("a", "b", "c", "d"), Log("a", "b", "X", "d")


def test_two_histories_of_one_log_are_found_when_their_anchors_meet() -> None:
    one, other = (asked(log.request(0)).remembered for log in (HERE, THERE))
    assert forks([("verneombudet", one), ("lederen", other)]) == [("verneombudet", "lederen")]
    assert forks([("verneombudet", one), ("lederen", one)]) == []


def test_a_witness_of_one_history_refuses_the_other_however_long_it_is() -> None:
    seen = asked(HERE.request(0)).remembered
    assert refused(THERE.request(4), seen) == "forked"
    assert refused(Log("a", "b", "X", "d", "e").request(4), seen) == "unproven"


def test_an_anchor_of_one_log_says_nothing_of_another() -> None:
    one = asked(HERE.request(0)).remembered
    elsewhere = Log("x", "y", "z", "w", origin="forsvarlig/1/other")
    other = asked(elsewhere.request(0), None, Vkey.of("forsvarlig/1/other", LOG)).remembered
    assert forks([("one", one), ("other", other)]) == []


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"old 0\n", b"old 0\n\n", b"old -1\n\nx", b"old 01\n\nx", b"old 5 \n\nx", b"OLD 5\n\nx",
        b"\xff\xfe", b"old 5\nAAAA\n\nx", b"old 5\n" + base64.b64encode(bytes(31)) + b"\n\nx",
        b"old " + b"9" * 40 + b"\n\nx", b"old 5\n" + b"A" * 200_000,
        grown(5).request(0) + b"\n", grown(5).request(0).replace(b"\n\n", b"\n"),
        grown(5).request(0, [bytes(32)] * (LONGEST_PROOF + 1)),
        grown(5).request(0, [bytes(32)]).replace(b"AAA=", b"AAB="),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        asked(raw)


@given(st.binary(max_size=200))
def test_whatever_comes_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(NoteError):
        asked(raw)


@given(st.integers(0, len(grown(9).request(5)) * 8 - 1))
def test_no_bit_of_a_request_can_be_flipped_and_be_cosigned_as_something_else(bit: int) -> None:
    raw = bytearray(grown(9).request(5))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((NoteError, WitnessError)):
        asked(bytes(raw), SEEN, None)


def test_the_tree_of_these_tests_is_that_of_the_ledger() -> None:
    frontier = Frontier()
    for leaf in "abcd":
        frontier = frontier.append(leaf_hash(leaf.encode()))
    assert Log("a", "b", "c", "d").root == frontier.root
