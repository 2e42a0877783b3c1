"""Any organisation that is told in files is read back as it was; and the laws of laying one on another."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.no import orgnr

from activities.directory.merge import merged
from tests.directory.made_files import Rows, import_from, imported, write_csv, write_xlsx
from workflows.rules.organisation import (
    Absence,
    Assignment,
    Employment,
    Organisation,
    Role,
    SafetyArea,
    Slice,
    Unit,
)

TODAY = date(2026, 6, 1)
FIRST = date(2020, 1, 1)

names = st.text(st.characters(codec="utf-8", categories=("L", "Nd", "P")), min_size=1, max_size=12).filter(
    lambda text: unicodedata.is_normalized("NFC", text)
)
days = st.dates(date(2020, 1, 2), date(2026, 5, 31))
ends = st.none() | st.dates(date(2026, 6, 2), date(2027, 12, 31))
NINE_DIGITS = [n for n in (f"80234{i:04d}" for i in range(10_000)) if orgnr.is_valid(n)]


@st.composite
def organisations(draw: st.DrawFn) -> tuple[Organisation, dict[str, str]]:
    """An employer without faults, and the names of its people by id, in the order of their ids."""
    areas = tuple(SafetyArea(id=f"vo-{n}", name=f"VO {n}") for n in range(draw(st.integers(1, 3))))
    units = [Unit(id="rot", name="Rot", since=FIRST)]
    for n in range(draw(st.integers(1, 5))):
        parent = draw(st.sampled_from(units)).id
        area = draw(st.none() | st.sampled_from([a.id for a in areas]))
        units.append(
            Unit(id=f"e-{n}", name=draw(names.filter(str.isalpha)), parent=parent, area=area, since=FIRST)
        )
    employments: list[Employment] = []
    people: dict[str, str] = {}
    for n in range(1, draw(st.integers(3, 12)) + 1):
        id = f"p{n:04d}"
        people[id] = draw(names)
        employments.append(
            Employment(
                person=id,
                unit=draw(st.sampled_from(units[1:])).id,
                kind=draw(st.sampled_from(["employee", "hired_in"])),
                hours_per_week=draw(st.integers(1, 600)) / Decimal(10),
                since=draw(days),
                until=draw(ends),
            )
        )
    # The first three stay, so that a role may last; one on each side, so that no roles are in conflict.
    employments[:3] = [e.model_copy(update={"until": None}) for e in employments[:3]]
    used = {u.area for u in units} - {None}
    assignments = [Assignment(role=Role.TOP_MANAGER, person="p0001", since=draw(days))]
    assignments += [
        Assignment(role=Role.MANAGER, person="p0002", unit=unit.id, since=draw(days), until=draw(ends))
        for unit in draw(st.lists(st.sampled_from(units), unique=True))
    ]
    assignments += [
        Assignment(role=Role.SAFETY_REP, person="p0003", area=area, since=draw(days)) for area in sorted(used)
    ]
    absences = []
    if draw(st.booleans()):
        absences.append(Absence(person="p0002", substitute="p0001", since=draw(days), until=draw(ends)))
    return Organisation(
        employer="prove",
        org_number=draw(st.sampled_from(NINE_DIGITS)),
        name=draw(names),
        sector=draw(st.sampled_from(["private", "public"])),
        ohs_required=draw(st.booleans()),
        wec_demanded=draw(st.none() | days),
        units=tuple(units),
        areas=tuple(a for a in areas if a.id in used),
        employments=tuple(employments),
        assignments=tuple(assignments),
        absences=tuple(absences),
    ), people


def told(organisation: Organisation, people: dict[str, str]) -> dict[str, Rows]:
    """The organisation as tables; `til` is the last day."""

    def day(value: date | None) -> str:
        return value.isoformat() if value else ""

    def last(s: Slice) -> str:
        return day(s.until - timedelta(days=1)) if s.until else ""

    o, yes_no = organisation, ("nei", "ja")
    area = {None: "", **{a.id: a.name for a in o.areas}}
    roles = {Role.TOP_MANAGER: "Toppleder", Role.MANAGER: "leiar", Role.SAFETY_REP: "VERNEOMBUD"}
    return {
        "virksomhet": [
            ["id", "orgnr", "navn", "sektor", "bht", "amu krevd"],
            [o.employer, o.org_number, o.name, o.sector, yes_no[o.ohs_required], day(o.wec_demanded)],
        ],
        "enheter": [
            ["id", "navn", "overordnet", "verneområde", "fra", "til"],
            *([u.id, u.name, u.parent or "", area[u.area], day(u.since), last(u)] for u in o.units),
        ],
        "personer": [
            ["ansattnr", "navn", "e-post", "enhet", "timer per uke", "ansettelsestype", "fra", "til"],
            *(
                [
                    f"nr-{e.person}", people[e.person], f"{e.person}@prove.example", e.unit,
                    str(e.hours_per_week),
                    {"employee": "ansatt", "hired_in": "innleid"}[e.kind], day(e.since), last(e),
                ]
                for e in o.employments
            ),
        ],
        "roller": [
            ["ansattnr", "rolle", "enhet", "verneområde", "fra", "til"],
            *(
                [f"nr-{a.person}", roles[a.role], a.unit or "", area[a.area], day(a.since), last(a)]
                for a in o.assignments
            ),
        ],
        "fravær": [
            ["ansattnr", "vikar", "fra", "til"],
            *([f"nr-{a.person}", f"nr-{a.substitute}", day(a.since), last(a)] for a in o.absences),
        ],
    }  # fmt: skip


def unordered(o: Organisation) -> tuple[object, ...]:
    own = o.model_dump(exclude={"units", "areas", "employments", "assignments", "absences"})
    parts = (o.units, o.areas, o.employments, o.assignments, o.absences)
    return (own, *(frozenset(part) for part in parts))


@settings(max_examples=60, deadline=None)
@given(organisations(), st.sampled_from([";", ",", "\t", "xlsx"]), st.sampled_from(["utf-8", "utf-16"]))
def test_what_is_told_is_read(made: tuple[Organisation, dict[str, str]], form: str, encoding: str) -> None:
    organisation, people = made
    tables = told(organisation, people)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filer"
        if form == "xlsx":
            source = write_xlsx(path.with_suffix(".xlsx"), tables)
        else:
            source = write_csv(path, tables, encoding=encoding, delimiter=form)
        result = import_from(source, today=TODAY)
        again = import_from(source, existing=result.organisation, people=result.people, today=TODAY)
    assert unordered(imported(result)) == unordered(organisation)
    assert {card.id: card.name for card in result.people} == people
    assert again.organisation == result.organisation


# --- the laws of merging --------------------------------------------------------------------------------

spans = st.builds(
    lambda start, length: (start, None if length is None else start + timedelta(days=length)),
    st.dates(date(2026, 5, 20), date(2026, 6, 15)),
    st.none() | st.integers(1, 20),
)
absences = st.builds(
    lambda span, person, substitute: Absence(
        person=person, substitute=substitute, since=span[0], until=span[1]
    ),
    spans,
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(["a", "b"]),
)


def apart(slices: Sequence[Absence]) -> list[Absence]:
    """Those of one person that do not overlap, as in one list."""
    kept: list[Absence] = []
    for one in sorted(slices, key=lambda s: s.since):
        before = [k for k in kept if k.person == one.person]
        if all(k.until is not None and k.until <= one.since for k in before):
            kept.append(one)
    return kept


pictures = st.lists(absences, max_size=5).map(apart)


def lay(known: Sequence[Absence], told: Sequence[Absence]) -> tuple[Absence, ...]:
    return merged(known, told, subject=lambda a: a.person, content=lambda a: a.substitute, today=TODAY)


@given(pictures, pictures)
def test_laying_the_same_picture_twice_is_laying_it_once(known: list[Absence], told: list[Absence]) -> None:
    once = lay(known, told)
    assert lay(once, told) == once


@given(pictures)
def test_the_first_picture_is_kept_as_told(told: list[Absence]) -> None:
    assert set(lay([], told)) == set(told)


@given(pictures)
def test_when_nothing_is_told_the_past_stays_and_the_present_ends_today(known: list[Absence]) -> None:
    after = lay(known, [])
    for offset in range(-20, 40):
        day = TODAY + timedelta(days=offset)
        was = {(a.person, a.substitute) for a in known if a.holds_on(day)}
        now = {(a.person, a.substitute) for a in after if a.holds_on(day)}
        assert now == (was if day < TODAY else set())


@given(pictures, pictures)
def test_from_today_on_exactly_what_is_told_holds(known: list[Absence], told: list[Absence]) -> None:
    after = lay(known, told)
    for offset in range(40):
        day = TODAY + timedelta(days=offset)
        expected = {(a.person, a.substitute) for a in told if a.holds_on(day)}
        assert {(a.person, a.substitute) for a in after if a.holds_on(day)} == expected


@given(pictures, pictures)
def test_a_past_that_nothing_new_is_told_of_stays(known: list[Absence], told: list[Absence]) -> None:
    silent = [a for a in told if a.since >= TODAY]
    after = lay(known, silent)
    for offset in range(-20, 0):
        day = TODAY + timedelta(days=offset)
        was = {(a.person, a.substitute) for a in known if a.holds_on(day)}
        assert {(a.person, a.substitute) for a in after if a.holds_on(day)} == was
