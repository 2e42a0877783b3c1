"""Which Temporal is spoken to, and what its namespace lacks."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.language import speaking
from tests.worker.namespaces import bare_namespace
from worker.connection import (
    SEARCH_ATTRIBUTES,
    NoTemporal,
    connect_config,
    create_search_attributes,
    engine_address,
    lacking_search_attributes,
)
from worker.engine_program import temporal_binary
from worker.settings import SettingsError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("FORSVARLIG_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_temporals_own_address_is_used_untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "hms")
    assert connect_config(tmp_path) == {"target_host": "temporal.example:7233", "namespace": "hms"}


def test_a_profile_of_temporal_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = write(tmp_path / "temporal.toml", '[profile.prod]\naddress = "t:1"\nnamespace = "n"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
    assert connect_config(tmp_path) == {"target_host": "t:1", "namespace": "n"}


def test_a_profile_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = write(tmp_path / "temporal.toml", '[profile.prod]\nnamespace = "n"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    monkeypatch.setenv("TEMPORAL_PROFILE", "prod")
    with speaking("nb"), pytest.raises(SettingsError, match="Temporal-profilen «prod» har ingen adresse"):
        connect_config(tmp_path)


def test_an_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "nope")
    with pytest.raises(SettingsError, match="Profile 'nope' not found"):
        connect_config(tmp_path)


def test_without_a_server_the_remedy_says_how_to_get_one(tmp_path: Path) -> None:
    with speaking("nb"), pytest.raises(NoTemporal) as caught:
        connect_config(tmp_path)
    assert caught.value.remedy == "Start «forsvarlig up», eller sett TEMPORAL_ADDRESS."


def test_the_running_engine_is_found_in_the_state_directory(tmp_path: Path) -> None:
    owner = {
        "pid": os.getpid(),
        "database": "x",
        "server_pid": 1,
        "address": "127.0.0.1:4711",
        "ui_address": None,
    }
    write(tmp_path / "engine.json", json.dumps(owner))
    assert connect_config(tmp_path) == {"target_host": "127.0.0.1:4711"}


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"pid": 4194999, "database": "x", "address": "127.0.0.1:1"}', '{"pid": 1, "database": "x"}'],
)
def test_what_a_killed_engine_left_behind_is_no_engine(tmp_path: Path, content: str) -> None:
    write(tmp_path / "engine.json", content)
    assert engine_address(tmp_path) is None


async def test_a_namespace_of_the_embedded_engine_lacks_nothing(virtual: WorkflowEnvironment) -> None:
    assert await lacking_search_attributes(virtual.client) == []


async def test_what_a_namespace_lacks_is_made_by_the_command_that_is_given(
    virtual: WorkflowEnvironment,
) -> None:
    address = virtual.client.service_client.config.target_host
    client = await Client.connect(address, namespace=await bare_namespace(address))
    lacking = await lacking_search_attributes(client)
    assert lacking == list(SEARCH_ATTRIBUTES)
    program, *arguments = shlex.split(create_search_attributes(client, lacking))
    assert program == "temporal"
    process = await asyncio.create_subprocess_exec(temporal_binary(), *arguments)
    assert await process.wait() == 0
    assert await lacking_search_attributes(client) == []
