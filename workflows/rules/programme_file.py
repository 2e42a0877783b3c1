"""Reads a programme from TOML, and refuses what cannot run: every fault with its place and a remedy.

A place is `file: step.key`, as in `programme.toml: Y12.windows[1].due`; lists count from 1.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from graphlib import CycleError, TopologicalSorter
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from workflows.rules.law import LawError, LegalRegister
from workflows.rules.organisation import EMPLOYER_SIDE
from workflows.rules.plan import window_dates
from workflows.rules.programme import Kind, Misread, Programme, ProgrammeError, SlotRule, StepRule, Window

Fault = tuple[str, str, str]
"""The place in the file, what is wrong there, and what to do."""

_HEAD = ("id", "version", "name", "closes")
_SHORT_LIST = 15

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
        raise ProgrammeError(where, "its lists are nested too deep.", "Write them as flat lists.") from error
    except ValueError as error:
        raise ProgrammeError(where, f"not valid TOML: {error}.", "Mend the line and try again.") from error
    try:
        programme = Programme.model_validate(_written_out(_flat(raw, where), where))
    except ValidationError as error:
        raise _Misfit(raw).explain(where, error) from error
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
        fault, _, remedy = str(error).partition(". ")
        raise ProgrammeError(place, f"{fault}.", remedy) from error


def _flat(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The keys under `[programme]` beside the tables of the file, which is how the model has them."""
    head = raw.get("programme", {})
    if not isinstance(head, dict):
        fault = f"{_shown(head)} stands where a table is expected."
        raise ProgrammeError(
            f"{where}: programme", fault, f"Write [programme], and under it {', '.join(_HEAD)}."
        )
    rest = {key: value for key, value in raw.items() if key != "programme"}
    for key in sorted(head.keys() & rest.keys()):
        fault = f"«{key}» stands here and under [programme]."
        raise ProgrammeError(f"{where}: {key}", fault, "Keep one of the two.")
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
            fault = f"«{COMMITTEE_OR_REP}» stands for every size, and this is the gate of one."
            remedy = f'Write kind = "consult", role = "{_HEARD_INSTEAD[size]}".'
            raise ProgrammeError(f"{place}.{size}.gate[{number}].role", fault, remedy)
    short = dict(_short(step))
    for number, slot in short.items():
        if slot.get("kind") != "treat":
            kind = _shown(slot["kind"]) if "kind" in slot else "nothing"
            fault = f"«{COMMITTEE_OR_REP}» stands under {kind}, and a committee treats."
            raise ProgrammeError(f"{place}.gate[{number}].kind", fault, 'Write kind = "treat".')
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
        fault = f"«{programme.closes.text}» is not one day of the following year."
        yield "programme.closes", fault, "Write it as MM-DD, e.g. 01-31."
    yield from _repeated("steps", "the step", [s.id for s in programme.steps])
    yield from _repeated("methods", "the method", [m.id for m in programme.methods])
    yield from _repeated("factors", "the factor", [f.id for f in programme.factors])
    yield from _repeated("later", "the requirement", [x.requirement for x in programme.later])
    for number, rung in enumerate(programme.ladder.rungs, 1):
        yield from _listed_twice(f"ladder.rungs[{number}].to", rung.to)
    if programme.digest_at < time(programme.calendar.hour):
        # Otherwise the day's one mail would go before the day's notices, and they would wait for the next day.
        fault = (
            f"{programme.digest_at:%H:%M} is before the day's notices, at {programme.calendar.hour:02}:00."
        )
        yield "ladder.digest_at", fault, "Write a later time, or set an earlier `hour` under [calendar]."
    steps, methods = [s.id for s in programme.steps], [m.id for m in programme.methods]
    for step in programme.steps:
        yield from _step_faults(step, steps, methods)
    if loop := _loop(programme.steps):
        fault = f"the steps wait for each other: {' → '.join(loop)}."
        yield loop[0], fault, "Give one of them a day of its own, or take it out of `builds_on`."


def _repeated(table: str, what: str, ids: Sequence[str]) -> Iterator[Fault]:
    for position, id in enumerate(ids):
        if id in ids[:position]:
            place = id if table == "steps" else f"{table}.{id}"
            yield place, f"{what} is written twice.", "Give one of them another id, or remove it."


