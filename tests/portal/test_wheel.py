"""The year wheel: every step once, nothing over another, nothing outside, readable in light, dark and print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pictures.dial import KEY, RIM, Band, WheelStep, arranged
from portal.pictures.svg import DARK, LIGHT, Theme, shortened, text_width, wrapped
from portal.pictures.wheel import WheelLabels, closed_bands, from_plan, wheel
from tests.portal.drawing import DRAWING, drawing, example_year
from tests.portal.made_up_years import NEW_YEAR, YEAR, law, step, year_bands, year_steps
from tests.rules.employers import LARGE, MEDIUM, SMALL, programme, year_plan
from workflows.rules.calendar import Blackout
from workflows.rules.organisation import Organisation
from workflows.rules.programme import Level, Stage

MONTHS = ("januar", "februar", "mars", "april", "mai", "juni",
          "juli", "august", "september", "oktober", "november", "desember")  # fmt: skip
LABELS = WheelLabels(
    language="nb", employer="Virksomheten", unit="Sagbruk", stages={s: s.value for s in Stage}, due="Frist",
    closed="Ingen frister", today="i dag 30. sep.", summary="Et år.",
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def drawn(
    steps: Sequence[WheelStep] = (), *, bands: Sequence[Band] = (), today: date | None = None,
    title: str = "Årshjul", labels: WheelLabels = LABELS, theme: Theme = "css",
) -> str:  # fmt: skip
    return wheel(
        steps, year=YEAR, title=title, month_names=MONTHS, calendar_bands=bands, today=today, labels=labels,
        theme=theme,
    )  # fmt: skip


def tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  (our own text)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in tree(svg).iter(f"{SVG}text")]


def hints(svg: str) -> list[str]:
    return [t.text or "" for path in tree(svg).iter(f"{SVG}path") for t in path.iter(f"{SVG}title")]


def due_ticks(svg: str, stage: Stage) -> int:
    paths = [p for p in tree(svg).iter(f"{SVG}path") if p.get("class") == f"yw-{stage.value}-due"]
    return sum(p.get("d", "").count("Z") for p in paths)


def test_eleven_months_are_no_year() -> None:
    with pytest.raises(ValueError, match="12 months, but 11 names"):
        wheel(
            [], year=YEAR, title="", month_names=MONTHS[:11], calendar_bands=[], today=None, labels=LABELS,
            theme="css",
        )  # fmt: skip


# --- the drawing ----------------------------------------------------------------------------------


def corners(svg: str) -> list[tuple[float, float]]:
    """Every end of a line, arc and shape, and the four corners of every text, widely estimated."""
    found: list[tuple[float, float]] = []
    for element in tree(svg).iter():
        d = re.sub(r"A\S+ \S+ 0 \d \d ", " ", element.get("d", ""))
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", d)]
        found += zip(numbers[::2], numbers[1::2], strict=True)
        if element.tag == f"{SVG}rect":
            x, y, wide, high = (float(element.get(name, "")) for name in ("x", "y", "width", "height"))
            found += [(x, y), (x + wide, y + high)]
        place = re.match(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        if place:
            x, y = float(place[1]), float(place[2])
            reach = text_width("".join(element.itertext()), 15.5) / 2
            found += [(x - reach, y - reach), (x + reach, y + reach)]
        elif element.tag == f"{SVG}text" and element.get("x"):
            x, y = float(element.get("x", "")), float(element.get("y", ""))
            found += [(x, y - 12), (x + text_width("".join(element.itertext()), KEY), y + 4)]
    return found


@law
@given(year_steps(), year_bands())
def test_nothing_lies_outside_the_picture(steps: list[WheelStep], bands: list[Band]) -> None:
    svg = drawn(steps, bands=bands, today=date(YEAR, 4, 8))
    left, top, width, height = (float(n) for n in (tree(svg).get("viewBox") or "").split())
    for x, y in corners(svg):
        assert left <= x <= left + width
        assert top <= y <= top + height


@law
@given(year_steps(), year_bands())
def test_the_same_year_is_drawn_with_the_same_bytes(steps: list[WheelStep], bands: list[Band]) -> None:
    svg = drawn(steps, bands=bands)
    assert svg == drawn(list(steps), bands=list(bands))
    assert svg == drawn(list(reversed(steps)), bands=bands)


def test_closed_stretches_side_by_side_have_their_names_one_above_the_other_inside_the_picture() -> None:
    days = [NEW_YEAR + timedelta(days=90 + n) for n in range(6)]
    bands = [Band(name=f"Lukket i uke {n}", first=day, last=day) for n, day in enumerate(days)]
    root = tree(drawn(bands=bands))
    radii = [
        float(re.findall(r"A(\S+) ", path.get("d", ""))[0]) for path in root.findall(f"{SVG}defs/{SVG}path")
    ]
    assert len(set(radii)) == 6
    assert min(radii) > RIM
    assert max(radii) + 12 <= float((root.get("viewBox") or "").split()[2]) / 2


@law
@given(st.text(), st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=8))
def test_any_text_gives_well_formed_xml(title: str, name: str, key: str) -> None:
    labels = LABELS.model_copy(update={"unit": name, "summary": title, "today": name})
    svg = drawn(
        [step(key, NEW_YEAR, date(YEAR, 2, 1))], bands=[Band(name=name, first=NEW_YEAR, last=NEW_YEAR)],
        today=NEW_YEAR, title=title, labels=labels,
    )  # fmt: skip
    assert tree(svg).get("role") == "img"
    svg.encode()


def test_markup_in_a_name_stays_text() -> None:
    labels = LABELS.model_copy(update={"unit": "<script>&"})
    svg = drawn([step("Y01", NEW_YEAR, date(YEAR, 2, 1))], labels=labels)
    assert "<script>&" in texts(svg)
    assert "<script" not in svg


def test_a_step_that_crosses_new_year_is_cut_and_shows_no_due_date() -> None:
    whole = step("Y01", date(YEAR, 11, 1), date(YEAR, 12, 10))
    crossing = step("Y02", date(YEAR, 12, 1), date(YEAR + 1, 1, 10))
    assert due_ticks(drawn([whole]), Stage.MAP) == 1
    assert due_ticks(drawn([whole, crossing]), Stage.MAP) == 1
    assert "Y02" in texts(drawn([crossing]))
    before = arranged([step("Y03", date(YEAR - 1, 12, 1), date(YEAR, 1, 10))], YEAR).steps[0]
    assert before.stretch.start == 0


def test_today_is_shown_in_its_own_year_only() -> None:
    assert "i dag 30. sep." in texts(drawn(today=date(YEAR, 9, 30)))
    for other in (None, date(YEAR - 1, 12, 31), date(YEAR + 1, 1, 1)):
        assert drawn(today=other) == drawn()


def test_a_year_without_steps_is_an_empty_calendar() -> None:
    assert set(MONTHS) | {"2027"} <= set(texts(drawn()))
    assert hints(drawn()) == []


def test_a_long_unit_name_is_shortened_before_it_turns_upside_down() -> None:
    labels = LABELS.model_copy(update={"unit": "Avdeling for " + "svært " * 60})
    shown = next(
        t for t in texts(drawn([step("Y01", NEW_YEAR, date(YEAR, 2, 1))], labels=labels)) if "…" in t
    )
    assert shown.startswith("Avdeling for svært")
    assert text_width(shown, 12.5) < 1.5 * RIM


@law
@given(st.text(min_size=1), st.floats(20, 300))
def test_a_shortened_text_fits_its_room(text: str, room: float) -> None:
    assert text_width(shortened(text, 12, room), 12) <= room


@law
@given(st.lists(st.sampled_from(["Y01", "Y28.1", "Y100"]), min_size=1), st.floats(60, 300))
def test_wrapped_words_all_come_in_order_and_fit(words: list[str], room: float) -> None:
    lines = wrapped(words, 12, room)
    assert " ".join(lines).split(" ") == words
    assert all(text_width(line, 12) <= room for line in lines)


# --- who reads it ---------------------------------------------------------------------------------


def test_a_screen_reader_hears_a_title_and_a_summary() -> None:
    root = tree(drawn(title="Årshjul 2027"))
    assert (root.get("role"), root.get("lang")) == ("img", "nb")
    assert [(child.tag, child.text) for child in root][:2] == [
        (f"{SVG}title", "Årshjul 2027"),
        (f"{SVG}desc", "Et år."),
    ]


def test_the_legend_names_the_steps_of_each_stage_so_that_colour_is_not_needed() -> None:
    steps = [
        step("Y01", NEW_YEAR, date(YEAR, 2, 1), Stage.PLAN),
        step("Y02", NEW_YEAR, date(YEAR, 2, 1), Stage.ACT, Level.EMPLOYER),
        step("Y03", NEW_YEAR, date(YEAR, 3, 1), Stage.ACT),
    ]
    legend = texts(drawn(steps))[-6:]
    assert legend == ["plan", "Y01", "act", "Y02 Y03", "Frist", "Ingen frister"]


def test_print_has_literal_colours_only_and_css_has_both_schemes() -> None:
    on_paper, on_screen = drawn(theme="print"), drawn(theme="css")
    assert "var(" not in on_paper
    assert "<style" not in on_paper
    assert "prefers-color-scheme:dark" in on_screen
    assert re.sub(r"<style>.*</style>\n", "", on_screen) == on_paper


def test_the_style_sheet_has_a_colour_for_every_class_in_the_drawing() -> None:
    svg = drawing()
    classes = set(re.findall(r'class="(yw-[^"]+)"', svg)) | {"yw-today", "yw-today-line"}
    assert all(f".{name}{{" in svg for name in classes)


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        c = channel / 255
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[n : n + 2], 16)) for n in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_due_dates_stand_out_as_wcag_asks(colours: Mapping[str, str]) -> None:
    behind_keys = [s.value for s in Stage] + ["paper", "closed"]
    assert all(contrast(colours["ink"], colours[name]) >= 4.5 for name in behind_keys)
    assert all(contrast(colours["muted"], colours[name]) >= 4.5 for name in ("paper", "ring", "closed"))
    assert contrast(colours["today"], colours["paper"]) >= 4.5
    for stage in Stage:
        for name in ("paper", stage.value):
            assert contrast(colours[f"{stage.value}-due"], colours[name]) >= 3


# --- the planned year -----------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2026, 2027, 2028])
@pytest.mark.parametrize("organisation", [SMALL, MEDIUM, LARGE], ids=["under 5", "5 to 29", "30 and more"])
def test_every_planned_step_of_the_employer_and_of_one_unit_is_drawn_once(
    organisation: Organisation, year: int
) -> None:
    planned = year_plan(organisation, year)
    keys = [s.key for s in planned.steps if s.cycle.unit in (None, "u1")]
    svg = from_plan(planned, programme(), "nb")
    assert sorted(hint.split()[0] for hint in hints(svg)) == sorted(keys)
    assert all(texts(svg).count(key) >= 1 for key in keys)


def test_the_wheel_shows_the_unit_that_was_asked_for_by_its_name() -> None:
    svg = from_plan(year_plan(LARGE, YEAR), programme(), "nb", unit="u3", unit_name="Sagbruk")
    assert "Sagbruk" in texts(svg)
    assert "Hver enhet" not in texts(svg)


def test_a_unit_that_is_not_in_the_plan_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no unit 'u9' in 2027: choose one of u1, u2, u3, u4"):
        from_plan(year_plan(LARGE, YEAR), programme(), "nb", unit="u9")


def test_an_english_reader_gets_english_words_months_and_dates() -> None:
    svg = from_plan(year_plan(LARGE, YEAR), programme(), "en", today=date(YEAR, 4, 8))
    assert {"January", "Risk assessment", "Deadline", "today 8 Apr"} <= set(texts(svg))
    assert any(hint.startswith("Y15 ") and hint.endswith(": 5 May – 20 May") for hint in hints(svg))


def test_a_step_that_lies_in_another_year_altogether_is_left_out() -> None:
    planned = year_plan(LARGE, YEAR)
    late = planned.steps[0].model_copy(
        update={"key": "Y99", "opens": date(YEAR + 1, 1, 4), "due": date(YEAR + 1, 1, 20)}
    )
    more = planned.model_copy(update={"steps": (*planned.steps, late)})
    assert from_plan(more, programme(), "nb") == from_plan(planned, programme(), "nb")


def test_the_days_on_which_nothing_falls_due_are_the_calendars() -> None:
    bands = closed_bands(programme(), YEAR, {b: b.value for b in Blackout})
    assert [(b.name, b.first, b.last) for b in bands] == [
        ("christmas", date(2027, 1, 1), date(2027, 1, 3)),
        ("easter", date(2027, 3, 22), date(2027, 3, 29)),
        ("fellesferie", date(2027, 7, 12), date(2027, 8, 8)),
        ("christmas", date(2027, 12, 20), date(2027, 12, 31)),
    ]
    svg = from_plan(year_plan(LARGE, YEAR), programme(), "nb")
    assert [texts(svg).count(name) for name in ("jul", "påske", "fellesferie")] == [1, 1, 1]


def test_neighbouring_blackouts_stay_two_and_one_blackout_of_many_days_is_one() -> None:
    custom = programme().model_copy(
        update={"calendar": programme().calendar.model_copy(update={"fellesferie_weeks": (12, 28, 30)})}
    )
    names = [band.name for band in closed_bands(custom, YEAR, {b: b.value for b in Blackout})]
    assert names == ["christmas", "fellesferie", "easter", "fellesferie", "fellesferie", "christmas"]


def test_the_drawing_in_the_readme_is_the_one_the_product_makes() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(), "run: python -m tests.portal.drawing"
    assert len(drawing().encode()) < 40_000
    assert {s.key for s in example_year().steps} == {hint.split()[0] for hint in hints(drawing())}
