"""Absurd values of every option and argument of every command: each is told in words, none is a crash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from tests.worker.desk import Desk, copied
from worker.cli.choices import Meaning
from worker.cli.frame import Root
from worker.cli.moments import Day, Moment

HUGE = "9" * 25
NUMBERS = (HUGE, f"-{HUGE}", "9" * 5_000, "1e3", "½", "")
DAYS = ("9999-12-31", "0001-01-01", "2027-02-30", "31.12.99999", HUGE, "i går", "9" * 5_000, "")
MOMENTS = ("9999-12-31T23:59+00:00", "0001-01-01T00:00", "31.12.9999 23:59", HUGE, "")
TEXTS = (
    HUGE,
    f"sagbruk/{HUGE}",
    f"{HUGE}-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E",
    "\udcff",
    "x'\";--\x1b[2J%{}\\",
    "x" * 9_000,
    "",
)
ELSEWHERE = {"up", "demo", "rehearse", "worker", "ledger timestamp", "archive sweep"}
"""Commands that start or call another program once their arguments are understood."""

GIVEN = {
    "cycle": "sagbruk", "key": "Y10", "actor": "kari", "person": "kari", "who": "kari", "what": "sagbruk/2027",
    "year": "2027", "days": "4000", "number": "3", "numbers": "3", "key_id": "k", "public_key": "k", "app": "x",
    "employer": "nordfjord", "delegation": "1", "until": "2027-12-31", "due": "2027-12-31", "comment": "x",
    "witness": "x", "witnesses": "x", "vkey": "x",
}  # fmt: skip
"""What the other required ones get."""


class Place(NamedTuple):
    """One option or argument of one command."""

    command: tuple[str, ...]
    parameter: click.Parameter
    others: tuple[click.Parameter, ...]

    def __str__(self) -> str:
        return " ".join([*self.command, str(self.parameter.name)])

    def typed(self, value: str, file: Path) -> list[str]:
        """The command line with this value, and something sensible where something must stand."""
        words = list(self.command)
        for each in self.others:
            if each is not self.parameter and not each.required:
                continue
            mine = value if each is self.parameter else _sensible(each, file)
            words += [f"{each.opts[0]}={mine}"] if isinstance(each, click.Option) else [_argument(mine)]
        return words


def _sensible(parameter: click.Parameter, file: Path) -> str:
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter.type, click.Path):
        return str(file)
    return GIVEN[str(parameter.name)]


def _argument(value: str) -> str:
    return value if not value.startswith("-") else f"./{value}"


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below, with its words; a group too where it does something by itself."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))


PLACES = [
    Place(path, parameter, tuple(command.params))
    for path, command in commands(Root())
    for parameter in command.params
    if parameter.name not in ("format", "lang", "config", "state", "help")
]


def of_type(*kinds: type[click.ParamType[Any]]) -> list[Place]:
    return [place for place in PLACES if isinstance(place.parameter.type, kinds)]


@pytest.fixture(scope="module")
def at(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all: what is refused leaves nothing behind that the next would notice."""
    folder = tmp_path_factory.mktemp("absurd")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Desk(copied(opened, folder / "state"), patch)


@pytest.mark.parametrize("place", of_type(click.types.IntParamType), ids=str)
def test_a_number_beyond_all_sense_is_a_matter_of_usage(at: Desk, place: Place) -> None:
    for value in NUMBERS:
        said = at(*place.typed(value, at.state / "none"))
        assert (said.code, said.out) == (2, ""), (value, said.err)


@pytest.mark.parametrize("place", of_type(Day, Moment), ids=str)
def test_a_day_that_no_calendar_has_is_a_matter_of_usage_and_said_in_the_same_words(
    at: Desk, place: Place
) -> None:
    for value in MOMENTS if isinstance(place.parameter.type, Moment) else DAYS:
        said = at(*place.typed(value, at.state / "none"))
        assert said.code == 2, (value, said.err)
        assert "er ingen dag: skriv 2027-05-12" in said.err
        assert len(said.err) < 400


def test_days_and_numbers_are_read_by_types_of_ours() -> None:
    assert not of_type(click.DateTime)
    unbounded = [
        str(place)
        for place in of_type(click.types.IntParamType)
        if not isinstance(place.parameter.type, click.IntRange) or place.parameter.type.max is None
    ]
    assert unbounded == []


@pytest.mark.parametrize("place", [p for p in of_type(click.Path) if p.command[0] not in ELSEWHERE], ids=str)
def test_a_place_where_no_file_can_be_is_told_in_words(at: Desk, place: Place) -> None:
    for value in ("x" * 5_000, "/dev/null/x", "\udcff"):
        said = at(*place.typed(value, at.state / "none"))
        assert "uventet" not in said.err, (value, said.err)


@pytest.mark.parametrize("place", of_type(Meaning), ids=str)
def test_a_word_that_cannot_be_chosen_is_answered_with_what_each_of_them_means(
    at: Desk, place: Place
) -> None:
    assert isinstance(place.parameter.type, Meaning)
    words = place.typed("x" * 9_000, at.state / "none")
    calls = [words]
    if place.parameter.required and isinstance(place.parameter, click.Option):
        calls.append([word for word in words if not word.startswith(f"{place.parameter.opts[0]}=")])
    for call in calls:
        told = at(*call)
        assert told.code == 2
        assert len(told.err) < 4_000
        assert re.findall(r"(?m)^  (\w+)  +\S", told.err) == list(place.parameter.type.choices)


TEXTUAL = [p for p in of_type(click.types.StringParamType) if " ".join(p.command) not in ELSEWHERE]


@pytest.mark.parametrize("place", TEXTUAL, ids=str)
def test_a_name_that_nobody_has_is_told_in_words(at: Desk, place: Place) -> None:
    for value in TEXTS:
        said = at(*place.typed(value, at.state / "none"))
        assert "uventet" not in said.err, (value, said.err)
        assert "\x1b[2J" not in said.out + said.err
