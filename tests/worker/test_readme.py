"""The command lines of README and docs: commands, options and people that exist, and a search that finds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from activities.store.search import words_of
from tests.rules.employers import programme
from worker.cli.frame import Root
from worker.story import read_story
from workflows.rules.organisation import Role
from workflows.rules.terms import Outcome

HOME = Path(__file__).parents[2]
NORDFJORD = HOME / "examples/nordfjord"
PAGES = [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))]


class Line(NamedTuple):
    """One command line as it stands on a page."""

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)[1:]

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"

    def value(self, option: str) -> str:
        return self.words[self.words.index(option) + 1]


def lines() -> Iterator[Line]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        shown = [line for block in re.findall(r"(?s)```\w*\n(.*?)```", text) for line in block.splitlines()]
        for line in [*shown, *re.findall(r"`(forsvarlig [^`]*)`", text)]:
            if line.startswith("forsvarlig "):
                command = re.split(r" +# | \| ", line)[0].replace("…", "")
                yield Line(page.name, " ".join(command.split()))


LINES = sorted(set(lines()))


@pytest.mark.parametrize("line", LINES, ids=str)
def test_every_command_and_option_that_is_shown_exists(line: Line) -> None:
    command: click.Command = Root()
    words = line.words
    context = click.Context(command, info_name="forsvarlig")
    while words and isinstance(command, click.Group) and (child := command.get_command(context, words[0])):
        command, words = child, words[1:]
        context = click.Context(command, info_name=words[0] if words else "", parent=context)
    command.make_parser(context).parse_args(args=words)


def test_enough_lines_are_found() -> None:
    assert len(LINES) > 30


def test_the_people_who_are_named_are_the_examples() -> None:
    known = (NORDFJORD / "personer.csv").read_text(encoding="utf-8")
    named = {
        line.value(option)
        for line in LINES
        for option in ("--as", "--who", "--person")
        if option in line.words and not line.value(option).isupper()
    }
    assert named
    assert {name for name in named if f";{name};" not in known} == set()


def test_the_search_finds_what_the_safety_representative_of_the_sawmill_writes_in_the_demonstration() -> None:
    [search] = [line for line in LINES if "--text" in line.words and "--law" in line.words]
    people = (NORDFJORD / "personer.csv").read_text(encoding="utf-8")
    roles = (NORDFJORD / "roller.csv").read_text(encoding="utf-8")
    [number] = re.findall(rf"(?m)^(\d+);{search.value('--who')};", people)
    assert re.search(rf"(?m)^{number};verneombud;;Sagbruk;", roles)
    [said] = [
        told
        for told in read_story(NORDFJORD / "story.toml").deviations
        if (told.unit, told.role, told.outcome) == ("sagbruk", Role.SAFETY_REP, Outcome.DISAGREES)
    ]
    assert said.comment is not None
    assert any(word.startswith(search.value("--text")) for word in words_of(said.comment))
    [step] = [step for step in programme().steps if step.id == said.step]
    assert search.value("--law") in step.requirements
