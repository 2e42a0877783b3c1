"""`forsvarlig history`: what was done, when and by whom."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest

from tests.activities.sawmill import EMPLOYER, EVE, Sawmill
from tests.worker.desk import Desk, copied, played, resumed
from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.record_facts import TextsRead
from workflows.rules.terms import Outcome


def disputed(desk: Desk) -> None:
    """The minutes are filed, the safety representative disagrees, and one attempt was refused."""
    desk.file()
    desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "godkjenn")
    why = "=2+3 bemanningen\nmangler"
    desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", why)
    desk.go()


@pytest.fixture(scope="module")
def scene(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return played(opened, tmp_path_factory.mktemp("mill") / "state", disputed)


@pytest.fixture
def desk(scene: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return resumed(scene, tmp_path / "state", monkeypatch)


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
    said = desk("history", "--kind", "decision_recorded", "--as", "per")
    assert "Per Hansen (verneombud) er uenig i versjon 1." in said.line
    assert "«=2+3 bemanningen" in said.out


def test_both_times_are_told_where_they_differ(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(copied(opened, tmp_path / "late"), monkeypatch)
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
    said = desk("history", "--csv", "--kind", "decision_recorded", "--as", "kari")
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


# --- who reads ------------------------------------------------------------------------------------


def test_nobody_who_has_not_said_so_is_shown_what_people_wrote(desk: Desk) -> None:
    said = desk("history", "--kind", "decision_recorded")
    assert "bemanningen" not in said.out
    assert "(begrunnelsen kan leses av den som skrev den, øverste leder, HR, hovedverneombudet" in said.line
    assert "legg til --as)" in said.line
    [fact] = desk("history", "--kind", "decision_recorded", "--format", "json").document["facts"]
    assert (fact["comment"], fact["comment_hidden"]) == (None, "unnamed")
    assert "bemanningen" not in desk("history", "--csv").out
    assert desk.facts("texts_read") == []


def test_whoever_has_no_part_in_the_matter_is_told_who_has(desk: Desk) -> None:
    said = desk("history", "--kind", "decision_recorded", "--as", "siri")
    assert "bemanningen" not in said.out
    assert "(begrunnelsen kan bare leses av den som skrev den" in said.line
    assert desk.facts("texts_read") == []
    assert desk("history", "--as", "noen annen").code == 3


def test_reading_what_another_wrote_is_put_on_record_once_a_command(desk: Desk) -> None:
    [decision] = [seq for seq, _fact in desk.facts("decision_recorded")]
    for arguments in (["--limit", "500"], ["--csv"], ["--text", "bemanningen"]):
        assert "bemanningen" in desk("history", "--as", "kari", *arguments).out
    read = [fact.body for _seq, fact in desk.facts("texts_read")]
    assert [(b.purpose, b.facts) for b in read if isinstance(b, TextsRead)] == [
        ("history", (decision,)),
        ("history", (decision,)),
        ("search", (decision,)),
    ]
    said = desk("history", "--kind", "texts_read", "--limit", "1")
    assert f"Kari Nordmann leste ved søk det som er skrevet i 1 hendelse (nr. {decision})." in said.line


def test_reading_ones_own_words_is_not(desk: Desk) -> None:
    assert "bemanningen" in desk("history", "--as", "per").out
    assert desk.facts("texts_read") == []


def test_in_a_rehearsal_a_reading_has_the_time_of_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rehearse() -> None:
        async with Sawmill.started(tmp_path, mode="rehearsal") as mill:
            await mill.go(EVE.replace(day=5))
            await mill.file("Y15", "kari")
            await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, "Nei.")

    asyncio.run(rehearse())
    desk = Desk(tmp_path, monkeypatch)
    last = desk.facts()[-1][1].recorded
    desk.now = desk.now.replace(year=2026)
    assert "«Nei.»" in desk("history", "--as", "kari").out
    [(_seq, fact)] = desk.facts("texts_read")
    assert (fact.recorded, fact.clock) == (last, None)


# --- words ------------------------------------------------------------------------------------------


def test_what_people_wrote_is_searched_by_those_who_may_read_it(desk: Desk) -> None:
    [decision] = [seq for seq, _fact in desk.facts("decision_recorded")]
    assert numbers(desk, "--text", "bemanning mangl", "--as", "kari") == [decision]
    assert numbers(desk, "--text", "bemanning finnes", "--as", "kari") == []
    assert numbers(desk, "--text", "bemanning", "--as", "siri") == []


@pytest.mark.parametrize("arguments", [["--text", "bemanning"], ["--text", " ?! ", "--as", "kari"]])
def test_a_search_needs_words_and_somebody_who_searches(desk: Desk, arguments: list[str]) -> None:
    assert desk("history", *arguments).code == 2


# --- the other filters ------------------------------------------------------------------------------


def test_people_s_accepted_acts_are_apart_from_what_was_refused(desk: Desk) -> None:
    accepted = numbers(desk, "--accepted")
    assert set(accepted) == {
        s for s, f in desk.facts() if f.kind in ("evidence_submitted", "decision_recorded")
    }
    assert not set(accepted) & set(numbers(desk, "--refused"))
    assert desk("history", "--accepted", "--refused").code == 2
    assert desk("history", "--accepted", "--kind", "asked").code == 2


def test_a_stage_is_that_of_the_steps_in_the_programme(desk: Desk) -> None:
    found = {stage.value: numbers(desk, "--stage", stage.value, "--limit", "1000") for stage in Stage}
    steps = {seq: fact.step for seq, fact in desk.facts() if fact.step is not None}
    assert sorted(n for seqs in found.values() for n in seqs) == list(steps)
    assert "Y10" in {steps[seq] for seq in found["map"]}
    assert "Y05" not in {steps[seq] for seq in found["map"]}
    assert numbers(desk, "--stage", "map", "--step", "Y10") == numbers(desk, "--step", "Y10")
    assert numbers(desk, "--stage", "plan", "--step", "Y10") == []
    assert desk("history", "--stage", "drift").code == 2


def test_the_units_below_come_along_when_asked_for(desk: Desk) -> None:
    under = numbers(desk, "--unit", "topp", "--below", "--limit", "1000")
    assert numbers(desk, "--unit", "topp") == []
    assert under == numbers(desk, "--unit", "sagbruk", "--limit", "1000") != []
    assert desk("history", "--below").code == 2


def test_the_time_of_recording_is_another_than_the_time_concerned(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(copied(opened, tmp_path / "late"), monkeypatch)
    desk.now = desk.now.replace(month=4, day=12)
    desk.go()
    late = {s for s, f in desk.facts() if f.recorded.date().isoformat() == "2027-04-12"}
    assert late
    assert set(numbers(desk, "--recorded-since", "12.04.2027", "--limit", "1000")) == late
    assert not late & set(numbers(desk, "--recorded-until", "2027-04-11", "--limit", "1000"))
    concerned = {s for s, f in desk.facts() if f.concerns.date().isoformat() < "2027-04-12"}
    assert late & concerned
    assert set(numbers(desk, "--until", "2027-04-11", "--limit", "1000")) == concerned
    assert desk("history", "--recorded-since", "2027-03-11", "--recorded-until", "2027-03-10").code == 2


def test_as_of_a_day_is_what_was_recorded_or_what_concerned_it(
    opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(copied(opened, tmp_path / "late"), monkeypatch)
    desk.now = desk.now.replace(month=4, day=12)
    desk.go()
    day = ["--as-of", "2027-04-01", "--limit", "1000"]
    known = {s for s, f in desk.facts() if f.recorded.date().isoformat() <= "2027-04-01"}
    true = {s for s, f in desk.facts() if f.concerns.date().isoformat() <= "2027-04-01"}
    assert set(numbers(desk, *day)) == set(numbers(desk, *day, "--by", "recorded")) == known
    assert set(numbers(desk, *day, "--by", "concerned")) == true > known
    assert "Slik det var torsdag 1. april 2027, da dagen var over." in desk("history", *day).line
    assert desk("history", "--by", "recorded").code == 2


def test_pages_backwards_meet_the_pages_forwards(desk: Desk) -> None:
    every = [seq for seq, _fact in desk.facts()]
    pages: list[int] = []
    before: list[str] = []
    while True:
        document = desk("history", "--format", "json", "--limit", "17", *before).document
        pages = [fact["seq"] for fact in document["facts"]] + pages
        if document["before"] is None:
            break
        before = ["--before", str(document["before"])]
    assert pages == every
    assert numbers(desk, "--after", "10", "--before", "14") == [11, 12, 13]
    said = desk("history", "--limit", "17")
    assert f"--before {every[-17]}" in said.out


# --- what is missing ---------------------------------------------------------------------------------


def test_when_the_timeline_lacks_facts_every_view_says_so_until_it_is_rebuilt(desk: Desk) -> None:
    async def forget(mill: Sawmill) -> None:
        from sqlalchemy import text

        async with mill.database.write(EMPLOYER) as tx:
            await tx.connection.execute(text("DELETE FROM timeline WHERE seq <= 40"))

    whole = desk("history", "--csv").out
    desk._with(forget)
    for arguments in (
        ["history"],
        ["inbox"],
        ["year", "show"],
        ["step", "show", "sagbruk", "Y10"],
        ["db", "show"],
    ):
        assert "Visningene mangler 40 fakta." in desk(*arguments).line, arguments
        assert '"lag": 40' in desk(*arguments, "--format", "json").out, arguments
    assert "Visningene mangler 40 fakta." in desk("history", "--csv").err
    assert desk("db", "upgrade", "--format", "json").document["caught_up"] == {EMPLOYER: 40}
    assert desk("history", "--csv").out == whole
    assert desk("history", "--format", "json").document["lag"] == 0


# --- how it stood ------------------------------------------------------------------------------------


def test_a_step_is_shown_as_it_was_when_a_day_was_over(desk: Desk) -> None:
    now = desk("step", "show", "sagbruk", "Y10", "--format", "json").document
    then = desk("step", "show", "sagbruk", "Y10", "--as-of", "2027-03-08", "--format", "json").document
    assert (now["state"], len(now["versions"]), now["as_of"]) == ("closed", 1, None)
    assert (then["state"], then["versions"], then["as_of"]) == ("open", [], "2027-03-08")
    assert [w["commands"] for w in then["waiting"]] == [[]]
    said = desk("step", "show", "sagbruk", "Y10", "--as-of", "08.03.2027")
    assert "Slik det var mandag 8. mars 2027, da dagen var over." in said.line
    assert desk("step", "show", "sagbruk", "Y10", "--as-of", "2026-03-08").code == 3


def test_a_year_is_shown_as_it_was_when_a_day_was_over(desk: Desk) -> None:
    def standing(*arguments: str) -> dict[str, str]:
        document = desk("year", "show", "--format", "json", *arguments).document
        return {s["key"]: s["standing"] for part in document["parts"] for s in part["steps"]}

    assert standing()["Y10"] == "closed"
    assert standing("--as-of", "2027-03-08")["Y10"] == "open"
    assert standing("--as-of", "2027-02-08", "--by", "concerned")["Y10"] == "planned"
    assert "Slik det var" in desk("year", "show", "--as-of", "2027-03-08").out
    assert desk("year", "show", "--as-of", "2026-03-08").code == 3


def test_an_inbox_is_shown_as_it_was_when_a_day_was_over(desk: Desk) -> None:
    def waiting(*arguments: str) -> list[tuple[str, str]]:
        people = desk("inbox", "--as", "kari", "--format", "json", *arguments).document["people"]
        return [(item["step"], item["what"]) for person in people for item in person["items"]]

    assert waiting("--as-of", "2027-03-08") == [("Y10", "evidence"), ("Y14", "evidence")]
    assert ("Y10", "answer") in waiting()
    assert waiting("--as-of", "2027-01-04") == []
    assert "Ingenting ventet på Kari Nordmann" in desk("inbox", "--as", "kari", "--as-of", "2027-01-04").line
    assert "forsvarlig" not in desk("inbox", "--as-of", "2027-03-08").out
