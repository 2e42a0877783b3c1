"""Signed answers on their way: handed over for another door, or handed in that were signed elsewhere."""

from __future__ import annotations

import os
import shlex
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activities.directory.people import names_of
from activities.language import _, format_moment
from activities.words import capital
from worker.cli.failures import Conflict, unwritable
from worker.cli.frame import emit, frame
from worker.cli.naming import visible

if TYPE_CHECKING:
    from activities.receipts import Receipt
    from worker.cli.deciding import Ask
    from workflows.rules.statement import Envelope, Statement
    from workflows.rules.terms import Refusal

LIFE = timedelta(days=7)
"""How long what is handed over may be under way."""


async def hand_over(
    ask: Ask, nonce: str, *, as_signal: bool, out: Path | None, year: int | None, employer: str | None
) -> None:
    """Sign the answer and print the command that sends it, or write it to a file; it is not recorded here."""
    from activities.situations import Situations
    from worker.cli.deciding import keep_minority, ready
    from worker.cli.employers import store
    from worker.cli.signing import desk

    situations = Situations()
    address = _address() if as_signal else ()
    async with store() as database:
        async with database.read() as reader:
            answer = await ready(reader, situations, ask, nonce, year=year, employer=employer)
        act, texts = answer.said()
        await keep_minority(database, answer)
        envelope = await desk(database, situations).sign(
            answer.case.row.employer,
            answer.person.id,
            act,
            cycle=answer.case.row.id,
            step=answer.case.step.key,
            now=answer.case.now,
            nonce=answer.nonce,
            life=LIFE,
            texts=texts,
            own=answer.own,
        )
    line = shlex.join([*address, *_what(answer.case.row.id, envelope)]) if as_signal else None
    if out is not None:
        _write(out, envelope)
    until = format_moment(answer.case.now + LIFE)
    click.echo(
        _("Signert, men ikke ført. Svaret må være framme innen {until}, og kan brukes én gang.").format(
            until=until
        ),
        err=True,
    )
    if line is not None and not frame().json:
        click.echo(line)
    if frame().json and str(out) != "-":
        document = {
            "cycle": answer.case.row.id,
            "step": answer.case.step.key,
            "person": answer.person.id,
            "key": envelope.key,
            "nonce": answer.nonce,
            "expires": answer.case.now + LIFE,
            "statement": envelope,
            "command": line,
        }
        emit("statement", document, table="")


def _address() -> tuple[str, ...]:
    from worker.connection import connect_config

    config = connect_config(frame().settings.state)
    address, namespace = config.get("target_host", ""), config.get("namespace") or "default"
    return "temporal", "workflow", "signal", "--address", address, "--namespace", namespace


def _what(cycle: str, envelope: Envelope) -> tuple[str, ...]:
    return "--workflow-id", cycle, "--name", "decide", "--input", envelope.to_json()


def _write(out: Path, envelope: Envelope) -> None:
    if str(out) == "-":
        click.echo(envelope.to_json())
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(envelope.to_json() + "\n")
    except OSError as error:
        raise unwritable(out, error) from error


async def hand_in(raw: bytes, *, employer: str | None) -> None:
    """Record what was signed elsewhere, or that it was refused: `Conflict` then."""
    from activities.situations import Situations
    from worker.cli import clock
    from worker.cli.cases import follow_up
    from worker.cli.employers import chosen, store
    from worker.cli.erasing import ERASED, clean
    from worker.cli.frame import progress
    from worker.cli.signing import desk

    statement = _read(raw)
    now = clock.now()
    async with store() as database:
        async with database.read() as reader:
            # Whatever it is, it is recorded that it came.
            home = statement.employer if statement is not None else (await chosen(reader, employer)).id
            place = statement.cycle if statement is not None and statement.cycle else home
        receipt = await desk(database, Situations()).receive(raw.strip(), place=place, now=now, via="desk")
        left = await clean(database, home) if receipt.fact.kind in ERASED and not receipt.repeated else []
        async with database.read() as reader:
            people = await reader.people(receipt.fact.employer)
            waits = await follow_up(reader, now)
    names = names_of(people)
    document = _document(receipt, statement)
    if receipt.reason is not None:
        if frame().json:
            emit("decision", document, table="")
        raise _refused(receipt, receipt.reason)
    emit("decision", document, table=lambda: "\n".join([*_lines(receipt, names), *left]))
    if waits:
        progress(waits)


def _read(raw: bytes) -> Statement | None:
    from workflows.rules.statement import read_envelope, read_statement
    from workflows.rules.terms import CycleRef

    try:
        statement = read_statement(read_envelope(raw.strip()))
        if statement.cycle is not None:
            CycleRef.parse(statement.cycle)
    except ValueError:
        return None
    return statement


def _document(receipt: Receipt, statement: Statement | None) -> dict[str, Any]:
    return {
        "accepted": receipt.accepted,
        "seq": receipt.seq,
        "repeated": receipt.repeated,
        "reason": receipt.reason,
        "cycle": receipt.fact.cycle,
        "step": statement.step if statement is not None else None,
        "person": statement.actor if statement is not None else None,
        "nonce": statement.nonce if statement is not None else None,
        "key": receipt.fact.signed.key if receipt.fact.signed is not None else None,
        "fingerprint": receipt.fingerprint,
    }


def _refused(receipt: Receipt, why: Refusal) -> Conflict:
    from worker.cli.fact_words import REASONS
    from worker.cli.plain_refusals import PLAINLY, told_plainly
    from worker.cli.receipts import recorded

    if why in PLAINLY:
        told = told_plainly(why)
        return Conflict(recorded(told.problem, receipt), told.remedy)
    problem = _("Svaret ble nektet: {why}.").format(why=_(REASONS[why]))
    return Conflict(
        recorded(capital(problem), receipt),
        _("Be den som signerte, om å svare på nytt. Se hva som ble nektet: forsvarlig history --refused"),
    )


def _lines(receipt: Receipt, names: dict[str, str]) -> list[str]:
    from worker.cli.fact_sentences import sentence
    from worker.cli.layout import wrapped
    from worker.cli.receipts import keep, noted

    told = sentence(receipt.fact.body, receipt.fact.actor, names)
    return [*wrapped(visible(noted(receipt, told))), *wrapped(keep(receipt.fingerprint))]
