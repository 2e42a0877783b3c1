"""Other versions of a cycle's workflow, as an edit could leave them: each gives other commands.

They stand in a module of their own because the sandbox imports it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from workflows.cycle import Cycle
from workflows.messages import Advanced, Bell, CycleInput, CycleResult, StartYearRequest
from workflows.ports import CycleActivities


class TimerFirst(Cycle):
    """Waits before it has the due facts recorded."""

    async def _advance(self) -> Advanced:
        await workflow.sleep(timedelta(seconds=1))
        return await super()._advance()


class RecordsTwice(Cycle):
    """Has the due facts recorded once more."""

    async def _advance(self) -> Advanced:
        await super()._advance()
        return await super()._advance()


class TellsSomebody(Cycle):
    """Runs an activity more."""

    async def _advance(self) -> Advanced:
        advanced = await super()._advance()
        await _another_activity()
        return advanced


class TellsSomebodyPatched(Cycle):
    """Runs the same activity more, but not in the years that began without it."""

    async def _advance(self) -> Advanced:
        advanced = await super()._advance()
        if workflow.patched("another-activity"):
            await _another_activity()
        return advanced


class NoAlarm(Cycle):
    """Forgets the calendar and waits for bells only."""

    def _set_alarm(self, moment: datetime | None) -> None:
        pass


class Breaks(Cycle):
    """Stops with an error when it is to set its first alarm."""

    def _set_alarm(self, moment: datetime | None) -> None:
        raise ZeroDivisionError("no alarm today")


class AlarmEachBell(Cycle):
    """Sets its alarm anew after each bell, also when it is set for that moment already."""

    def _set_alarm(self, moment: datetime | None) -> None:
        super()._set_alarm(None)
        super()._set_alarm(moment)


async def _another_activity() -> None:
    await workflow.execute_activity_method(
        CycleActivities.start_year,
        StartYearRequest(employer="fjell", year=2028),
        start_to_close_timeout=timedelta(minutes=1),
    )


@workflow.defn(name="UnitYear")
class UnchangedYear:
    """The product's own, and the base of the others: the sandbox would not let the product's be imported."""

    cycle = Cycle

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        self._cycle = self.cycle(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await self._cycle.run()

    @workflow.signal
    def ring(self, bell: Bell) -> None:
        self._cycle.ring()


@workflow.defn(name="UnitYear")
class TimerFirstYear(UnchangedYear):
    cycle = TimerFirst

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class RecordsTwiceYear(UnchangedYear):
    cycle = RecordsTwice

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class TellsSomebodyYear(UnchangedYear):
    cycle = TellsSomebody

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class TellsSomebodyPatchedYear(UnchangedYear):
    cycle = TellsSomebodyPatched

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class NoAlarmYear(UnchangedYear):
    cycle = NoAlarm

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class AlarmEachBellYear(UnchangedYear):
    cycle = AlarmEachBell

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)


@workflow.defn(name="UnitYear")
class BreaksYear(UnchangedYear):
    cycle = Breaks

    @workflow.init
    def __init__(self, input: CycleInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: CycleInput) -> CycleResult:
        return await super().run(input)
