"""Signed notes, checkpoints, cosignatures, fingerprints and anchors, as C2SP writes them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from activities.ledger.heads import (
    Checkpoint,
    Fingerprint,
    anchor,
    fingerprint,
    note_hash,
    origin_of,
    read_anchor,
    read_checkpoint,
    read_fingerprint,
    signed_checkpoint,
    with_cosignatures,
)
from activities.ledger.notes import (
    COSIGNATURE,
    LARGEST_NOTE,
    MOST_SIGNATURES,
    NoteError,
    Signature,
    Vkey,
    cosign,
    cosigned_at,
    log_vkey,
    read_note,
    read_signature,
    signed,
    verified,
)
from activities.signatures import SigningKey

ORIGIN = "forsvarlig/923609016/nordfjord-tre"
WITNESS = "witness.example/w1"
MORNING = datetime(2027, 1, 4, 7, tzinfo=UTC)


def key(seed: bytes) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


LOG, WATCHER, STRANGER = key(bytes(range(32))), key(b"\x07" * 32), key(b"\x08" * 32)
CHECKPOINT = Checkpoint(origin=ORIGIN, size=545, root=bytes(range(32)), time=MORNING)
NOTE = signed_checkpoint(CHECKPOINT, LOG)
VKEY, WITNESS_KEY = Vkey.of(ORIGIN, LOG), Vkey.of(WITNESS, WATCHER, COSIGNATURE)


# --- what others write ----------------------------------------------------------------------------


def test_the_example_of_the_signed_note_specification_is_verified() -> None:
    vkey = Vkey.read("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = read_note(
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Z"
        "tg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    assert verified(note, [vkey]) == [vkey]


def test_a_text_may_have_blank_lines_of_its_own() -> None:
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    note = read_note(str(signed(text, "quasimodo.example/salvatore", LOG)))
    assert note.text == text
    assert verified(note, [Vkey.of("quasimodo.example/salvatore", LOG)])


def test_the_example_of_a_cosigned_checkpoint_is_read_though_its_keys_are_unknown() -> None:
    note = read_note(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo"
        "+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5n"
        "No0xUe+mbIUBkBIfZ+qnA==\n"
    )
    line = note.signatures[1]
    assert line.key == bytes.fromhex("8d66cf3f")
    assert int.from_bytes(line.signed[:8]) == 1679315147
    with pytest.raises(NoteError, match="signed as example"):
        verified(note, [VKEY])
    with pytest.raises(NoteError, match="four or five lines"):
        Checkpoint.read(note.text)


# --- by hand --------------------------------------------------------------------------------------


def test_a_checkpoint_is_written_so_and_in_no_other_way() -> None:
    text = (
        "forsvarlig/923609016/nordfjord-tre\n545\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        "time 2027-01-04T07:00:00Z\n"
    )
    assert CHECKPOINT.text == text
    raw = LOG.sign_bytes(text.encode())
    id = hashlib.sha256(b"forsvarlig/923609016/nordfjord-tre\n\x01" + LOG.public_bytes).digest()[:4]
    assert f"{text}\n— {ORIGIN} {b64(id + raw)}\n" == NOTE


def test_the_next_checkpoint_names_the_whole_note_before_it() -> None:
    following = CHECKPOINT.model_copy(update={"size": 546, "prev": note_hash(NOTE)})
    assert following.text.splitlines()[-1] == f"prev {hashlib.sha256(NOTE.encode()).hexdigest()}"
    assert read_checkpoint(signed_checkpoint(following, LOG))[0] == following


def test_a_key_is_written_with_its_name_its_id_and_its_kind() -> None:
    id = hashlib.sha256(f"{ORIGIN}\n".encode() + b"\x01" + LOG.public_bytes).hexdigest()[:8]
    assert str(VKEY) == f"{ORIGIN}+{id}+{b64(bytes([1]) + LOG.public_bytes)}"
    assert log_vkey(ORIGIN, LOG.public_key) == VKEY == Vkey.read(str(VKEY))


def test_a_witness_signs_the_time_and_the_whole_text() -> None:
    line = cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)
    said = f"cosignature/v1\ntime {int(MORNING.timestamp())}\n{CHECKPOINT.text}".encode()
    id = hashlib.sha256(f"{WITNESS}\n".encode() + b"\x04" + WATCHER.public_bytes).digest()[:4]
    when = int(MORNING.timestamp()).to_bytes(8)
    assert line == Signature(WITNESS, id, when + WATCHER.sign_bytes(said))
    note = read_note(with_cosignatures(NOTE, [line]))
    assert verified(note, [VKEY, WITNESS_KEY]) == [VKEY, WITNESS_KEY]
    assert cosigned_at(note, WITNESS_KEY) == MORNING


def test_a_rehearsal_has_another_origin_than_the_real_log() -> None:
    assert origin_of("923609016", "nordfjord-tre", rehearsal=False) == ORIGIN
    assert origin_of("923609016", "nordfjord-tre", rehearsal=True) == (
        "forsvarlig/rehearsal/923609016/nordfjord-tre"
    )


def test_a_fingerprint_is_the_size_and_160_bits_of_the_root() -> None:
    assert fingerprint(545, bytes(32)) == "545" + "-AAAA" * 8
    assert fingerprint(7, b"\xff" * 32) == "7" + "-7777" * 8
    assert CHECKPOINT.fingerprint == "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT"


@pytest.mark.parametrize(
    "typed",
    [
        "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT", "545-aaaq-eaye-auda-ocaj-bifq-ydio-b4ib-ceqt",
        " 545-AAAQ EAYE AUDA OCAJ BIFQ YDIO B4IB CEQT", "545-AAAQEAYEAUDA0CAJB1FQYDI084IBCEQT",
    ],
)  # fmt: skip
def test_a_fingerprint_is_read_as_people_type_it(typed: str) -> None:
    assert read_fingerprint(typed).matches(CHECKPOINT.root)
    assert str(read_fingerprint(typed)) == CHECKPOINT.fingerprint


@pytest.mark.parametrize(
    "text",
    ["", "545", "-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT", "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB",
     "545-AAAQ-EAYE-AUDA-OCAJ", "0545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT",
     "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQTA", "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQ9",
     "x45-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT", "545AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
     "545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQÆ"],
)  # fmt: skip
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(NoteError, match="no fingerprint"):
        read_fingerprint(text)


# --- laws -----------------------------------------------------------------------------------------

sizes = st.integers(0, 2**53)
roots = st.binary(min_size=32, max_size=32)
times = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
checkpoints = st.builds(
    Checkpoint,
    origin=st.from_regex(r"[!-*,-~]{1,40}", fullmatch=True),
    size=sizes,
    root=roots,
    time=times,
    prev=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)


@given(checkpoints)
def test_a_checkpoint_is_read_as_it_was_written(checkpoint: Checkpoint) -> None:
    note = signed_checkpoint(checkpoint, LOG)
    found, parsed = read_checkpoint(note)
    assert (found, str(parsed)) == (checkpoint, note)
    assert verified(parsed, [Vkey.of(checkpoint.origin, LOG)])


@given(sizes, roots)
def test_a_fingerprint_is_read_as_it_was_written(size: int, root: bytes) -> None:
    assert read_fingerprint(fingerprint(size, root)) == Fingerprint(size, root[:20])


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_no_bit_of_a_checkpoint_can_be_flipped_unseen(bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        verified(read_checkpoint(bytes(raw))[1], [VKEY])


ANCHOR_FILE = str(anchor(VKEY, with_cosignatures(NOTE, [cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)])))


@given(st.integers(0, len(ANCHOR_FILE.encode()) * 8 - 1))
def test_no_bit_of_an_anchor_can_be_flipped_unseen(bit: int) -> None:
    raw = bytearray(ANCHOR_FILE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        verified(read_anchor(bytes(raw)).note, [WITNESS_KEY])


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_whatever_it_is_that_is_no_note_is_refused_in_words(raw: str | bytes) -> None:
    for read in (read_note, read_checkpoint, read_anchor):
        with pytest.raises(NoteError):
            read(raw)


# --- what is refused ------------------------------------------------------------------------------

_TEXT, _SIGNATURES = NOTE.split("\n\n")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (NOTE[:-1], "last line"),
        (_TEXT + "\n", "blank line"),
        ("\n\n" + _SIGNATURES, "blank line"),
        (NOTE.replace("—", "-"), "no signature"),
        (NOTE.replace("— ", "—  "), "no signature"),
        (NOTE + "\n", "last line"),
        (NOTE + _SIGNATURES, "two lines"),
        (NOTE.replace("\n", "\r\n"), "control characters"),
        (NOTE.replace("time", "time\t"), "control characters"),
        (NOTE.encode().replace(b"\xe2\x80\x94", b"\xe2\x80"), "UTF-8"),
        (NOTE + "x" * LARGEST_NOTE, "at most"),
        (NOTE[:-2] + "\n", "no base64"),
        (NOTE[:-3] + "B=\n", "last bits are not zero"),
        (f"{_TEXT}\n\n— {ORIGIN} AAAA\n", "shorter than a key's id"),
        (_TEXT + "\n\n" + "".join(f"— {n} AAAAAAA=\n" for n in range(MOST_SIGNATURES + 1)), "signatures"),
    ],
)
def test_a_note_that_is_written_otherwise_is_refused(changed: str | bytes, said: str) -> None:
    with pytest.raises(NoteError, match=said):
        read_note(changed)


@pytest.mark.parametrize(
    ("line", "to", "said"),
    [
        (0, "", "no name of a key"),
        (0, "a b", "no name of a key"),
        (0, "a+b", "no name of a key"),
        (0, "a\N{NO-BREAK SPACE}b", "no name of a key"),
        (1, "0545", "no number"),
        (1, "-1", "no number"),
        (1, "5e2", "no number"),
        (1, "٣", "no number"),
        (1, "9" * 30, "no number"),
        (2, "AAAA", "no hash"),
        (2, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", "last bits"),
        (3, "time 2027-01-04T07:00:00", "no time"),
        (3, "time 2027-1-4T07:00:00Z", "no time"),
        (3, "time 2027-02-30T07:00:00Z", "no time"),
        (3, "Time 2027-01-04T07:00:00Z", "no time"),
        (3, f"prev {'0' * 64}", "no time"),
        (4, "prev 00", "names no checkpoint"),
        (4, f"prev {'A' * 64}", "names no checkpoint"),
        (4, f"next {'0' * 64}", "names no checkpoint"),
        (5, "more", "four or five lines"),
    ],
)
def test_a_checkpoint_that_is_written_otherwise_is_refused(line: int, to: str, said: str) -> None:
    lines = [*CHECKPOINT.text.splitlines(), f"prev {'0' * 64}", ""][: max(line + 1, 4)]
    lines[line:] = [to, *lines[line + 1 :]]
    with pytest.raises(NoteError, match=said):
        Checkpoint.read("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a+b", f"{ORIGIN}+00000000+{b64(bytes([1]) + LOG.public_bytes)}",
     str(VKEY).replace("+", " "), f"{VKEY} ", f"{VKEY}=", str(VKEY).upper(),
     f"a+00000000+{b64(bytes([2]) + LOG.public_bytes)}",
     f"a+00000000+{b64(bytes([1]) + LOG.public_bytes[1:])}"],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Vkey.read(text)


def test_a_signature_by_a_known_key_that_is_not_good_refuses_the_note_whoever_else_signed() -> None:
    good = cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)
    bad = good._replace(signed=good.signed[:-1] + bytes([good.signed[-1] ^ 1]))
    note = read_note(with_cosignatures(NOTE, [bad]))
    with pytest.raises(NoteError, match="not over this text"):
        verified(note, [VKEY, WITNESS_KEY])


def test_signatures_by_unknown_keys_are_not_looked_at() -> None:
    other = signed(CHECKPOINT.text, "somebody", STRANGER).signatures[0]
    assert verified(read_note(with_cosignatures(NOTE, [other])), [VKEY]) == [VKEY]


def test_a_log_cannot_witness_itself_with_its_own_signature() -> None:
    with pytest.raises(NoteError, match="No key that is trusted"):
        verified(read_note(NOTE), [Vkey.of(ORIGIN, LOG, COSIGNATURE)])


def test_the_time_of_a_cosignature_cannot_be_moved() -> None:
    line = cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)
    later = int((MORNING + timedelta(days=1)).timestamp()).to_bytes(8)
    moved = read_note(with_cosignatures(NOTE, [line._replace(signed=later + line.signed[8:])]))
    with pytest.raises(NoteError, match="not over this text"):
        verified(moved, [WITNESS_KEY])


def test_a_cosignature_is_added_once_and_the_kept_note_is_the_same_bytes() -> None:
    line = cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)
    once = with_cosignatures(NOTE, [line, line])
    assert with_cosignatures(once, [line]) == once
    assert once.startswith(NOTE)
    assert read_signature(str(line).rstrip("\n")) == line


# --- anchors --------------------------------------------------------------------------------------


def test_an_anchor_is_the_key_and_the_checkpoint() -> None:
    file = str(anchor(VKEY, NOTE))
    assert file == f"forsvarlig-anchor-1\n{VKEY}\n\n{NOTE}"
    found = read_anchor(file)
    assert (found.checkpoint, found.key, str(found)) == (CHECKPOINT, VKEY, file)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (NOTE, "first line of an anchor"),
        (f"forsvarlig-anchor-2\n{VKEY}\n\n{NOTE}", "first line of an anchor"),
        (f"forsvarlig-anchor-1\n{VKEY}\n{NOTE}", "third line"),
        (f"forsvarlig-anchor-1\nkey\n\n{NOTE}", "no key"),
        (f"forsvarlig-anchor-1\n{VKEY}\n\nnote", "blank line"),
        (f"forsvarlig-anchor-1\n{Vkey.of(ORIGIN, STRANGER)}\n\n{NOTE}", "No key that is trusted"),
        (f"forsvarlig-anchor-1\n{VKEY}\n\n{NOTE.replace('545', '546')}", "not over this text"),
    ],
)
def test_what_is_no_anchor_is_refused(file: str, said: str) -> None:
    with pytest.raises(NoteError, match=said):
        read_anchor(file)


def test_a_witness_key_cannot_stand_for_the_logs_own() -> None:
    cosigned = with_cosignatures(NOTE, [cosign(CHECKPOINT.text, WITNESS, WATCHER, MORNING)])
    with pytest.raises(NoteError, match="is of forsvarlig"):
        anchor(WITNESS_KEY, cosigned)
