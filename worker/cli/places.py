"""Finding the year and the step that a command names, and saying them back as they can be typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from activities.language import N_, _
from activities.words import listed
from worker.cli.employers import chosen
from worker.cli.failures import NotFound
from worker.cli.naming import visible
from worker.cli.people import Ambiguous
from workflows.rules.programme import Level
from workflows.rules.terms import CycleRef

if TYPE_CHECKING:
    from activities.store.database import Reader
    from activities.store.rows import CycleRow
    from workflows.rules.organisation import Organisation
    from workflows.rules.situation import Situation
    from workflows.rules.standing import Standing

CYCLE_HELP = N_(
    "ÅRSHJUL er en enhet og et år, som sagbruk/2027; bare enheten; 2027 eller «virksomhet» for hele "
    "virksomheten; eller den fulle id-en, som unit/nordfjord/sagbruk/2027. STEG er som Y15 eller Y28.1."
)
OWN = ("virksomhet", "verksemd", "employer")
"""Words for the employer's own year."""

_YEAR = re.compile(r"[0-9]{4}")


async def find_cycle(
    reader: Reader, text: str, *, today: date, year: int | None = None, employer: str | None = None
) -> CycleRow:
    """The cycle that `text` means: its id, `<unit>/<year>`, `<unit>`, `<year>` or one of `OWN`.

    Without a year it is the only running one, or that of `today`, or the last of those that are closed. A
    unit may be said by its id or its name. `NotFound` says what there is; `Ambiguous` how to choose.
    """
    if text.count("/") > 1:
        return await _by_id(reader, text)
    home = (await chosen(reader, employer)).id
    cycles = await reader.cycles(employer=home)
    if not cycles:
        raise NotFound(_("Ingen årshjul er startet ennå."), "forsvarlig year start")
    place, _slash, told_year = text.strip().rpartition("/") if "/" in text else _split(text.strip())
    if told_year and not _YEAR.fullmatch(told_year):
        raise NotFound(
            _("«{year}» i «{text}» er ikke et år.").format(year=visible(told_year), text=visible(text)),
            _("Skriv enhet/år, som sagbruk/{year}.").format(year=cycles[-1].year),
        )
    wanted = int(told_year) if told_year else year if year is not None else _current(cycles, today)
    unit = None
    if place.casefold() not in ("", home, *OWN):
        unit = _unit((await reader.organisation(home))[1], place, wanted)
    found = next((c for c in cycles if (c.unit, c.year) == (unit, wanted)), None)
    if found is None:
        raise _not_started(cycles, unit, wanted)
    return found


def typed_cycle(ref: CycleRef, employers: int) -> str:
    """The shortest that `find_cycle` understands without options, where there are so many employers."""
    if employers > 1:
        return ref.id
    return str(ref.year) if ref.unit is None else f"{ref.unit}/{ref.year}"


def find_step(situation: Situation, standing: Standing, text: str) -> str:
    """The key of the step that `text` means in this cycle, whatever its case.

    `NotFound` names steps like it, or says where else it is.
    """
    key = text.strip().upper()
    planned = {step.key: step for step in situation.plan.of(situation.cycle)}
    known = list(dict.fromkeys([*planned, *standing.steps]))
    if key in known:
        return key
    times = [k for k in known if k.startswith(f"{key}.")]
    if times:
        raise Ambiguous(
            _("{step} kommer flere ganger i året: {times}.").format(step=key, times=listed(times)),
            _("Velg en av dem, som {one}.").format(one=times[0]),
        )
    rule = next((s for s in situation.programme.steps if s.id == key.partition(".")[0]), None)
    if rule is not None and (rule.level is Level.EMPLOYER) is (situation.cycle.unit is not None):
        if rule.level is Level.EMPLOYER:
            where = _("Det er et steg for hele virksomheten: skriv {year} i stedet for enheten.")
        else:
            where = _("Det er et steg for hver enhet: skriv enheten, som {unit}/{year}.")
        unit = next(iter(situation.plan.units), "enhet")
        raise NotFound(
            _("{step} finnes ikke i {cycle}.").format(step=key, cycle=situation.cycle.id),
            where.format(year=situation.cycle.year, unit=unit),
        )
    near = difflib.get_close_matches(key, known, n=3)
    raise NotFound(
        _("{step} finnes ikke i {cycle}.").format(step=visible(key), cycle=situation.cycle.id),
        _("Mente du {near}?").format(near=listed(near))
        if near
        else _("Stegene er {steps}.").format(steps=", ".join(known)),
    )


def find_unit(organisation: Organisation, text: str) -> str:
    """The unit with this id or name; `NotFound` names those like it, `Ambiguous` all with the name."""
    wanted = " ".join(text.split()).casefold()
    units = {unit.id: unit.name for unit in organisation.units}
    if wanted in units:
        return wanted
    found = [id for id, name in units.items() if name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(
            _("Flere enheter heter «{text}»: {units}.").format(text=visible(text), units=listed(found)),
            _("Skriv id-en i stedet for navnet, som {one}.").format(one=found[0]),
        )
    near = difflib.get_close_matches(wanted, [*units, *(name.casefold() for name in units.values())], n=1)
    raise NotFound(
        _("Enheten «{text}» finnes ikke.").format(text=visible(text)),
        _("Mente du {near}?").format(near=near[0])
        if near
        else _("Enhetene er {units}.").format(units=", ".join(units)),
    )


async def _by_id(reader: Reader, text: str) -> CycleRow:
    row = await reader.cycle(text.strip())
    if row is not None:
        return row
    ids = [c.id for c in await reader.cycles()]
    near = difflib.get_close_matches(text.strip(), ids, n=3)
    raise NotFound(
        _("Årshjulet «{text}» finnes ikke.").format(text=visible(text)),
        _("Mente du {near}?").format(near=listed(near)) if near else "forsvarlig year list",
    )


def _split(text: str) -> tuple[str, str, str]:
    return ("", "", text) if _YEAR.fullmatch(text) else (text, "", "")


def _current(cycles: Sequence[CycleRow], today: date) -> int:
    running = sorted({c.year for c in cycles if c.state == "running"})
    if len(running) == 1:
        return running[0]
    if today.year in running:
        return today.year
    if running:
        raise Ambiguous(
            _("Flere år er i gang: {years}.").format(years=listed(map(str, running))),
            _("Velg ett av dem, som --year {year}.").format(year=running[-1]),
        )
    return max(c.year for c in cycles)


def _unit(organisation: Organisation, place: str, year: int) -> str:
    unit = find_unit(organisation, place)
    if unit not in organisation.cycle_units(date(year, 1, 1), date(year, 12, 31)):
        raise NotFound(
            _("Enheten «{unit}» har ikke noe eget årshjul i {year}: ingen arbeider i den da.").format(
                unit=unit, year=year
            ),
            _("Se hvilke som har det: forsvarlig year show {year}").format(year=year),
        )
    return unit


def _not_started(cycles: Iterable[CycleRow], unit: str | None, year: int) -> NotFound:
    rows = list(cycles)
    if unit is not None and any(c.year == year for c in rows):
        return NotFound(
            _("Årshjulet for «{unit}» i {year} er ikke startet ennå.").format(unit=unit, year=year),
            _("Det starter når en arbeider kjører: forsvarlig up"),
        )
    years = listed(str(y) for y in sorted({c.year for c in rows}))
    return NotFound(
        _("Året {year} er ikke startet; disse er: {years}.").format(year=year, years=years),
        _("Skriv et av dem, eller start året: forsvarlig year start {year}").format(year=year),
    )
