"""The themes of an inspection file and the requirements under each: `themes.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from workflows.rules.base import Frozen
from workflows.rules.evidence import RequirementEvidence
from workflows.rules.programme import Text


class Theme(Frozen):
    """A theme, named in every language, with its requirements (R-20) in the order in which they are told."""

    name: Text
    requirements: tuple[str, ...]


class Themes(Frozen):
    themes: tuple[Theme, ...]


OTHERS = Theme(name=Text(nb="Andre krav", nn="Andre krav", en="Other requirements"), requirements=())
"""Requirements of a register that has more than the themes name."""


@cache
def themes() -> tuple[Theme, ...]:
    """Every theme, in the order of an inspection file."""
    text = files("portal.dossier").joinpath("themes.toml").read_text("utf-8")
    return Themes.model_validate(tomllib.loads(text)).themes


def by_theme(
    found: tuple[RequirementEvidence, ...], wanted: tuple[str, ...] = ()
) -> list[tuple[Theme, list[RequirementEvidence]]]:
    """The requirements under their themes, each once; themes without any are left out. No `wanted` is all."""
    left = {r.requirement.id: r for r in found if not wanted or r.requirement.id in wanted}
    out = [(theme, [left.pop(id) for id in theme.requirements if id in left]) for theme in themes()]
    out.append((OTHERS, list(left.values())))
    return [(theme, those) for theme, those in out if those]
