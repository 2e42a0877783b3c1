"""What the employer must give reasons for: an answer to whoever disagrees, and a new due date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from activities.language import _
from worker.cli.failures import Conflict
from worker.cli.frame import emit, frame, progress

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from worker.cli.cases import Case
    from worker.cli.words import Told
    from workflows.rules.statement import Answer, MoveDueDate
    from workflows.rules.terms import Refusal


class Given(NamedTuple):
    """What was typed."""

    cycle: str
    step: str
    person: str
    comment: str | None
    on_behalf_of: str | None
    key_file: Path | None
    nonce: str
    year: int | None
    employer: str | None


async def give_reasons(
    given: Given,
    what: str,
    said: Callable[[Case, str | None, str | None], Answer | MoveDueDate],
    why_not: Callable[[Refusal, Case, str], Told],
) -> None:
    """Record what `said` makes of the case, and tell it; `Conflict`, in the words of `why_not`, when refused."""
    from activities.ledger.log import commit
    from activities.situations import Situations
    from worker.cli import clock
    from worker.cli.cases import follow_up, next_lines, read_case
    from worker.cli.deciding import wrapped_all
    from worker.cli.employers import store
    from worker.cli.fact_sentences import sentence
    from worker.cli.people import find_person
    from worker.cli.receipts import keep, noted, recorded
    from worker.cli.signing import desk, own_key

    situations = Situations()
    async with store() as database:
        async with database.read() as reader:
            case = await read_case(
                reader, given.cycle, given.step, clock.now(), situations=situations, year=given.year,
                employer=given.employer,
            )  # fmt: skip
        person = find_person(case.directory, given.person).id
        other = given.on_behalf_of
        other = find_person(case.directory, other, "--on-behalf-of").id if other is not None else None
        payload, commitment = commit(given.comment) if given.comment else (None, None)
        receipt = await desk(database, situations).act(
            case.row.employer,
            person,
            said(case, commitment, other),
            cycle=case.row.id,
            step=case.step.key,
            texts=[payload] if payload is not None else [],
            now=case.now,
            nonce=given.nonce,
            own=own_key(case.row.employer, person, given.key_file),
        )
        async with database.read() as reader:
            after = await read_case(reader, case.row.id, case.step.key, case.now, situations=situations)
            waits = await follow_up(reader, case.now)
    document = _document(case, person, receipt, given.nonce)
    if receipt.reason is not None:
        if frame().json:
            emit(what, document, table="")
        told = why_not(receipt.reason, case, person)
        raise Conflict(recorded(told.problem, receipt), told.remedy)
    told_fact = sentence(receipt.fact.body, receipt.fact.actor, case.names)
    emit(
        what,
        document,
        table=lambda: "\n".join(
            wrapped_all([noted(receipt, told_fact), keep(receipt.fingerprint), *next_lines(after)])
        ),
    )
    if waits:
        progress(waits)


def _document(case: Case, person: str, receipt: Receipt, nonce: str) -> dict[str, Any]:
    return {
        "accepted": receipt.accepted,
        "seq": receipt.seq,
        "repeated": receipt.repeated,
        "reason": receipt.reason,
        "cycle": case.row.id,
        "step": case.step.key,
        "person": person,
        "nonce": nonce,
        "fingerprint": receipt.fingerprint,
        "fact": receipt.fact.body.model_dump(mode="json"),
    }


def why_not_answered(reason: Refusal, case: Case, person: str) -> Told:
    """Why the answer was refused, and what to do."""
    from worker.cli.cases import answer_command, people_who_may
    from worker.cli.naming import name
    from worker.cli.refusals import Try, told
    from worker.cli.words import Told
    from workflows.rules.answers import answering_role
    from workflows.rules.terms import Refusal

    show = _("Se steget: {show}").format(show=case.show)
    who = people_who_may(case, [("answer", answering_role(case.step))])
    match reason:
        case Refusal.NOTHING_TO_ANSWER:
            return Told(_("Ingen er uenig i den versjonen, så det er ingenting å svare på."), show)
        case Refusal.ALREADY_DECIDED:
            return Told(_("Uenigheten er alt besvart. Det svaret står."), show)
        case Refusal.COMMENT_REQUIRED:
            return Told(_("Arbeidsgivers svar må være begrunnet."), answer_command(case.typed, person))
        case Refusal.TWO_ROLES:
            text = _("{name} er selv uenig, og kan ikke svare for arbeidsgiver.")
            return Told(text.format(name=name(person, case.names)), show)
        case Refusal.NOT_ELIGIBLE:
            text = _("{name} kan ikke svare for arbeidsgiver her.").format(name=name(person, case.names))
            return Told(text, _("Dette kan {who}.").format(who=who) if who else show)
    return told(reason, case, Try(person))


def why_not_moved(reason: Refusal, case: Case, person: str, due: date) -> Told:
    """Why the due date was not moved, and what to do."""
    from activities.language import format_day
    from worker.cli.naming import name, role_bearer
    from worker.cli.refusals import Try, told
    from worker.cli.words import Told
    from workflows.rules.terms import Refusal

    match reason:
        case Refusal.COMMENT_REQUIRED:
            remedy = _("Skriv begrunnelsen med --comment.")
            return Told(_("En ny frist må begrunnes."), remedy)
        case Refusal.WRONG_DATES:
            last = format_day(case.situation.plan.closing_day(case.situation.cycle))
            text = _(
                "Fristen kan ikke flyttes til {day}: den må være en ny dag, fra i dag og før året lukkes {last}."
            )
            return Told(
                text.format(day=format_day(due), last=last),
                _("Velg en annen dag med --to. Se steget: {show}").format(show=case.show),
            )
        case Refusal.NOT_ELIGIBLE:
            text = _("{name} kan ikke flytte fristen; det kan {role}, lederen over, eller HR.")
            return Told(
                text.format(name=name(person, case.names), role=role_bearer(case.step.owner)),
                _("Se steget: {show}").format(show=case.show),
            )
    return told(reason, case, Try(person))
