"""`forsvarlig decide`: one person's answer in a gate, or many from a file."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.language import N_, _, current, format_moment
from worker.cli.acts import ALIASES, name, on_behalf, short_hash, typed, visible
from worker.cli.failures import Conflict, NotFound
from worker.cli.frame import emit, frame, progress
from worker.cli.people import Ambiguous, find_person
from worker.cli.places import CYCLE_HELP
from worker.cli.step import nonce_option, recorded, year_option
from worker.cli.words import is_yes, listed, role_name
from workflows.rules.events import DecisionRecorded, EvidenceSubmitted, Outcome
from workflows.rules.gate import NEEDS_COMMENT, OUTCOMES
from workflows.rules.organisation import Role

if TYPE_CHECKING:
    from activities.doors import Receipt
    from activities.situations import Situations
    from activities.store.database import Database, Reader
    from activities.store.rows import PersonRow
    from worker.cli.bulk import Ask
    from worker.cli.cases import Case

NOTHING = hashlib.sha256(b"").hexdigest()
"""The hash of the document that was seen where none was filed."""


class Answer(NamedTuple):
    """One answer that is ready to be given, about the version and document that were seen."""

    case: Case
    person: PersonRow
    role: Role
    outcome: Outcome
    document: str
    version: int
    comment: str | None
    nonce: str


class OutcomeWord(click.ParamType[Outcome]):
    """An answer, by its name or its Norwegian word, whatever its case."""

    name = "outcome"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Outcome:
        if isinstance(value, Outcome):
            return value
        found = outcome_of(value)
        if found is None:
            words = ", ".join(ALIASES)
            self.fail(
                _("«{value}» er ikke et svar. Skriv et av disse: {words}.").format(
                    value=visible(value), words=words
                ),
                param,
                ctx,
            )
        return found


def outcome_of(word: str) -> Outcome | None:
    """The answer that a word means; None for another word."""
    wanted = "-".join(word.casefold().replace("_", "-").split())
    by_name = {outcome.value.replace("_", "-"): outcome for outcome in Outcome}
    return ALIASES.get(wanted) or by_name.get(wanted)


@year_option
@click.command(
    help=N_(
        "Ta en beslutning, eller si din mening som verneombud. Svaret gjelder versjonen som ligger der nå."
    ),
    epilog=CYCLE_HELP,
)
@click.argument("cycle", metavar=N_("[ÅRSHJUL]"), required=False)
@click.argument("key", metavar=N_("[STEG]"), required=False)
@click.option(
    "--as", "person", metavar=N_("PERSON"), help=N_("Hvem du er: id, e-post, ansattnr eller fullt navn.")
)
@click.option(
    "--role",
    type=click.Choice([r.value for r in Role]),
    metavar=N_("ROLLE"),
    help=N_("Rollen du svarer i, når du er spurt i flere."),
)
@click.option(
    "--outcome",
    type=OutcomeWord(),
    metavar=N_("SVAR"),
    help=N_("godkjenn, be-om-endring, avvis; enig, enig-med-merknad, uenig; behandlet; ikke-svart."),
)
@click.option("--comment", help=N_("Begrunnelsen eller merknaden."))
@click.option(
    "--comment-file",
    type=click.File(encoding="utf-8"),
    metavar=N_("FIL"),
    help=N_("En fil med begrunnelsen (- er standard inn)."),
)
@click.option(
    "--version",
    "version",
    type=click.IntRange(min=1),
    help=N_("Versjonen du har lest (den som ligger der nå)."),
)
@click.option("--yes", is_flag=True, help=N_("Svar uten å bli spurt om det stemmer."))
@nonce_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Mange svar fra en CSV-fil: cycle;step;as;role;outcome;comment."),
)
def decide(
    cycle: str | None,
    key: str | None,
    person: str | None,
    role: str | None,
    outcome: Outcome | None,
    comment: str | None,
    comment_file: Any,
    version: int | None,
    yes: bool,
    nonce: str,
    source: Path | None,
    year: int | None,
    employer: str | None,
) -> None:
    """Record answers."""
    from worker.cli.bulk import Ask, give_all, read_asks

    if source is not None:
        given = (cycle, key, person, role, outcome, comment, comment_file, version)
        if any(value is not None for value in given):
            raise click.UsageError(_("Med --from står alt i filen; la de andre argumentene være."))
        asyncio.run(give_all(read_asks(source), nonce, year=year, employer=employer))
        return
    missing = [
        option for option, value in (
            (_("ÅRSHJUL"), cycle), (_("STEG"), key), ("--as", person), ("--outcome", outcome)
        ) if value is None
    ]  # fmt: skip
    if cycle is None or key is None or person is None or outcome is None:
        raise click.UsageError(_("Det mangler {what}.").format(what=listed(missing)))
    if comment is not None and comment_file is not None:
        raise click.UsageError(_("Bruk enten --comment eller --comment-file, ikke begge."))
    text = comment_file.read() if comment_file is not None else comment
    ask = Ask(cycle, key, person, Role(role) if role else None, outcome, text, version)
    asyncio.run(_one(ask, nonce, yes=yes, year=year, employer=employer))


async def _one(ask: Ask, nonce: str, *, yes: bool, year: int | None, employer: str | None) -> None:
    from activities.situations import Situations
    from worker.cli.cases import follow_up, next_lines, read_case
    from worker.cli.employers import store
    from worker.cli.refusals import Try, told

    situations = Situations()
    async with store() as database:
        async with database.read() as reader:
            answer = await ready(reader, situations, ask, nonce, year=year, employer=employer)
        if not yes and _on_a_terminal() and not frame().json:
            answer = _confirmed(answer)
        receipt = await give(database, situations, answer)
        async with database.read() as reader:
            after = await read_case(
                reader, answer.case.row.id, answer.case.step.key, answer.case.now, situations=situations
            )
            waits = await follow_up(reader, answer.case.now)
    document = {
        **result(answer, receipt),
        "waiting": [p.model_dump(mode="json") for p in after.foreseen().waiting()],
    }
    if receipt.reason is not None:
        refused = told(
            receipt.reason, answer.case, Try(answer.person.id, answer.role, answer.outcome, answer.version)
        )
        if frame().json:
            emit("decision", document, table="")
        raise Conflict(recorded(refused.problem, receipt), refused.remedy)
    emit(
        "decision",
        document,
        table=lambda: "\n".join([*said(answer, receipt), *wrapped_all(next_lines(after))]),
    )
    if waits:
        progress(waits)


async def ready(
    reader: Reader, situations: Situations, ask: Ask, nonce: str, *, year: int | None, employer: str | None
) -> Answer:
    """The answer that is meant, with everything found; `Failure` when something is not."""
    from worker.cli import clock
    from worker.cli.cases import read_case

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
    asked = [row for row in inbox if row.step == case.step.key and row.what != "evidence"]
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
    comment = ask.comment.strip() if ask.comment else None
    return Answer(
        case, person, role, ask.outcome, versions.get(version, NOTHING), version, comment or None, nonce
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


async def give(database: Database, situations: Situations, answer: Answer) -> Receipt:
    """Through the door."""
    from activities.doors import Doors

    return await Doors(database, situations).decide(
        answer.case.row.id,
        answer.case.step.key,
        answer.person.id,
        answer.role,
        answer.outcome,
        document=answer.document,
        version=answer.version,
        comment=answer.comment,
        now=answer.case.now,
        nonce=answer.nonce,
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
        "role": answer.role,
        "outcome": answer.outcome,
        "version": answer.version,
        "document": answer.document,
        "nonce": answer.nonce,
    }


def _on_a_terminal() -> bool:
    return sys.stdin.isatty()


def _confirmed(answer: Answer) -> Answer:
    """Show what the answer is about, ask for a reason that is missing, and ask whether to go on."""
    from worker.cli.layout import heading, wrapped

    case = answer.case
    lines = [heading(case.title)]
    filed = next(
        (
            (fact.recorded, on_behalf(fact.actor, fact.body.on_behalf_of, case.names))
            for _seq, fact in case.facts
            if isinstance(fact.body, EvidenceSubmitted) and fact.body.version == answer.version
        ),
        None,
    )
    if filed is not None:
        text = _("Versjon {version}, lagt fram av {who} {when}, fingeravtrykk {hash}.")
        lines += wrapped(
            text.format(
                version=answer.version,
                who=filed[1],
                when=format_moment(filed[0]),
                hash=short_hash(answer.document),
            )
        )
    click.echo("\n".join(lines))
    if answer.comment is None and answer.outcome in NEEDS_COMMENT:
        answer = answer._replace(comment=click.prompt(_("Begrunnelse")).strip() or None)
    question = _("{name} svarer «{outcome}» som {role}. Et svar kan ikke gjøres om. Stemmer det?")
    asked = question.format(
        name=name(answer.person.id, case.names), outcome=typed(answer.outcome), role=role_name(answer.role)
    )
    # Click's own confirmation understands English only.
    answered = click.prompt(
        f"{asked} [ja/nei]" if current() != "en" else f"{asked} [yes/no]", prompt_suffix=" "
    )
    if not is_yes(answered):
        raise click.Abort
    return answer


def said(answer: Answer, receipt: Receipt) -> list[str]:
    """What became of the answer, for people."""
    from worker.cli.acts import sentence
    from worker.cli.layout import wrapped

    told = sentence(receipt.fact.body, receipt.fact.actor, answer.case.names)
    first = _("Dette var ført fra før.") if receipt.repeated else _("Ført.")
    seq = _("nr. {seq} i historikken").format(seq=receipt.seq)
    lines = wrapped(f"{first} {told} ({seq})")
    body = receipt.fact.body
    if isinstance(body, DecisionRecorded) and body.outcome is Outcome.DISAGREES:
        lines += wrapped(_("Uenigheten blir stående, ingen kan fjerne den, og arbeidsgiver må svare på den."))
    return lines


def wrapped_all(lines: Sequence[str]) -> list[str]:
    """The lines, each broken where the terminal ends, with its own indent kept."""
    from worker.cli.layout import wrapped

    return [line for text in lines for line in wrapped(text, len(text) - len(text.lstrip()), 4)]
