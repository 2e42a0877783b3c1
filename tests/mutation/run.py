"""Changes one thing at a time in the rules of the gate and in the verifier; do the tests notice? `make mutants`.

Each mutant is the module's source with one comparison turned, one clause left out, one constant changed or one
line away; the module is loaded from it in this process, and the tests that bear on it are run until one fails.
Those that no test can tell from the original stand in `equivalent.toml` and `equivalent_verify.toml`, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import importlib
import os
import signal
import sys
import tomllib
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

TARGETS: dict[str, tuple[str, ...]] = {
    "gate": (
        "test_gate",
        "test_gate_evidence",
        "test_gate_clauses",
        "test_answers",
        "test_reopening",
        "test_dissent",
        "test_gate_table",
    ),
    "answers": ("test_answers", "test_gate_clauses", "test_reopening", "test_dissent", "test_gate_table"),
    "dissent": ("test_dissent", "test_reopening", "test_answers", "test_gate_clauses"),
    "keys": ("test_keys", "test_key_clauses"),
    "verify": (
        "test_verifier",
        "test_verifier_lines",
        "test_verifier_checkpoints",
        "test_verifier_statements",
        "test_verifier_acts",
        "test_verifier_signatures",
    ),
}
"""The modules, and the tests of `tests/rules` that bear on each, the quickest first."""

ALONE = {("verify", name): ("test_verifier_signatures",) for name in ("add", "wrong")}
"""The functions that have tests of their own: those bear on them and on nothing else of the module."""

ELSEWHERE = {"verify": ("activities.ledger", "tests/ledger")}
"""The package and the folder of tests of those that are not among the rules."""

LEFT_OUT = (
    "tests/ledger/test_verifier.py::test_it_runs_alone_without_packages_network_or_environment",
    "tests/ledger/test_verifier_lines.py::test_no_flipped_bit_goes_unseen",
    "tests/ledger/test_verifier_lines.py::test_no_damage_makes_it_fall_over_or_goes_unseen",
    "tests/ledger/test_verifier_lines.py::test_no_bytes_make_it_fall_over",
)
"""Tests that run the file as it is in a process of its own, and those that ask chance: what they find today they may
miss tomorrow."""

WANTED = 0.95

PATIENCE = 10
"""Seconds of work for one test; one that takes longer goes round for ever."""

SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add,
}  # fmt: skip
ANOTHER = {"Refusal": "UNKNOWN_SIGNAL", "Outcome": "TREATED", "Kind": "TREAT", "Role": "DPO"}
QUANTIFIERS = {"any": "all", "all": "any", "min": "max", "max": "min"}


Change = Callable[[Any], object]
"""Does something to a node of a copied tree."""


@dataclass(frozen=True)
class Mutant:
    """One changed source; `what` says in a word how, `within` in which function, and `diff` shows it."""

    module: str
    what: str
    within: str
    source: str
    diff: str


# --- what is changed --------------------------------------------------------------------------------


def mutants(module: str) -> list[Mutant]:
    """Every mutant of the module, each source once."""
    original = ast.parse(ROOT.joinpath(*_package(module).split("."), f"{module}.py").read_text("utf-8"))
    plain = ast.unparse(original)
    found: dict[str, Mutant] = {}
    for what, within, source in _changed(original):
        if source != plain and source not in found:
            lines = difflib.unified_diff(plain.splitlines(), source.splitlines(), lineterm="", n=0)
            diff = "\n".join(line for line in lines if line[:2] not in ("--", "++", "@@"))
            found[source] = Mutant(module, what, within, source, diff)
    return list(found.values())


def _package(module: str) -> str:
    return ELSEWHERE.get(module, ("workflows.rules", "tests/rules"))[0]


def _changed(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """What was changed, within which function or class, and the whole source with it."""
    skipped = _not_rules(tree)
    for part in tree.body:
        for node in [node for node in ast.walk(part) if id(node) not in skipped]:
            for what, change in _changes(node):
                kind, fields = node.__class__, _fields(node)
                change(node)
                source = ast.unparse(tree)
                node.__class__, node.__dict__ = kind, fields
                yield what, getattr(part, "name", ""), source


def _fields(node: ast.AST) -> dict[str, Any]:
    return {name: [*value] if isinstance(value, list) else value for name, value in vars(node).items()}


def _not_rules(tree: ast.Module) -> set[int]:
    """Annotations, type arguments, docstrings and imports, whose change changes no rule; the fields of classes, which
    are worked out when the class is made; and what is done only where the module is the program."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts += [node.returns, *(a.annotation for a in (*node.args.args, *node.args.kwonlyargs))]
            parts += node.decorator_list
        if isinstance(node, ast.AnnAssign):
            parts.append(node.annotation)
        if isinstance(node, ast.ClassDef):
            parts += [line for line in node.body if isinstance(line, ast.AnnAssign)]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.append(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            parts.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            parts.append(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
            parts.append(node.func)
        found |= {id(inner) for part in parts if part is not None for inner in ast.walk(part)}
    return found


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=ops):
            for n, op in enumerate(ops):
                for table in (SWAPPED, TURNED):
                    if type(op) in table:
                        yield "comparison", _putting("ops", n, table[type(op)]())
        case ast.BoolOp(op=op, values=values):
            yield "and/or", _setting("op", ast.Or() if isinstance(op, ast.And) else ast.And())
            for n in range(len(values)):
                yield "clause left out", _leaving_out("values", n)
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            yield "operator", _setting("op", OPERATORS[type(op)]())
            yield "left side alone", _only("left")
            yield "right side alone", _only("right")
        case ast.UnaryOp(op=ast.Not()):
            yield "not", _only("operand")
        case ast.Constant(value=bool() as value):
            yield "constant", _setting("value", not value)
        case ast.Constant(value=int() as value):
            yield "constant", _setting("value", value + 1)
            yield "constant", _setting("value", value - 1)
        case ast.Set(elts=elts) | ast.Tuple(elts=elts, ctx=ast.Load()) if len(elts) > 1:
            for n in range(len(elts)):
                yield "element left out", _leaving_out("elts", n)
        case ast.Dict(keys=keys):
            for n in range(len(keys)):
                yield "entry left out", _leaving_out("keys", n, "values")
        case ast.If() | ast.IfExp():
            yield "never", _setting("test", ast.Constant(False))
            yield "always", _setting("test", ast.Constant(True))
        case ast.comprehension(ifs=ifs):
            for n in range(len(ifs)):
                yield "condition left out", _leaving_out("ifs", n)
        case ast.Call(func=ast.Name(id=name)) if name in QUANTIFIERS:
            yield "quantifier", _setting("func", ast.Name(QUANTIFIERS[name], ast.Load()))
        case ast.Return(value=ast.AST()) if not isinstance(node.value, ast.Constant):
            yield "answers nothing", _setting("value", ast.Constant(None))
        case ast.Attribute(value=ast.Name(id=name)) if name in ANOTHER:
            yield "another word", _setting("attr", ANOTHER[name])
        case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Call()):
            yield "line left out", _setting("value", ast.Constant(None))
        case ast.keyword() if not isinstance(node.value, ast.Constant):
            yield "says nothing", _setting("value", ast.Constant(None))


