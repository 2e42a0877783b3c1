"""`forsvarlig db`: the database's schema, its projections and its ledgers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, format_number
from worker.cli import employers
from worker.cli.db_roles import roles
from worker.cli.failures import Failure
from worker.cli.frame import emit, frame, working
from worker.cli.readings import behind

if TYPE_CHECKING:
    from activities.ledger.verification import Verification
    from activities.store.database import Database
    from activities.store.rows import EmployerRow


@click.group(help=N_("Oppgrader, bygg opp igjen og kontroller databasen."))
def db() -> None:
    """The database of the installation."""


db.add_command(roles)


@db.command(help=N_("Lag databasen, eller oppgrader den til denne versjonen. Stopp arbeiderne først."))
def upgrade() -> None:
    """Bring the schema to this program's version."""
    asyncio.run(_upgrade())


async def _upgrade() -> None:
    from activities.store.catching_up import catch_up

    frame().settings.make_state()
    async with _opened() as database:
        before = await database.version()
        with working(_("Oppgraderer {place} …").format(place=database.place)):
            await database.upgrade()
            caught_up = await catch_up(database)
        after = await database.version()
    if before == after:
        text = _("{place} har skjemaversjon {version} fra før.")
    elif before is None:
        text = _("{place} er laget, med skjemaversjon {version}.")
    else:
        text = _("{place} er oppgradert fra skjemaversjon {before} til {version}.")
    lines = [text.format(place=database.place, before=before, version=after)]
    built = _("{employer}: visningene er bygget opp igjen ({count} fakta manglet).")
    lines += [built.format(employer=id, count=format_number(lag)) for id, lag in caught_up.items()]
    document = {"place": database.place, "before": before, "after": after, "caught_up": caught_up}
    emit("db-upgrade", document, table="\n".join(lines))


@db.command(
    help=N_(
        "Bygg opp igjen visningene (innboks, tidslinje, status) fra hovedboken, og sammenlign med det som "
        "sto der før."
    )
)
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Bare denne virksomheten."))
def rebuild(employer: str | None) -> None:
    """Rebuild the projections; their checksums before and after say whether anything was wrong."""
    asyncio.run(_rebuild(employer))


async def _rebuild(wanted: str | None) -> None:
    done = []
    async with employers.store() as database:
        for employer in await _wanted(database, wanted):
            with working(_("Bygger opp igjen {name} …").format(name=employer.name)):
                async with database.write(employer.id) as transaction:
                    before = await transaction.checksums(employer.id)
                    after = await transaction.rebuild()
            done.append((employer, before, after))
    document = {
        "employers": [{"employer": e.id, "before": b, "after": a, "changed": b != a} for e, b, a in done]
    }
    emit("db-rebuild", document, table=lambda: "\n".join(_rebuilt(*each) for each in done))


def _rebuilt(employer: EmployerRow, before: dict[str, str], after: dict[str, str]) -> str:
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        text = _("{name}: visningene er rettet ({which}); de stemte ikke med hovedboken.")
    else:
        text = _("{name}: visningene er bygget opp igjen, uten forskjell.")
    sums = "".join(f"\n  {name:12} {before[name][:16]} → {after[name][:16]}" for name in after)
    return text.format(name=employer.name, which=", ".join(changed)) + sums


@db.command(
    help=N_(
        "Les hele hovedboken om igjen og kontroller den: hver linje, rekkefølgen, roten, og tekstene den "
        "viser til. Avslutter med 1 hvis noe er endret utenfra."
    )
)
@click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Bare denne virksomheten."))
def verify(employer: str | None) -> None:
    """Verify the ledgers."""
    asyncio.run(_verify(employer))


async def _verify(wanted: str | None) -> None:
    found: list[tuple[EmployerRow, Verification]] = []
    async with employers.store() as database, database.read() as reader:
        for employer in await _wanted(database, wanted):
            with working(_("Kontrollerer {name} …").format(name=employer.name)):
                found.append((employer, await reader.verify(employer.id)))
    document = {
        "ok": all(v.ok for _e, v in found),
        "ledgers": [
            {"employer": e.id, "ok": v.ok, "size": v.size, "root": v.root, "faults": v.faults}
            for e, v in found
        ],
    }
    emit("db-verify", document, table=lambda: "\n".join(_verified(*each) for each in found))
    if not document["ok"]:
        broken = ", ".join(e.id for e, v in found if not v.ok)
        raise Failure(
            _("Hovedboken er endret utenfra: {employers}.").format(employers=broken),
            _("Ta vare på databasen slik den er, og hent sikkerhetskopien."),
        )


def _verified(employer: EmployerRow, verification: Verification) -> str:
    color, word = ("green", "ok") if verification.ok else ("red", _("FEIL"))
    size = _("{name}, {size} fakta").format(name=employer.name, size=format_number(verification.size))
    root = "\n  " + _("rot {root}").format(root=verification.root)
    faults = "".join(f"\n  {fault}" for fault in verification.faults)
    return f"{click.style(f'verify: {word}', fg=color)}  {size}{root}{faults}"


@db.command(help=N_("Vis hvor databasen er, hvilken versjon den har, og hva som er i den."))
def show() -> None:
    """Print what the database holds."""
    asyncio.run(_show())


async def _show() -> None:
    from activities.store.errors import SchemaError

    async with _opened() as database:
        version = await database.version()
        try:
            await database.check()
        except SchemaError as error:
            wanted = error.wanted
        else:
            wanted = version or ""
        undelivered, contents = await _contents(database) if version == wanted else (None, [])
    document = {
        "place": database.place,
        "version": version,
        "wanted": wanted,
        "undelivered": undelivered,
        "employers": contents,
    }
    emit("db", document, table=lambda: "\n".join(_lines(document, contents)))


async def _contents(database: Database) -> tuple[int, list[dict[str, object]]]:
    """How much waits in the outbox, and what there is of each employer."""
    async with database.read() as reader:
        return await reader.outbox_pending(), [
            {
                "employer": employer.id,
                "name": employer.name,
                "mode": employer.mode,
                "people": len(await reader.people(employer.id)),
                "cycles": len(await reader.cycles(employer=employer.id)),
                "lag": await reader.lag(employer.id),
                **(await reader.head(employer.id)).model_dump(),
            }
            for employer in await reader.employers()
        ]


def _lines(document: Mapping[str, object], contents: Sequence[dict[str, object]]) -> Sequence[str]:
    if document["version"] is None:
        return [
            _("{place} finnes ikke ennå.").format(**document),
            _("Gjør dette:") + " forsvarlig db upgrade / forsvarlig up",
        ]
    lines = [
        str(document["place"]),
        _("Skjemaversjon {version}; programmet trenger {wanted}.").format(**document),
    ]
    if document["version"] != document["wanted"]:
        return [*lines, _("Gjør dette:") + " forsvarlig db upgrade"]
    lines.append(_("Venter på å bli sendt: {undelivered}").format(**document))
    text = _("{name}: {people} personer, {cycles} årshjul, {size} fakta, rot {root}")
    for row in contents:
        lines.append(text.format(**{**row, "root": str(row["root"])[:16]}))
        lines += ["  " + behind(int(str(row["lag"])))] if row["lag"] else []
    return lines


@asynccontextmanager
async def _opened() -> AsyncIterator[Database]:
    from activities.store.database import Database

    database = Database(frame().settings.database_url)
    try:
        yield database
    finally:
        await database.close()


async def _wanted(database: Database, wanted: str | None) -> list[EmployerRow]:
    async with database.read() as reader:
        return [await employers.chosen(reader, wanted)] if wanted else await reader.employers()
