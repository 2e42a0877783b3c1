"""What operators read: one line for each thing that happened, with ids and without locals."""

import io
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from worker import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_structlog_and_the_standard_library_write_the_same_json(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    structlog.get_logger("forsvarlig.one").info("unit opened", unit="u-1")
    logging.getLogger("forsvarlig.two").info("unit opened", extra={"unit": "u-1"})
    one, two = lines(stream)
    assert one.pop("logger") == "forsvarlig.one"
    assert two.pop("logger") == "forsvarlig.two"
    assert one.pop("timestamp") <= two.pop("timestamp")
    assert one == two == {"event": "unit opened", "unit": "u-1", "level": "info"}


def test_norwegian_letters_stay_readable(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    structlog.get_logger().info("årshjul")
    assert "årshjul" in stream.getvalue()


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    logs.configure(logging.WARNING, stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("x").info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_does_not_show_local_variables(stream: io.StringIO, as_json: bool) -> None:
    logs.configure(json=as_json, stream=stream)
    comment = "Kari " + "Nordmann"
    try:
        raise ValueError(f"comment of {len(comment)} characters is too long")
    except ValueError:
        structlog.get_logger("a").exception("refused")
        logging.getLogger("b").exception("refused")
    assert stream.getvalue().count("ValueError: comment of 13 characters is too long") == 2
    assert "Kari Nordmann" not in stream.getvalue()


def test_people_get_plain_lines_without_colours_in_a_file(stream: io.StringIO) -> None:
    logs.configure(json=False, stream=stream)
    structlog.get_logger().info("unit opened", unit="u-1")
    assert "unit opened" in stream.getvalue()
    assert "unit=u-1" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@activity.defn
async def remind() -> None:
    activity.logger.info("reminded")


@workflow.defn
class Reminding:
    @workflow.run
    async def run(self) -> None:
        structlog.get_logger().info("started")
        logging.getLogger("plain").info("plain started")
        for _ in range(3):
            await workflow.execute_activity(remind, start_to_close_timeout=timedelta(seconds=10))
            workflow.logger.info("round done")
        structlog.get_logger().info("ended")


async def test_a_replay_repeats_no_line_and_every_line_says_whose_it_is(
    virtual: WorkflowEnvironment, stream: io.StringIO
) -> None:
    logs.configure(stream=stream)
    queue = f"logs-{uuid.uuid4()}"
    async with Worker(
        virtual.client,
        task_queue=queue,
        workflows=[Reminding],
        activities=[remind],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,  # every workflow task replays the whole history
    ):
        await virtual.client.execute_workflow(Reminding.run, id=queue, task_queue=queue)
    told = [line for line in lines(stream) if line.get("workflow_id") == queue]
    assert sorted(line["event"] for line in told) == sorted(
        ["started", "plain started", "ended", *["reminded", "round done"] * 3]
    )
    assert {line["attempt"] for line in told if line["event"] == "reminded"} == {1}
    assert all({"run_id", "workflow_time"} <= line.keys() for line in told if line["event"] != "reminded")
    assert not any("temporal_workflow" in line or "temporal_activity" in line for line in told)
