"""`forsvarlig inbox`: what waits, until when, for whom, and how to answer."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import date

import pytest

from tests.activities.sawmill import person
from tests.worker.command_line import PROGRAM
from tests.worker.desk import Desk
from workflows.rules.organisation import Absence


def test_a_manager_reads_what_to_file_until_when_and_the_command(desk: Desk) -> None:
    said = desk("inbox", "--as", "kari@nordfjord.example")
    assert said.code == 0
    assert "Y10" in said.out
    assert "Legg fram: Møtereferat" in said.line
    assert "Frist: onsdag 31. mars 2027 – om 21 dager" in said.out
    assert "forsvarlig step submit sagbruk/2027 Y10 FIL --as kari" in said.out


def test_the_safety_rep_gets_a_command_for_every_answer_and_each_of_them_works(desk: Desk) -> None:
    desk.file()
    commands = re.findall(r"^ +forsvarlig (decide .*)$", desk("inbox", "--as", "per").out, re.MULTILINE)
    assert [shlex.split(c)[6] for c in commands] == ["enig", "enig-med-merknad", "uenig"]
    said = desk(*shlex.split(commands[2]))
    assert said.code == 0, said.err


def test_what_is_late_is_said_in_words_and_counted(desk: Desk) -> None:
    desk.go(date(2027, 4, 7))
    said = desk("inbox", "--as", "kari")
    assert "onsdag 31. mars 2027 – 7 dager over fristen" in said.out
    assert "1 over fristen" in said.out


@pytest.mark.parametrize("command", [["inbox"], ["year", "list"], ["step", "show", "sagbruk/2027", "Y10"]])
def test_reading_loads_neither_temporal_nor_mail_nor_migrations(desk: Desk, command: list[str]) -> None:
    call = [sys.executable, "-X", "importtime", *PROGRAM[1:], *command, "--state", str(desk.state)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +([a-z_]+)", done.stderr))
    assert "sqlalchemy" in imported
    assert imported.isdisjoint({"temporalio", "alembic", "aiosmtplib"})


def test_on_the_last_day_it_says_today(desk: Desk) -> None:
    desk.go(date(2027, 3, 31))
    assert "onsdag 31. mars 2027 – i dag" in desk("inbox", "--as", "kari").out


def test_a_substitute_sees_for_whom(desk: Desk) -> None:
    desk.absent(Absence(person="kari", substitute="siri", since=date(2027, 3, 1)))
    assert "Du svarer for Kari Nordmann, som er leder og er borte nå." in desk("inbox", "--as", "siri").line
    assert "Y10" not in desk("inbox", "--as", "kari").out.partition("Det neste")[0]


def test_everybodys_inbox_is_grouped_by_person_with_the_way_to_each(desk: Desk) -> None:
    said = desk("inbox")
    assert "Kari Nordmann (kari): 2 saker venter" in said.out
    assert "Hanne Rød (hanne):" in said.out
    assert "forsvarlig inbox --as kari" in said.out


def test_one_unit_alone(desk: Desk) -> None:
    assert "Hanne Rød" not in desk("inbox", "--unit", "Sagbruk").out
    assert "Kari Nordmann" not in desk("inbox", "--unit", "virksomhet").out
    assert desk("inbox", "--unit", "sagbrukett").code == 3


def test_an_empty_inbox_is_kind_and_says_what_comes_next(desk: Desk) -> None:
    said = desk("inbox", "--as", "per")
    assert said.code == 0
    assert "Ingenting venter på Per Hansen nå." in said.line
    assert "Det neste er Y02 Rolle- og ansvarskart" in said.line
    assert "når andre har gjort sitt: forsvarlig step show 2027 Y02" in said.line


def test_somebody_without_any_role_has_nothing_to_come(desk: Desk) -> None:
    assert "Ingen av stegene som gjenstår" in desk("inbox", "--as", "siri").line


def test_a_name_with_markup_or_controls_is_shown_as_it_is(desk: Desk) -> None:
    desk.people(person("kari", name="[bold]Kari\x1b[2J"))
    said = desk("inbox")
    assert "[bold]Kari\\x1b[2J (kari)" in said.out
    assert "\x1b[2J" not in said.out


def test_a_program_gets_every_item_with_its_commands(desk: Desk) -> None:
    document = desk("inbox", "--as", "kari", "--format", "json").document
    [who] = document["people"]
    assert document["schema"] == "forsvarlig/inbox/1"
    assert {item["step"] for item in who["items"]} >= {"Y10", "Y14"}
    assert all(item["commands"] for item in who["items"])
    assert {item["late"] for item in who["items"]} == {False}
