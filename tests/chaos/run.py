"""Kills everything that runs, again and again, while people decide, and counts afterwards.

    python tests/chaos/run.py [--on sqlite|postgresql] [--units N] [--seed N] [--keep FOLDER]

Without --on: 200 units on SQLite and then 100 on PostgreSQL. Ends with status 1 when anything was lost or
doubled. docs/chaos.md says how to read it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from tests.chaos.audit import Report
from tests.chaos.siege import Plan, Siege
from worker.logs import configure

Kind = Literal["sqlite", "postgresql"]
UNITS: dict[Kind, int] = {"sqlite": 200, "postgresql": 100}


def plan(kind: Kind, units: int, seed: int) -> Plan:
    """So many kills that everything dies many times, and still comes to something between."""
    return Plan(
        seed=seed,
        units=units,
        deciders=3,
        kills={
            "worker": units // 2,
            "server": max(2, units // 8),
            "outbox": units // 4,
            "database": max(2, units // 12) if kind == "postgresql" else 0,
        },
        chance=0.02,
        patience=300 + 5 * units,
        quiet=240,
    )


def run(kind: Kind, units: int, seed: int, folder: Path, out: Console) -> Report:
    """One siege, and its table."""
    out.print(f"{kind}: {units} units, seed {seed}, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    siege = Siege(plan(kind, units, seed), folder, kind, lambda line: out.print(f"  {line}"))
    report = asyncio.run(siege.run())
    table = Table("figure", "value", title=f"{kind}, seed {seed}", title_justify="left")
    table.columns[1].justify = "right"
    for name, value in report.figures.items():
        table.add_row(name, str(value))
    out.print(table)
    for fault in report.faults:
        out.print(f"FAULT {fault}", style="red", markup=False, soft_wrap=True)
    out.print("nothing was lost or doubled" if not report.faults else f"{len(report.faults)} faults")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--on", choices=list(UNITS), help="only on this database")
    parser.add_argument("--units", type=int, metavar="N", help="so many units")
    parser.add_argument("--seed", type=int, metavar="N", help="the same kills at the same progress as before")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave everything in this empty folder")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    configure(logging.ERROR, json=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    out = Console(width=None if sys.stdout.isatty() else 120)
    faults = 0
    for kind, units in UNITS.items():
        if options.on in (None, kind):
            with tempfile.TemporaryDirectory(prefix="forsvarlig-chaos-") as passing:
                folder = Path(passing) if options.keep is None else options.keep / kind
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o755)  # PostgreSQL runs as somebody else below it
                faults += len(run(kind, options.units or units, seed, folder, out).faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