def _setting(name: str, value: object) -> Change:
    return lambda node: setattr(node, name, value)


def _putting(name: str, n: int, value: object) -> Change:
    return lambda node: getattr(node, name).__setitem__(n, value)


def _leaving_out(name: str, n: int, *beside: str) -> Change:
    def change(node: Any) -> None:
        for part in (name, *beside):
            getattr(node, part).pop(n)
        if isinstance(node, ast.BoolOp) and len(node.values) == 1:
            _become(node, node.values[0])

    return change


def _only(part: str) -> Change:
    return lambda node: _become(node, getattr(node, part))


def _become(node: ast.AST, other: ast.AST) -> None:
    """Turn the node, where it hangs, into the other one."""
    node.__class__ = other.__class__
    for name in list(node.__dict__):
        delattr(node, name)
    node.__dict__.update(other.__dict__)


# --- whether the tests notice -----------------------------------------------------------------------


def _put_in(mutant: Mutant) -> None:
    """The mutant's code into the functions of the module that everybody has imported already."""
    package = _package(mutant.module)
    module = importlib.import_module(f"{package}.{mutant.module}")
    fresh = types.ModuleType(module.__name__)
    fresh.__dict__.update({"__file__": module.__file__, "__package__": package})
    exec(compile(mutant.source, f"<mutant of {mutant.module}>", "exec"), fresh.__dict__)  # noqa: S102 (our own source)
    for name, new in fresh.__dict__.items():
        old = module.__dict__.get(name)
        if isinstance(new, types.FunctionType | type) and new.__module__ != module.__name__:
            continue
        if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
            _same_function(old, new)
        elif isinstance(old, type) and isinstance(new, type):
            for part, value in vars(new).items():
                _same_method(vars(old).get(part), value)
        elif not name.startswith("__") and not isinstance(new, type):
            module.__dict__[name] = new


def _same_method(old: object, new: object) -> None:
    if isinstance(old, property) and isinstance(new, property):
        _same_method(old.fget, new.fget)
    elif isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        _same_function(old, new)


def _same_function(old: types.FunctionType, new: types.FunctionType) -> None:
    if old.__code__.co_freevars == new.__code__.co_freevars:
        old.__code__, old.__defaults__, old.__kwdefaults__ = (
            new.__code__,
            new.__defaults__,
            new.__kwdefaults__,
        )


