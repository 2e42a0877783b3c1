"""The programme and the legal register that a command works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from activities.language import _
from worker.cli.failures import BadInput, reason

if TYPE_CHECKING:
    from workflows.rules.law import LegalRegister
    from workflows.rules.programme import Programme


def legal_register() -> LegalRegister:
    """The register that ships with the product."""
    from workflows.rules.law import parse_law
    from workflows.standard import law_text

    return parse_law(law_text())


def programme_for(file: Path | None, law: LegalRegister, year: int) -> Programme:
    """The programme in `file`, or the standard one, checked against the law and the calendar of `year`.

    `ProgrammeError` names the place; `BadInput` when the file cannot be read.
    """
    from workflows.rules.programme_file import check_law, parse_programme
    from workflows.standard import programme_text

    where = "standard" if file is None else str(file)
    programme = parse_programme(programme_text() if file is None else _text(file), where)
    check_law(programme, law, year, where)
    return programme


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(
            f"{file}: {reason(error)}.", _("Rett filnavnet etter --programme, eller gi deg selv leserett.")
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(
            _("{file}: byte {place} er ikke UTF-8.").format(file=file, place=error.start),
            _("Lagre programmet som UTF-8."),
        ) from error
