"""How a command fails: what a person reads, what a program reads, and the exit code.

Exit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 conflict, 5 Temporal unreachable, 6 database unusable
(unreachable, or of another schema version), 7 bad input file, 130 interrupted, 141 nobody reads the output.
"""

from __future__ import annotations

import contextlib
import errno
import json as jsonlib
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import click

from activities.language import N_, _
from activities.phrases import said, worded
from workflows.rules.phrase import Phrase

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class Failure(click.ClickException):
    """A command that could not do what was asked. `remedy` is what to do next, best a command to type."""

    code: ClassVar[str] = "failure"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class NotFound(Failure):
    """What was asked for does not exist."""

    code = "not_found"
    exit_code = 3


class Conflict(Failure):
    """Refused: it runs already, was changed meanwhile, or the rules do not allow it."""

    code = "conflict"
    exit_code = 4


class TemporalUnreachable(Failure):
    """No Temporal server answers."""

    code = "temporal_unreachable"
    exit_code = 5


class DatabaseUnusable(Failure):
    """The database does not answer, or is at another schema version."""

    code = "database"
    exit_code = 6


class BadInput(Failure):
    """A file that cannot be used; the message names file, line and column."""

    code = "bad_input"
    exit_code = 7


def report(failure: click.ClickException, *, json: bool, color: bool) -> int:
    """Say on standard error what went wrong and what to do next, and return the exit code.

    With `json` it is one object: `error` (the failure's code), `message`, `remedy`.
    """
    message = failure.format_message().strip()
    for number, ours in _REASONS.items():
        # Click repeats what the operating system said.
        message = message.replace(os.strerror(number), _(ours))
    if isinstance(failure, Failure):
        code, remedy = failure.code, failure.remedy
    elif isinstance(failure, click.UsageError):
        code, remedy = "usage", f"{failure.ctx.command_path if failure.ctx else 'forsvarlig'} --help"
    elif isinstance(failure, click.FileError):
        code, remedy = BadInput.code, _("Rett filnavnet, eller gi deg selv tilgang til filen.")
    else:
        code, remedy = "failure", "forsvarlig doctor"
    if json:
        document = {"error": code, "message": message, "remedy": remedy}
        click.echo(jsonlib.dumps(document, ensure_ascii=not speaks_unicode(sys.stderr)), err=True)
    else:
        allowed = None if color else False
        wrong, then = _("Feil:"), _("Gjør dette:")
        click.echo(f"{click.style(wrong, fg='red', bold=True)} {message}", err=True, color=allowed)
        click.echo(f"{click.style(then, bold=True)} {remedy}", err=True, color=allowed)
    return BadInput.exit_code if isinstance(failure, click.FileError) else failure.exit_code


def interrupted(cause: BaseException) -> int:
    """Say that the command was stopped: by Ctrl-C, or by an answer that never came."""
    click.echo("\n" + _("Avbrutt."), err=True)
    origin = cause.__cause__ or cause.__context__
    return INTERRUPTED if isinstance(cause, KeyboardInterrupt) or isinstance(origin, KeyboardInterrupt) else 1


