"""A later import is a new full picture: ids stay, people leave, and what has been is not taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from activities.directory.importer import ImportResult
from activities.directory.preview import preview
from tests.directory.made_files import ORG_NUMBER, Rows, bakery, import_from, imported, with_cell, write_csv
from workflows.rules.organisation import Absence, Delegation, Employment, Holder, Organisation, Role

LATER = date(2026, 9, 1)


def reimport(
    tmp_path: Path,
    change: Callable[[dict[str, Rows]], object],
    *,
    today: date = LATER,
    skip_bad_rows: bool = False,
) -> tuple[ImportResult, ImportResult]:
    """The first import, and a second one of changed tables laid on it."""
    first = import_from(write_csv(tmp_path / "first", bakery()))
    tables = bakery()
    change(tables)
    second = import_from(
        write_csv(tmp_path / "second", tables),
        existing=first.organisation,
        people=first.people,
        today=today,
        skip_bad_rows=skip_bad_rows,
    )
    return first, second


def work_of(result: ImportResult, person: str) -> list[tuple[str, date, date | None]]:
    return [(e.unit, e.since, e.until) for e in imported(result).employments if e.person == person]


def test_ids_are_given_in_order_of_first_appearance(tmp_path: Path) -> None:
    result = import_from(write_csv(tmp_path / "b", bakery()))
    assert [(c.id, c.external_key) for c in result.people] == [
        ("p0001", "101"), ("p0002", "102"), ("p0003", "103"), ("p0004", "104"), ("p0005", "105"),
        ("p0006", "X1"),
    ]  # fmt: skip


def test_names_and_addresses_never_reach_the_organisation(tmp_path: Path) -> None:
    text = imported(import_from(write_csv(tmp_path / "b", bakery()))).model_dump_json()
    for row in bakery()["personer"][1:]:
        assert row[1] not in text
        assert row[2] not in text


@pytest.mark.parametrize(("short_name", "id"), [("", ORG_NUMBER), ("Åsen bakeri", "aasen-bakeri")])
def test_an_employers_id_is_its_number_or_its_short_name_but_never_its_name(
    tmp_path: Path, short_name: str, id: str
) -> None:
    """A sole proprietor's firm bears a person's name, and an id cannot be erased."""
    tables = bakery()
    tables["virksomhet"] = [["orgnr", "navn", "kortnavn"], [ORG_NUMBER, "Kari Åsen", short_name]]
    assert imported(import_from(write_csv(tmp_path / "b", tables))).employer == id


def test_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    first, second = reimport(tmp_path, lambda tables: None)
    assert second.organisation == first.organisation
    assert second.people == first.people
    assert preview(imported(first), imported(second), first.people, second.people).empty


def test_ids_stay_with_the_number_when_rows_move_and_names_change(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        rows = tables["personer"]
        rows[1:] = reversed(rows[1:])
        rows.insert(1, ["99", "Ny Nilsen", "ny@bakeri.example", "bakeri", "100", "", "2026-08-01", "", ""])
        rows[-1][1], rows[-1][2] = "Kari Åsen Lie", "kari.lie@bakeri.example"

    first, second = reimport(tmp_path, change)
    ids = {c.external_key: c.id for c in second.people}
    assert ids == {**{c.external_key: c.id for c in first.people}, "99": "p0007"}
    shown = preview(imported(first), imported(second), first.people, second.people)
    assert [line.name for line in shown.people_added] == ["Ny Nilsen"]
    assert [(line.person, [c.detail for c in line.changes]) for line in shown.people_changed] == [
        ("p0001", ["name", "email"])
    ]
    assert shown.people_left == ()


def test_leading_zeros_that_a_spreadsheet_drops_do_not_make_a_new_person(tmp_path: Path) -> None:
    tables = bakery()
    for file in ("personer", "roller", "fravær"):
        for row in tables[file][1:]:
            row[:2] = [f"00{cell}" if cell.isdigit() else cell for cell in row[:2]]
    first = import_from(write_csv(tmp_path / "a", tables))
    second = import_from(
        write_csv(tmp_path / "b", bakery()), existing=first.organisation, people=first.people, today=LATER
    )
    assert second.organisation == first.organisation


def test_an_erased_persons_id_is_not_given_to_another(tmp_path: Path) -> None:
    first = import_from(write_csv(tmp_path / "a", bakery()))
    kept = [card for card in first.people if card.id != "p0006"]
    second = import_from(
        write_csv(tmp_path / "b", bakery()), existing=first.organisation, people=kept, today=LATER
    )
    assert {c.external_key: c.id for c in second.people}["X1"] == "p0007"


def test_whoever_is_missing_has_left_today_and_the_past_stays(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        del tables["personer"][3]
        tables["roller"] = [row for row in tables["roller"] if row[0] != "103"]
        del tables["fravær"][1]

    first, second = reimport(tmp_path, change)
    assert work_of(second, "p0003") == [("utsalg", date(2021, 3, 1), LATER)]
    after = imported(second)
    assert after.assigned(Role.MANAGER, "utsalg", date(2026, 8, 31)) == ("p0003",)
    assert after.assigned(Role.MANAGER, "utsalg", LATER) == ()
    assert after.headcount(date(2026, 8, 31)) == imported(first).headcount(date(2026, 8, 31))
    shown = preview(imported(first), after, first.people, second.people)
    assert [(line.person, line.day) for line in shown.people_left] == [("p0003", LATER)]
    assert [(line.role, line.unit, line.day) for line in shown.roles_lost] == [
        (Role.MANAGER, "utsalg", LATER)
    ]
    assert [card.id for card in second.people] == ["p0001", "p0002", "p0004", "p0005", "p0006", "p0003"]


def test_a_role_ends_with_the_employment_of_its_holder(tmp_path: Path) -> None:
    _, second = reimport(tmp_path, lambda t: with_cell(t, "personer", 4, "til", "2026-10-15"))
    assert imported(second).assigned(Role.MANAGER, "utsalg", date(2026, 10, 15)) == ("p0003",)
    assert imported(second).assigned(Role.MANAGER, "utsalg", date(2026, 10, 16)) == ()


def test_a_list_of_people_alone_leaves_units_and_roles_but_ends_those_of_leavers(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        people = tables["personer"]
        tables.clear()
        tables["personer"] = [row for row in people if row[0] not in ("103", "X1")]

    first, second = reimport(tmp_path, change)
    after = imported(second)
    assert after.units == imported(first).units
    assert after.assigned(Role.TOP_MANAGER, None, LATER) == ("p0001",)
    assert after.assigned(Role.MANAGER, "utsalg", LATER) == ()
    assert after.assigned(Role.OHS, None, date(2026, 8, 31)) == ("p0006",)
    assert after.assigned(Role.OHS, None, LATER) == ()


def test_a_move_without_a_date_of_its_own_takes_place_today(tmp_path: Path) -> None:
    _, second = reimport(tmp_path, lambda t: with_cell(t, "personer", 3, "enhet", "utsalg"))
    assert work_of(second, "p0002") == [
        ("bakeri", date(2021, 2, 1), LATER),
        ("utsalg", LATER, None),
    ]


def test_a_move_with_a_date_takes_place_on_it(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        with_cell(tables, "personer", 3, "enhet", "utsalg")
        with_cell(tables, "personer", 3, "fra", "2026-07-01")

    first, second = reimport(tmp_path, change)
    assert work_of(second, "p0002") == [
        ("bakeri", date(2021, 2, 1), date(2026, 7, 1)),
        ("utsalg", date(2026, 7, 1), None),
    ]
    shown = preview(imported(first), imported(second), first.people, second.people)
    (line,) = shown.people_changed
    assert (line.day, [(c.detail, c.before, c.after) for c in line.changes]) == (
        date(2026, 7, 1),
        [("unit", "bakeri", "utsalg")],
    )


def test_a_list_with_the_day_of_hiring_does_not_undo_an_earlier_move(tmp_path: Path) -> None:
    _, second = reimport(tmp_path, lambda t: with_cell(t, "personer", 3, "enhet", "utsalg"))
    tables = with_cell(bakery(), "personer", 3, "enhet", "utsalg")
    third = import_from(
        write_csv(tmp_path / "third", tables),
        existing=second.organisation,
        people=second.people,
        today=date(2026, 11, 1),
    )
    assert third.organisation == second.organisation


def test_new_hours_do_not_change_the_hours_of_last_year(tmp_path: Path) -> None:
    first, second = reimport(tmp_path, lambda t: with_cell(t, "personer", 3, "stillingsprosent", "40"))
    hours = [e.hours_per_week for e in imported(second).employments if e.person == "p0002"]
    assert hours == [Decimal(30), Decimal(15)]
    assert imported(second).year_average_20h(2025) == imported(first).year_average_20h(2025)


def test_someone_who_comes_back_is_the_same_person(tmp_path: Path) -> None:
    def leave(tables: dict[str, Rows]) -> None:
        tables["personer"] = [row for row in tables["personer"] if row[0] != "104"]

    _, second = reimport(tmp_path, leave)
    tables = with_cell(bakery(), "personer", 5, "fra", "2027-02-01")
    third = import_from(
        write_csv(tmp_path / "third", tables),
        existing=second.organisation,
        people=second.people,
        today=date(2027, 2, 1),
    )
    assert work_of(third, "p0004") == [
        ("bakeri", date(2022, 5, 15), LATER),
        ("bakeri", date(2027, 2, 1), None),
    ]
    shown = preview(imported(second), imported(third), second.people, third.people)
    assert [(line.person, line.day) for line in shown.people_added] == [("p0004", date(2027, 2, 1))]


def test_a_unit_that_is_missing_is_closed_today(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        del tables["enheter"][2]
        for row in tables["personer"][1:]:
            row[3] = "bakeri" if row[3] else ""
        tables["roller"] = [row for row in tables["roller"] if row[2] != "utsalg"]

    first, second = reimport(tmp_path, change)
    unit = imported(second).unit("utsalg")
    assert unit.until == LATER
    shown = preview(imported(first), imported(second), first.people, second.people)
    assert [(line.unit, line.day) for line in shown.units_closed] == [("utsalg", LATER)]


def test_a_renamed_unit_keeps_its_id_and_its_past(tmp_path: Path) -> None:
    first, second = reimport(tmp_path, lambda t: with_cell(t, "enheter", 3, "navn", "Butikk"))
    assert [(u.name, u.since, u.until) for u in imported(second).units if u.id == "utsalg"] == [
        ("Utsalg", date(2021, 3, 1), LATER),
        ("Butikk", LATER, None),
    ]
    shown = preview(imported(first), imported(second), first.people, second.people)
    (line,) = shown.units_changed
    assert [(c.detail, c.before, c.after) for c in line.changes] == [("name", "Utsalg", "Butikk")]


def test_a_planned_end_that_is_dropped_is_no_end(tmp_path: Path) -> None:
    _, second = reimport(tmp_path, lambda t: with_cell(t, "personer", 6, "til", ""))
    assert work_of(second, "p0005") == [("utsalg", date(2022, 8, 1), None)]


def test_another_employers_files_are_refused(tmp_path: Path) -> None:
    _, second = reimport(tmp_path, lambda t: with_cell(t, "virksomhet", 2, "orgnr", "801142702"))
    assert [(f.code, f.scope, f.column) for f in second.faults] == [("other_employer", "file", "orgnr")]
    assert second.organisation is None


def test_a_first_import_shows_everything_as_new(tmp_path: Path) -> None:
    result = import_from(write_csv(tmp_path / "b", bakery()))
    shown = preview(None, imported(result), (), result.people)
    assert shown.counts == {
        "people_added": 6, "people_changed": 0, "people_left": 0, "units_added": 2, "units_changed": 0,
        "units_closed": 0, "roles_gained": 5, "roles_lost": 0,
    }  # fmt: skip


# --- skipping bad rows ----------------------------------------------------------------------------------


def test_someone_whose_row_is_skipped_has_not_left(tmp_path: Path) -> None:
    first, second = reimport(
        tmp_path, lambda t: with_cell(t, "personer", 4, "e-post", "feil"), skip_bad_rows=True
    )
    assert work_of(second, "p0003") == work_of(first, "p0003")
    assert imported(second).assigned(Role.MANAGER, "utsalg", LATER) == ("p0003",)
    assert [(row.file, row.line) for row in second.skipped_rows] == [
        ("personer.csv", 4),
        ("roller.csv", 4),
        ("fravær.csv", 2),
    ]


def test_nobody_leaves_while_a_skipped_row_could_be_about_anyone(tmp_path: Path) -> None:
    first, second = reimport(
        tmp_path, lambda t: with_cell(t, "personer", 5, "ansattnr", ""), skip_bad_rows=True
    )
    assert work_of(second, "p0004") == work_of(first, "p0004")


def test_a_skipped_role_stays_as_it_was(tmp_path: Path) -> None:
    first, second = reimport(tmp_path, lambda t: with_cell(t, "roller", 5, "fra", "feil"), skip_bad_rows=True)
    assert set(imported(second).assignments) == set(imported(first).assignments)


def test_a_skipped_unit_stays_as_it_was(tmp_path: Path) -> None:
    first, second = reimport(
        tmp_path, lambda t: with_cell(t, "enheter", 3, "fra", "feil"), skip_bad_rows=True
    )
    assert set(imported(second).units) == set(imported(first).units)
    assert set(imported(second).employments) == set(imported(first).employments)


def test_skipping_a_new_unit_skips_what_lies_in_it(tmp_path: Path) -> None:
    tables = with_cell(bakery(), "enheter", 3, "fra", "feil")
    tables["enheter"].append(["disk", "Disk", "utsalg", "Bakeri", "", ""])
    result = import_from(write_csv(tmp_path / "b", tables), skip_bad_rows=True)
    assert {u.id for u in imported(result).units} == {"bakeri"}
    assert {(f.file, f.line, f.code) for f in result.faults} == {
        ("enheter.csv", 3, "bad_date"),
        ("enheter.csv", 4, "unit_skipped"),
        ("personer.csv", 4, "unit_skipped"),
        ("personer.csv", 6, "unit_skipped"),
        ("roller.csv", 4, "person_skipped"),
        ("roller.csv", 4, "unit_skipped"),
        ("fravær.csv", 2, "person_skipped"),
    }
    assert {c.external_key for c in result.people} == {"101", "102", "104", "X1"}


def test_skipping_leaves_out_a_column_of_national_identity_numbers_but_keeps_the_rows(tmp_path: Path) -> None:
    tables = bakery()
    for line, row in enumerate(tables["personer"]):
        row.append("fnr" if not line else "01817012066")
    result = import_from(write_csv(tmp_path / "b", tables), skip_bad_rows=True)
    assert len(result.people) == 6
    assert result.skipped_rows == ()
    assert "01817012066" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("virksomhet", 2, "orgnr", "802314508"),
        ("enheter", 2, "overordnet", "utsalg"),
        ("roller", 5, "ansattnr", "103"),
    ],
)
def test_what_concerns_the_whole_cannot_be_skipped(
    tmp_path: Path, file: str, line: int, column: str, value: str
) -> None:
    tables = with_cell(bakery(), file, line, column, value)
    result = import_from(write_csv(tmp_path / "b", tables), skip_bad_rows=True)
    assert result.organisation is None
    assert {f.scope for f in result.faults} == {"file"}


def test_a_person_may_hold_two_posts_at_once_and_give_up_one(tmp_path: Path) -> None:
    tables = bakery()
    tables["personer"].append(
        [
            "102",
            "Čohkka Máhtte Gaup",
            "mg@bakeri.example",
            "utsalg",
            "20",
            "ansatt",
            "2023-01-01",
            "",
            "nb",
        ]
    )
    first = import_from(write_csv(tmp_path / "a", tables))
    del tables["personer"][2]
    second = import_from(
        write_csv(tmp_path / "b", tables), existing=first.organisation, people=first.people, today=LATER
    )
    kept: list[Employment] = [e for e in imported(second).employments if e.person == "p0002"]
    assert [(e.unit, e.since, e.until) for e in kept] == [
        ("bakeri", date(2021, 2, 1), LATER),
        ("utsalg", date(2023, 1, 1), None),
    ]


# --- what people have set by command --------------------------------------------------------------

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def set_by_command(
    tmp_path: Path,
    change: Callable[[dict[str, Rows]], object] = lambda tables: None,
    *,
    absences: Sequence[Absence] = (),
    delegations: Sequence[Delegation] = (),
    today: date = MAY,
) -> tuple[Organisation, Organisation]:
    """The organisation with what was set by command, and after an import of changed tables laid on that."""
    first = import_from(write_csv(tmp_path / "first", bakery()))
    before = imported(first)
    before = before.model_copy(
        update={"absences": (*before.absences, *absences), "delegations": tuple(delegations)}
    )
    tables = bakery()
    change(tables)
    files = write_csv(tmp_path / "second", tables)
    return before, imported(import_from(files, existing=before, people=first.people, today=today))


def by_command(person: str, substitute: str | None, since: date, until: date) -> Absence:
    return Absence(person=person, substitute=substitute, since=since, until=until, origin="command")


AWAY = by_command("p0001", "p0005", JUNE, LATER)
HANDED = Delegation(id="d-1", person="p0003", to="p0001", since=JUNE, until=LATER, unit="utsalg")


def without(file: str, *numbers: str) -> Callable[[dict[str, Rows]], object]:
    def change(tables: dict[str, Rows]) -> None:
        tables[file] = [row for row in tables[file] if row[0] not in numbers]

    return change


@pytest.mark.parametrize("files", ["all", "no absences", "people alone"])
def test_what_people_have_set_stays_whatever_is_imported(tmp_path: Path, files: str) -> None:
    def change(tables: dict[str, Rows]) -> None:
        if files != "all":
            del tables["fravær"]
        if files == "people alone":
            del tables["roller"], tables["enheter"], tables["virksomhet"]

    before, after = set_by_command(tmp_path, change, absences=[AWAY], delegations=[HANDED])
    assert after == before


def test_absences_from_files_replace_absences_from_files_and_no_others(tmp_path: Path) -> None:
    _, after = set_by_command(tmp_path, without("fravær", "103"), absences=[AWAY], delegations=[HANDED])
    assert [(a.person, a.since, a.until, a.origin) for a in after.absences] == [
        ("p0003", date(2026, 3, 1), MAY, "file"),
        ("p0001", JUNE, LATER, "command"),
    ]
    assert after.delegations == (HANDED,)


@pytest.mark.parametrize(
    ("command", "stays"),
    [
        (by_command("p0003", "p0001", MAY, JUNE), False),
        (by_command("p0003", None, MAY, JUNE), False),
        (by_command("p0003", "p0005", MAY, JUNE), True),
        (by_command("p0003", "p0001", MAY, LATER), True),
        (by_command("p0001", "p0003", MAY, JUNE), True),
    ],
    ids=["the same", "the file says more", "another substitute", "for longer", "somebody else"],
)
def test_an_absence_that_the_file_tells_too_is_one(tmp_path: Path, command: Absence, stays: bool) -> None:
    _, after = set_by_command(tmp_path, absences=[command])
    told = Absence(person="p0003", substitute="p0001", since=date(2026, 3, 1), until=JUNE)
    assert after.absences == ((told, command) if stays else (told,))


def test_what_somebody_has_set_ends_when_they_leave(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        for file in ("personer", "roller", "fravær"):
            without(file, "103")(tables)

    begun = HANDED.model_copy(update={"since": MAY})
    away = by_command("p0003", "p0005", MAY, LATER)
    _, after = set_by_command(tmp_path, change, absences=[away], delegations=[begun], today=JUNE)
    assert after.delegations == (begun.model_copy(update={"until": JUNE}),)
    assert after.absences[-1] == away.model_copy(update={"until": JUNE})


def test_whoever_has_left_is_nobody_s_delegate_any_more(tmp_path: Path) -> None:
    def change(tables: dict[str, Rows]) -> None:
        for file in ("personer", "roller"):
            without(file, "105")(tables)

    handed = HANDED.model_copy(update={"to": "p0005", "since": MAY})
    before, after = set_by_command(tmp_path, change, delegations=[handed], today=JUNE)
    day = JUNE + timedelta(days=1)
    assert before.holders(Role.MANAGER, "utsalg", day) == (Holder(person="p0005", acting_for="p0003"),)
    assert after.holders(Role.MANAGER, "utsalg", day) == (Holder(person="p0003"),)
