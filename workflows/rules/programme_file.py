"""Reads a programme from TOML, and refuses what cannot run: every fault with its place and a remedy.

A place is `file: step.key`, as in `programme.toml: Y12.windows[1].due`; lists count from 1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import ValidationError

from workflows.rules.law import LawError, LegalRegister
from workflows.rules.organisation import EMPLOYER_SIDE
from workflows.rules.phrase import Phrase
from workflows.rules.plan import window_dates
from workflows.rules.programme import Kind, Programme, ProgrammeError, SlotRule, StepRule, Window
from workflows.rules.programme_misfits import HEAD, Misfit, near, shown

Fault = tuple[str, Phrase, Phrase]
"""The place in the file, what is wrong there, and what to do."""

COMMITTEE_OR_REP = "amu_or_vo"
"""In place of a role in a gate: the committee treats the matter; where the employer is too small to have one,
the safety representative is heard in its place, and below that the contact person (OLM § 2-2, aml. § 6-1)."""

_TREATS = "wec_chair"
_HEARD_INSTEAD = {"medium": "senior_safety_rep", "small": "contact_person"}


def parse_programme(text: str, where: str = "programme.toml") -> Programme:
    """Read a programme; `ProgrammeError` names the file, the step and the key of the first fault."""
    try:
        raw = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ProgrammeError(
            where, Phrase("its lists are nested too deep."), Phrase("Write them as flat lists.")
        ) from error
    except ValueError as error:
        fault = Phrase("not valid TOML: {said}.", said=error)
        raise ProgrammeError(where, fault, Phrase("Mend the line and try again.")) from error
    try:
        programme = Programme.model_validate(_written_out(_flat(raw, where), where))
    except ValidationError as error:
        raise Misfit(raw).explain(where, error) from error
    for place, fault, remedy in _nonsense(programme):
        raise ProgrammeError(f"{where}: {place}", fault, remedy)
    return programme


def check_law(programme: Programme, law: LegalRegister, year: int, where: str = "programme.toml") -> None:
    """What the programme cites exists and is in force when it is needed in `year`; else `ProgrammeError`.

    A step's provisions on each day the step opens, a factor's on the first and the last day of the year.
    """
    try:
        opens = {id: [day for day, _ in windows] for id, windows in window_dates(programme, year).items()}
    except ProgrammeError as error:
        raise ProgrammeError(f"{where}: {error.where}", error.fault, error.remedy) from error
    for step in programme.steps:
        for id in step.law:
            for day in opens[step.id]:
                _look_up(f"{where}: {step.id}.law", law.provision, id, day)
        for id in step.requirements:
            _look_up(f"{where}: {step.id}.requirements", law.requirement, id)
    for factor in programme.factors:
        for day in (date(year, 1, 1), date(year, 12, 31)):
            _look_up(f"{where}: factors.{factor.id}.law", law.provision, factor.law, day)
    for number, later in enumerate(programme.later, 1):
        _look_up(f"{where}: later[{number}].requirement", law.requirement, later.requirement)


def _look_up(place: str, find: Callable[..., object], *cited: object) -> None:
    try:
        find(*cited)
    except LawError as error:
        raise ProgrammeError(place, error.fault, error.remedy) from error


def _flat(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The keys under `[programme]` beside the tables of the file, which is how the model has them."""
    head = raw.get("programme", {})
    if not isinstance(head, dict):
        raise ProgrammeError(
            f"{where}: programme",
            Phrase("{shown} stands where a table is expected.", shown=shown(head)),
            Phrase("Write [programme], and under it {keys}.", keys=", ".join(HEAD)),
        )
    rest = {key: value for key, value in raw.items() if key != "programme"}
    for key in sorted(head.keys() & rest.keys()):
        fault = Phrase("«{key}» stands here and under [programme].", key=key)
        raise ProgrammeError(f"{where}: {key}", fault, Phrase("Keep one of the two."))
    return {**head, **rest}


# --- what is short for more -------------------------------------------------------------------------------