def _indented(diff: str) -> str:
    return "\n".join(f"    {line}" for line in diff.splitlines())


class Trial:
    """Pytest's loop over the collected tests, gone through once for each mutant in a process of its own."""

    def __init__(self, candidates: Sequence[Mutant]) -> None:
        self.candidates = candidates
        self.killed = 0

    def pytest_collection(self, session: pytest.Session) -> None:
        """The same examples for each mutant, and no search for the smallest."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", deadline=None, derandomize=True, database=None, phases=phases)
        settings.load_profile("mutants")
        del session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        order = list(session.items)
        # What is there already is not looked through again by each child.
        gc.collect()
        gc.freeze()
        if (broken := _first_failure(order, None)) is not None:
            raise pytest.UsageError(f"{broken.nodeid} fails without any change: mend that first.")
        for number, mutant in enumerate(self.candidates, 1):
            killer = _first_failure(_bearing_on(mutant, order), mutant)
            if killer is None:
                print(f"\r{mutant.module}: survived ({mutant.what}):\n{_indented(mutant.diff)}")
            else:
                self.killed += 1
                # What has found one finds the next one too, more often than not.
                order.remove(killer)
                order.insert(0, killer)
            print(
                f"\r{mutant.module}: {number} of {len(self.candidates)}, {self.killed} killed",
                end="",
                flush=True,
            )
        print()
        return True


def _bearing_on(mutant: Mutant, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of the mutant's function; of what is in no function, all."""
    own = ALONE.get((mutant.module, mutant.within), ())
    others = {name for (module, _), names in ALONE.items() if module == mutant.module for name in names}
    if not mutant.within:
        return list(items)
    return [item for item in items if (item.path.stem in own if own else item.path.stem not in others)]


def _first_failure(items: Sequence[pytest.Item], mutant: Mutant | None) -> pytest.Item | None:
    """The first test that fails; one that never ends counts for the first of them."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with Path(os.devnull).open("w") as nowhere:
            sys.stdout = sys.stderr = nowhere
            os.write(writer, _try(items, mutant).to_bytes(4, "big", signed=True))
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 4)
    os.close(reader)
    os.waitpid(child, 0)
    found = int.from_bytes(answer, "big", signed=True) if answer else 0
    return None if found < 0 else items[found]


def _try(items: Sequence[pytest.Item], mutant: Mutant | None) -> int:
    if mutant is not None:
        try:
            _put_in(mutant)
        except Exception:
            return 0
    for number, item in enumerate(items):
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)  # whose signal ends this process
        reports = runtestprotocol(item, log=False, nextitem=None)
        if any(report.failed for report in reports):
            return number
    return -1


# --- the whole of it --------------------------------------------------------------------------------


def equivalents() -> dict[tuple[str, str], str]:
    """The mutants that are no different, by module and diff, with the reason."""
    lists = (tomllib.loads(file.read_text("utf-8"))["mutant"] for file in HERE.glob("equivalent*.toml"))
    return {(m["module"], m["diff"].strip()): m["reason"] for listed in lists for m in listed}


def run(module: str, only: int | None) -> tuple[int, int]:
    """How many mutants of the module were killed, of how many that are not equivalent."""
    same = equivalents()
    every = mutants(module)
    candidates = [m for m in every if (m.module, m.diff.strip()) not in same][:only]
    trial = Trial(candidates)
    _, folder = ELSEWHERE.get(module, ("workflows.rules", "tests/rules"))
    tests = [str(ROOT / folder / f"{name}.py") for name in TARGETS[module]]
    quiet = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--tb=native"]
    quiet += [f"--deselect={name}" for name in LEFT_OUT]
    code = pytest.main([*tests, *quiet], plugins=[trial])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) or not trial.killed:
        raise SystemExit(
            f"the tests of {module} did not run ({code!r}): run them by themselves and mend them."
        )
    listed = len(every) - len(candidates) if only is None else 0
    print(f"{module}: {trial.killed} of {len(candidates)} killed; {listed} more are listed as equivalent")
    return trial.killed, len(candidates)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", choices=[*TARGETS, []], help="all of them unless named")
    parser.add_argument("--only", type=int, help="the first so many mutants of each")
    asked = parser.parse_args()
    os.chdir(ROOT)
    counts = {module: run(module, asked.only) for module in asked.modules or TARGETS}
    print()
    for module, (killed, tried) in counts.items():
        print(
            f"{module}: {killed} of {tried} mutants killed: {killed / tried:.1%}, and {WANTED:.0%} are asked for"
        )
    return 0 if all(killed >= WANTED * tried for killed, tried in counts.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
