"""The steps that a requirement of the law, a stage or an id stands for, in all the years of an employer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from activities.language import _, current
from worker.cli.failures import NotFound
from worker.cli.naming import visible

if TYPE_CHECKING:
    from activities.store.reader import Reader
    from activities.store.search import StepWanted
    from workflows.rules.law import LegalRegister
    from workflows.rules.programme import Programme, StepRule

Carries = Callable[["StepRule", str], bool]
"""Whether a step is meant, by its rule and the hash of the law of its year."""


def unknown_law(law: str) -> NotFound:
    """No requirement and no provision is called that."""
    return NotFound(
        _("Lovregisteret har verken krav eller bestemmelse «{law}».").format(law=visible(law)),
        _("Skriv et krav som R-20, en id som AML-4-3, eller en paragraf som «§ 4-3»."),
    )


class Rulebooks(NamedTuple):
    """The programmes and laws of an employer's years, by their hashes, and which of them each cycle has."""

    books: dict[tuple[str, str], tuple[Programme, LegalRegister]]
    cycles: dict[str, tuple[str, str]]

    @classmethod
    async def of(cls, reader: Reader, employer: str) -> Rulebooks:
        from workflows.rules.law import LegalRegister
        from workflows.rules.programme import Programme

        programmes: dict[str, Programme] = {}
        laws: dict[str, LegalRegister] = {}
        cycles = {row.id: (row.programme, row.law) for row in await reader.cycles(employer=employer)}
        for programme, law in dict.fromkeys(cycles.values()):
            if programme not in programmes:
                programmes[programme] = Programme.model_validate_json(await reader.rulebook(programme))
            if law not in laws:
                laws[law] = LegalRegister.model_validate_json(await reader.rulebook(law))
        pairs = dict.fromkeys(cycles.values())
        return cls({(p, w): (programmes[p], laws[w]) for p, w in pairs}, cycles)

    def steps(self, carries: Carries) -> tuple[StepWanted, ...]:
        """The steps that are meant, each with the rulebooks by which it is, where it is not by all that have it."""
        from activities.store.search import StepWanted

        has: dict[str, set[tuple[str, str]]] = {}
        meant: dict[str, set[tuple[str, str]]] = {}
        for pair, (programme, _law) in self.books.items():
            for rule in programme.steps:
                has.setdefault(rule.id, set()).add(pair)
                if carries(rule, pair[1]):
                    meant.setdefault(rule.id, set()).add(pair)
        return tuple(
            StepWanted(base=id, rulebooks=None if meant[id] == has[id] else tuple(sorted(meant[id])))
            for id in sorted(meant)
        )

    def bearing(self, law: str) -> Carries:
        """Of a requirement (R-20) or a provision, said by its id (AML-4-3 means its paragraphs too) or by its
        citation («§ 4-3»): whether a step carries it. `NotFound` when no register has it."""
        wanted = " ".join(law.split()).casefold()
        provisions: dict[str, frozenset[str]] = {}
        known = False
        for (_programme, hash), (_rules, register) in self.books.items():
            ids = frozenset(p.id for p in register.provisions if _is_meant(wanted, p.id, p.section))
            known = known or bool(ids) or any(r.id.casefold() == wanted for r in register.requirements)
            provisions[hash] = ids
        if not known:
            raise unknown_law(law)

        def carries(rule: StepRule, hash: str) -> bool:
            named = wanted in {r.casefold() for r in rule.requirements}
            return named or bool(provisions[hash] & {*rule.law})

        return carries

    def step_name(self, cycle: str | None, step: str | None) -> str | None:
        """The step's name in the language spoken."""
        if cycle not in self.cycles or step is None:
            return None
        rules = self.books[self.cycles[cycle]][0].steps
        return next((s.name.in_(current()) for s in rules if s.id == step.partition(".")[0]), None)


def _is_meant(wanted: str, id: str, section: str) -> bool:
    own, cited = id.casefold(), f"{section.casefold()} "
    return own == wanted or own.startswith(f"{wanted}-") or ("§" in wanted and f"{wanted} " in cited)
