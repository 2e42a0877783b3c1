"""`forsvarlig doctor`: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import click

from activities.language import N_, _
from worker.cli.doctor_anchors import anchors
from worker.cli.doctor_database import database
from worker.cli.doctor_finding import Check, Finding
from worker.cli.doctor_histories import histories
from worker.cli.doctor_keys import log_key, payload_keys, signing_key
from worker.cli.doctor_ledger import enforced
from worker.cli.doctor_machine import catalogues, python, state, time_zone, variables
from worker.cli.doctor_services import engine, mail, temporal
from worker.cli.frame import emit, frame

_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


@click.command(help=N_("Finn feil i installasjonen, og si hvordan de rettes. Endrer ingenting."))
@click.pass_context
def doctor(context: click.Context) -> None:
    """Print every finding; exit 1 if something must be mended."""
    findings = asyncio.run(examine())
    healthy = all(finding.status != "error" for finding in findings)
    emit(
        "doctor",
        {"healthy": healthy, "findings": [finding._asdict() for finding in findings]},
        table=lambda: "\n".join(_lines(findings)),
    )
    context.exit(0 if healthy else 1)


def _lines(findings: Iterable[Finding]) -> Iterable[str]:
    colors = {"ok": "green", "warning": "yellow", "error": "red"}
    for finding in findings:
        yield f"{click.style(_MARKS[finding.status], fg=colors[finding.status])} {finding.message}"
        if finding.remedy:
            yield "  " + _("Gjør dette:") + " " + finding.remedy


async def examine() -> list[Finding]:
    """The findings of every check, in the order in which to mend them."""
    from worker.settings import SettingsError

    findings = [python(), time_zone(), catalogues()]
    try:
        settings = frame().settings
    except SettingsError as error:
        return [*findings, Finding("settings", "error", error.problem, error.remedy)]
    for check in CHECKS:
        findings += [finding async for finding in check(settings)]
    return findings


CHECKS: tuple[Check, ...] = (
    variables, engine, state, payload_keys, signing_key, log_key, database, enforced, anchors, temporal,
    histories, mail,
)  # fmt: skip
"""The checks that need settings."""
