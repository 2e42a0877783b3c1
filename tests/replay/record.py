"""Records what later versions must be able to replay, and what commands the workflows give now.

python tests/replay/record.py                  the histories of this version, once
python tests/replay/record.py --fingerprints   the baseline of test_fingerprints.py
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from google.protobuf.message import Message
from temporalio.api.history.v1 import History

from activities.history_files import SUFFIX, pack, read, workflow_of
from tests.chaos.fjell import CAST, YEAR, settings
from tests.replay.fingerprints import BASELINE, as_text, of_workflows
from tests.rules.employers import law, programme
from worker.staging import rehearse
from worker.story import Story

HISTORIES = Path(__file__).with_name("histories")
KEYS = "keys"
"""Beside the histories of a version, the keys that seal their payloads; version 0.1.0 had none."""


async def record(target: Path) -> None:
    """A whole year of an employer with 17 people who do as they are asked: two histories."""
    with tempfile.TemporaryDirectory() as folder:
        installation = await rehearse(settings(Path(folder)), CAST, programme(), law(), YEAR, Story())
        await installation.database.close()
        # The keys seal this made-up year and nothing else; a run that was sealed replays with them only.
        shutil.copytree(installation.settings.payload_keys, target / KEYS)
        for history in installation.settings.histories.rglob(f"*{SUFFIX}"):
            content = History(events=read(history))
            _forget_the_machine(content)
            name = workflow_of(content.events).replace("/", "_")
            (target / f"{name}{SUFFIX}").write_bytes(pack(content.events))


def _forget_the_machine(message: Message) -> None:
    """Workers and clients sign with their process and host, which is nobody's business."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING and not field.is_repeated and re.match(r"\d+@", value):
            setattr(message, field.name, "recorder")
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for inner in value if field.is_repeated else [value]:
                _forget_the_machine(inner)


def main(arguments: list[str]) -> None:
    target = HISTORIES / version("forsvarlig")
    if arguments == ["--fingerprints"]:
        BASELINE.write_text(as_text(of_workflows()), "utf-8")
    elif arguments:
        sys.exit(__doc__)
    elif target.exists():
        sys.exit(
            f"{target} is there already, and what a release wrote is never recorded anew. "
            "Raise the version, or remove the folder if that version was never released."
        )
    else:
        asyncio.run(record(target))


if __name__ == "__main__":
    main(sys.argv[1:])
