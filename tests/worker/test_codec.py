"""What is sealed for a workflow opens there and nowhere else, and nothing that comes makes the codec fail."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import ActivitySerializationContext, DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from worker.codec import ENCODING, KEY, WORKFLOW, SealingCodec
from worker.keyring import Keyring
from worker.plugin import data_converter
from workflows.messages import CycleInput
from workflows.trust import MARK, mark

YEAR = "year/fjell/2027"
UNIT = "unit/fjell/u1/2027"


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path)


def codec(ring: Keyring, workflow: str = YEAR) -> SealingCodec:
    context = WorkflowSerializationContext(namespace="default", workflow_id=workflow)
    return SealingCodec(ring).with_context(context)


def plain(value: str = '"Kari"') -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=value.encode())


async def sealed(ring: Keyring, workflow: str = YEAR, value: str = '"Kari"') -> Payload:
    [payload] = await codec(ring, workflow).encode([plain(value)])
    return payload


async def opened(ring: Keyring, payload: Payload, workflow: str = YEAR) -> Payload:
    [out] = await codec(ring, workflow).decode([payload])
    return out


# --- what is ours -----------------------------------------------------------------------------------


async def test_what_is_sealed_opens_as_it_was_and_without_a_mark(ring: Keyring) -> None:
    out = await opened(ring, await sealed(ring))
    assert (out, mark(out)) == (plain(), None)


async def test_nothing_readable_is_left_but_the_ids_of_the_key_and_of_the_workflow(ring: Keyring) -> None:
    payload = await sealed(ring)
    assert dict(payload.metadata) == {
        "encoding": ENCODING,
        KEY: ring.current("fjell").id.encode(),
        WORKFLOW: YEAR.encode(),
    }
    assert b"Kari" not in payload.SerializeToString()


async def test_the_same_is_never_sealed_alike_twice(ring: Keyring) -> None:
    assert len({(await sealed(ring)).data for _ in range(50)}) == 50


async def test_an_activity_of_the_workflow_opens_it_too(ring: Keyring) -> None:
    context = ActivitySerializationContext(
        namespace="default", activity_id="1", activity_type="advance", activity_task_queue="q", workflow_id=YEAR,
        workflow_type="EmployerYear", is_local=True,
    )  # fmt: skip
    [out] = await SealingCodec(ring).with_context(context).decode([await sealed(ring)])
    assert mark(out) is None


async def test_what_an_older_key_sealed_opens_after_a_rotation(ring: Keyring) -> None:
    before = await sealed(ring)
    ring.rotate("fjell")
    after = await sealed(ring)
    assert before.metadata[KEY] != after.metadata[KEY]
    assert [mark(await opened(ring, each)) for each in (before, after)] == [None, None]


async def test_the_input_that_a_schedule_was_given_opens_in_the_workflows_it_starts(ring: Keyring) -> None:
    payload = await sealed(ring, "opener/fjell")
    assert mark(await opened(ring, payload, "opener/fjell-2027-12-01T07:00:00Z")) is None
    assert mark(await opened(ring, payload, "opener/fjell-2")) == "unknown_key"


@given(st.binary(max_size=2000), st.text(max_size=60))
async def test_whatever_is_sealed_opens_in_whatever_workflow_it_was_sealed_for(data: bytes, id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        theirs = Payload(metadata={"encoding": b"binary/plain", "more": data[:9]}, data=data)
        one = codec(Keyring(Path(folder)), id)
        [out] = await one.decode(await one.encode([theirs]))
        assert (out, mark(out)) == (theirs, None)


# --- what is not ------------------------------------------------------------------------------------


async def test_plaintext_stays_as_it_is_and_says_so(ring: Keyring) -> None:
    out = await opened(ring, plain())
    assert (out.data, out.metadata["encoding"], mark(out)) == (plain().data, b"json/plain", "plaintext")


async def test_plaintext_cannot_pass_for_ours_by_a_mark_of_its_own(ring: Keyring) -> None:
    forged = plain()
    forged.metadata[MARK] = b""
    assert mark(await opened(ring, forged)) == "plaintext"


async def put_aside(ring: Keyring, payload: Payload, reason: str, workflow: str = YEAR) -> None:
    out = await opened(ring, payload, workflow)
    assert mark(out) == reason
    [value] = await pydantic_data_converter.decode([out])
    assert value == {"sha256": hashlib.sha256(payload.data).hexdigest(), "size": len(payload.data)}


async def test_what_was_sealed_for_another_workflow_of_the_employer_is_put_aside(ring: Keyring) -> None:
    await put_aside(ring, await sealed(ring, UNIT), "wrong_workflow")


async def test_it_does_not_help_to_say_that_it_was_sealed_for_this_one(ring: Keyring) -> None:
    lifted = await sealed(ring, UNIT)
    lifted.metadata[WORKFLOW] = YEAR.encode()
    await put_aside(ring, lifted, "tampered")


async def test_what_was_sealed_for_another_employer_is_put_aside(ring: Keyring) -> None:
    ring.current("fjell")
    await put_aside(ring, await sealed(ring, "year/nordfjord/2027"), "unknown_key")


async def test_what_was_sealed_with_keys_of_elsewhere_is_put_aside(ring: Keyring, tmp_path: Path) -> None:
    await put_aside(ring, await sealed(Keyring(tmp_path / "elsewhere")), "unknown_key")


@pytest.mark.parametrize("place", [0, 5, 12, 20, -1])
async def test_a_single_changed_bit_is_seen(ring: Keyring, place: int) -> None:
    payload = await sealed(ring)
    data = bytearray(payload.data)
    data[place] ^= 1
    payload.data = bytes(data)
    await put_aside(ring, payload, "tampered")


async def test_what_is_too_short_to_be_sealed_is_put_aside(ring: Keyring) -> None:
    payload = await sealed(ring)
    payload.data = payload.data[:11]
    await put_aside(ring, payload, "malformed")
    payload.data = b"x" * 12
    await put_aside(ring, payload, "tampered")


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (b"json/plain", b"{"),
        (b"json/plain", b"\xff\xfe"),
        (b"json/plain", b""),
        (b"json/plain", b"[" * 100_000),
        (b"json/protobuf", b"{}"),
        (b"binary/protobuf", b"\x00"),
        (b"binary/encrypted", b"x" * 40),
        (b"\xff\xff", b"1"),
        (b"", b"1"),
    ],
)
async def test_what_no_converter_could_read_is_put_aside(ring: Keyring, encoding: bytes, data: bytes) -> None:
    await put_aside(ring, Payload(metadata={"encoding": encoding}, data=data), "malformed")


async def test_a_key_that_is_damaged_makes_its_payloads_unreadable_and_nothing_fail(
    ring: Keyring, tmp_path: Path
) -> None:
    payload = await sealed(ring)
    (tmp_path / "fjell" / "0001.key").write_text("damaged")
    fresh = Keyring(tmp_path)
    await put_aside(fresh, payload, "unknown_key")
    assert mark(await opened(fresh, await sealed(fresh))) is None


async def test_what_cannot_be_sealed_does_not_leave_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / "payload").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="payload"):
        await sealed(Keyring(tmp_path / "payload"))


METADATA = st.dictionaries(
    st.one_of(st.sampled_from(["encoding", KEY, WORKFLOW, MARK, "messageType"]), st.text(max_size=8)),
    st.one_of(
        st.sampled_from([ENCODING, b"json/plain", b"binary/null", b"binary/plain", b"json/protobuf", YEAR.encode()]),
        st.binary(max_size=12),
    ),
    max_size=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("keys"))


@given(metadata=METADATA, data=st.binary(max_size=200), known=st.booleans())
async def test_nothing_that_comes_raises_in_the_codec_or_in_the_converter_and_all_of_it_is_marked(
    shared: Keyring, metadata: dict[str, bytes], data: bytes, known: bool
) -> None:
    if known:
        metadata = {**metadata, KEY: shared.current("fjell").id.encode()}
    out = await opened(shared, Payload(metadata=metadata, data=data))
    assert mark(out) in ("plaintext", "unknown_key", "tampered", "wrong_workflow", "malformed")
    await pydantic_data_converter.decode([out])


# --- the converter ----------------------------------------------------------------------------------


def converter(ring: Keyring, workflow: str = YEAR) -> DataConverter:
    context = WorkflowSerializationContext(namespace="default", workflow_id=workflow)
    return data_converter(ring).with_context(context)


async def test_messages_go_through_and_come_back(ring: Keyring) -> None:
    message = CycleInput(cycle=YEAR, sealed=True)
    [payload] = await converter(ring).encode([message])
    assert payload.metadata["encoding"] == ENCODING
    assert await converter(ring).decode([payload], [CycleInput]) == [message]


async def test_the_message_and_the_stack_trace_of_a_failure_are_sealed(ring: Keyring) -> None:
    failure = Failure()
    try:
        raise ApplicationError("Kari er sykmeldt", "Karis sykmelding", type="Refused")
    except ApplicationError as error:
        await converter(ring).encode_failure(error, failure)
    assert b"Kari" not in failure.SerializeToString()
    assert b"test_codec" not in failure.SerializeToString()
    back: Any = await converter(ring).decode_failure(failure)
    assert (back.message, back.details, back.type) == ("Kari er sykmeldt", ("Karis sykmelding",), "Refused")


@pytest.mark.parametrize("kind", ["category", "details", "retry_state", "attributes"])
async def test_a_failure_that_makes_no_sense_is_still_a_failure(ring: Keyring, kind: str) -> None:
    failure = Failure(message="forged")
    junk = Payload(metadata={"encoding": b"json/protobuf", "messageType": b"no.such"}, data=b"{")
    match kind:
        case "category":
            failure.application_failure_info.category = 99  # type: ignore[assignment]
        case "details":
            failure.application_failure_info.details.payloads.append(junk)
        case "retry_state":
            failure.activity_failure_info.retry_state = 99  # type: ignore[assignment]
        case _:
            failure.application_failure_info.type = "x"
            failure.encoded_attributes.CopyFrom(junk)
    assert isinstance(await converter(ring).decode_failure(failure), Exception)