def _listed_twice(place: str, values: Sequence[str]) -> Iterator[Fault]:
    for position, value in enumerate(values):
        if value in values[:position]:
            fault = f"«{value}» is listed twice."
            yield f"{place}[{position + 1}]", fault, "Remove it, or write the one that was meant."


def _step_faults(step: StepRule, steps: Sequence[str], methods: Sequence[str]) -> Iterator[Fault]:
    for key in ("participants", "inform", "requirements", "law", "profiles", "builds_on"):
        yield from _listed_twice(f"{step.id}.{key}", getattr(step, key))
    for number, window in enumerate(step.windows, 1):
        yield from _window_faults(f"{step.id}.windows[{number}]", window, steps)
    for id in step.builds_on:
        if id not in steps:
            yield f"{step.id}.builds_on", f"no step «{id}».", _near(id, steps)
    variants = ((f"{step.id}.small", step.small), (f"{step.id}.medium", step.medium))
    for place, part in ((step.id, step), *variants):
        if part is not None:
            yield from _gate_faults(place, part.gate or ())
            yield from _listed_twice(f"{place}.methods", part.methods or ())
            for method in part.methods or ():
                if method not in methods:
                    yield f"{place}.methods", f"no method «{method}».", _near(method, methods)
    for place, variant in variants:
        if variant is not None:
            yield from _listed_twice(f"{place}.participants", variant.participants or ())
            yield from _listed_twice(f"{place}.inform", variant.inform or ())


def _window_faults(place: str, window: Window, steps: Sequence[str]) -> Iterator[Fault]:
    for key, when in (("opens", window.opens), ("due", window.due)):
        if when.base == key:
            yield f"{place}.{key}", f"«{when.text}» counts from itself.", "Count from another day."
        elif when.base not in (None, "opens", "due", *steps):
            yield f"{place}.{key}", f"no step «{when.base}».", _near(str(when.base), steps)
    if window.opens.base == "due" and window.due.base == "opens":
        yield place, "opens and due count from each other.", "Give one of them a day."
    if window.opens.latest is not None:
        fault = f"«{window.opens.text}»: only a due date has an «at latest»."
        yield f"{place}.opens", fault, "Write the day it opens, without a limit."


def _gate_faults(place: str, gate: Sequence[SlotRule]) -> Iterator[Fault]:
    asked: dict[str, Kind] = {}
    for number, slot in enumerate(gate, 1):
        here = f"{place}.gate[{number}]"
        if slot.kind is Kind.APPROVE and slot.role not in EMPLOYER_SIDE:
            fault = f"{slot.role} cannot approve: the employer's side decides (aml. § 2-1)."
            sides = ", ".join(sorted(EMPLOYER_SIDE))
            yield f"{here}.role", fault, f'Write kind = "consult", or let one of {sides} approve.'
        if asked.get(slot.role) is slot.kind:
            remedy = "Remove one; use `quorum` to ask for more than one of them."
            yield f"{here}.role", f"{slot.role} stands twice under {slot.kind}.", remedy
        elif slot.role in asked:
            fault = f"{slot.role} stands both under {asked[slot.role]} and under {slot.kind}."
            yield f"{here}.role", fault, "A role has one part in a gate: keep one, or name another role."
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


def _near(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.55)
    guess = f"Did you mean {' or '.join(close)}?" if close else ""
    if not known:
        return "The file has none: add it, or remove this."
    listed = f"Known: {', '.join(sorted(known))}." if not close or len(known) <= _SHORT_LIST else ""
    return f"{guess} {listed}".strip()


# --- a file of the wrong shape --------------------------------------------------------------------------

_PATTERNS = {
    r"^[A-Z][0-9]{2,3}$": ("the id of a step", "Write a capital letter and two or three digits, like Y07."),
    r"^M[0-9]$": ("the id of a method", "Write M and one digit, like M2."),
    r"^[a-z][a-z0-9_]*$": ("the id of a factor", "Write small letters, digits and _, like workload."),
    r"\S": ("a text", "Write the text."),
}


