"""A Temporal server in memory whose workflows live through a year in seconds, for rehearsals and tests."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import TimeSkippingInfo
from temporalio.client import Client, Plugin, WorkflowHandle
from temporalio.testing import TimeSkipper, WorkflowEnvironment

from worker.engine import EmbeddedEngine


class VirtualEnvironment(WorkflowEnvironment):
    """A workflow environment on a server with `VIRTUAL_FLAGS`: each workflow has its own clock.

    Workflows started through `client` skip whatever they only wait for; start one inside
    `with_time_skipping_disabled` to drive it with `fast_forward` instead. The server belongs to the caller.
    """

    def __init__(self, client: Client) -> None:
        self._skipper = TimeSkipper(client)
        super().__init__(self._skipper.client)

    @property
    def supports_time_skipping_v2(self) -> bool:
        """True: the SDK's name for clocks that belong to a workflow."""
        return True

    async def sleep(self, duration: timedelta | float) -> None:
        """Not offered, since there is no common clock; raises `RuntimeError`."""
        raise RuntimeError("each workflow has its own clock: use fast_forward(handle, duration)")

    async def get_current_time(self, handle: WorkflowHandle[Any, Any] | None = None) -> datetime:
        """The time of the workflow behind `handle`; raises `RuntimeError` without one."""
        if handle is None:
            raise RuntimeError("each workflow has its own clock: give get_current_time a handle")
        return await self._skipper.get_current_time(handle)

    async def fast_forward(
        self, handle: WorkflowHandle[Any, Any], duration: timedelta | float | None = None, /
    ) -> bool:
        """Let `duration` (a timedelta, or seconds) pass for one workflow, running every timer in between.

        Returns True when it got there and False if the workflow closed first.
        """
        return await self._skipper.fast_forward(handle, duration)

    @contextlib.contextmanager
    def with_time_skipping_disabled(self) -> Iterator[None]:
        """Workflows started inside keep the real time until they are fast-forwarded."""
        with self._skipper.with_time_skipping_disabled():
            yield

    async def get_time_skipping_info(self, handle: WorkflowHandle[Any, Any]) -> TimeSkippingInfo | None:
        """How far the clock of the workflow behind `handle` is ahead, as the server tells it."""
        return await self._skipper.get_time_skipping_info(handle)


@contextlib.asynccontextmanager
async def virtual_environment(
    binary: Path, *, plugins: Sequence[Plugin] = (), log_file: Path | None = None
) -> AsyncIterator[VirtualEnvironment]:
    """A virtual server in memory on a free port, with a client that has `plugins`, until the context ends.

    Nothing is printed: the server writes to `log_file`, or to a temporary file. Raises `EngineError`.
    """
    with contextlib.ExitStack() as stack:
        if log_file is None:
            log_file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "engine.log"
        async with EmbeddedEngine(binary, database=None, log_file=log_file, virtual=True) as engine:
            yield VirtualEnvironment(await Client.connect(engine.address, plugins=plugins))
