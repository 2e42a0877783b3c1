"""An import in mid-year: what stands open with somebody who has left goes to whom the rules name next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from tests.directory.made_files import LAW, Rows, bakery, import_from, imported, write_csv
from workflows.rules.calendar import oslo_day
from workflows.rules.cycle import advance, next_moment
from workflows.rules.events import Asked, CycleStarted, Fact, ResponsibilityMoved
from workflows.rules.organisation import Absence, Delegation, Organisation
from workflows.rules.plan import plan
from workflows.rules.programme_file import parse_programme
from workflows.rules.situation import Situation
from workflows.rules.standing import Standing, fold
from workflows.rules.terms import CycleRef
from workflows.standard import programme_text

PROGRAMME = parse_programme(programme_text())
SHOP = CycleRef(employer="bakeriet-pa-asen", year=2026, unit="utsalg")
IN_MAY, IMPORT, IN_JUNE = (datetime(2026, *day, 12, tzinfo=UTC) for day in ((5, 11), (5, 12), (6, 1)))


def situation(organisation: Organisation, hash: str) -> Situation:
    ref = SHOP.model_copy(update={"employer": organisation.employer})
    return Situation(
        cycle=ref, programme=PROGRAMME, law=LAW, organisation=organisation, organisation_hash=hash * 64,
        plan=plan(PROGRAMME, organisation, LAW, 2026).only(ref),
    )  # fmt: skip


def run(where: Situation, standing: Standing, now: datetime, end: datetime) -> tuple[list[Fact], Standing]:
    """What the calendar brings about from `now` to `end`, when nobody does anything."""
    facts: list[Fact] = []
    upcoming: datetime | None = now
    while upcoming is not None and upcoming <= end:
        due = advance(where, standing, upcoming)
        facts, standing = [*facts, *due], fold(due, standing)
        upcoming = next_moment(where, standing, upcoming)
    return facts, standing


def year_with_import(
    tmp_path: Path,
    change: Callable[[dict[str, Rows]], object],
    *,
    absences: tuple[Absence, ...] = (),
    delegations: tuple[Delegation, ...] = (),
) -> tuple[list[Fact], list[Fact]]:
    """The facts of the shop's year before and after an import of changed tables on 12 May."""
    tables = bakery()
    del tables["fravær"]
    first = import_from(write_csv(tmp_path / "first", tables))
    organisation = imported(first).model_copy(update={"absences": absences, "delegations": delegations})
    where = situation(organisation, "a")
    begin = datetime(2026, 1, 1, 6, tzinfo=UTC)
    started = Fact(
        id="started", employer=organisation.employer, cycle=where.cycle.id, concerns=begin, recorded=begin,
        body=CycleStarted(
            programme="f" * 64, law="f" * 64, organisation="a" * 64,
            profile=organisation.duties(LAW, oslo_day(begin)).profile,
        ),
    )  # fmt: skip
    before, standing = run(where, fold([started]), begin, IN_MAY)
    change(tables)
    files = write_csv(tmp_path / "second", tables)
    second = import_from(files, existing=organisation, people=first.people, today=oslo_day(IMPORT))
    after, _ = run(situation(imported(second), "b"), standing, IMPORT, IN_JUNE)
    return before, after


def leaves(number: str) -> Callable[[dict[str, Rows]], object]:
    def change(tables: dict[str, Rows]) -> None:
        for file in ("personer", "roller"):
            tables[file] = [row for row in tables[file] if row[0] != number]

    return change


def open_with(facts: list[Fact], person: str) -> set[str]:
    """The steps in which the person is the one asked last."""
    last: dict[str, tuple[str, ...]] = {}
    for fact in facts:
        if isinstance(fact.body, Asked) and fact.step is not None:
            last[fact.step] = tuple(h.person for h in fact.body.people)
    return {step for step, people in last.items() if people == (person,)}


def moves(facts: list[Fact]) -> dict[str, tuple[date, tuple[str, ...], tuple[str, ...]]]:
    return {
        fact.step or "": (oslo_day(fact.recorded), fact.body.before, fact.body.after)
        for fact in facts
        if isinstance(fact.body, ResponsibilityMoved)
    }


def test_every_gate_of_a_manager_who_left_moves_to_the_manager_above(tmp_path: Path) -> None:
    before, after = year_with_import(tmp_path, leaves("103"))
    stood_open = open_with(before, "p0003")
    assert len(stood_open) > 2
    assert moves(after) == dict.fromkeys(stood_open, (oslo_day(IMPORT), ("p0003",), ("p0001",)))
    assert not open_with([*before, *after], "p0003")


def test_a_delegate_who_left_gives_back_what_the_manager_had_handed_on(tmp_path: Path) -> None:
    handed = Delegation(id="d-1", person="p0003", to="p0005", since=date(2026, 1, 1), until=date(2026, 12, 1))
    before, after = year_with_import(tmp_path, leaves("105"), delegations=(handed,))
    stood_open = open_with(before, "p0005")
    assert len(stood_open) > 2
    assert moves(after) == dict.fromkeys(stood_open, (oslo_day(IMPORT), ("p0005",), ("p0003",)))


def test_a_substitute_who_left_leaves_the_tasks_to_the_leader(tmp_path: Path) -> None:
    away = Absence(
        person="p0003", substitute="p0005", since=date(2026, 1, 1), until=date(2026, 12, 1), origin="command"
    )
    before, after = year_with_import(tmp_path, leaves("105"), absences=(away,))
    stood_open = open_with(before, "p0005")
    assert len(stood_open) > 2
    assert moves(after) == dict.fromkeys(stood_open, (oslo_day(IMPORT), ("p0005",), ("p0001",)))


def test_an_import_that_moves_nobody_moves_no_gate(tmp_path: Path) -> None:
    _, after = year_with_import(tmp_path, leaves("X1"))
    assert moves(after) == {}
