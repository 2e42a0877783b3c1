"""What `forsvarlig doctor` finds in the database: its schema, and whether the ledgers in it are whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from activities.language import _
from activities.phrases import said
from worker.cli.doctor_finding import Finding
from worker.cli.readings import missing

if TYPE_CHECKING:
    from activities.store.database import Database
    from worker.settings import Settings

Look = Callable[["Database"], AsyncIterator[Finding]]
"""Looks at one thing in a database that can be used."""


async def database(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the database has the right schema, and the ledgers in it are whole."""
    from activities.store.database import Database
    from activities.store.errors import SchemaError, StoreError

    try:
        store = Database(settings.database_url)
    except StoreError as error:
        yield Finding("database", "error", f"{said(error)}.", _("Rett innstillingen database_url."))
        return
    try:
        await store.check()
        yield Finding("database", "ok", _("Databasen {place} har riktig skjema.").format(place=store.place))
        async with store.read() as reader:
            employers = await reader.employers()
            faults = {each.name: (await reader.verify(each.id)).faults for each in employers}
            lags = {each.name: lag for each in employers if (lag := await reader.lag(each.id))}
        yield _ledger(faults)
        for name, lag in lags.items():
            yield Finding("projections", "warning", f"{name}: {missing(lag)}", "forsvarlig db rebuild")
    except SchemaError as error:
        if error.found is None:
            message = _("Databasen {place} er ikke laget ennå.").format(place=store.place)
            yield Finding("database", "warning", message, "forsvarlig up / forsvarlig db upgrade")
        else:
            yield Finding(
                "database",
                "error",
                _("Databasen {place} har skjemaversjon {found}, men programmet trenger {wanted}.").format(
                    place=store.place, found=error.found, wanted=error.wanted
                ),
                _("Stopp arbeiderne og kjør «forsvarlig db upgrade», eller bruk en nyere forsvarlig."),
            )
    except StoreError as error:
        yield Finding(
            "database",
            "error",
            f"{said(error)}.",
            _("Kontroller at databasen kjører og at adressen er rett."),
        )
    finally:
        await store.close()


def _ledger(faults: dict[str, tuple[str, ...]]) -> Finding:
    broken = {employer: found for employer, found in faults.items() if found}
    if broken:
        employers = ", ".join(f"{employer} ({len(found)}: {found[0]})" for employer, found in broken.items())
        return Finding(
            "ledger",
            "error",
            _("Hovedboken er endret utenfra: {employers}.").format(employers=employers),
            _("Ta vare på databasen slik den er, hent sikkerhetskopien, og kjør «forsvarlig db verify»."),
        )
    if not faults:
        return Finding("ledger", "ok", _("Ingen virksomheter ennå, så ingen hovedbok å kontrollere."))
    return Finding(
        "ledger", "ok", _("Hovedboken stemmer for {employers}.").format(employers=", ".join(faults))
    )


async def found_in_database(settings: Settings, look: Look) -> AsyncIterator[Finding]:
    """What `look` finds; nothing where the database cannot be used, which `database` tells of."""
    from activities.store.database import Database
    from activities.store.errors import StoreError

    try:
        store = Database(settings.database_url)
    except StoreError:
        return
    try:
        await store.check()
        async for finding in look(store):
            yield finding
    except StoreError:
        return
    finally:
        await store.close()