def _written_out(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """The tables with `COMMITTEE_OR_REP` as it is for each size of employer."""
    steps = tables.get("steps")
    if not isinstance(steps, list):
        return tables
    whole = [_for_each_size(s, f"{where}: {s.get('id')}") if isinstance(s, dict) else s for s in steps]
    return {**tables, "steps": whole}


def _for_each_size(step: dict[str, Any], place: str) -> dict[str, Any]:
    """The step with the committee's part in the gate of the largest, and a variant for each of the others.

    A variant with a gate of its own keeps it; who is heard already is not heard twice.
    """
    for size in _HEARD_INSTEAD:
        for number, _slot in _short(step.get(size)):
            fault = Phrase(
                "«{short}» stands for every size, and this is the gate of one.", short=COMMITTEE_OR_REP
            )
            remedy = Phrase('Write kind = "consult", role = "{role}".', role=_HEARD_INSTEAD[size])
            raise ProgrammeError(f"{place}.{size}.gate[{number}].role", fault, remedy)
    short = dict(_short(step))
    for number, slot in short.items():
        if slot.get("kind") != "treat":
            kind = shown(slot["kind"]) if "kind" in slot else Phrase("nothing")
            fault = Phrase(
                "«{short}» stands under {kind}, and a committee treats.", short=COMMITTEE_OR_REP, kind=kind
            )
            raise ProgrammeError(f"{place}.gate[{number}].kind", fault, Phrase('Write kind = "treat".'))
    if not short:
        return step
    gate, sizes = step["gate"], step.get("profiles")
    treated = [{**s, "role": _TREATS} if n in short else s for n, s in enumerate(gate, 1)]
    whole: dict[str, Any] = {**step, "gate": treated}
    for size, role in _HEARD_INSTEAD.items():
        variant = step.get(size, {})
        fits = not isinstance(sizes, list) or size in sizes
        if fits and isinstance(variant, dict) and "gate" not in variant:
            whole[size] = {**variant, "gate": _heard(gate, short, role)}
    return whole


def _short(table: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The slots of the table's gate that say `COMMITTEE_OR_REP`, with their numbers."""
    gate = table.get("gate") if isinstance(table, dict) else None
    for number, slot in enumerate(gate if isinstance(gate, list) else (), 1):
        if isinstance(slot, dict) and slot.get("role") == COMMITTEE_OR_REP:
            yield number, slot


def _heard(gate: Sequence[Any], short: Collection[int], role: str) -> list[Any]:
    consult = {"kind": "consult", "role": role}
    others = [s for n, s in enumerate(gate, 1) if n not in short]
    if any(isinstance(s, dict) and s.items() >= consult.items() for s in others):
        return others
    return [{**s, **consult} if n in short else s for n, s in enumerate(gate, 1)]


# --- a programme of the right shape that makes no sense ---------------------------------------------------


def _nonsense(programme: Programme) -> Iterator[Fault]:
    if programme.closes.base is not None or programme.closes.latest is not None:
        fault = Phrase("«{text}» is not one day of the following year.", text=programme.closes.text)
        yield "programme.closes", fault, Phrase("Write it as MM-DD, e.g. 01-31.")
    yield from _repeated("steps", Phrase("the step"), [s.id for s in programme.steps])
    yield from _repeated("methods", Phrase("the method"), [m.id for m in programme.methods])
    yield from _repeated("factors", Phrase("the factor"), [f.id for f in programme.factors])
    yield from _repeated("later", Phrase("the requirement"), [x.requirement for x in programme.later])
    for number, rung in enumerate(programme.ladder.rungs, 1):
        yield from _listed_twice(f"ladder.rungs[{number}].to", rung.to)
    if programme.digest_at < time(programme.calendar.hour):
        # Otherwise the day's one mail would go before the day's notices, and they would wait for the next day.
        fault = Phrase(
            "{digest:%H:%M} is before the day's notices, at {hour:02}:00.",
            digest=programme.digest_at, hour=programme.calendar.hour,
        )  # fmt: skip
        remedy = Phrase("Write a later time, or set an earlier `hour` under [calendar].")
        yield "ladder.digest_at", fault, remedy
    steps, methods = [s.id for s in programme.steps], [m.id for m in programme.methods]
    for step in programme.steps:
        yield from _step_faults(step, steps, methods)
    if loop := _loop(programme.steps):
        fault = Phrase("the steps wait for each other: {way}.", way=" → ".join(loop))
        yield loop[0], fault, Phrase("Give one of them a day of its own, or take it out of `builds_on`.")


def _repeated(table: str, what: Phrase, ids: Sequence[str]) -> Iterator[Fault]:
    for position, id in enumerate(ids):
        if id in ids[:position]:
            place = id if table == "steps" else f"{table}.{id}"
            fault = Phrase("{what} is written twice.", what=what)
            yield place, fault, Phrase("Give one of them another id, or remove it.")


def _listed_twice(place: str, values: Sequence[str]) -> Iterator[Fault]:
    for position, value in enumerate(values):
        if value in values[:position]:
            fault = Phrase("«{value}» is listed twice.", value=value)
            remedy = Phrase("Remove it, or write the one that was meant.")
            yield f"{place}[{position + 1}]", fault, remedy


def _step_faults(step: StepRule, steps: Sequence[str], methods: Sequence[str]) -> Iterator[Fault]:
    for key in ("participants", "inform", "requirements", "law", "profiles", "builds_on"):
        yield from _listed_twice(f"{step.id}.{key}", getattr(step, key))
    for number, window in enumerate(step.windows, 1):
        yield from _window_faults(f"{step.id}.windows[{number}]", window, steps)
    for id in step.builds_on:
        if id not in steps:
            yield f"{step.id}.builds_on", Phrase("no step «{id}».", id=id), near(id, steps)
    variants = ((f"{step.id}.small", step.small), (f"{step.id}.medium", step.medium))
    for place, part in ((step.id, step), *variants):
        if part is not None:
            yield from _gate_faults(place, part.gate or ())
            yield from _listed_twice(f"{place}.methods", part.methods or ())
            for method in part.methods or ():
                if method not in methods:
                    fault = Phrase("no method «{id}».", id=method)
                    yield f"{place}.methods", fault, near(method, methods)
    for place, variant in variants:
        if variant is not None:
            yield from _listed_twice(f"{place}.participants", variant.participants or ())
            yield from _listed_twice(f"{place}.inform", variant.inform or ())


def _window_faults(place: str, window: Window, steps: Sequence[str]) -> Iterator[Fault]:
    for key, when in (("opens", window.opens), ("due", window.due)):
        if when.base == key:
            fault = Phrase("«{text}» counts from itself.", text=when.text)
            yield f"{place}.{key}", fault, Phrase("Count from another day.")
        elif when.base not in (None, "opens", "due", *steps):
            yield f"{place}.{key}", Phrase("no step «{id}».", id=when.base), near(str(when.base), steps)
    if window.opens.base == "due" and window.due.base == "opens":
        yield place, Phrase("opens and due count from each other."), Phrase("Give one of them a day.")
    if window.opens.latest is not None:
        fault = Phrase("«{text}»: only a due date has an «at latest».", text=window.opens.text)
        yield f"{place}.opens", fault, Phrase("Write the day it opens, without a limit.")


def _gate_faults(place: str, gate: Sequence[SlotRule]) -> Iterator[Fault]:
    asked: dict[str, Kind] = {}
    for number, slot in enumerate(gate, 1):
        here = f"{place}.gate[{number}]"
        if slot.kind is Kind.APPROVE and slot.role not in EMPLOYER_SIDE:
            fault = Phrase("{role} cannot approve: the employer's side decides (aml. § 2-1).", role=slot.role)
            remedy = Phrase(
                'Write kind = "consult", or let one of {sides} approve.',
                sides=", ".join(sorted(EMPLOYER_SIDE)),
            )
            yield f"{here}.role", fault, remedy
        if asked.get(slot.role) is slot.kind:
            fault = Phrase("{role} stands twice under {kind}.", role=slot.role, kind=slot.kind)
            remedy = Phrase("Remove one; use `quorum` to ask for more than one of them.")
            yield f"{here}.role", fault, remedy
        elif slot.role in asked:
            fault = Phrase(
                "{role} stands both under {one} and under {other}.",
                role=slot.role, one=asked[slot.role], other=slot.kind,
            )  # fmt: skip
            remedy = Phrase("A role has one part in a gate: keep one, or name another role.")
            yield f"{here}.role", fault, remedy
        asked[slot.role] = slot.kind


def _loop(steps: Iterable[StepRule]) -> tuple[str, ...] | None:
    waits = {s.id: (*s.anchors(), *s.builds_on) for s in steps}
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        way: list[str] = error.args[1][:0:-1]
        order = list(waits)
        first = way.index(min(way, key=order.index))
        return (*way[first:], *way[:first], way[first])
    return None