def broken_pipe() -> int:
    """Drop what is still buffered: its reader is gone, and Python would complain about it at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def explained(error: Exception, *, log: Callable[[], Path], verbose: bool) -> Failure:
    """A failure that says what a person can do about `error`.

    Errors of ours carry `problem` and `remedy`. What nobody foresaw is written in full to the file `log`
    names, and to standard error if `verbose`.
    """
    problem, remedy = getattr(error, "problem", None), getattr(error, "remedy", None)
    if isinstance(problem, str) and isinstance(remedy, str):
        kinds = (_KINDS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _KINDS)
        return next(kinds, Failure)(problem, remedy)
    if _is(error, "activities.store.errors", "SchemaError"):
        found, wanted = getattr(error, "found", None), getattr(error, "wanted", "")
        return DatabaseUnusable(
            _("Databasen har skjemaversjon {found}, men programmet trenger {wanted}.").format(
                found=found or _("ingen"), wanted=wanted
            ),
            _("Stopp arbeiderne og kjør «forsvarlig db upgrade», eller bruk en nyere forsvarlig."),
        )
    if _is(error, "activities.store.errors", "NotThere"):
        return _not_there(getattr(error, "kind", ""), getattr(error, "id", ""))
    if _is(error, "activities.cycles", "YearError"):
        return _no_year(getattr(error, "code", ""), getattr(error, "detail", ""))
    if _is(error, "activities.signatures", "KeyFileError"):
        return key_file(getattr(error, "path", Path()), getattr(error, "fault", ""))
    if _is(error, "activities.signed_heads", "HeadFileError"):
        return head_file(getattr(error, "path", Path()), getattr(error, "fault", ""))
    fault = getattr(error, "fault", None)
    if _is(error, "activities.store.errors", "StoreError"):
        return DatabaseUnusable(
            worded(fault) if isinstance(fault, Phrase) else one_line(error) + ".",
            worded(remedy) if isinstance(remedy, Phrase) else "forsvarlig doctor",
        )
    if isinstance(fault, Phrase) and isinstance(remedy, Phrase):
        where = f"{place}: " if (place := getattr(error, "where", None)) else ""
        return BadInput(f"{where}{worded(fault)}", worded(remedy) or "forsvarlig doctor")
    if _is(error, "sqlalchemy.exc", "OperationalError"):
        return DatabaseUnusable(
            _("Databasen svarer ikke: {error}.").format(error=said(error.__cause__ or error)),
            "forsvarlig doctor",
        )
    if _is(error, "temporalio.service", "RPCError"):
        return TemporalUnreachable(
            _("Temporal svarte med en feil: {error}.").format(error=one_line(error)), "forsvarlig doctor"
        )
    if isinstance(error, OSError) and error.errno in _REASONS and error.filename:
        return Failure(
            f"{os.fsdecode(error.filename)}: {reason(error)}.",
            _("Rett det, og prøv igjen; «forsvarlig doctor» kontrollerer mapper og plass."),
        )
    return _unexpected(error, log, verbose)


def _not_there(kind: str, id: str) -> NotFound:
    problem, remedy = {
        "organisation": (
            _("Virksomheten «{wanted}» har ingen organisasjon."),
            _("forsvarlig org import MAPPE"),
        ),
        "cycle": (_("Årshjulet «{wanted}» finnes ikke."), "forsvarlig year list"),
        "document": (_("Dokumentet «{wanted}» er ikke lagret."), "forsvarlig step submit"),
    }.get(kind, (_("Virksomheten «{wanted}» finnes ikke."), _("forsvarlig org import MAPPE")))
    return NotFound(problem.format(wanted=id), remedy)


def unreadable(file: Path, error: OSError) -> BadInput:
    """A file that somebody named cannot be read."""
    return BadInput(
        _("{file} kan ikke leses: {why}.").format(file=file, why=reason(error)), _("Rett filnavnet.")
    )


def unwritable(file: Path, error: OSError) -> Failure:
    """What somebody wants written cannot be written there."""
    return Failure(
        _("{file} kan ikke skrives: {why}.").format(file=file, why=reason(error)), _("Velg et annet sted.")
    )


def head_file(path: Path, fault: str) -> Failure:
    """What is wrong with the file of what was signed last, by the word of its `HeadFileError`, and what to do."""
    if fault == "unwritable":
        return Failure(
            _("Det som signeres, kan ikke huskes i {file}, og da signeres ingenting.").format(file=path),
            _("Gi deg selv skrivetilgang til mappen, og se om disken er full."),
        )
    return Failure(
        _("Filen som husker hva som er signert, {file}, er ødelagt eller kan ikke leses.").format(file=path),
        _("Hent den fra sikkerhetskopien. Finnes den ikke der: {command}").format(
            command="forsvarlig ledger checkpoint --after-restore --reason backup"
        ),
    )


def key_file(path: Path, fault: str) -> Failure:
    """What is wrong with a signing key's file, by the word of its `KeyFileError`, and what to do."""
    problem, remedy = {
        "missing": (
            _("Nøkkelfilen {file} finnes ikke."),
            _("Rett filnavnet, eller lag en nøkkel: forsvarlig key new --as PERSON"),
        ),
        "open_to_others": (_("Andre brukere kan lese nøkkelfilen {file}."), "chmod 600 {file}"),
        "exists": (
            _("Det ligger en fil i {file} fra før, og en nøkkel blir aldri skrevet over."),
            _("Velg et annet sted med --file."),
        ),
    }.get(
        fault,
        (
            _("Nøkkelfilen {file} er ødelagt eller kan ikke leses."),
            _("Hent filen fra sikkerhetskopien. Finnes den ikke der, flytt den bort: da lages en ny nøkkel."),
        ),
    )
    return BadInput(problem.format(file=path), remedy.format(file=path))


