"""The verifier's own Ed25519: whose signatures are good, all at once and one by one."""

from __future__ import annotations

import concurrent.futures
import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from activities.ledger import verify
from activities.signatures import SigningKey
from tests.ledger.bundles import beginning, checked, private


def openssl(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8 % len(raw)] ^= 1 << bit % 8
    return bytes(changed)


def malleated(signature: bytes) -> bytes:
    """The same signature with s + L."""
    s = int.from_bytes(signature[32:], "little") + verify.L
    return signature[:32] + s.to_bytes(32, "little")


IDENTITY = (1).to_bytes(32, "little")


Job = tuple[str, str, bytes, bytes, bytes]


def cases(count: int) -> list[Job]:
    """Good, flipped in key, signature or message, malleated, cut and lengthened signatures."""
    made = list[tuple[bytes, bytes, bytes]]()
    for n in range(count):
        key, message = private(f"k{n % 7}"), b"%d" % n
        public, good = key.public_key().public_bytes_raw(), key.sign(message)
        made += [
            (public, good, message), (public, flipped(good, 89 * n), message), (flipped(public, 89 * n), good, message),
            (public, good, message + b"x"), (public, malleated(good), message), (public, good[:-1], message),
            (public, good + b"\0", message), (public, IDENTITY + bytes(32), message), (public, b"", message),
            (public, (verify.P + 1).to_bytes(32, "little") + good[32:], message),
        ]  # fmt: skip
    return [job(n, *case) for n, case in enumerate(made)]


def job(n: int, key: bytes, signature: bytes, message: bytes) -> Job:
    return f"leaf {n}", verify.PERSON, key, signature, message


def test_all_at_once_and_one_by_one_signatures_are_judged_as_openssl_does() -> None:
    jobs = cases(6)
    expected = [job for job in jobs if not openssl(*job[2:])]
    assert verify.wrong(jobs) == expected
    assert [job for job in jobs[:10] if verify.wrong([job])] == [job for job in jobs[:10] if job in expected]
    assert len(jobs) - len(expected) == 6


@pytest.mark.parametrize(("broken", "code"), [(None, 0), (3, 1), (17, 1)])
def test_of_many_signatures_the_bad_one_is_named(broken: int | None, code: int) -> None:
    ledger, places = beginning(), list[int]()
    for n in range(20):
        own = ledger.people["per"]
        if n == broken:
            ledger.people["per"] = SigningKey(private("stranger"))
            ledger.people["per"].id = own.id
        places.append(ledger.file("per", n + 1))
        ledger.people["per"] = own
    found = checked(ledger)
    assert found.code == code
    assert broken is None or f"leaf {places[broken]} has a signature that is not good" in found.faults


# --- a second, slow arithmetic, for signatures that no library makes ------------------------------

