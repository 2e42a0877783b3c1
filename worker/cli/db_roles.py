"""`forsvarlig db roles`: the role on PostgreSQL that may add to the ledgers and not change them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from activities.language import N_, _
from worker.cli.failures import Failure
from worker.cli.frame import emit, frame

if TYPE_CHECKING:
    from activities.store.database import Database


@click.command(
    help=N_(
        "Vis SQL-en som gir arbeiderne en egen rolle i PostgreSQL: den kan føye til i hovedbøkene, men ikke "
        "endre dem. Med --apply kjøres den, og da må tilkoblingen være tabelleierens."
    )
)
@click.option("--app", metavar=N_("ROLLE"), required=True, help=N_("Rollen som arbeiderne skal ha."))
@click.option("--apply", "wanted", is_flag=True, help=N_("Kjør SQL-en, som eieren av tabellene."))
def roles(app: str, wanted: bool) -> None:
    """Print what lets a role work, or run it."""
    from activities.store.database import Database
    from activities.store.roles import statements

    settings = frame().settings
    database = Database(settings.database_url)
    if not database.on_server:
        raise Failure(
            _("Databasen {place} er en fil, og den har ingen roller.").format(place=database.place),
            _("Slipp bare brukeren som kjører forsvarlig til i mappen."),
        )
    sql = statements(app)
    if wanted:
        asyncio.run(_apply(database, app))
        text = _("Rollen {app} kan nå brukes av arbeiderne i {place}.").format(app=app, place=database.place)
        table = "\n".join([text, *_after(app)])
    else:
        table = "\n".join([*(f"{line};" for line in sql), *(f"-- {line}" for line in _after(app))])
    emit("db-roles", {"place": database.place, "app": app, "sql": sql, "applied": wanted}, table=table)


def _after(app: str) -> list[str]:
    """What is left to do, and what a backup needs from then on."""
    return [
        _(
            "Gi {app} et passord, og la database_url være dens. Behold eieren til «forsvarlig db upgrade»,"
        ).format(app=app),
        _("og kjør denne kommandoen igjen etter hver oppgradering."),
        _("Sikkerhetskopi som eieren: pg_dump --enable-row-security (eller en rolle med BYPASSRLS)."),
    ]


async def _apply(database: Database, app: str) -> None:
    try:
        await database.let_in(app)
    finally:
        await database.close()
