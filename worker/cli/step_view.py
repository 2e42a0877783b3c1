"""The story of one step, for people."""

from __future__ import annotations

from collections.abc import Iterator

from activities.language import _, format_day, format_moment, format_number
from activities.words import OUTCOME_NAMES, capital, listed
from worker.cli.cases import Quorum
from worker.cli.frame import PROGRAM
from worker.cli.layout import deadline, heading, wrapped
from worker.cli.naming import holder, lacking, name, on_behalf, role_bearer, visible
from worker.cli.places import OWN
from worker.cli.proof import how_known
from worker.cli.readings import behind, why_hidden
from worker.cli.step_story import Line, StepStory
from worker.cli.words import STANDINGS, role_name
from workflows.rules.calendar import oslo_day
from workflows.rules.organisation import Holder


def story_lines(story: StepStory) -> Iterator[str]:
    """The story, section by section; empty ones are left out."""
    state = _(STANDINGS[story.state])  # type: ignore[index]
    yield heading(f"{story.step} {story.name}")
    yield from wrapped(
        f"{story.unit_name}, {story.cycle.rpartition('/')[2]} · {capital(state)} · {story.cycle}"
    )
    if story.lag:
        yield from wrapped(behind(story.lag))
    if story.as_of is not None:
        yield from wrapped(_("Slik det var {day}, da dagen var over.").format(day=format_day(story.as_of)))
    yield from _section(_("Hva loven krever"), _law(story))
    yield from _section(_("Hva som skal til"), _asked_for(story))
    yield from _section(_("Datoer"), _dates(story))
    yield from _section(_("Det ventes på"), _waits(story))
    yield from _section(_("Dokumenter"), _documents(story))
    yield from _section(_("Svar"), _answered(story))
    yield from _section(_("Uenighet"), _facts(story.dissent))
    yield from _section(_("Hvem som er spurt og minnet på det"), _facts(story.asked))
    yield from _section(_("Nektede forsøk"), _facts(story.refused))
    where = f"--unit {story.unit or OWN[0]}"
    yield ""
    yield _("Hele forløpet: {command}").format(command=f"{PROGRAM} history {where} --step {story.step}")


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield heading(title)
        yield from found


def _law(story: StepStory) -> Iterator[str]:
    for duty in story.duties:
        yield from wrapped(f"{duty.id}  {duty.text}", 2, 8)
    if story.law:
        yield from wrapped(_("Reglene står i {sections}.").format(sections="; ".join(story.law)), 2)


def _asked_for(story: StepStory) -> Iterator[str]:
    yield from wrapped(_("Dette skal legges fram: {evidence}.").format(evidence=story.evidence), 2, 4)
    if story.participants:
        roles = listed(role_bearer(role) for role in story.participants)
        yield from wrapped(_("De som skal være med i arbeidet: {roles}.").format(roles=roles), 2, 4)
    for slot in story.gate:
        yield from wrapped(capital(slot), 2, 4)
    if story.builds_on:
        yield from wrapped(_("Bygger på {steps}.").format(steps=listed(story.builds_on)), 2, 4)


def _dates(story: StepStory) -> Iterator[str]:
    if story.opened_at is None:
        yield from wrapped(_("Åpner: {day}").format(day=format_day(story.opens)), 2)
    else:
        yield from wrapped(_("Åpnet: {day}").format(day=format_day(oslo_day(story.opened_at))), 2)
    if story.settled_at is None:
        yield "  " + _("Frist: {day}").format(day=deadline(story.due, story.today))
    else:
        yield from wrapped(_("Frist: {day}").format(day=format_day(story.due)), 2)
        yield from wrapped(_("Avsluttet: {day}").format(day=format_day(oslo_day(story.settled_at))), 2)
    yield from _facts(story.moved)
    if story.missing:
        yield from wrapped(_("Da året ble lukket, manglet {what}.").format(what=lacking(story.missing)), 2, 4)


def _waits(story: StepStory) -> Iterator[str]:
    for waiting in story.waiting:
        who = holder(Holder(person=waiting.person, acting_for=waiting.acting_for), story.names)
        asked = {
            "evidence": _("{who} ({role}) skal legge fram det som trengs:"),
            "approve": _("{who} ({role}) skal ta stilling:"),
            "consult": _("{who} ({role}) er rådspurt:"),
            "treat": _("{who} ({role}) skal få saken behandlet:"),
            "answer": _("{who} ({role}) skal svare den som er uenig:"),
        }[waiting.what]
        yield from wrapped(asked.format(who=who, role=role_name(waiting.role)), 2, 4)
        yield from (f"    {command}" for command in waiting.commands)
    for count in story.quorums:
        said = Quorum(given=count.given, needed=count.needed, waiting_for=count.waiting_for).said(story.names)
        yield from wrapped(f"{capital(role_bearer(count.role))}: {said}", 2, 4)
    for line in story.to_come:
        yield from wrapped(line, 2, 4)


def _documents(story: StepStory) -> Iterator[str]:
    for filed in story.versions:
        who = on_behalf(filed.person, filed.on_behalf_of, story.names)
        text = _("Versjon {version}: {file}, lagt fram av {who} {when} (nr. {seq})")
        yield from wrapped(
            text.format(
                version=filed.version,
                file=visible(filed.file or _("ukjent fil")),
                who=who,
                when=format_moment(filed.at),
                seq=filed.seq,
            ),
            2,
            4,
        )
        size = _("{size} byte").format(size=format_number(filed.size)) if filed.size is not None else "–"
        yield f"    {size}, SHA-256 {filed.document}"
        yield from wrapped(how_known(filed.proof), 4)


def _answered(story: StepStory) -> Iterator[str]:
    for answer in story.answers:
        who = on_behalf(answer.person, answer.on_behalf_of, story.names)
        text = _("Versjon {version}: {who} ({role}): {outcome}, {when} (nr. {seq})")
        yield from wrapped(
            text.format(
                version=answer.version,
                who=who,
                role=role_name(answer.role),
                outcome=_(OUTCOME_NAMES[answer.outcome]),
                when=format_moment(answer.at),
                seq=answer.seq,
            ),
            2,
            4,
        )
        if answer.comment is not None:
            yield from wrapped(f"«{visible(answer.comment, lines=True)}»", 4)
        elif answer.hidden is not None:
            yield from wrapped(why_hidden(answer.hidden, answer.readers), 4)
        yield from wrapped(how_known(answer.proof), 4)
    if story.disagree:
        who = listed(name(person, story.names) for person in story.disagree)
        text = _("{who} er uenig. Det blir stående, og arbeidsgiver må svare på det.")
        yield from wrapped(text.format(who=who), 2, 4)


def _facts(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        yield from wrapped(
            _("{when}: {text} (nr. {seq})").format(when=format_moment(line.at), text=line.text, seq=line.seq),
            2,
            4,
        )
        if line.comment is not None:
            yield from wrapped(f"«{visible(line.comment, lines=True)}»", 4)
        elif line.hidden is not None:
            yield from wrapped(why_hidden(line.hidden, line.readers), 4)
        if line.proof is not None:
            yield from wrapped(how_known(line.proof), 4)
