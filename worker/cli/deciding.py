"""An answer in a gate: finding everything that it is about, giving it, and telling what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from activities.language import _
from activities.phrases import worded
from activities.words import listed
from worker.cli.failures import BadInput, Conflict, NotFound, unreadable
from worker.cli.frame import frame
from worker.cli.naming import name, visible
from worker.cli.people import Ambiguous, find_person
from worker.cli.words import role_name
from workflows.rules.events import DecisionRecorded
from workflows.rules.gate import OUTCOMES
from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.statement import Decide, TextTooLong, Votes, short_enough
from workflows.rules.terms import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from activities.doors import Doors
    from activities.ledger.log import Payload
    from activities.receipts import Receipt
    from activities.signatures import SigningKey
    from activities.situations import Situations
    from activities.store.database import Database, Reader
    from activities.store.rows import DocumentRow, PersonRow
    from worker.cli.cases import Case

NOTHING = hashlib.sha256(b"").hexdigest()
"""The hash of the document that was seen where none was filed."""


class Ballot(NamedTuple):
    """A committee's vote as it was typed; `minority` is the file with what the minority wants on record."""

    majority: tuple[str, ...]
    against: tuple[str, ...] = ()
    minority: Path | None = None


class Ask(NamedTuple):
    """An answer as it was typed, or as a row has it."""

    cycle: str
    step: str
    person: str
    role: Role | None
    outcome: Outcome
    comment: str | None
    version: int | None = None
    on_behalf_of: str | None = None
    back_to: Stage | None = None
    ballot: Ballot | None = None
    key_file: Path | None = None


class Answer(NamedTuple):
    """One answer that is ready to be given, about the version and document that were seen.

    `own` is the person's own key, when its file is here.
    """

    case: Case
    person: PersonRow
    role: Role
    outcome: Outcome
    document: str
    version: int
    comment: str | None
    nonce: str
    on_behalf_of: str | None = None
    back_to: Stage | None = None
    votes: Votes | None = None
    minority: Path | None = None
    own: SigningKey | None = None

    def said(self) -> tuple[Decide, list[Payload]]:
        """What the person states, and the text that it commits to."""
        from activities.ledger.log import commit

        payload, commitment = commit(self.comment) if self.comment else (None, None)
        act = Decide(
            role=self.role, outcome=self.outcome, document=self.document, version=self.version,
            comment=commitment, on_behalf_of=self.on_behalf_of, back_to=self.back_to, votes=self.votes,
        )  # fmt: skip
        return act, [payload] if payload is not None else []


async def ready(
    reader: Reader, situations: Situations, ask: Ask, nonce: str, *, year: int | None, employer: str | None
) -> Answer:
    """The answer that is meant, with everything found; `Failure` when something is not."""
    from worker.cli import clock
    from worker.cli.cases import read_case
    from worker.cli.signing import own_key

    case = await read_case(
        reader,
        ask.cycle,
        ask.step,
        clock.now(),
        situations=situations,
        year=year,
        employer=employer,
    )
    person = find_person(case.directory, ask.person)
    inbox = await reader.inbox(employer=case.row.employer, cycle=case.row.id)
    asked = [row for row in inbox if row.step == case.step.key and row.what not in ("evidence", "answer")]
    if ask.outcome is Outcome.NO_RESPONSE:
        roles = {row.role for row in asked if row.what == "consult"}
    else:
        roles = {row.role for row in asked if row.person == person.id}
    role = ask.role or _role(case, person, ask.outcome, roles)
    versions = case.documents()
    newest = case.here.version if case.here is not None else 0
    version = ask.version if ask.version is not None else newest
    if version not in versions and ask.version is not None:
        there = listed(str(number) for number in versions) or _("ingen")
        raise NotFound(
            _("{step} har ingen versjon {version}. Versjonene er: {there}.").format(
                step=case.step.key, version=version, there=there
            ),
            _("Se hva som er lagt fram: {show}").format(show=case.show),
        )
    other = find_person(case.directory, ask.on_behalf_of, "--on-behalf-of") if ask.on_behalf_of else None
    comment = (ask.comment.strip() if ask.comment else None) or None
    if comment is not None and not short_enough(comment):
        error = TextTooLong(len(comment))
        raise BadInput(worded(error.fault), worded(error.remedy))
    return Answer(
        case,
        person,
        role,
        ask.outcome,
        versions.get(version, NOTHING),
        version,
        comment,
        nonce,
        on_behalf_of=other.id if other is not None else None,
        back_to=ask.back_to,
        votes=_votes(case, ask.ballot),
        minority=ask.ballot.minority if ask.ballot is not None else None,
        own=own_key(case.row.employer, person.id, ask.key_file),
    )


