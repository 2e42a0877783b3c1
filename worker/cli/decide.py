"""`forsvarlig decide`: one person's answer in a gate, or many from a file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from activities.language import N_, _, current, format_moment
from activities.words import ROLES, STAGES, listed
from worker.cli.choices import Meaning
from worker.cli.deciding import Answer, Ask, Ballot, give, ready, result, said, wrapped_all
from worker.cli.failures import Conflict
from worker.cli.frame import emit, frame, progress
from worker.cli.naming import ALIASES, name, on_behalf, short_hash, typed, visible
from worker.cli.options import WHO, comment_file_option, nonce_option, number, text_of, year_option
from worker.cli.places import CYCLE_HELP
from worker.cli.receipts import recorded
from worker.cli.signing import key_option
from worker.cli.words import is_yes, role_name
from workflows.rules.events import EvidenceSubmitted
from workflows.rules.gate import NEEDS_COMMENT
from workflows.rules.organisation import Role
from workflows.rules.programme import Stage
from workflows.rules.terms import Outcome


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
@click.option("--as", "person", metavar=N_("PERSON"), help=WHO)
@click.option(
    "--role",
    type=Meaning({role.value: words[0] for role, words in ROLES.items()}),
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
@comment_file_option
@click.option(
    "--version",
    "version",
    type=number(1),
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
@click.option(
    "--on-behalf-of", metavar=N_("PERSON"), help=N_("Den du svarer for, når du er vikar for flere.")
)
@click.option(
    "--back-to",
    type=Meaning({stage.value: text for stage, text in STAGES.items()}),
    metavar=N_("FASE"),
    help=N_("Med be-om-endring: fasen saken skal tilbake til, som assess."),
)
@click.option(
    "--votes-for", multiple=True, metavar=N_("PERSON"), help=N_("Med behandlet: flertallet; én for hver.")
)
@click.option("--votes-against", multiple=True, metavar=N_("PERSON"), help=N_("Mindretallet; én for hver."))
@click.option(
    "--minority",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Det mindretallet vil ha ført inn; filen lagres med fingeravtrykk."),
)
@key_option
@click.option(
    "--as-signal",
    is_flag=True,
    help=N_("Skriv ut kommandoen som sender svaret signert gjennom Temporal, i stedet for å føre det."),
)
@click.option(
    "--statement-out",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Skriv svaret signert til en fil i stedet for å føre det (- er standard ut)."),
)
@click.option(
    "--statement",
    type=click.File("rb"),
    metavar=N_("FIL"),
    help=N_("Lever et svar som er signert et annet sted (- er standard inn)."),
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
    on_behalf_of: str | None,
    back_to: str | None,
    votes_for: tuple[str, ...],
    votes_against: tuple[str, ...],
    minority: Path | None,
    key_file: Path | None,
    as_signal: bool,
    statement_out: Path | None,
    statement: Any,
    year: int | None,
    employer: str | None,
) -> None:
    """Record answers."""
    from worker.cli.bulk import give_all, read_asks
    from worker.cli.statements import hand_in, hand_over

    given = (
        cycle, key, person, role, outcome, comment, comment_file, version, on_behalf_of, back_to, minority,
        key_file, statement_out, as_signal or None, votes_for or None, votes_against or None,
    )  # fmt: skip
    if source is not None or statement is not None:
        if any(value is not None for value in given) or (source is not None and statement is not None):
            raise click.UsageError(
                _("Med --from eller --statement står alt i filen; la de andre argumentene være.")
            )
        if statement is not None:
            asyncio.run(hand_in(statement.read(), employer=employer))
        elif source is not None:
            asyncio.run(give_all(read_asks(source), nonce, year=year, employer=employer))
        return
    missing = [
        option for option, value in (
            (_("ÅRSHJUL"), cycle), (_("STEG"), key), ("--as", person), ("--outcome", outcome)
        ) if value is None
    ]  # fmt: skip
    if cycle is None or key is None or person is None or outcome is None:
        raise click.UsageError(_("Det mangler {what}.").format(what=listed(missing)))
    text = text_of(comment, comment_file)
    if (votes_against or minority is not None) and not votes_for:
        raise click.UsageError(_("Med --votes-against og --minority trengs også --votes-for."))
    ask = Ask(
        cycle,
        key,
        person,
        Role(role) if role else None,
        outcome,
        text,
        version,
        on_behalf_of=on_behalf_of,
        back_to=Stage(back_to) if back_to else None,
        ballot=Ballot(votes_for, votes_against, minority) if votes_for else None,
        key_file=key_file,
    )
    if as_signal or statement_out is not None:
        asyncio.run(
            hand_over(ask, nonce, as_signal=as_signal, out=statement_out, year=year, employer=employer)
        )
    else:
        asyncio.run(_one(ask, nonce, yes=yes, year=year, employer=employer))


async def _one(ask: Ask, nonce: str, *, yes: bool, year: int | None, employer: str | None) -> None:
    from activities.situations import Situations
    from worker.cli.cases import follow_up, next_lines, read_case
    from worker.cli.employers import store
    from worker.cli.refusals import Try, told
    from worker.cli.signing import desk

    situations = Situations()
    async with store() as database:
        async with database.read() as reader:
            answer = await ready(reader, situations, ask, nonce, year=year, employer=employer)
        if not yes and _on_a_terminal() and not frame().json:
            answer = _confirmed(answer)
        receipt = await give(desk(database, situations), database, answer)
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
