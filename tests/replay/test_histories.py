"""Years that began under an older version go on under this one: their recorded histories replay."""

from __future__ import annotations

import gzip
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.replay import variants
from tests.replay.record import HISTORIES, KEYS
from worker.keyring import Keyring
from worker.plugin import forsvarlig_plugin
from workflows.unit_year import UnitYear

RECORDED = sorted(HISTORIES.glob("*/*.pb.gz"))


def history(path: Path) -> WorkflowHistory:
    events = History.FromString(gzip.decompress(path.read_bytes())).events
    return WorkflowHistory(path.name.removesuffix(".pb.gz").replace("_", "/"), list(events))


def replayer(of_a_unit: type = UnitYear) -> Replayer:
    """The product's replayer, with another class for the years of units."""
    plugin = forsvarlig_plugin()
    own = plugin.workflows
    assert isinstance(own, tuple)
    plugin.workflows = lambda _: [of_a_unit if w is UnitYear else w for w in own]
    return Replayer(workflows=[], plugins=[plugin])


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: f"{p.parent.name} {p.name}")
async def test_a_year_of_every_released_version_replays(path: Path, tmp_path: Path) -> None:
    keys = tmp_path / KEYS  # a copy: to seal what it writes, the replay may make keys of its own
    if (path.parent / KEYS).exists():
        shutil.copytree(path.parent / KEYS, keys)
    plugin = forsvarlig_plugin(keyring=Keyring(keys))
    await Replayer(workflows=[], plugins=[plugin]).replay_workflow(history(path))


def test_this_version_has_recorded_a_year_of_an_employer_and_of_a_unit() -> None:
    ours = HISTORIES / version("forsvarlig")
    names = {path.name.partition("_")[0] for path in ours.glob("*.pb.gz")}
    assert names == {"unit", "year"}, f"{ours} lacks histories: run python tests/replay/record.py"


def year_of_a_unit() -> WorkflowHistory:
    return history(next(HISTORIES.glob("0.1.0/unit_*")))


@pytest.mark.parametrize(
    "changed",
    [
        variants.TimerFirstYear,
        variants.RecordsTwiceYear,
        variants.TellsSomebodyYear,
        variants.NoAlarmYear,
        variants.AlarmEachBellYear,
    ],
)
async def test_a_year_does_not_replay_with_other_commands_or_in_another_order(changed: type) -> None:
    with pytest.raises(NondeterminismError):
        await replayer(changed).replay_workflow(year_of_a_unit())


@pytest.mark.parametrize("harmless", [variants.UnchangedYear, variants.TellsSomebodyPatchedYear])
async def test_a_year_replays_when_the_new_commands_stand_behind_a_patch(harmless: type) -> None:
    await replayer(harmless).replay_workflow(year_of_a_unit())
