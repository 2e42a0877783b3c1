"""An edit that changes the workflows' commands cannot land unnoticed."""

from __future__ import annotations

import json
from difflib import unified_diff
from textwrap import dedent

import pytest

from tests.replay.fingerprints import BASELINE, Fingerprint, as_text, fingerprint, of_workflows

REMEDY = """
The workflows give other commands than the baseline says. Years that run now would fail in replay.
  1. Keep the old commands for them: put the new ones behind workflow.patched("<name>").
  2. Run tests/replay/test_histories.py: every recorded year must still replay.
  3. Accept the new baseline: python tests/replay/record.py --fingerprints
"""


def test_the_workflows_give_the_commands_of_the_committed_baseline() -> None:
    before, now = BASELINE.read_text("utf-8"), as_text(of_workflows())
    changes = "\n".join(unified_diff(before.splitlines(), now.splitlines(), "baseline", "now", lineterm=""))
    assert json.loads(before) == of_workflows(), f"{REMEDY}\n{changes}"


def test_every_workflow_is_in_the_baseline() -> None:
    classes = {name for file in json.loads(BASELINE.read_text("utf-8")).values() for name in file}
    assert classes >= {"Cycle", "EmployerYear", "UnitYear", "Opener"}


def of(source: str) -> Fingerprint:
    return fingerprint("import asyncio\nfrom temporalio import workflow\n" + dedent(source))


def body(source: str) -> list[str]:
    """The calls of a function with these statements."""
    lines = dedent(source).strip().splitlines()
    return of("async def f(self):\n" + "\n".join(f"    {line}" for line in lines)).get("", {}).get("f", [])


def test_commands_are_told_in_the_order_in_which_they_are_given() -> None:
    first = body("await workflow.sleep(1)\nawait workflow.execute_activity(pay, 7)")
    second = body("await workflow.execute_activity(pay, 7)\nawait workflow.sleep(1)")
    assert first == ["await workflow.sleep", "await workflow.execute_activity(pay)"]
    assert second == first[::-1]


def test_an_argument_is_called_before_what_it_is_given_to() -> None:
    assert body("asyncio.create_task(workflow.sleep(1))") == ["workflow.sleep", "asyncio.create_task"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("await workflow.execute_activity(pay)", "await workflow.execute_activity(post)"),
        ("await workflow.execute_activity(pay)", "await workflow.execute_local_activity(pay)"),
        ("await workflow.execute_activity(pay)", "workflow.start_activity(pay)"),
        ("await workflow.sleep(1)", "if late:\n    await workflow.sleep(1)"),
        ("workflow.patched('a')", "workflow.patched('b')"),
        ("workflow.patched('a')", "workflow.deprecate_patch('a')"),
        ("await workflow.wait_condition(ready)", "pass"),
        ("await self.other.run()", "await self.other.go()"),
        ("timer.cancel()", "pass"),
        ("await asyncio.wait_for(task, 1)", "await task"),
        ("workflow.upsert_search_attributes([])", "pass"),
        ("workflow.set_dynamic_signal_handler(f)", "pass"),
        ("workflow.continue_as_new(input)", "workflow.continue_as_new(other)"),
    ],
)
def test_a_change_that_breaks_replay_changes_the_fingerprint(before: str, after: str) -> None:
    assert body(before) != body(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("await workflow.sleep(1)", "await workflow.sleep(60 * 60)"),
        ("await workflow.sleep(1)", "log('a word')\nawait workflow.sleep(1)"),
        (
            "await workflow.execute_activity(pay, 7)",
            "await workflow.execute_activity(pay, 8, summary='wages')",
        ),
        ("workflow.now()", "workflow.info()"),
    ],
)
def test_a_change_that_gives_the_same_commands_leaves_the_fingerprint(before: str, after: str) -> None:
    assert body(before) == body(after)


def test_a_command_is_known_under_any_name_it_was_imported_by() -> None:
    one = fingerprint("from temporalio.workflow import sleep as nap\nasync def f(): await nap(1)")
    two = fingerprint("import temporalio.workflow as w\nasync def f(): await w.sleep(1)")
    three = fingerprint("import temporalio.workflow\nasync def f(): await temporalio.workflow.sleep(1)")
    assert one == two == three == {"": {"f": ["await workflow.sleep"]}}


def test_the_order_of_own_functions_that_give_commands_is_told() -> None:
    source = """
    class Year:
        def run(self):
            self._second()
            self._neither()
            self._first()
        def _first(self): workflow.start_activity(pay)
        def _second(self): self._first()
        def _neither(self): return 7
    """
    assert of(source) == {
        "Year": {
            "run": ["self._second", "self._first"],
            "_first": ["workflow.start_activity(pay)"],
            "_second": ["self._first"],
        }
    }


def test_handlers_are_told_by_kind_and_queries_are_not_since_they_give_no_command() -> None:
    source = """
    @workflow.defn
    class Year:
        @workflow.run
        async def run(self): pass
        @workflow.signal(dynamic=True)
        def anything(self, name, args): pass
        @workflow.update
        async def sign(self): await workflow.sleep(1)
        @workflow.query
        def state(self): return 1
    """
    assert of(source) == {
        "Year": {"run run": [], "signal anything": [], "update sign": ["await workflow.sleep"]}
    }
