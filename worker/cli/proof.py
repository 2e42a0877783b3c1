"""`forsvarlig proof`: every signed act checked again, from the ledger, or from a file without trust in any server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from activities.language import N_, _, format_moment, ngettext
from worker.cli.fact_words import REASONS
from worker.cli.failures import Failure, unwritable
from worker.cli.frame import emit
from worker.cli.naming import name, role_bearer, typed
from worker.cli.options import year_option
from worker.cli.places import CYCLE_HELP
from worker.cli.proof_files import keys_in, values_in

if TYPE_CHECKING:
    from activities.found_acts import Found
    from activities.proof import Proof
    from workflows.rules.statement import Act

METHODS = {
    "key_file": N_("signert med egen nøkkel {key}"),
    "passkey": N_("signert med egen nøkkel {key}"),
    "portal": N_("innlogget i portalen, uten egen nøkkel"),
    "desk": N_("ført på denne maskinen, uten egen nøkkel"),
    "rehearsal": N_("prøvekjøring, ingen virkelig person"),
}
"""How it was known who spoke."""

ACTS = {
    "decide": N_("svarer «{outcome}» som {role} på versjon {version}"),
    "file": N_("legger fram dokument {document}"),
    "answer": N_("svarer for arbeidsgiver på uenighet om versjon {version}"),
    "move_due_date": N_("flytter fristen til {due}"),
    "delegate": N_("gir {to} fullmakt fra {person}"),
    "end_delegation": N_("avslutter fullmakten {delegation}"),
    "set_absence": N_("melder fravær for {person}"),
    "enrol_key": N_("registrerer en nøkkel for {person}"),
    "revoke_key": N_("trekker tilbake nøkkelen {key}"),
}
"""What is stated."""


@year_option
@click.command(
    help=N_(
        "Kontroller signaturen til hver handling på nytt. ÅRSHJUL og STEG leses fra hovedboken. FIL er en utskrift "
        "av den (--out), eller en historikk eksportert fra Temporal (.pb eller .pb.gz), og kontrolleres uten tjener "
        "og database. Folk står med id og ikke navn, for kontrollen virker også uten katalogen."
    ),
    epilog=CYCLE_HELP,
)
@click.argument("what", metavar=N_("FIL|ÅRSHJUL"))
@click.argument("step", metavar=N_("[STEG]"), required=False)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar=N_("NØKKEL|FIL"),
    help=N_("En offentlig nøkkel du stoler på, eller en utskrift av hovedboken som har den."),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar=N_("FIL"),
    help=N_("Skriv det som er kontrollert, og nøklene, til en fil som andre kan kontrollere."),
)
def proof(
    what: str,
    step: str | None,
    keys: tuple[str, ...],
    out: Path | None,
    year: int | None,
    employer: str | None,
) -> None:
    """Check signatures, and say what each proves."""
    from activities.found_acts import check_all, look_through

    leaves, shut = list[bytes](), 0
    if step is None and Path(what).is_file():
        if out is not None:
            raise click.UsageError(
                _("--out skriver det som står i hovedboken; {file} er en fil.").format(file=what)
            )
        values, shut = asyncio.run(values_in(Path(what)))
    else:
        leaves = asyncio.run(_leaves(what, step, year, employer))
        values = [json.loads(leaf) for leaf in leaves]
    public, more = keys_in(keys)
    found = check_all(*look_through(values), public, look_through(more)[0])
    if out is not None:
        _write(out, leaves)
    emit("proof", _document(found, shut), table=lambda: "\n".join(_lines(found, shut)))
    if not found:
        raise Failure(
            _("Fant ingen handlinger, så ingenting er bevist."),
            _("Er det rett fil eller steg? Det som er forseglet, åpnes der nøklene ligger."),
        )
    bad = sum(f.fault is not None and not _is_refused(f) for f in found)
    if bad:
        raise Failure(
            ngettext(
                "{count} handling er ikke bevist av signaturen sin.",
                "{count} handlinger er ikke bevist av signaturene sine.",
                bad,
            ).format(count=bad),
            _("Mangler nøklene, gi dem med --key. Ellers: ta vare på filen eller databasen slik den er."),
        )


# --- how it is known ------------------------------------------------------------------------------


def how_known(found: Proof) -> str:
    """How it was known who did it, through which door it came, and whether the signature holds today."""
    parts = []
    if found.method is not None:
        parts.append(_(METHODS[found.method]).format(key=found.key))
    if found.via is not None:
        door, _space, number = found.via.partition(" ")
        doors = {
            "desk": _("kommandolinjen"), "portal": _("portalen"), "rehearsal": _("prøvekjøringen"),
            "signal": _("signal til Temporal ({number})").format(number=number),
        }  # fmt: skip
        parts.append(_("gjennom {door}").format(door=doors[door]))
    parts.append(verdict(found))
    return "; ".join(parts)


def verdict(found: Proof) -> str:
    """Whether the signature holds."""
    if found.fault is not None:
        return _("SIGNATUREN HOLDER IKKE: {why}").format(why=_(REASONS[found.fault]))
    return _("signaturen stemmer") if found.key is not None else _("ikke signert")


# --- the ledger -----------------------------------------------------------------------------------


async def _leaves(cycle: str, step: str | None, year: int | None, employer: str | None) -> list[bytes]:
    """The facts of the cycle, or of the step, and the employer's keys, as the ledger has them."""
    from activities.ledger.log import leaf_bytes
    from worker.cli import clock
    from worker.cli.cases import read_case
    from worker.cli.employers import reading
    from worker.cli.places import find_cycle
    from workflows.rules.calendar import oslo_day

    async with reading() as reader:
        if step is not None:
            case = await read_case(reader, cycle, step, clock.now(), year=year, employer=employer)
            home, facts = case.row.employer, list(case.facts)
        else:
            today = oslo_day(clock.now())
            row = await find_cycle(reader, cycle, today=today, year=year, employer=employer)
            home, facts = row.employer, await reader.facts(row.employer, cycle=row.id)
        facts += await reader.facts(home, kinds=("key_enrolled", "key_revoked"))
    return [leaf_bytes(seq, fact) for seq, fact in sorted(dict(facts).items())]


