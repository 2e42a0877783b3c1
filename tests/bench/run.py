"""Measures speed and size of the product on this machine, each figure beside a floor from the same run.

    python tests/bench/run.py [--quick] [--rounds N] [--json FILE] [NAME ...]

Compare within a run, never across days: docs/performance.md says what each figure means.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from tests.bench import (
    appends,
    doors,
    gates,
    history,
    memory,
    pure,
    replaying,
    starting,
    verifying,
    virtual_years,
)
from tests.bench.measuring import QUICK, WHOLE, Figure, Size, load
from worker.engine_program import engine_version, temporal_binary
from worker.logs import configure

GROUPS: Mapping[str, Callable[[Size], AsyncIterator[Figure]]] = {
    "rules": pure.measure,
    "doors": doors.measure,
    "appends": appends.measure,
    "gates": gates.measure,
    "year": virtual_years.measure,
    "start": starting.measure,
    "memory": memory.measure,
    "replay": replaying.measure,
    "verify": verifying.measure,
    "history": history.measure,
}


async def run(names: list[str], size: Size, out: Console) -> dict[str, object]:
    """Measure the groups one after another; the answer is what `--json` writes."""
    began = time.monotonic()
    machine = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "engine": await engine_version(temporal_binary()),
    }
    out.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    groups: list[dict[str, object]] = []
    for name in names:
        before, start = load(), time.monotonic()
        figures = [f async for f in GROUPS[name](size)]
        took = time.monotonic() - start
        out.print(_table(name, figures, before, took))
        groups.append(
            {
                "name": name, "load_before": before, "load_after": load(), "seconds": took,
                "figures": [{**asdict(f), "ratio": f.ratio, "reached": f.reached} for f in figures],
            }
        )  # fmt: skip
    seconds = time.monotonic() - began
    out.print(
        f"{seconds:.0f} s in all. Load is that of the last minute; over {os.cpu_count()}, others ran too."
    )
    return {**machine, "seconds": seconds, "groups": groups}


def _table(name: str, figures: list[Figure], before: float, took: float) -> Table:
    table = Table(
        "figure", "value", "range", "n", "floor", "times", "floor is", "goal", title=f"{name}: {took:.0f} s",
        caption=f"load {before:.1f} before, {load():.1f} after", title_justify="left", caption_justify="left",
    )  # fmt: skip
    for number in ("value", "range", "n", "floor", "times"):
        next(c for c in table.columns if c.header == number).justify = "right"
    for f in figures:
        goal = "" if f.goal is None else f"≤ {f.goal:g} {'reached' if f.reached else 'MISSED'}"
        spread = (
            ""
            if f.lowest is None or f.highest is None or f.samples == 1
            else f"{_short(f.lowest)}–{_short(f.highest)}"
        )
        table.add_row(
            f.name + (f" ({f.note})" if f.note else ""), f"{_short(f.value)} {f.unit}".rstrip(), spread, str(f.samples),
            "" if f.floor is None else _short(f.floor), "" if f.ratio is None else f"{f.ratio:.1f}", f.floor_is, goal,
        )  # fmt: skip
    return table


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute on an idle machine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE as well")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="measure everything N times, also what takes long"
    )
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in GROUPS]:
        parser.error(f"there is no figure {unknown[0]!r}; choose among {', '.join(GROUPS)}")
    configure(logging.ERROR, json=False)
    out = Console(width=None if sys.stdout.isatty() else 150)
    size = QUICK if options.quick else WHOLE
    if options.rounds is not None:
        size = replace(size, rounds=max(1, options.rounds), long_rounds=max(1, options.rounds))
    found = asyncio.run(run(options.names or list(GROUPS), size, out))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
