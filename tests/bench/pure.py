"""Figure 6: the rules without engine or store, and the import of a large employer."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

from activities.directory.files import read_sources
from activities.directory.importer import build
from tests.bench.employers import YEAR, many
from tests.bench.measuring import Figure, Size, figure, timed
from tests.rules.employers import law, programme
from workflows.rules.cycle import advance
from workflows.rules.events import CycleStarted, Fact
from workflows.rules.organisation import Organisation
from workflows.rules.plan import PlannedStep, YearPlan, plan
from workflows.rules.situation import Situation
from workflows.rules.standing import fold
from workflows.rules.terms import CycleRef

IN_MAY = datetime(YEAR, 5, 12, 6, tzinfo=UTC)
HASH = "0" * 64


async def measure(size: Size) -> AsyncIterator[Figure]:
    """Ten people a unit; a plan's floor is to make its steps again, an advance's to make its facts again."""
    for units in size.planned:
        organisation = many(units)
        planned = timed(size.rounds, lambda o=organisation: plan(programme(), o, law(), YEAR))  # type: ignore[misc]
        year_plan = plan(programme(), organisation, law(), YEAR)
        rows = [s.model_dump() for s in year_plan.steps]
        again = timed(size.rounds, lambda r=rows: [PlannedStep.model_validate(x) for x in r])  # type: ignore[misc]
        yield figure(
            "rules", f"plan, {units} units", "ms", _ms(planned), _ms(again), f"{len(rows)} steps made again"
        )
        for unit in (None, "u1"):
            yield _advance(organisation, year_plan, unit, units)
    yield _import(size)


def _advance(organisation: Organisation, year_plan: YearPlan, unit: str | None, units: int) -> Figure:
    ref = CycleRef(employer=organisation.employer, year=YEAR, unit=unit)
    situation = Situation(
        cycle=ref, programme=programme(), law=law(), organisation=organisation, organisation_hash=HASH,
        plan=year_plan.only(ref),
    )  # fmt: skip
    profile = organisation.duties(law(), date(YEAR, 1, 4)).profile
    started = Fact(
        id="start", employer=ref.employer, cycle=ref.id, concerns=IN_MAY, recorded=IN_MAY,
        body=CycleStarted(programme=HASH, law=HASH, organisation=HASH, profile=profile),
    )  # fmt: skip
    standing = fold([started])
    facts = [f.model_dump() for f in advance(situation, standing, IN_MAY)]
    ours = timed(15, lambda: advance(situation, standing, IN_MAY))
    again = timed(15, lambda: [Fact.model_validate(f) for f in facts])
    whose = "the employer's year" if unit is None else "a unit's year"
    return figure(
        "rules",
        f"advance of {whose}, {units} units",
        "ms",
        _ms(ours),
        _ms(again),
        f"{len(facts)} facts made again",
    )


def _import(size: Size) -> Figure:
    with tempfile.TemporaryDirectory(prefix="forsvarlig-bench-") as name:
        folder = Path(name)
        _write(folder, size.people)

        def read() -> None:
            result = build(read_sources([folder]), None, (), law=law(), today=date(2026, 12, 1))
            if result.organisation is None:
                raise RuntimeError(f"{result.faults[:3]}")

        def bare() -> None:
            for file in folder.glob("*.csv"):
                with file.open(encoding="utf-8", newline="") as text:
                    list(csv.DictReader(text, delimiter=";"))

        ours, floors = timed(size.rounds, read), timed(size.rounds, bare)
    return figure("rules", f"import of {size.people:,} people", "s", ours, floors, "the csv module alone")


def _write(folder: Path, people: int) -> None:
    """Forty people a unit, each unit with a manager and a safety representative."""
    units = people // 40
    (folder / "virksomhet.toml").write_text('id = "stor"\norgnr = "923609016"\nnavn = "Stor AS"\n', "utf-8")
    tables = {
        "enheter": [
            ["id", "navn", "overordnet", "verneområde", "fra", "til"],
            ["stor", "Stor", "", "", "2001-01-01", ""],
        ],
        "personer": [
            [
                "ansattnr",
                "navn",
                "e-post",
                "enhet",
                "stillingsprosent",
                "ansettelsestype",
                "fra",
                "til",
                "språk",
            ]
        ],
        "roller": [
            ["ansattnr", "rolle", "enhet", "verneområde", "fra", "til"],
            ["1", "daglig leder", "", "", "2020-01-01", ""],
        ],
    }
    for n in range(units):
        tables["enheter"].append([f"e{n}", f"Enhet {n}", "stor", f"Område {n}", "2001-01-01", ""])
        tables["roller"].append([str(2 + n), "leder", f"e{n}", "", "2020-01-01", ""])
        tables["roller"].append([str(2 + units + n), "verneombud", "", f"Område {n}", "2020-01-01", ""])
    for n in range(1, people + 1):
        tables["personer"].append(
            [str(n), f"Person {n}", f"p{n}@stor.example", f"e{(n - 2) % units}", "100", "ansatt",
             date(2015 + n % 12, 1 + n % 11, 1 + n % 28).isoformat(), "", "nb"]
        )  # fmt: skip
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)


def _ms(seconds: list[float]) -> list[float]:
    return [s * 1000 for s in seconds]
