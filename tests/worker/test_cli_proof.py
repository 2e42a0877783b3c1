"""`forsvarlig proof`: what a distrustful safety representative can check, without trusting anybody."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import (
    History,
    HistoryEvent,
    WorkflowExecutionSignaledEventAttributes,
    WorkflowExecutionStartedEventAttributes,
)
from temporalio.converter import WorkflowSerializationContext

from activities.signatures import SigningKey
from tests.activities.sawmill import UNIT
from tests.worker.desk import Desk, copied
from worker.codec import SealingCodec
from worker.keyring import Keyring
from workflows.messages import Bell
from workflows.rules.events import Fact

OLD = Path(__file__).parents[1] / "replay" / "histories" / "0.1.0" / "unit_fjell_u1_2027.pb.gz"
"""A history of the version before anything was signed."""


@pytest.fixture(scope="module")
def template(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Per has an own key and agreed with it; Kari approved at the desk; somebody tried who may not."""
    folder = copied(opened, tmp_path_factory.mktemp("mill") / "state")
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(folder, patch)
        desk.go(date(2027, 5, 10))
        desk.file("Risikovurdering", "Y15")
        desk("key", "new", "--as", "per")
        desk("decide", "sagbruk", "Y15", "--as", "hanne", "--outcome", "godkjenn", "--role", "manager")
        for who, said in (("per", "enig"), ("kari", "godkjenn")):
            given = desk("decide", "sagbruk", "Y15", "--as", who, "--outcome", said)
            assert given.code == 0, given.err
            desk.go()
    return folder


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(copied(template, tmp_path / "state"), monkeypatch)
    desk.go(date(2027, 5, 11))
    return desk


@pytest.fixture
def leaves(desk: Desk, tmp_path: Path) -> Path:
    """What was given away of the ledger."""
    out = tmp_path / "Y15.jsonl"
    said = desk("proof", "sagbruk", "Y15", "--out", str(out))
    assert said.code == 0, said.err
    return out


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Another machine, with neither database nor keys."""
    return Desk(tmp_path / "nothing", monkeypatch)


def test_every_act_of_a_step_is_proved_from_the_ledger(desk: Desk) -> None:
    said = desk("proof", "sagbruk", "Y15")
    assert said.code == 0
    assert "per svarer «enig» som verneombudet på versjon 1" in said.line
    assert "4 bevist, 0 ikke bevist, 1 nektet" in said.line


def test_what_was_given_away_is_proved_elsewhere_without_a_database(alone: Desk, leaves: Path) -> None:
    said = alone("proof", str(leaves))
    assert said.code == 0, said.err
    assert "4 bevist, 0 ikke bevist, 1 nektet" in said.line
    assert not alone.state.exists()


def lines_of(leaves: Path, change: Callable[[dict[str, Any]], None]) -> None:
    values = [json.loads(line) for line in leaves.read_text().splitlines()]
    for value in values:
        change(value)
    leaves.write_text("".join(json.dumps(value) + "\n" for value in values))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v["body"].update(outcome="agreed_with_remarks"), "passer ikke"),
        (lambda v: v.update(actor="vera"), "SIGNATUREN HOLDER IKKE"),
        (lambda v: v.update(step="Y16"), "SIGNATUREN HOLDER IKKE"),
        (lambda v: v.pop("signed"), "SIGNATUREN HOLDER IKKE"),
        (lambda v: v["signed"]["signatures"][0].update(sig="A" * 86 + "=="), "SIGNATUREN HOLDER IKKE"),
    ],
)
def test_an_answer_that_was_changed_afterwards_is_not_proved(
    alone: Desk, leaves: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    lines_of(leaves, lambda v: change(v) if v["body"].get("asked") == "consult" else None)
    said = alone("proof", str(leaves))
    assert said.code == 1
    assert words in said.line
    assert "1 ikke bevist" in said.line


def test_programs_are_told_of_each_act_who_what_when_and_by_which_key(alone: Desk, leaves: Path) -> None:
    told = alone("proof", str(leaves), "--format", "json").document
    acts = {a["statement"]["actor"]: a for a in told["acts"] if a["kind"] == "decision_recorded"}
    assert set(acts) == {"per", "kari"}
    assert acts["per"]["ok"] is True
    assert acts["per"]["key"] != acts["kari"]["key"]
    assert acts["per"]["statement"]["authentication"]["method"] == "key_file"


def test_a_decision_written_straight_into_the_ledger_is_shown_as_what_it_is(desk: Desk) -> None:
    [(_seq, approved)] = [(s, f) for s, f in desk.facts("decision_recorded") if f.actor == "kari"]

    async def forge(mill: Any) -> None:
        forged: Fact = approved.model_copy(update={"id": "forged", "actor": "toppen"})
        async with mill.database.write(forged.employer) as tx:
            await tx.append([forged])

    desk._with(forge)
    said = desk("proof", "sagbruk", "Y15")
    assert said.code == 1
    assert "1 ikke bevist" in said.line
    assert "SIGNATUREN HOLDER IKKE" in desk("step", "show", "sagbruk", "Y15").line
    assert "SIGNATUREN HOLDER IKKE" in desk("history", "--step", "Y15").line


# --- from Temporal's own history ------------------------------------------------------------------


def history(folder: Path, *bells: bytes, keyring: Keyring | None = None) -> Path:
    """The exported history of Sagbruk's year, in which these signals came."""
    payloads = [Payload(metadata={"encoding": b"json/plain"}, data=bell) for bell in bells]
    if keyring is not None:
        context = WorkflowSerializationContext(namespace="default", workflow_id=UNIT)
        payloads = asyncio.run(SealingCodec(keyring).with_context(context).encode(payloads))
    started = WorkflowExecutionStartedEventAttributes(workflow_id=UNIT)
    events = [
        HistoryEvent(
            event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
            workflow_execution_started_event_attributes=started,
        )
    ]
    events += [
        HistoryEvent(
            event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
            workflow_execution_signaled_event_attributes=WorkflowExecutionSignaledEventAttributes(
                signal_name="ring", input=Payloads(payloads=[payload])
            ),
        )
        for payload in payloads
    ]
    file = folder / "unit_sagbruk_2027.pb.gz"
    file.write_bytes(gzip.compress(History(events=events).SerializeToString()))
    return file


