"""`forsvarlig answer`: the employer's reasoned answer to whoever disagrees (aml. § 6-2)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activities.language import N_
from worker.cli.options import (
    as_option,
    comment_file_option,
    comment_option,
    nonce_option,
    number,
    text_of,
    year_option,
)
from worker.cli.places import CYCLE_HELP
from worker.cli.reasoned import Given, give_reasons, why_not_answered
from worker.cli.signing import key_option

if TYPE_CHECKING:
    from worker.cli.cases import Case
    from workflows.rules.statement import Answer


@year_option
@click.command(
    help=N_(
        "Gi arbeidsgivers begrunnede svar til den som er uenig. Uenigheten blir stående; svaret står ved siden av."
    ),
    epilog=CYCLE_HELP,
)
@click.argument("cycle", metavar=N_("ÅRSHJUL"))
@click.argument("key", metavar=N_("STEG"))
@as_option
@comment_option
@comment_file_option
@click.option(
    "--version",
    type=number(1),
    help=N_("Versjonen uenigheten gjelder (den nyeste som venter på svar)."),
)
@click.option(
    "--on-behalf-of", metavar=N_("PERSON"), help=N_("Den du svarer for, når du er vikar for flere.")
)
@key_option
@nonce_option
def answer(
    cycle: str,
    key: str,
    person: str,
    comment: str | None,
    comment_file: Any,
    version: int | None,
    on_behalf_of: str | None,
    key_file: Path | None,
    nonce: str,
    year: int | None,
    employer: str | None,
) -> None:
    """Record the employer's answer."""
    from workflows.rules.statement import Answer

    text = text_of(comment, comment_file)
    given = Given(cycle, key, person, text, on_behalf_of, key_file, nonce, year, employer)

    def said(case: Case, commitment: str | None, other: str | None) -> Answer:
        here = case.here
        owed = [o.version for o in here.unanswered()] if here is not None else []
        newest = max(owed, default=max(here.version if here is not None else 0, 1))
        return Answer(version=version or newest, comment=commitment, on_behalf_of=other)

    asyncio.run(give_reasons(given, "answer", said, why_not_answered))