class _Misfit:
    """Says in plain words what pydantic found wrong with the tables of a file."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        head = raw.get("programme", {})
        self._tables = {**head, **raw}
        self._under_head = {*head, *(key for key in _HEAD if key not in raw)}

    def explain(self, where: str, error: ValidationError) -> ProgrammeError:
        # A misspelt key is told before the key that is missing because of it.
        faults = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        place, depth = self._place(faults[0]["loc"])
        same = [f for f in faults if f["loc"][:depth] == faults[0]["loc"][:depth]]
        return ProgrammeError(f"{where}: {place}", *self._words(faults[0]["loc"], same))

    def _place(self, loc: Sequence[int | str]) -> tuple[str, int]:
        """The place as people write it, and how much of `loc` it is: the rest names branches of a union."""
        node: Any = self._tables
        place, depth = "", 0
        for part in loc:
            if isinstance(part, int) and isinstance(node, list) and part < len(node):
                node = node[part]
                id = node.get("id") if isinstance(node, dict) else None
                named = isinstance(id, str) and re.fullmatch(r"\w{1,40}", id)
                place = f"{place}.{id}" if named else f"{place}[{part + 1}]"
            elif isinstance(part, str) and isinstance(node, dict):
                node = node.get(part)
                place = f"{place}.{part}" if re.fullmatch(r"[\w-]+", part) else f'{place}."{part}"'
            else:
                break
            depth += 1
        place = place.removeprefix(".").removeprefix("steps.")
        return (f"programme.{place}" if loc and loc[0] in self._under_head else place), depth

    def _words(self, loc: Sequence[int | str], faults: Sequence[Any]) -> tuple[str, str]:
        value, limits = faults[0]["input"], faults[0].get("ctx", {})
        shown, kind = _shown(value), str(faults[0]["type"])
        match kind.split("_"):
            case ["missing"]:
                return "this key is missing.", "Add it."
            case ["extra", "forbidden"]:
                remedy = f"Remove it, or mend its spelling. {_near(str(loc[-1]), _keys(loc[:-1]))}"
                return "this key is not known here.", remedy
            case ["enum"] | ["literal", "error"]:
                known = [word for fault in faults for word in _allowed(fault)]
                if isinstance(value, str):
                    return f"{shown} is not known.", _near(value, known)
                return f"{shown} stands where a word in quotes is expected.", f"Known: {', '.join(known)}."
            case ["value", "error"]:
                error = limits["error"]
                if isinstance(error, Misread):
                    return error.fault, error.remedy
                said, _, remedy = str(error).partition(": ")
                return f"{said}.", f"{remedy[:1].upper()}{remedy[1:]}." if remedy else "Write another value."
            case ["string", "pattern", "mismatch"]:
                what, remedy = _PATTERNS[limits["pattern"]]
                return f"{shown} is not {what}.", remedy
            case ["string", *_]:
                return f"{shown} stands where a text is expected.", "Write a text in quotes."
            case ["int", *_]:
                return f"{shown} stands where a whole number is expected.", "Write digits, without quotes."
            case ["bool", *_]:
                return f"{shown} stands where yes or no is expected.", "Write true or false, without quotes."
            case ["greater", *_]:
                return f"{shown} is too small.", f"Write a whole number of {limits['ge']} or more."
            case ["less", *_]:
                return f"{shown} is too large.", f"Write a whole number of {limits['le']} or less."
            case ["too", "short"]:
                return "the list is empty.", "List at least one, or remove the key where it may be left out."
            case ["tuple", *_]:
                return _no_list(loc, value)
            case ["model", *_]:
                remedy = f"Write a table with {', '.join(_keys(loc))}."
                return f"{shown} stands where a table is expected.", remedy
        return f"{shown} does not fit here: {faults[0]['msg']}.", "Write another value."


def _allowed(fault: Any) -> list[str]:
    return re.findall(r"'([^']+)'", fault.get("ctx", {}).get("expected", ""))


def _no_list(loc: Sequence[int | str], value: object) -> tuple[str, str]:
    if isinstance(value, dict) and len(loc) == 1:
        fault = f"[{loc[0]}] is one table, and there may be many."
        return fault, f"Write [[{loc[0]}]], in double brackets."
    if isinstance(value, dict):
        return "a table stands where a list is expected.", "Put it in brackets: [{ … }]."
    return f"{_shown(value)} stands where a list is expected.", 'Put it in brackets, as ["…"].'


def _shown(value: object) -> str:
    match value:
        case str():
            return f"«{value}»" if len(value) <= 60 else f"«{value[:60]}…»"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)


def _keys(loc: Sequence[int | str]) -> list[str]:
    """The keys of the table at `loc`."""
    model: type[BaseModel] = Programme
    for part in loc:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for arg in get_args(annotation) if (m := _model_in(arg))), None)
