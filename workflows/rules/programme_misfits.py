"""What is wrong with the shape of a programme's tables, in plain words instead of pydantic's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from workflows.rules.phrase import NOTHING, Misread, Phrase, either
from workflows.rules.programme import Programme, ProgrammeError

HEAD = ("id", "version", "name", "closes")
"""The keys under [programme]."""

_SHORT_LIST = 15

_PATTERNS = {
    r"^[A-Z][0-9]{2,3}$": (
        Phrase("the id of a step"),
        Phrase("Write a capital letter and two or three digits, like Y07."),
    ),
    r"^M[0-9]$": (Phrase("the id of a method"), Phrase("Write M and one digit, like M2.")),
    r"^[a-z][a-z0-9_]*$": (
        Phrase("the id of a factor"),
        Phrase("Write small letters, digits and _, like workload."),
    ),
    r"\S": (Phrase("a text"), Phrase("Write the text.")),
}


class Misfit:
    """Says in plain words what pydantic found wrong with the tables of a file."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        head = raw.get("programme", {})
        self._tables = {**head, **raw}
        self._under_head = {*head, *(key for key in HEAD if key not in raw)}

    def explain(self, where: str, error: ValidationError) -> ProgrammeError:
        """The first fault, with its place in the file `where`."""
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

    def _words(self, loc: Sequence[int | str], faults: Sequence[Any]) -> tuple[Phrase, Phrase]:
        value, limits = faults[0]["input"], faults[0].get("ctx", {})
        given, kind = shown(value), str(faults[0]["type"])
        match kind.split("_"):
            case ["missing"]:
                return Phrase("this key is missing."), Phrase("Add it.")
            case ["extra", "forbidden"]:
                meant = near(str(loc[-1]), _keys(loc[:-1]))
                remedy = Phrase("Remove it, or mend its spelling.").then(meant)
                return Phrase("this key is not known here."), remedy
            case ["enum"] | ["literal", "error"]:
                known = [word for fault in faults for word in _allowed(fault)]
                if isinstance(value, str):
                    return Phrase("{shown} is not known.", shown=given), near(value, known)
                fault = Phrase("{shown} stands where a word in quotes is expected.", shown=given)
                return fault, _listed(known)
            case ["value", "error"]:
                if isinstance(error := limits["error"], Misread):
                    return error.fault, error.remedy
            case ["string", "pattern", "mismatch"]:
                what, remedy = _PATTERNS[limits["pattern"]]
                return Phrase("{shown} is not {what}.", shown=given, what=what), remedy
            case ["string", *_]:
                fault = Phrase("{shown} stands where a text is expected.", shown=given)
                return fault, Phrase("Write a text in quotes.")
            case ["int", *_]:
                fault = Phrase("{shown} stands where a whole number is expected.", shown=given)
                return fault, Phrase("Write digits, without quotes.")
            case ["bool", *_]:
                fault = Phrase("{shown} stands where yes or no is expected.", shown=given)
                return fault, Phrase("Write true or false, without quotes.")
            case ["greater", *_]:
                fault = Phrase("{shown} is too small.", shown=given)
                return fault, Phrase("Write a whole number of {least} or more.", least=limits["ge"])
            case ["less", *_]:
                fault = Phrase("{shown} is too large.", shown=given)
                return fault, Phrase("Write a whole number of {most} or less.", most=limits["le"])
            case ["too", "short"]:
                remedy = Phrase("List at least one, or remove the key where it may be left out.")
                return Phrase("the list is empty."), remedy
            case ["tuple", *_]:
                return _no_list(loc, value)
            case ["model", *_]:
                fault = Phrase("{shown} stands where a table is expected.", shown=given)
                return fault, Phrase("Write a table with {keys}.", keys=", ".join(_keys(loc)))
        fault = Phrase("{shown} does not fit here: {said}.", shown=given, said=faults[0]["msg"])
        return fault, Phrase("Write another value.")


def _allowed(fault: Any) -> list[str]:
    return re.findall(r"'([^']+)'", fault.get("ctx", {}).get("expected", ""))


def _no_list(loc: Sequence[int | str], value: object) -> tuple[Phrase, Phrase]:
    if isinstance(value, dict) and len(loc) == 1:
        fault = Phrase("[{name}] is one table, and there may be many.", name=loc[0])
        return fault, Phrase("Write [[{name}]], in double brackets.", name=loc[0])
    fault = Phrase("{shown} stands where a list is expected.", shown=shown(value))
    if isinstance(value, dict):
        return fault, Phrase("Put it in brackets: [{{ … }}].")
    return fault, Phrase('Put it in brackets, as ["…"].')


def shown(value: object) -> str:
    """A value as a message repeats it, cut short."""
    match value:
        case str():
            return f"«{value}»" if len(value) <= 60 else f"«{value[:60]}…»"
        case bool():
            return "true" if value else "false"
        case dict():
            return Phrase("a table")
        case list():
            return Phrase("a list")
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


def near(word: str, known: Collection[str]) -> Phrase:
    """Which of the known words may have been meant."""
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.55)
    guess = Phrase("Did you mean {ids}?", ids=either(close)) if close else NOTHING
    if not known:
        return Phrase("The file has none: add it, or remove this.")
    short = not close or len(known) <= _SHORT_LIST
    return guess.then(_listed(sorted(known)) if short else NOTHING)


def _listed(known: Iterable[str]) -> Phrase:
    return Phrase("Known: {known}.", known=", ".join(known))
