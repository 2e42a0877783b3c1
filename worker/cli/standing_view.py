"""How the steps of a cycle stood on a day, from its standing alone: ids and dates, no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from rich.console import RenderableType
from rich.text import Text

from activities.language import _
from activities.words import listed
from worker.cli.tables import Column, indented, plain, unheaded
from worker.cli.words import STANDINGS, WAITS, Standing, counted, role_name, short_day
from worker.cli.year_view import MARKS
from workflows.rules import standing as rules
from workflows.rules.calendar import oslo_day
from workflows.rules.standing import Question, StepStanding


def steps(found: rules.Standing, day: date) -> Iterator[RenderableType]:
    """The steps that had been opened by `day`, by due date, after how many stood how."""
    if not found.steps:
        yield plain(_("Ingen steg var åpnet."), "dim")
        return
    rows = sorted(found.steps.values(), key=lambda step: (step.due, step.key))
    counts = Counter(how_stood(step, day) for step in rows)
    yield plain(", ".join(counted(how, counts[how]) for how in STANDINGS if counts[how]), "dim")
    columns = [
        Column("", width=1), Column("", width=6, style="cyan"), Column("", width=16), Column("", width=4),
        Column("", share=1),
    ]  # fmt: skip
    yield indented(unheaded((_row(step, day) for step in rows), columns))


def how_stood(step: StepStanding, day: date) -> Standing:
    """How the step stood at the end of the day."""
    match step.settled:
        case "closed":
            late = step.acted_at is not None and oslo_day(step.acted_at) > step.due
            return "closed_late" if late else "closed"
        case "left_open" | "withdrawn":
            return step.settled
    return "overdue" if step.due < day else "open"


def _row(step: StepStanding, day: date) -> tuple[Text | str, ...]:
    how = how_stood(step, day)
    sign, style = MARKS[how]
    if step.settled is not None and step.settled_at is not None and step.settled != "left_open":
        word = _("ferdig {day}") if step.settled == "closed" else _("falt bort {day}")
        when = Text(word.format(day=short_day(oslo_day(step.settled_at))))
    elif step.settled is not None:
        when = Text(_(STANDINGS[how]))
    else:
        when = Text(_("frist {day}").format(day=short_day(step.due)), style="red" if how == "overdue" else "")
    if step.original_due is not None and step.original_due != step.due:
        when.append("\n" + _("først {day}").format(day=short_day(step.original_due)), "dim")
    version = _("v{version}").format(version=step.version) if step.version else ""
    waiting = "\n".join(_waiting(step)) if step.settled is None else ""
    return plain(sign, style), step.key, when, plain(version, "dim"), plain(waiting, "dim")


def _waiting(step: StepStanding) -> Iterator[str]:
    """One line for each question that was not answered yet."""
    for question in step.questions:
        if _is_open(question, step):
            people = listed(holder.person for holder in question.people)
            yield _(WAITS[question.what]).format(who=f"{people} ({role_name(question.role)})")


def _is_open(question: Question, step: StepStanding) -> bool:
    if question.what == "answer":
        return any(owed.version == question.version for owed in step.unanswered())
    if question.what == "evidence":
        return step.needs_evidence and question.version == step.version
    answered = any(
        decision.role is question.role and decision.version == question.version for decision in step.decisions
    )
    return question.version == step.version and not answered