def _votes(case: Case, ballot: Ballot | None) -> Votes | None:
    if ballot is None:
        return None
    position: str | None = None
    if ballot.minority is not None:
        try:
            position = hashlib.sha256(ballot.minority.read_bytes()).hexdigest()
        except OSError as error:
            raise unreadable(ballot.minority, error) from error
    return Votes(
        majority=tuple(find_person(case.directory, who, "--votes-for").id for who in ballot.majority),
        minority=tuple(find_person(case.directory, who, "--votes-against").id for who in ballot.against),
        position=position,
    )


def _role(case: Case, person: PersonRow, outcome: Outcome, asked: set[Role]) -> Role:
    """The role that the person answers in: the one of the inbox, else the one that such an answer is for."""
    fitting = {s.role for s in case.step.slots if outcome in OUTCOMES[s.kind]}
    held = {s.role for s in case.step.slots if case.may(s.kind.value, s.role, person.id)}
    everyone = {s.role for s in case.step.slots}
    for roles in (asked, asked & fitting, held & fitting, held, fitting, everyone):
        if len(roles) == 1:
            return next(iter(roles))
    if not everyone:
        raise Conflict(
            _("{step} krever dokumentasjon og ingen svar, så det er ingenting å ta stilling til.").format(
                step=case.step.key
            ),
            _("Se steget: {show}").format(show=case.show),
        )
    choices = sorted(asked or held or everyone)
    if asked or held:
        problem = _("{name} har flere roller i {step}: {roles}.")
    else:
        problem = _("{name} er ikke spurt om noe i {step}. Rollene der er {roles}.")
    raise Ambiguous(
        problem.format(
            name=name(person.id, case.names), step=case.step.key,
            roles=listed(f"{role_name(role)} ({role.value})" for role in choices),
        ),
        _("Velg rollen, som --role {role}. Se steget: {show}").format(role=choices[0].value, show=case.show),
    )  # fmt: skip


async def keep_minority(database: Database, answer: Answer) -> None:
    """Store the document in which the minority says what it wants on record, if there is one."""
    if answer.minority is not None:
        await put_document(database, answer.case.row.employer, answer.minority, answer.case.now)


async def put_document(database: Database, employer: str, file: Path, now: datetime) -> DocumentRow:
    """Keep the file among the documents; `BadInput` when it cannot be read or kept."""
    from mimetypes import guess_type

    from activities.documents import DocumentError, Documents

    media_type = guess_type(file.name)[0] or "application/octet-stream"
    try:
        async with database.write(employer) as tx:
            return await Documents(frame().settings.documents).put(file, media_type, file.name, now, tx)
    except DocumentError as error:
        raise BadInput(visible(str(error)), _("Rett det, og kjør kommandoen igjen.")) from error


async def give(doors: Doors, database: Database, answer: Answer) -> Receipt:
    """Through the door."""
    await keep_minority(database, answer)
    act, texts = answer.said()
    return await doors.act(
        answer.case.row.employer,
        answer.person.id,
        act,
        cycle=answer.case.row.id,
        step=answer.case.step.key,
        texts=texts,
        now=answer.case.now,
        nonce=answer.nonce,
        own=answer.own,
    )


def result(answer: Answer, receipt: Receipt) -> dict[str, Any]:
    """What became of the answer, for programs."""
    return {
        "accepted": receipt.accepted,
        "seq": receipt.seq,
        "repeated": receipt.repeated,
        "reason": receipt.reason,
        "cycle": answer.case.row.id,
        "step": answer.case.step.key,
        "person": answer.person.id,
        "on_behalf_of": getattr(receipt.fact.body, "on_behalf_of", None),
        "role": answer.role,
        "outcome": answer.outcome,
        "version": answer.version,
        "document": answer.document,
        "nonce": answer.nonce,
        "key": receipt.fact.signed.key if receipt.fact.signed is not None else None,
        "fingerprint": receipt.fingerprint,
    }


def said(answer: Answer, receipt: Receipt) -> list[str]:
    """What became of the answer, for people."""
    from worker.cli.fact_sentences import sentence
    from worker.cli.layout import wrapped
    from worker.cli.receipts import keep, noted

    told = sentence(receipt.fact.body, receipt.fact.actor, answer.case.names)
    lines = wrapped(noted(receipt, told))
    body = receipt.fact.body
    if isinstance(body, DecisionRecorded) and body.outcome is Outcome.DISAGREES:
        lines += wrapped(_("Uenigheten blir stående, ingen kan fjerne den, og arbeidsgiver må svare på den."))
    return [*lines, *wrapped(keep(receipt.fingerprint))]


def wrapped_all(lines: Sequence[str]) -> list[str]:
    """The lines, each broken where the terminal ends, with its own indent kept."""
    from worker.cli.layout import wrapped

    return [line for text in lines for line in wrapped(text, len(text) - len(text.lstrip()), 4)]
