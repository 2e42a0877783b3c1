"""The drawing in the README: `python -m tests.portal.drawing` makes it again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from activities.directory.files import read_sources
from activities.directory.importer import build
from activities.language import Language
from portal.pictures.svg import Theme
from portal.pictures.wheel import from_plan
from tests.rules.employers import law, programme
from workflows.rules.plan import YearPlan, plan

ROOT = Path(__file__).parents[2]
DRAWING = ROOT / "docs" / "year-wheel.svg"


def example_year() -> YearPlan:
    """The year 2027 of the example employer with 112 employees."""
    result = build(
        read_sources([ROOT / "examples" / "nordfjord"]), None, (), law=law(), today=date(2027, 1, 1)
    )
    assert result.organisation is not None, result.faults
    return plan(programme(), result.organisation, law(), 2027)


def drawing(language: Language = "nb", theme: Theme = "css") -> str:
    return from_plan(example_year(), programme(), language, theme=theme)


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
