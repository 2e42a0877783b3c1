"""Options that several commands take, each read in one way."""

from __future__ import annotations

import re
import secrets
from typing import Final, TextIO

import click

from activities.language import N_, _
from worker.cli.failures import BadInput

NONCE = re.compile(r"[A-Za-z0-9._-]{1,40}")

WHO: Final = N_("Hvem du er: id, e-post, ansattnr eller fullt navn.")
"""Whoever acts, as people may say it."""

employer_option = click.option(
    "--employer", metavar=N_("VIRKSOMHET"), help=N_("Virksomheten, når det er flere.")
)


LARGEST: Final = 999_999_999
"""The largest number that is understood; every database can hold it."""


def number(least: int) -> click.IntRange:
    """A whole number from `least` to `LARGEST`: a place in the ledger, a count, a version."""
    return click.IntRange(least, LARGEST)


def year_option(command: click.Command) -> click.Command:
    """`--year` and `--employer`, for when the cycle's word leaves them open."""
    years = click.IntRange(2000, 2100)
    command.params.append(
        click.Option(["--year"], type=years, metavar=N_("ÅR"), help=N_("Året, når flere går."))
    )
    return employer_option(command)


def checked_nonce(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The nonce given, or a new one."""
    if value is None:
        return secrets.token_hex(8)
    if not NONCE.fullmatch(value):
        raise click.BadParameter(
            _("Bruk høyst 40 av tegnene A–Z, a–z, 0–9, punktum, _ og -."), context, parameter
        )
    return value


nonce_option = click.option(
    "--nonce",
    callback=checked_nonce,
    help=N_("Et ord du velger selv: det samme på nytt gjør ingenting to ganger."),
)

as_option = click.option("--as", "person", required=True, metavar=N_("PERSON"), help=WHO)

comment_option = click.option("--comment", help=N_("Begrunnelsen."))

comment_file_option = click.option(
    "--comment-file",
    type=click.File(encoding="utf-8"),
    metavar=N_("FIL"),
    help=N_("En fil med begrunnelsen (- er standard inn)."),
)


def _content(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise BadInput(
            _("{file} er ikke tekst i UTF-8.").format(file=file.name),
            _("Lagre filen som tekst i UTF-8, eller skriv grunnen med --comment."),
        ) from error


def text_of(comment: str | None, file: TextIO | None) -> str | None:
    """The reason that was typed, or that of the file; None when there is none."""
    if comment is not None and file is not None:
        raise click.UsageError(_("Bruk enten --comment eller --comment-file, ikke begge."))
    text = comment if file is None else _content(file)
    return (text.strip() if text else None) or None
