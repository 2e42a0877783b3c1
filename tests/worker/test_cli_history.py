"""`forsvarlig history`: what was done, when and by whom."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.activities.sawmill import EMPLOYER, Sawmill
from tests.worker.desk import Desk, copied, stage


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("mill"))


@pytest.fixture
def desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The minutes are filed, the safety representative disagrees, and one attempt was refused."""
    desk = Desk(copied(template, tmp_path / "state"), monkeypatch)
    desk.file()
    desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "godkjenn")
    desk(
        "decide",
        "sagbruk",
        "Y10",
        "--as",
        "per",
        "--outcome",
        "uenig",
        "--comment",
        "=2+3 bemanningen\nmangler",
    )
    desk.go()
    return desk


def numbers(desk: Desk, *arguments: str) -> list[int]:
    said = desk("history", "--format", "json", *arguments)
    assert said.code == 0, said.err
    return [fact["seq"] for fact in said.document["facts"]]


def test_facts_are_told_with_day_time_place_and_names_the_newest_last(desk: Desk) -> None:
    said = desk("history")
    assert "Onsdag 10. mars 2027" in said.out
    assert "Sagbruk · Y10: Kari Nordmann la fram versjon 1" in said.line
    assert said.out.index("Torsdag 4. mars") < said.out.index("Onsdag 10. mars")


def test_times_are_written_as_the_language_has_them(desk: Desk) -> None:
    assert "  12.00  Sagbruk · Y10: Kari Nordmann" in desk("history").out
    assert "  12:00  Sagbruk · Y10: Kari Nordmann" in desk("--lang", "en", "history").out


def test_a_disagreement_is_told_with_its_reason(desk: Desk) -> None:
    said = desk("history", "--kind", "decision_recorded")
    assert "Per Hansen (verneombud) er uenig i versjon 1." in said.line
    assert "«=2+3 bemanningen" in said.out


def test_both_times_are_told_where_they_differ(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(copied(template, tmp_path / "late"), monkeypatch)
    desk.now = desk.now.replace(month=4, day=12)
    desk.go()
    assert "(ført 12. april 2027 kl. 12.00)" in desk("history", "--step", "Y10").out


@pytest.mark.parametrize("size", [13, 1000])
def test_pages_put_together_are_the_whole_ledger_once(desk: Desk, size: int) -> None:
    pages: list[int] = []
    after: int | None = 0
    while after is not None:
        document = desk("history", "--format", "json", "--limit", str(size), "--after", str(after)).document
        pages += [fact["seq"] for fact in document["facts"]]
        after = document["after"]
    assert pages == [seq for seq, _fact in desk.facts()]


def test_without_a_place_the_last_ones_are_shown_and_that_there_are_older_ones(desk: Desk) -> None:
    every = [seq for seq, _fact in desk.facts()]
    assert numbers(desk, "--limit", "3") == every[-3:]
    assert "--after 0" in desk("history", "--limit", "3").out


def test_the_filters_choose_and_can_be_put_together(desk: Desk) -> None:
    by_kind = {kind: {s for s, f in desk.facts(kind)} for kind in ("attempt_refused", "evidence_submitted")}
    assert set(numbers(desk, "--refused")) == by_kind["attempt_refused"]
    assert set(numbers(desk, "--who", "Per Hansen", "--refused")) == by_kind["attempt_refused"]
    assert numbers(desk, "--who", "Siri Steinvik", "--refused") == []
    of_y10 = {s for s, f in desk.facts() if f.step == "Y10" and f.cycle and f.cycle.startswith("unit")}
    assert set(numbers(desk, "--unit", "Sagbruk", "--step", "y10", "--after", "0")) == of_y10
    own = {s for s, f in desk.facts() if f.cycle is None or f.cycle.startswith("year")}
    assert set(numbers(desk, "--unit", "virksomhet", "--after", "0", "--limit", "1000")) == own


def test_days_are_whole_days_in_oslo_and_the_last_one_counts(desk: Desk) -> None:
    march = {s for s, f in desk.facts() if f.concerns.date().isoformat() == "2027-03-10"}
    assert set(numbers(desk, "--since", "10.03.2027", "--until", "2027-03-10")) == march
    assert desk("history", "--since", "2027-03-11", "--until", "2027-03-10").code == 2
    assert desk("history", "--since", "i går").code == 2


@pytest.mark.parametrize("law", ["R-34", "r-34", "AML-6-2-4", "§ 6-2"])
def test_a_requirement_or_a_provision_finds_the_steps_that_carry_it(desk: Desk, law: str) -> None:
    said = desk("history", "--law", law, "--kind", "evidence_submitted")
    assert "Sagbruk · Y10" in said.out, said.err


def test_a_requirement_that_no_register_has_is_not_found(desk: Desk) -> None:
    said = desk("history", "--law", "R-99")
    assert said.code == 3
    assert "R-20" in said.err


def test_an_erased_person_is_found_and_shown_by_id(desk: Desk) -> None:
    async def erase(mill: Sawmill) -> None:
        from sqlalchemy import text

        async with mill.database.write(EMPLOYER) as tx:
            await tx.connection.execute(text("DELETE FROM person WHERE id = 'per'"))
            await tx.connection.execute(text("DELETE FROM payload"))

    desk._with(erase)
    said = desk("history", "--who", "per", "--kind", "decision_recorded")
    assert "per (verneombud) er uenig" in said.line
    assert "begrunnelsen er slettet" in said.line
    assert desk("history", "--who", "noen annen").code == 3


def test_a_spreadsheet_gets_semicolons_a_byte_order_mark_and_no_formulas(desk: Desk) -> None:
    said = desk("history", "--csv", "--kind", "decision_recorded")
    rows = list(csv.DictReader(io.StringIO(said.out.removeprefix("\ufeff")), delimiter=";"))
    assert said.out.startswith("\ufeff")
    assert [row["actor"] for row in rows] == ["per"]
    assert rows[0]["comment"].startswith("'=2+3")
    assert rows[0]["recorded"].endswith("+00:00")


def test_all_of_it_goes_into_the_csv_unless_told_otherwise(desk: Desk) -> None:
    rows = list(
        csv.DictReader(io.StringIO(desk("history", "--csv").out.removeprefix("\ufeff")), delimiter=";")
    )
    assert [int(row["seq"]) for row in rows] == [seq for seq, _fact in desk.facts()]


def test_when_nothing_fits_it_says_how_to_see_everything(desk: Desk) -> None:
    said = desk("history", "--until", "2020-01-01")
    assert said.code == 0
    assert "Ta bort et filter" in said.out


def test_csv_and_json_at_once_is_a_usage_error(desk: Desk) -> None:
    assert desk("history", "--csv", "--format", "json").code == 2
    assert desk("history", "--refused", "--kind", "asked").code == 2
