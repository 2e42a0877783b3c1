"""Facts as they were stored, by this version or an older one: they are never rewritten, only read upwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from workflows.rules.events import Fact

_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[int, Upcaster] = {}
"""From a version of the fact format to the next: `UPCASTERS[1]` turns version 1 into version 2.
Version 1 is the first, so there is none yet; old facts are never rewritten, only read upwards."""

CURRENT = 1


class FactError(ValueError):
    """A stored fact that this version cannot read."""


def read_fact(
    raw: dict[str, Any], upcasters: dict[int, Upcaster] | None = None, current: int = CURRENT
) -> Fact:
    """A fact from its stored form, brought up to the current version.

    `FactError` when the fact is newer than this program, or when a step upwards is missing; pydantic's
    `ValidationError`, which repeats nothing of what stands there, when it is damaged.
    """
    steps = UPCASTERS if upcasters is None else upcasters
    version = raw.get("v")
    if not isinstance(version, int) or version > current:
        raise FactError(
            f"fact {raw.get('id')!r} has version {version!r}; this program reads up to {current}. "
            "Run the version of forsvarlig that wrote it, or a newer one."
        )
    while version < current:
        if version not in steps:
            raise FactError(f"fact {raw.get('id')!r}: no way from version {version} to {version + 1}.")
        raw = steps[version](raw)
        version += 1
    return _FACT.validate_python(raw)
