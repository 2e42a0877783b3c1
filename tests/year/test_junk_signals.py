"""Whatever anybody sends to a year: it is recorded as refused, and the year goes on as if nothing had come."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from tests.year.live import Live, running, until
from worker.codec import ENCODING, KEY, WORKFLOW
from worker.engine_program import temporal_binary
from workflows.cycle import BATCH, MOST_SIGNALS
from workflows.rules.standing import fold
from workflows.rules.terms import Refusal


@pytest.fixture(scope="module")
async def live(virtual: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    address = virtual.client.service_client.config.target_host
    async with running(address, tmp_path_factory.mktemp("live")) as live:
        yield live


def as_json(value: object) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


def forged(live: Live, cycle: str) -> Payload:
    """What looks sealed with our key for this very workflow, and is not."""
    key = live.installation.keyring.current(live.employer).id.encode()
    return Payload(metadata={"encoding": ENCODING, KEY: key, WORKFLOW: cycle.encode()}, data=b"\x07" * 90)


async def sealed_in_history_of(live: Live, cycle: str) -> Payload:
    """What our own worker has sealed for the workflow: the input it was started with."""
    [payload] = (await live.events(cycle))[0].workflow_execution_started_event_attributes.input.payloads
    assert payload.metadata["encoding"] == ENCODING
    return payload


async def refused(live: Live, count: int, seconds: float = 20) -> None:
    """Return when so much has been recorded as refused in the unit's year."""

    async def done() -> bool:
        return sum(body.count for body in await live.refusals(live.unit)) >= count

    await until(done, seconds)


def sha256(*payloads: Payload) -> str:
    digests = [hashlib.sha256(payload.data).hexdigest() for payload in payloads]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


KINDS = {
    "an unknown name": Refusal.UNKNOWN_SIGNAL,
    "an unknown name with nothing": Refusal.UNKNOWN_SIGNAL,
    "a name nobody should read": Refusal.UNKNOWN_SIGNAL,
    "an unsigned statement": Refusal.UNSIGNED,
    "another type": Refusal.UNREADABLE,
    "nothing": Refusal.UNREADABLE,
    "two statements": Refusal.UNREADABLE,
    "no text": Refusal.UNREADABLE,
    "an unknown encoding": Refusal.UNREADABLE,
    "half a JSON": Refusal.UNREADABLE,
    "a deep JSON": Refusal.UNREADABLE,
    "fake ciphertext": Refusal.UNREADABLE,
    "ciphertext of another year": Refusal.UNREADABLE,
    "ciphertext of this year": Refusal.UNSIGNED,
    "1.9 MB": Refusal.UNREADABLE,
}


async def junk(live: Live, kind: str) -> tuple[str, list[Payload]]:
    match kind:
        case "an unknown name":
            return "approve_everything", [as_json({"role": "top_manager"})]
        case "an unknown name with nothing":
            return "x" * 900, []
        case "a name nobody should read":
            return "Kari Nordmann er sykmeldt", [as_json(None)]
        case "an unsigned statement":
            return "decide", [as_json({"outcome": "approved"})]
        case "another type":
            return "decide", [as_json(["approved", 1])]
        case "nothing":
            return "decide", []
        case "two statements":
            return "decide", [as_json({}), as_json({})]
        case "no text":
            return "decide", [Payload(metadata={"encoding": b"binary/plain"}, data=b"\xff\xfe\x00")]
        case "an unknown encoding":
            return "decide", [Payload(metadata={"encoding": b"binary/encrypted"}, data=b"x" * 80)]
        case "half a JSON":
            return "decide", [Payload(metadata={"encoding": b"json/plain"}, data=b'{"payload": ')]
        case "a deep JSON":
            return "decide", [Payload(metadata={"encoding": b"json/plain"}, data=b"[" * 60_000)]
        case "fake ciphertext":
            return "decide", [forged(live, live.unit)]
        case "ciphertext of another year":
            return "decide", [await sealed_in_history_of(live, live.year)]
        case "ciphertext of this year":
            return "decide", [await sealed_in_history_of(live, live.unit)]
        case _:
            return "decide", [as_json("A" * 1_900_000)]