def _no_year(code: str, detail: str) -> Failure:
    if code == "unknown_cycle":
        return _not_there("cycle", detail)
    if code == "no_year_to_follow":
        text = _("{employer} har ikke startet noe år.")
        return NotFound(text.format(employer=detail), "forsvarlig year start")
    if code == "already_started":
        text = _("Årshjulet «{wanted}» er startet fra før.")
        return Conflict(text.format(wanted=detail), "forsvarlig year list")
    text = _("Organisasjonen til «{wanted}» har feil, så året kan ikke startes.")
    return Conflict(text.format(wanted=detail), _("Se feilene: forsvarlig org show"))


_KINDS: Final[dict[str, type[Failure]]] = {
    "NoTemporal": TemporalUnreachable,
    "StoryError": BadInput,
}
"""Which failure an error of ours becomes, by name, so that its module need not be imported."""

_REASONS: Final = {
    errno.ENOENT: N_("filen eller mappen finnes ikke"),
    errno.EACCES: N_("ingen tilgang"),
    errno.EPERM: N_("ikke tillatt"),
    errno.EEXIST: N_("finnes fra før"),
    errno.EISDIR: N_("er en mappe"),
    errno.ENOTDIR: N_("er ikke en mappe"),
    errno.ENAMETOOLONG: N_("navnet er for langt"),
    errno.EROFS: N_("filsystemet kan bare leses"),
    errno.ENOSPC: N_("disken er full"),
    errno.EDQUOT: N_("diskkvoten er brukt opp"),
    errno.ECONNREFUSED: N_("ingen svarer der"),
}


def reason(error: OSError) -> str:
    """What the operating system says, in the language spoken, where we know it."""
    return _(_REASONS[error.errno]) if error.errno in _REASONS else str(error.strerror or error)


def speaks_unicode(stream: Any) -> bool:
    """Whether everything can be written to `stream`."""
    return str(getattr(stream, "encoding", None) or "").lower().replace("-", "") in ("utf8", "utf16")


def _is(error: Exception, module: str, name: str) -> bool:
    # An error of a module that is not imported cannot have been raised.
    return module in sys.modules and isinstance(error, getattr(sys.modules[module], name))


def one_line(error: BaseException) -> str:
    """What the error says, on one line and without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def _unexpected(error: Exception, log: Callable[[], Path], verbose: bool) -> Failure:
    trace = "".join(traceback.format_exception(error))
    if verbose:
        click.echo(trace, err=True)
    file: Path | None = None
    # The log is a help, not a condition: the settings may be what is wrong.
    with contextlib.suppress(Exception):
        file = log()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as output:
            output.write(f"{datetime.now(UTC).isoformat()}\n{trace}\n")
    return Failure(
        _("Noe uventet gikk galt: {error}.").format(error=f"{type(error).__name__}: {one_line(error)}"),
        _("Hele feilen står i {log}; med -v vises den her.").format(log=file)
        if file and file.exists()
        else _("Kjør igjen med -v for å se hele feilen."),
    )