def _write(out: Path, leaves: Iterable[bytes]) -> None:
    try:
        out.write_bytes(b"".join(leaf + b"\n" for leaf in leaves))
    except OSError as error:
        raise unwritable(out, error) from error


# --- telling --------------------------------------------------------------------------------------


def _is_refused(found: Found) -> bool:
    return found.fact is not None and found.fact.kind == "attempt_refused"


def _document(found: Sequence[Found], shut: int) -> dict[str, Any]:
    return {
        "proven": sum(f.fault is None and f.envelope is not None for f in found),
        "sealed": shut,
        "acts": [
            {
                "seq": f.seq,
                "kind": f.fact.kind if f.fact is not None else None,
                "recorded": f.fact.recorded if f.fact is not None else None,
                "via": f.fact.via if f.fact is not None else None,
                "key": f.envelope.key if f.envelope is not None else None,
                "ok": f.fault is None,
                "fault": f.fault,
                "statement": f.statement,
            }
            for f in found
        ],
    }


def _lines(found: Sequence[Found], shut: int) -> Iterator[str]:
    from worker.cli.layout import wrapped

    for each in found:
        yield from wrapped(_line(each), 0, 9)
    counts = Counter(_state(f) for f in found)
    if found:
        yield ""
    yield _(
        "{good} bevist, {bad} ikke bevist, {refused} nektet, {unsigned} fra før signering ble innført."
    ).format(good=counts["good"], bad=counts["bad"], refused=counts["refused"], unsigned=counts["unsigned"])
    if shut:
        yield ngettext(
            "{count} forseglet del kunne ikke åpnes: nøkkelen ligger ikke her.",
            "{count} forseglede deler kunne ikke åpnes: nøklene ligger ikke her.",
            shut,
        ).format(count=shut)


def _state(found: Found) -> str:
    if _is_refused(found):
        return "refused"
    if found.fault is not None:
        return "bad"
    return "good" if found.envelope is not None else "unsigned"


class _Said(NamedTuple):
    who: str
    what: str
    where: str
    when: str


def _line(found: Found) -> str:
    place = _("nr. {seq}").format(seq=found.seq) if found.seq is not None else _("ikke funnet ført")
    mark = {"good": "✓", "bad": "✗", "refused": "–", "unsigned": " "}[_state(found)]
    said = _said(found)
    text = f"{mark} {place}  {said.who} {said.what} · {said.where} · {said.when}"
    if found.envelope is not None:
        text += " · " + _("nøkkel {key}").format(key=found.envelope.key)
    if _is_refused(found):
        return text + " · " + _("nektet: {why}").format(why=_why_refused(found))
    if found.fault is not None:
        return text + " · " + _("SIGNATUREN HOLDER IKKE: {why}").format(why=_(REASONS[found.fault]))
    return text + " · " + (_("signaturen stemmer") if found.envelope is not None else _("ikke signert"))


def _why_refused(found: Found) -> str:
    from workflows.rules.events import AttemptRefused

    body = found.fact.body if found.fact is not None else None
    return _(REASONS[body.reason]) if isinstance(body, AttemptRefused) else ""


def _said(found: Found) -> _Said:
    statement, fact = found.statement, found.fact
    if statement is not None:
        where = f"{statement.cycle} {statement.step}" if statement.cycle else statement.employer
        when = _("signert {when}").format(when=format_moment(statement.issued))
        return _Said(statement.actor, _act(statement.act), where, when)
    if fact is not None:
        from worker.cli.fact_sentences import sentence

        where = " ".join(part for part in (fact.cycle or fact.employer, fact.step) if part)
        when = _("ført {when}").format(when=format_moment(fact.recorded))
        return _Said(name(fact.actor, {}), sentence(fact.body, fact.actor, {}), where, when)
    return _Said(_("ukjent"), _("noe som ikke kan leses"), "–", "–")


def _act(act: Act) -> str:
    from workflows.rules.statement import Decide

    said = act.model_dump(mode="json")
    if isinstance(act, Decide):
        said |= {"outcome": typed(act.outcome), "role": role_bearer(act.role)}
    if "document" in said:
        said["document"] = said["document"][:12]
    return _(ACTS[act.act]).format_map(said)