@pytest.mark.parametrize("kind", KINDS)
async def test_junk_is_recorded_with_its_digest_and_the_bell_is_heard_afterwards(
    live: Live, kind: str
) -> None:
    before = await live.refusals(live.unit)
    name, payloads = await junk(live, kind)
    await live.signal(live.unit, name, *payloads)
    await refused(live, sum(body.count for body in before) + 1)
    new = (await live.refusals(live.unit))[-1]
    assert (new.attempt, new.reason, new.count) == ("signal", KINDS[kind], 1)
    if kind != "ciphertext of this year":  # which is opened, and then is no statement
        assert new.input == sha256(*payloads)
    await live.has_heard_everything(live.unit)
    await live.never_stuck(live.unit)


@pytest.mark.parametrize("kind", ["fake ciphertext", "ciphertext of another year", "another type", "1.9 MB"])
async def test_a_bell_that_carries_junk_is_a_bell(live: Live, kind: str) -> None:
    _, payloads = await junk(live, kind)
    before = len(await live.refusals(live.unit))
    await live.signal(live.unit, "ring", *payloads)
    await live.has_heard_everything(live.unit)
    await live.never_stuck(live.unit)
    assert len(await live.refusals(live.unit)) == before


async def test_what_the_server_itself_refuses_leaves_the_year_alone(live: Live) -> None:
    with pytest.raises(RPCError):
        await live.signal(live.unit, "decide", as_json("A" * 2_100_000))
    await live.has_heard_everything(live.unit)
    await live.never_stuck(live.unit)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--name", "godkjenn", "--input", '{"x": 1}'], Refusal.UNKNOWN_SIGNAL),
        (["--name", "decide", "--input", "7"], Refusal.UNREADABLE),
        (["--name", "decide"], Refusal.UNREADABLE),
        (["--name", "decide", "--input", "abc", "--input-meta", "encoding=binary/forsvarlig-1"], Refusal.UNREADABLE),
    ],
)  # fmt: skip
async def test_junk_from_temporals_own_command_line_is_refused_too(
    live: Live, arguments: list[str], reason: Refusal
) -> None:
    before = await live.refusals(live.unit)
    sent = await asyncio.create_subprocess_exec(
        *(str(temporal_binary()), "workflow", "signal", "--address", live.address),
        *("--workflow-id", live.unit, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await sent.communicate())[0]
    assert sent.returncode == 0, said
    await refused(live, sum(body.count for body in before) + 1)
    assert (await live.refusals(live.unit))[-1].reason is reason
    await live.has_heard_everything(live.unit)
    await live.never_stuck(live.unit)


async def test_a_burst_of_300_is_recorded_in_a_few_facts_and_holds_nothing_up(live: Live) -> None:
    before = await live.refusals(live.unit)
    sent = (live.signal(live.unit, f"burst{number}", as_json(number)) for number in range(300))
    await asyncio.gather(*sent)
    await live.has_heard_everything(live.unit)
    await refused(live, sum(body.count for body in before) + 300)
    new = (await live.refusals(live.unit))[len(before) :]
    assert sum(body.count for body in new) == 300
    assert len(new) < 300 / BATCH * 4
    await live.has_heard_everything(live.unit)
    await live.never_stuck(live.unit)


async def test_the_names_of_signals_are_in_no_fact(live: Live) -> None:
    recorded = "\n".join(fact.model_dump_json() for _, fact in await live.facts(live.unit))
    assert "unknown_signal" in recorded
    assert [word for word in ("Kari", "sykmeldt", "approve_everything", "burst") if word in recorded] == []


async def test_a_run_with_many_signals_goes_on_in_a_fresh_one_that_knows_the_same(live: Live) -> None:
    first = (await live.handle(live.year).describe()).run_id
    for start in range(0, MOST_SIGNALS, 50):
        await asyncio.gather(*(live.signal(live.year, "ring", as_json(n)) for n in range(start, start + 50)))

    async def fresh() -> bool:
        return (await live.handle(live.year).describe()).run_id != first

    await until(fresh)
    await live.has_heard_everything(live.year)
    facts = await live.facts(live.year)
    assert await live.position(live.year) == facts[-1][0]
    standing = await live.handle(live.year).query("standing", result_type=type(fold([])))
    assert standing == fold(fact for _, fact in facts)
    await live.never_stuck(live.year)
