"""The årshjul: one year as a circle, 1 January at the top, with every step from its opening to its due date.

`wheel` draws what it is given and nothing else; `from_plan` draws a planned year of one employer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from activities.language import N_, Language, translator
from activities.words import STAGES
from portal.pictures.dial import (
    BAND_TITLE,
    KEY,
    NAME,
    RING,
    Band,
    Dial,
    WheelStep,
    arranged,
    band_names,
)
from portal.pictures.scales import (
    Placed,
    Span,
    angle_of,
    arc,
    arc_back,
    at,
    months,
    number,
    point,
    sector,
    span,
)
from portal.pictures.svg import (
    FONT,
    ROUND,
    Theme,
    fill,
    rect,
    rounded,
    shortened,
    stroke,
    style,
    turned,
    wrapped,
    xml,
)
from workflows.rules.base import Frozen
from workflows.rules.calendar import Blackout
from workflows.rules.plan import PlannedStep, YearPlan
from workflows.rules.programme import Level, Programme, Stage


class WheelLabels(Frozen):
    """Every word on the wheel besides the keys and the months, in one language."""

    language: Language
    employer: str
    unit: str
    stages: Mapping[Stage, str]
    due: str
    closed: str
    today: str
    summary: str


# Lengths in pixels of the viewBox.
ARC = 18.0
MARGIN = 34.0
NAME_LINE = 15.0
MONTH, YEAR, ROW = 15.5, 46.0, 17.0
COLUMNS = 4


def wheel(
    steps: Sequence[WheelStep],
    *,
    year: int,
    title: str,
    month_names: Sequence[str],
    calendar_bands: Sequence[Band],
    today: date | None,
    labels: WheelLabels,
    theme: Theme,
) -> str:
    """An SVG document of `year`: the same bytes for the same arguments.

    The unit's steps lie outside, the employer's inside, each in the first lane that is free; a legend of the
    stages names the steps of each, so that nothing is told by colour alone. A step or band that crosses New
    Year is cut there. `today` outside the year is left out. The theme `css` follows the reader's light or
    dark setting and takes a colour from the CSS variable `--wheel-…` (the keys of `svg.LIGHT`) where the page
    sets one; `print` has literal light colours only and no style sheet.

    ValueError for a step that is due before it opens or lies outside the year, and unless there are twelve
    month names.
    """
    if len(month_names) != 12:
        raise ValueError(f"a year has 12 months, but {len(month_names)} names were given: give one for each")
    dial = arranged(steps, year)
    names = band_names(calendar_bands, year, dial.rim)
    half = dial.rim + MARGIN + NAME_LINE * max((placed.lane for _, placed in names), default=0)
    legend, bottom = _legend(dial, labels, half)
    box = f"{number(-half)} {number(-half)} {number(2 * half)} {number(half + bottom)}"
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="year-wheel" role="img" lang="{labels.language}" '
        f'viewBox="{box}" width="{number(2 * half)}" height="{number(half + bottom)}" '
        f'font-family="{FONT}" font-size="{number(KEY)}" text-anchor="middle">'
    )
    parts = [
        root,
        f"<title>{xml(title)}</title><desc>{xml(labels.summary)}</desc>",
        *([style()] if theme == "css" else []),
        rect(-half, -half, 2 * half, half + bottom, f'rx="12" {fill("paper")}'),
        *_calendar(dial, year, month_names, calendar_bands),
        *_curved_texts(dial, names, labels),
        *_hand(dial, year, today),
        *_arcs(dial, year),
        *_centre(dial, year, today, labels),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _calendar(dial: Dial, year: int, month_names: Sequence[str], bands: Sequence[Band]) -> Iterator[str]:
    """The closed stretches, the ring of months and, through the lanes, the first of each month."""
    closed = [s for band in bands if (s := span(band.first, band.last, year))]
    yield f'<path d="{"".join(sector(dial.core, dial.edge, s) for s in closed)}" {fill("closed")}/>'
    gap = angle_of(1, dial.rim)
    ring = [sector(dial.edge, dial.rim, Span(m.start + gap, m.end - gap)) for m in months(year)]
    yield f'<path d="{"".join(ring)}" {fill("ring")}/>'
    named = zip(month_names, months(year), strict=True)
    texts = [turned(name, month.middle, dial.rim - RING / 2, MONTH) for name, month in named]
    yield f'<g {fill("muted")} font-size="{number(MONTH)}">{"".join(texts)}</g>'
    firsts = [f"M{at(m.start, dial.edge)}L{at(m.start, dial.core)}" for m in months(year)]
    yield f'<path d="{"".join(firsts)}" {stroke("hair")}/>'
    for top in list(dial.tops.values())[1:]:
        yield f'<circle r="{number(top + BAND_TITLE)}" {stroke("hair")}/>'


def _curved_texts(dial: Dial, names: Sequence[tuple[str, Placed]], labels: WheelLabels) -> Iterator[str]:
    """What the closed stretches are called, outside the rim, and whose steps each band of lanes holds."""
    centred = 'text-anchor="middle"', ' startOffset="50%"'
    leading = 'text-anchor="start"', ""
    lines: list[tuple[str, str, tuple[str, str]]] = []
    for name, (lane, taken) in names:
        lower = 90 < taken.middle < 270
        radius = dial.rim + NAME_LINE * lane + (18 if lower else 9)
        lines.append(((arc_back if lower else arc)(radius, taken), name, centred))
    for level, top in dial.tops.items():
        radius = top + 8
        quarter = Span(angle_of(4, radius), 90)
        name = labels.employer if level is Level.EMPLOYER else labels.unit
        lines.append((arc(radius, quarter), shortened(name, NAME, 1.5 * radius), leading))
    # A page may hold two wheels, and ids are the page's.
    prefix = "yw" + hashlib.sha256(repr(lines).encode(errors="replace")).hexdigest()[:8]
    paths = [f'<path id="{prefix}-{n}" d="{d}"/>' for n, (d, _, _) in enumerate(lines)]
    texts = [
        f'<text {anchor}><textPath href="#{prefix}-{n}"{offset}>{xml(text)}</textPath></text>'
        for n, (_, text, (anchor, offset)) in enumerate(lines)
    ]
    yield f"<defs>{''.join(paths)}</defs>"
    yield f'<g {fill("muted")} font-size="{number(NAME)}">{"".join(texts)}</g>'


def _hand(dial: Dial, year: int, today: date | None) -> Iterator[str]:
    if today is None or (stretch := span(today, today, year)) is None:
        return
    line = f"M{at(stretch.middle, dial.edge)}L{at(stretch.middle, dial.core)}"
    x, y = point(stretch.middle, dial.edge)
    yield f'<path d="{line}" {stroke("today")} stroke-width="1.5"/>'
    yield f'<circle cx="{number(x)}" cy="{number(y)}" r="4" {fill("today")}/>'


def _arcs(dial: Dial, year: int) -> Iterator[str]:
    """Stage by stage the arcs and, at their ends, the due dates; then all keys."""
    keys: list[str] = []
    for stage in Stage:
        bodies: list[str] = []
        ticks: list[str] = []
        for found in dial.steps:
            if found.step.stage is not stage:
                continue
            radius = dial.radius(found)
            pixel = angle_of(1, radius)
            start = found.stretch.start + 3 * pixel
            end = max(found.stretch.end - 3 * pixel, start + pixel / 10)
            body = sector(radius - ARC / 2 + ROUND, radius + ARC / 2 - ROUND, Span(start, end))
            bodies.append(f'<path d="{body}"><title>{xml(found.step.hint)}</title></path>')
            if found.step.due.year == year:
                tick = Span(end - pixel, end + 2 * pixel)
                ticks.append(sector(radius - ARC / 2, radius + ARC / 2, tick))
            keys.append(turned(found.step.key, found.key_angle, radius, KEY))
        if bodies:
            yield f"<g {rounded(stage)}>{''.join(bodies)}</g>"
            yield f'<path d="{"".join(ticks)}" {fill(f"{stage.value}-due")}/>'
    yield f'<g {fill("ink")} font-weight="600" pointer-events="none">{"".join(keys)}</g>'


def _centre(dial: Dial, year: int, today: date | None, labels: WheelLabels) -> Iterator[str]:
    hand = today is not None and today.year == year
    baseline = 6 if hand else 16
    yield f'<text y="{baseline}" font-size="{number(YEAR)}" font-weight="600" {fill("ink")}>{year}</text>'
    if hand:
        yield f'<text y="30" {fill("today")}>{xml(shortened(labels.today, KEY, 1.75 * dial.core))}</text>'


def _legend(dial: Dial, labels: WheelLabels, half: float) -> tuple[list[str], float]:
    """The stages that occur with the keys of their steps, what the signs mean, and where it all ends."""
    inset = 28.0
    width = (2 * half - 2 * inset) / COLUMNS
    room = width - 34
    cells: list[tuple[Stage | None, str, list[str]]] = []
    for stage in Stage:
        keys = sorted({found.step.key for found in dial.steps if found.step.stage is stage})
        if keys:
            cells.append((stage, labels.stages[stage], wrapped(keys, NAME, room)))
    cells.append((None, labels.due, [shortened(labels.closed, NAME, room)]))
    drawn: list[str] = []
    y = half + 4
    for first in range(0, len(cells), COLUMNS):
        row = cells[first : first + COLUMNS]
        for column, (sign, name, lines) in enumerate(row):
            x = -half + inset + column * width
            drawn += _cell(x, y, sign, shortened(name, KEY, room), lines)
        y += 32 + ROW * max(len(lines) for _, _, lines in row)
    return [f'<g text-anchor="start" font-size="{number(NAME)}">{"".join(drawn)}</g>'], y


def _cell(x: float, y: float, stage: Stage | None, name: str, lines: Sequence[str]) -> Iterator[str]:
    """A swatch with its name and, below it, the lines; without a stage, the signs for due and closed."""
    soft = f'rx="{number(ROUND)}"'
    if stage:
        yield rect(x + ROUND, y + ROUND, 16, 14 - 2 * ROUND, rounded(stage))
        heading = f'font-weight="600" {fill("ink")}'
    else:
        yield rect(x, y, 20, 14, f"{soft} {fill('ring')}")
        yield rect(x, y + ROW, 20, 14, f"{soft} {fill('closed')}")
        heading = fill("muted")
    yield rect(x + 17, y, 3, 14, fill(f"{stage.value}-due" if stage else "muted"))
    yield f'<text x="{number(x + 28)}" y="{number(y + 11.5)}" {heading}>{xml(name)}</text>'
    for n, line in enumerate(lines, 1):
        yield f'<text x="{number(x + 28)}" y="{number(y + 11.5 + ROW * n)}" {fill("muted")}>{xml(line)}</text>'


# --- the planned year -----------------------------------------------------------------------------

BLACKOUTS: Mapping[Blackout, str] = {
    Blackout.FELLESFERIE: N_("fellesferie"),
    Blackout.EASTER: N_("påske"),
    Blackout.CHRISTMAS: N_("jul"),
}


def from_plan(
    year_plan: YearPlan,
    programme: Programme,
    language: Language,
    *,
    unit: str | None = None,
    unit_name: str | None = None,
    today: date | None = None,
    theme: Theme = "css",
) -> str:
    """The wheel of a planned year: the employer's steps and those of one unit.

    Without `unit` it is the first of the units with the most steps, and stands for each of them. `unit_name`
    is what the unit is called on the wheel. A step that both opens and is due in another year is not on it.
    ValueError for a unit that the plan does not have.
    """
    from babel.dates import format_date, get_month_names

    if unit is not None and unit not in year_plan.units:
        known = ", ".join(year_plan.units) or "none"
        raise ValueError(f"no unit {unit!r} in {year_plan.year}: choose one of {known}")
    _ = translator(language)
    year, dot = year_plan.year, "" if language == "en" else "."

    def drawn(step: PlannedStep, level: Level) -> WheelStep:
        opens, due = (format_date(d, f"d{dot} MMMM", locale=language) for d in (step.opens, step.due))
        hint = f"{step.key} {step.name.in_(language)}: {opens} – {due}"
        return WheelStep(
            key=step.key, hint=hint, stage=step.stage, level=level, opens=step.opens, due=step.due
        )

    here = [s for s in year_plan.steps if span(s.opens, s.due, year)]
    own = [drawn(s, Level.EMPLOYER) for s in here if s.cycle.unit is None]
    shown = unit or _fullest(year_plan)
    theirs = [drawn(s, Level.UNIT) for s in here if s.cycle.unit is not None and s.cycle.unit == shown]
    summary = _("{year}: {own} steg for virksomheten og {theirs} for enheten, hvert fra åpning til frist.")
    labels = WheelLabels(
        language=language,
        employer=_("Virksomheten"),
        unit=unit_name or unit or _("Hver enhet"),
        stages={stage: _(name) for stage, name in STAGES.items()},
        due=_("Frist"),
        closed=_("Ingen frister"),
        today=_("i dag {day}").format(day=format_date(today, f"d{dot} MMM", locale=language))
        if today
        else "",
        summary=summary.format(year=year, own=len(own), theirs=len(theirs)),
    )
    month_names = get_month_names("wide", "stand-alone", language)
    return wheel(
        [*own, *theirs],
        year=year,
        title=f"{programme.name.in_(language)} {year}",
        month_names=[month_names[n] for n in range(1, 13)],
        calendar_bands=closed_bands(programme, year, {b: _(name) for b, name in BLACKOUTS.items()}),
        today=today,
        labels=labels,
        theme=theme,
    )


def closed_bands(programme: Programme, year: int, names: Mapping[Blackout, str]) -> tuple[Band, ...]:
    """The stretches of `year` in which the programme lets nothing fall due, each with its name."""
    bands: list[Band] = []
    day = date(year, 1, 1)
    while day.year == year:
        blackout = programme.calendar.blackout(day)
        if blackout is not None:
            if bands and bands[-1].name == names[blackout] and bands[-1].last == day - timedelta(days=1):
                bands[-1] = bands[-1].model_copy(update={"last": day})
            else:
                bands.append(Band(name=names[blackout], first=day, last=day))
        day += timedelta(days=1)
    return tuple(bands)


def _fullest(year_plan: YearPlan) -> str | None:
    counts = {unit: sum(s.cycle.unit == unit for s in year_plan.steps) for unit in year_plan.units}
    return max(counts, key=lambda unit: counts[unit], default=None)
