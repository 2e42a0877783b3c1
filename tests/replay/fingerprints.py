"""The commands that a workflow's code gives to Temporal, in order, read from its source.

A running year is replayed from its history: other commands, or the same in another order, break every year
that runs. A test cannot see that without a history that takes the changed path; the source shows it at once.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("fingerprints.json")

Fingerprint = dict[str, dict[str, list[str]]]
"""By class ("" for functions outside of one) and function: the calls, in the order they are made."""

COMMAND = re.compile(
    r"workflow\.(execute|start)_\w+"
    r"|workflow\.(sleep|wait|wait_condition|as_completed|patched|deprecate_patch|continue_as_new|uuid4|random)"
    r"|workflow\.(upsert_\w+|set_\w*handler|get_\w*external_workflow_handle\w*|create_nexus_\w+)"
    r"|asyncio\.(sleep|timeout|timeout_at|wait|wait_for|gather|as_completed|create_task|ensure_future|TaskGroup)"
)
NAMED = re.compile(r"workflow\.((execute|start)_\w+|patched|deprecate_patch|continue_as_new)")
"""Commands that are another one when their first argument is."""

HANDLERS = ("init", "run", "signal", "update", "query")
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match, ast.IfExp)


def of_workflows() -> dict[str, Fingerprint]:
    """The fingerprint of every module in `workflows/` that gives commands."""
    found = {
        f"workflows/{p.name}": fingerprint(p.read_text("utf-8")) for p in (ROOT / "workflows").glob("*.py")
    }
    return {name: calls for name, calls in sorted(found.items()) if calls}


def as_text(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def fingerprint(source: str) -> Fingerprint:
    """What a module's functions call: commands, whatever is awaited, and own functions that do either.

    A call is preceded by the blocks it stands in. Handlers and their kind are told also when they call nothing.
    """
    tree = ast.parse(source)
    names = _imported(tree)
    functions = list(_functions(tree))
    commanding = set[str]()
    while True:
        more = {f.name for _, f in functions if list(_Calls(names, commanding).of(f))}
        if more == commanding:
            break
        commanding = more
    out: Fingerprint = {}
    for owner, function in functions:
        calls = _Calls(names, commanding).of(function)
        kind = _handler(function, names)
        if calls or kind:
            out.setdefault(owner, {})[f"{kind} {function.name}".strip()] = calls
    return out


def _imported(tree: ast.Module) -> dict[str, str]:
    """What the module's names stand for: `temporalio.workflow` is `workflow` however it was imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name if isinstance(node, ast.ClassDef) else "", member


def _handler(function: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, str]) -> str:
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        kind = _dotted(target, names).removeprefix("workflow.")
        if kind in HANDLERS and kind != "query":
            return kind
    return ""


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    text = ast.unparse(node)
    first, dot, rest = text.partition(".")
    return (names.get(first, first) + dot + rest).removeprefix("temporalio.")


class _Calls(ast.NodeVisitor):
    """Collects a function's calls in the order in which Python makes them: arguments before the call."""

    def __init__(self, names: dict[str, str], commanding: set[str]) -> None:
        self._names, self._commanding = names, commanding
        self._blocks: list[str] = []
        self._found: list[str] = []

    def of(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
        for statement in function.body:
            self.visit(statement)
        return self._found

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, BLOCKS):
            self._blocks.append(type(node).__name__.lower().removeprefix("async"))
            super().visit(node)
            self._blocks.pop()
        else:
            super().visit(node)

    def visit_Await(self, node: ast.Await) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value, awaited=True)
        else:
            self.generic_visit(node)
            self._found.append(" ".join([*self._blocks, "await", ast.unparse(node.value)]))

    def visit_Call(self, node: ast.Call) -> None:
        self._call(node, awaited=False)

    def _call(self, node: ast.Call, *, awaited: bool) -> None:
        self.generic_visit(node)
        called = _dotted(node.func, self._names)
        own = called.removeprefix("self.")
        command = COMMAND.fullmatch(called) is not None
        # A cancelled timer is a command too, whatever the name under which it is kept.
        if not (command or awaited or own in self._commanding or called.endswith(".cancel")):
            return
        if NAMED.fullmatch(called) and node.args:
            called += f"({ast.unparse(node.args[0])})"
        self._found.append(" ".join([*self._blocks, *(["await"] if awaited else []), called]))