Point = tuple[int, int]
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, P) % P
BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)
EIGHTH = (
    14399317868200118260347934320527232580618823971194345261214217575416788799818,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
"""A point of order 8; its multiples are all the points of small order."""


def plus(p: Point, q: Point) -> Point:
    """RFC 8032 § 5.1.4, in plain coordinates."""
    (x1, y1), (x2, y2) = p, q
    t = CURVE * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(n: int, point: Point) -> Point:
    sum: Point = (0, 1)
    for bit in f"{n:b}":
        sum = plus(sum, sum)
        sum = plus(sum, point) if bit == "1" else sum
    return sum


def encoded(point: Point) -> bytes:
    return (point[1] | (point[0] % 2) << 255).to_bytes(32, "little")


def made_by_hand(secret: int, key: bytes, nonce: int, commitment: bytes, message: bytes) -> Job:
    """The signature with s = nonce + h secret, whatever `key` and `commitment` are."""
    h = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little")
    s = (nonce + h * secret) % ORDER
    return job(1, key, commitment + s.to_bytes(32, "little"), message)


SECRET, NONCE = 3**100, 5**90
KEY, COMMITMENT = encoded(times(SECRET, BASE)), encoded(times(NONCE, BASE))
SMALL = [encoded(times(n, EIGHTH)) for n in range(8)]
WRITTEN_OTHERWISE = [
    number.to_bytes(32, "little")
    for number in (1 | 1 << 255, P - 1 | 1 << 255, P, P + 1, P | 1 << 255, P + 1 | 1 << 255, 2**256 - 1)
]
"""Points of small order in bytes that RFC 8032 does not write them in, and some that are no point."""


def test_a_signature_made_by_hand_is_good() -> None:
    made = made_by_hand(SECRET, KEY, NONCE, COMMITMENT, b"m")
    assert openssl(*made[2:])
    assert verify.wrong([made]) == []


@pytest.mark.parametrize("weak", [*SMALL, *WRITTEN_OTHERWISE], ids=bytes.hex)
def test_keys_of_small_order_and_keys_written_otherwise_sign_nothing(weak: bytes) -> None:
    """Else everybody could sign with them, everything: eight times such a key is nothing."""
    for commitment, nonce in ((COMMITMENT, NONCE), (weak, 0), (IDENTITY, 0)):
        made = made_by_hand(0, weak, nonce, commitment, b"anything")
        assert verify.wrong([made]) == [made]
    under_a_good_key = made_by_hand(SECRET, KEY, 0, weak, b"anything")
    assert verify.wrong([under_a_good_key]) == [under_a_good_key]


@pytest.mark.parametrize("part", range(1, 8))
def test_a_part_of_small_order_beside_the_rest_changes_nothing(part: int) -> None:
    """All at once and one by one must agree, and only with the cofactor do they (RFC 8032 § 5.1.7)."""
    small = times(part, EIGHTH)
    beside = encoded(plus(times(NONCE, BASE), small))
    jobs = [
        made_by_hand(SECRET, KEY, NONCE, beside, b"m"),
        made_by_hand(SECRET, encoded(plus(times(SECRET, BASE), small)), NONCE, COMMITMENT, b"m"),
    ]
    assert [verify.wrong([one]) for one in jobs] == [[], []]
    assert verify.wrong(jobs) == []


@pytest.mark.parametrize("key", [KEY + b"\0", KEY[:31], b""], ids=len)
def test_a_key_has_32_bytes(key: bytes) -> None:
    made = made_by_hand(SECRET, key, NONCE, COMMITMENT, b"m")
    assert verify.wrong([made]) == [made]


def test_points_that_are_none_do_not_make_up_for_each_other() -> None:
    """The x of the first could be taken for four; a key and two commitments are no points at all."""
    none, nor_this, nor_that = (bytes([byte]) + b"\xff" * 31 for byte in (255, 254, 253))
    jobs = [
        job(n, key, commitment + bytes(32), b"m")
        for n, (key, commitment) in enumerate([(IDENTITY, IDENTITY), (none, nor_this), (none, nor_that)])
    ]
    assert verify.wrong(jobs) == jobs


def test_a_hundred_and_more_are_judged_in_one_go_when_all_are_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that the digits have several bits. Where a sum is not nothing, the halves are looked at again."""
    key, looked_at = private("k"), list[bytes]()

    def counted(message: bytes) -> Any:
        looked_at.append(message)
        return hashlib.sha512(message)

    monkeypatch.setattr(verify, "sha512", counted)
    public = key.public_key().public_bytes_raw()
    jobs = [job(n, public, key.sign(b"%d" % n), b"%d" % n) for n in range(150)]
    assert verify.wrong(jobs) == []
    assert len(looked_at) == 150
    jobs[77] = job(77, public, jobs[76][3], b"77")
    assert verify.wrong(jobs) == [jobs[77]]


def test_bad_signatures_do_not_hide_each_other() -> None:
    key = private("k")
    public, good = key.public_key().public_bytes_raw(), key.sign(b"m")
    s = int.from_bytes(good[32:], "little")
    shifted = [good[:32] + ((s + d) % verify.L).to_bytes(32, "little") for d in (1, -1)]
    jobs = [job(n, public, sig, b"m") for n, sig in enumerate((shifted[0], good, shifted[1]))]
    assert verify.wrong(jobs) == [jobs[0], jobs[2]]


def test_signatures_that_several_processes_check_are_judged_as_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, asked = beginning(), list[bool]()
    for number in range(30):
        ledger.decide("per")
        if number in (3, 17, 29):
            ledger.rewrite(lambda fact: fact["signed"]["signatures"][0].update(sig="A" * 86 + "=="))
    alone = checked(ledger)
    assert alone.faults.count("has a signature that is not good") == 3

    def no_processes() -> None:
        asked.append(True)
        raise NotImplementedError("This Python build lacks multiprocessing.synchronize")

    monkeypatch.setattr(verify, "MANY", 8)
    assert checked(ledger).out == alone.out
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", no_processes)
    assert checked(ledger).out == alone.out
    assert asked