@pytest.fixture
def bells(desk: Desk) -> list[bytes]:
    """The bells that were rung for what people decided."""
    facts = [f for _s, f in desk.facts("decision_recorded")]
    return [Bell(fact=f.id, statement=f.signed).model_dump_json().encode() for f in facts]


def test_a_history_is_proved_with_the_keys_that_one_trusts(
    desk: Desk, alone: Desk, tmp_path: Path, bells: list[bytes]
) -> None:
    file = history(tmp_path, *bells, b"junk")
    pers = next(f.body for _s, f in desk.facts("key_enrolled") if f.actor == "per")
    installation = SigningKey.load(desk.state / "keys" / "installation.pem")
    keys = ("--key", getattr(pers, "public_key", ""), "--key", installation.public_key)
    said = alone("proof", str(file), *keys)
    assert said.code == 0, said.err
    assert "2 bevist, 0 ikke bevist" in said.line
    without = alone("proof", str(file), *keys[:2])
    assert without.code == 1
    assert "1 bevist, 1 ikke bevist" in without.line


def test_a_history_is_proved_with_what_was_given_away_of_the_ledger(
    alone: Desk, leaves: Path, tmp_path: Path, bells: list[bytes]
) -> None:
    said = alone("proof", str(history(tmp_path, *bells)), "--key", str(leaves))
    assert said.code == 0, said.err


def test_a_history_as_temporals_own_command_writes_it_is_read_too(
    alone: Desk, leaves: Path, tmp_path: Path, bells: list[bytes]
) -> None:
    binary = History.FromString(gzip.decompress(history(tmp_path, *bells).read_bytes()))
    file = tmp_path / "history.json"
    file.write_text(json.dumps(MessageToDict(binary)))
    said = alone("proof", str(file), "--key", str(leaves))
    assert said.code == 0, said.err
    assert "2 bevist, 0 ikke bevist" in said.line


def test_the_ledger_lends_its_keys_to_a_history_and_not_its_acts(
    alone: Desk, leaves: Path, tmp_path: Path, bells: list[bytes]
) -> None:
    said = alone("proof", str(history(tmp_path, bells[0])), "--key", str(leaves))
    assert "1 bevist, 0 ikke bevist, 0 nektet" in said.line


def test_a_sealed_history_is_opened_with_its_keys_and_said_to_be_shut_without(
    desk: Desk, alone: Desk, leaves: Path, tmp_path: Path, bells: list[bytes]
) -> None:
    file = history(tmp_path, *bells, keyring=Keyring(desk.state / "keys" / "payload"))
    opened = desk("proof", str(file), "--key", str(leaves))
    assert opened.code == 0, opened.err
    shut = alone("proof", str(file))
    assert "0 bevist, 0 ikke bevist" in shut.line
    assert "2 forseglede deler kunne ikke åpnes" in shut.line


def test_a_history_from_before_signatures_proves_nothing(alone: Desk) -> None:
    said = alone("proof", str(OLD))
    assert said.code == 1
    assert " 0 bevist" in f" {said.line}"


@pytest.mark.parametrize("content", [b"", b"junk", b"\x1f\x8bjunk", b"{", b"{}\n["])
def test_a_file_that_is_neither_is_told_with_what_to_do(alone: Desk, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "fil"
    file.write_bytes(content)
    said = alone("proof", str(file))
    assert said.code == 7
    assert "--out FIL" in said.err


def test_a_file_in_which_nobody_does_anything_proves_nothing(alone: Desk, tmp_path: Path) -> None:
    file = tmp_path / "fil"
    file.write_text("{}")
    said = alone("proof", str(file))
    assert said.code == 1
    assert "ingenting er bevist" in said.err


def test_what_is_no_key_is_a_usage_error(alone: Desk, leaves: Path) -> None:
    for key in ("AAAA", "!" * 44, "A" * 43):
        assert alone("proof", str(leaves), "--key", key).code == 2


SEALED = Path(__file__).parents[1] / "replay" / "histories" / "0.2.0"


def test_a_whole_year_is_proved_from_its_archived_history_alone(alone: Desk) -> None:
    """With nothing but the file and the keys that open it: who may speak with which key stands in it too."""
    shutil.copytree(SEALED / "keys", alone.state / "keys" / "payload")
    said = alone("proof", str(SEALED / "unit_fjell_u1_2027.pb.gz"))
    assert said.code == 0, said.err
    assert re.search(r"[1-9][0-9]+ bevist, 0 ikke bevist", said.line)
