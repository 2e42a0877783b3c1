"""`forsvarlig inbox`: what waits, for whom, until when, and how to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.directory.people import names_of
from activities.language import N_, _, current, format_day, ngettext
from worker.cli.as_of_options import Then, as_of_options, asked_then
from worker.cli.frame import PROGRAM, emit
from worker.cli.naming import name
from worker.cli.options import employer_option
from worker.cli.readings import behind
from worker.cli.words import role_name

if TYPE_CHECKING:
    from activities.store.database import Reader
    from activities.store.rows import CycleRow, InboxRow, PersonRow
    from workflows.rules.organisation import Role
    from workflows.rules.plan import PlannedStep
    from workflows.rules.situation import Situation
    from workflows.rules.terms import What

_ASKED = {
    "evidence": N_("Legg fram: {evidence}"),
    "approve": N_("Ta stilling til versjon {version}"),
    "consult": N_("Si din mening om versjon {version}"),
    "treat": N_("Få versjon {version} behandlet i AMU"),
    "answer": N_("Svar den som er uenig i versjon {version}, med begrunnelse"),
}


class Item(NamedTuple):
    """One thing that one person is waited for."""

    row: InboxRow
    typed: str
    unit_name: str
    step_name: str
    evidence: str
    commands: tuple[str, ...]


class Coming(NamedTuple):
    """The next step that will ask for something; one that is open already asks when others have answered."""

    step: str
    step_name: str
    unit_name: str
    typed: str
    opens: date
    open: bool


class Inbox(NamedTuple):
    """What is to be shown, read in one view."""

    today: date
    items: list[Item]
    names: dict[str, str]
    person: str | None
    coming: Coming | None
    running: bool
    then: Then | None
    lag: int


@click.command(help=N_("Vis hva som venter på en person, eller på alle."))
@click.option(
    "--as", "person", metavar=N_("PERSON"), help=N_("Id, e-post, ansattnr eller fullt navn. Uten: alle.")
)
@click.option(
    "--unit", metavar=N_("ENHET"), help=N_("Bare denne enheten; «virksomhet» er det som gjelder alle.")
)
@employer_option
@as_of_options
def inbox(
    person: str | None, unit: str | None, employer: str | None, as_of: date | None, clock: str | None
) -> None:
    """Print who is waited for, soonest due first."""
    found = asyncio.run(_read(person, unit, employer, asked_then(as_of, clock)))
    emit("inbox", _document(found), table=lambda: "\n".join(_lines(found)))


async def _read(who: str | None, unit: str | None, employer: str | None, then: Then | None) -> Inbox:
    from activities.as_of import as_of, end_of
    from activities.situations import Situations
    from worker.cli import clock
    from worker.cli.employers import chosen, reading
    from worker.cli.people import find_person
    from worker.cli.places import OWN, find_unit
    from workflows.rules.calendar import oslo_day

    now = clock.now()
    situations = Situations()
    async with reading() as reader:
        home = await chosen(reader, employer)
        directory = await reader.people(home.id)
        person = find_person(directory, who) if who is not None else None
        wanted: str | None = None
        if unit is not None and unit.casefold() not in OWN:
            wanted = find_unit((await reader.organisation(home.id))[1], unit)
        if then is None:
            waiting = await reader.inbox(employer=home.id, person=person.id if person else None)
        else:
            now = end_of(then.day)
            past = await as_of(reader, home.id, now, then.clock)
            waiting = [row for row in past.inbox if person is None or row.person == person.id]
        rows = [row for row in waiting if unit is None or row.unit == wanted]
        employers = len(await reader.employers())
        cycles = {c.id: c for c in await reader.cycles(employer=home.id)}
        running = [c for c in cycles.values() if c.state == "running"]
        known = {id: await situations.of(reader, cycles[id]) for id in dict.fromkeys(r.cycle for r in rows)}
        items = [_item(row, known[row.cycle], rows, employers) for row in rows]
        if then is not None:
            # What was asked then may be answered since.
            items = [item._replace(commands=()) for item in items]
        coming, lag = None, await reader.lag(home.id)
        if not items and then is None:
            shown = [c for c in running if unit is None or c.unit == wanted]
            coming = await _coming(reader, situations, shown, person, now)
    names = names_of(directory)
    return Inbox(oslo_day(now), items, names, person.id if person else None, coming, bool(running), then, lag)


def _item(row: InboxRow, situation: Situation, rows: Sequence[InboxRow], employers: int) -> Item:
    from worker.cli.cases import answer_command, answers, decide_command, submit_command, unit_name
    from worker.cli.places import typed_cycle

    # A step that the newest organisation has no more is named as the programme names it.
    step = situation.plan.find(situation.cycle, row.step) or situation.programme.step(
        row.step.partition(".")[0]
    )
    typed = f"{typed_cycle(situation.cycle, employers)} {row.step}"
    roles = {r.role for r in rows if (r.cycle, r.step, r.person) == (row.cycle, row.step, row.person)}
    if row.what == "evidence":
        commands = [submit_command(typed, row.person)]
    elif row.what == "answer":
        commands = [answer_command(typed, row.person)]
    else:
        role = row.role if len(roles) > 1 else None
        commands = [decide_command(typed, row.person, role, outcome) for outcome in answers(row.what)]
    return Item(
        row=row,
        typed=typed,
        unit_name=unit_name(situation),
        step_name=step.name.in_(current()),
        evidence=step.evidence.in_(current()),
        commands=tuple(commands),
    )


async def _coming(
    reader: Reader, situations: Any, running: Iterable[CycleRow], person: PersonRow | None, now: datetime
) -> Coming | None:
    """The next step in which the person (or anybody) has a part."""
    from worker.cli.cases import unit_name
    from worker.cli.places import typed_cycle
    from workflows.rules.calendar import oslo_day

    today, employers = oslo_day(now), len(await reader.employers())
    found: list[Coming] = []
    for cycle in running:
        situation = await situations.of(reader, cycle)
        status = {row.step: row.status for row in await reader.steps(cycle=cycle.id)}
        found += [
            Coming(
                step=step.key,
                step_name=step.name.in_(current()),
                unit_name=unit_name(situation),
                typed=typed_cycle(situation.cycle, employers),
                opens=step.opens,
                open=step.key in status,
            )
            for step in situation.plan.of(situation.cycle)
            if status.get(step.key, "open") == "open"
            and (person is None or _takes_part(situation, step, person.id, max(step.opens, today)))
        ]
    return min(found, key=lambda coming: (not coming.open, coming.opens, coming.step), default=None)


def _takes_part(situation: Situation, step: PlannedStep, person: str, day: date) -> bool:
    from workflows.rules.gate import responsible

    parts: list[tuple[What, Role]] = [("evidence", step.owner)]
    parts += [(slot.kind.value, slot.role) for slot in step.slots]
    return any(
        person == h.person
        for what, role in parts
        for h in responsible(step, situation.organisation, what, role, day)
    )


# --- output ---------------------------------------------------------------------------------------


def _by_person(items: Iterable[Item], names: dict[str, str]) -> Iterator[tuple[str, list[Item]]]:
    def who(item: Item) -> tuple[str, str]:
        return names.get(item.row.person, item.row.person), item.row.person

    for (_shown, person), group in groupby(sorted(items, key=who), key=who):
        yield person, list(group)


def _document(found: Inbox) -> dict[str, Any]:
    return {
        "today": found.today,
        "people": [
            {
                "person": person,
                "name": found.names.get(person),
                "items": [
                    {
                        **item.row.model_dump(mode="json", exclude={"person"}),
                        "unit_name": item.unit_name,
                        "step_name": item.step_name,
                        "late": item.row.due is not None and item.row.due < found.today,
                        "commands": item.commands,
                    }
                    for item in items
                ],
            }
            for person, items in _by_person(found.items, found.names)
        ],
        "next": found.coming._asdict() if found.coming else None,
        "lag": found.lag,
    }


def _lines(found: Inbox) -> Iterator[str]:
    from worker.cli.layout import heading, wrapped

    if found.lag:
        yield from wrapped(behind(found.lag))
    if not found.items:
        yield from wrapped(_nothing(found))
        return
    first = True
    for person, items in _by_person(found.items, found.names):
        if not first:
            yield ""
        first = False
        count = ngettext("{count} sak venter", "{count} saker venter", len(items)).format(count=len(items))
        late = sum(item.row.due is not None and item.row.due < found.today for item in items)
        if late:
            text = ngettext("{count} over fristen", "{count} over fristen", late).format(count=late)
            count += ", " + click.style(text, fg="red", bold=True)
        yield f"{heading(name(person, found.names))} ({person}): {count}"
        for item in items:
            yield from _item_lines(item, found, whole=found.person is not None)
        if found.person is None and found.then is None:
            yield "  " + _("Slik svarer du: {command}").format(command=f"{PROGRAM} inbox --as {person}")


def _item_lines(item: Item, found: Inbox, *, whole: bool) -> Iterator[str]:
    from worker.cli.layout import deadline, heading, wrapped

    row = item.row
    if whole:
        yield ""
    yield from wrapped(heading(f"{row.step} {item.step_name}") + f" – {item.unit_name}, {row.year}", 2, 4)
    asked = _(_ASKED[row.what]).format(evidence=item.evidence, version=row.version)
    yield from wrapped(asked, 4, 6)
    yield "    " + _("Frist: {day}").format(day=deadline(row.due, found.today))
    if row.acting_for is not None:
        text = _("Du svarer for {name}, som er {role} og er borte nå.") if whole else _("For {name}, {role}")
        yield from wrapped(
            text.format(name=name(row.acting_for, found.names), role=role_name(row.role)), 4, 6
        )
    else:
        yield from wrapped(_("Som {role}").format(role=role_name(row.role)), 4, 6)
    if whole:
        yield from (f"    {command}" for command in item.commands)
        yield "    " + _("Se saken: {command}").format(command=f"{PROGRAM} step show {item.typed}")


def _nothing(found: Inbox) -> str:
    who = name(found.person, found.names) if found.person else _("noen")
    if found.then is not None:
        text = _("Ingenting ventet på {who} da {day} var over.")
        return text.format(who=who, day=format_day(found.then.day))
    text = _("Ingenting venter på {who} nå.").format(who=who)
    coming = found.coming
    if not found.running:
        return _("{text} Ingen årshjul er i gang; «forsvarlig year start» starter et.").format(text=text)
    if coming is None:
        return _("{text} Ingen av stegene som gjenstår, kommer til å spørre.").format(text=text)
    if coming.open:
        said = _("Det neste er {step} {name} for {unit}, når andre har gjort sitt: {command}")
    else:
        said = _("Det neste er {step} {name} for {unit}, som åpner {day}.")
    said = said.format(
        step=coming.step,
        name=coming.step_name,
        unit=coming.unit_name,
        day=format_day(coming.opens),
        command=f"{PROGRAM} step show {coming.typed} {coming.step}",
    )
    return f"{text} {said}"
