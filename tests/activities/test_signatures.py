"""Ed25519 signatures and the files that keys lie in."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from activities.signatures import KeyFileError, SigningKey, is_signed_by
from tests.rules.statements import statement, statements
from workflows.rules.keys import key_id
from workflows.rules.statement import Statement, payload, sealed

KEY, OTHER = SigningKey.new(), SigningKey.new()

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
        "be24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
        "2aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e"
        "d28dc027beceea1ec40a",
    ),
]
"""§ 7.1: secret key, public key, message, signature."""


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_keys_and_signatures_are_those_of_the_standard(
    tmp_path: Path, secret: str, public: str, message: str, signature: str
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    place = tmp_path / "key.pem"
    SigningKey(private).save(place)
    key = SigningKey.load(place)
    assert key.id == key_id(bytes.fromhex(public))
    assert private.sign(bytes.fromhex(message)).hex() == signature


def test_a_statement_is_signed_over_its_dsse_encoding_with_that_key() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_8032[0][0]))
    envelope = SigningKey(private).sign(statement())
    body = payload(statement())
    encoded = f"DSSEv1 28 application/vnd.in-toto+json {len(body)} ".encode() + body
    assert envelope == sealed(body, SigningKey(private).id, private.sign(encoded))


@given(statements())
def test_a_statement_is_signed_by_its_key_and_by_no_other(said: Statement) -> None:
    envelope = KEY.sign(said)
    assert is_signed_by(envelope, KEY.public_key)
    assert not is_signed_by(envelope, OTHER.public_key)


@given(statements(), st.integers(0, 20_000), st.booleans())
def test_a_bit_turned_over_in_the_text_or_the_signature_is_a_bad_signature(
    said: Statement, bit: int, in_the_text: bool
) -> None:
    body = payload(said)
    signature = sealed_signature(said)
    turned = bytearray(body if in_the_text else signature)
    bit %= 8 * len(turned)
    turned[bit // 8] ^= 1 << bit % 8
    forged = sealed(
        bytes(turned) if in_the_text else body, KEY.id, signature if in_the_text else bytes(turned)
    )
    assert not is_signed_by(forged, KEY.public_key)


def sealed_signature(said: Statement) -> bytes:
    return base64.b64decode(KEY.sign(said).signatures[0].sig)


@pytest.mark.parametrize("public", ["", "A" * 44, "A" * 40])
def test_what_is_no_public_key_has_signed_nothing(public: str) -> None:
    assert not is_signed_by(KEY.sign(statement()), public)


def test_a_key_never_shows_itself() -> None:
    assert repr(KEY) == f"SigningKey({KEY.id})"


# --- files ----------------------------------------------------------------------------------------


def test_a_key_file_is_for_its_owner_alone_and_so_is_its_folder(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "own.pem"
    KEY.save(place)
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in place.parent.iterdir()] == ["own.pem"]
    assert SigningKey.load(place).public_key == KEY.public_key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "own.pem"
    KEY.save(place)
    place.chmod(mode)
    assert fault(place) == "open_to_others"


def test_another_file_is_never_written_over(tmp_path: Path) -> None:
    place = tmp_path / "own.pem"
    KEY.save(place)
    with pytest.raises(KeyFileError) as refused:
        OTHER.save(place)
    assert (refused.value.fault, refused.value.path) == ("exists", place)
    assert SigningKey.load(place).id == KEY.id
    assert [p.name for p in tmp_path.iterdir()] == ["own.pem"]


def test_a_key_is_made_the_first_time_and_the_same_after_that(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "installation.pem"
    assert SigningKey.load_or_make(place).id == SigningKey.load_or_make(place).id


def fault(place: Path) -> str:
    with pytest.raises(KeyFileError) as refused:
        SigningKey.load(place)
    return refused.value.fault


def test_a_key_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert fault(tmp_path / "own.pem") == "missing"


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    place = tmp_path / "own.pem"
    place.mkdir(mode=0o700)
    assert fault(place) == "unreadable"


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 40])
def test_a_damaged_file_is_unreadable(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "own.pem"
    place.write_bytes(content)
    place.chmod(0o600)
    assert fault(place) == "unreadable"


def test_a_key_of_another_kind_is_unreadable(tmp_path: Path) -> None:
    place = tmp_path / "own.pem"
    private = generate_private_key(SECP256R1())
    place.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    place.chmod(0o600)
    assert fault(place) == "unreadable"
