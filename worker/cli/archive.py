"""`forsvarlig archive`: the exported histories of the workflows, and whether they are as they were."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from activities.language import N_, _, format_number, ngettext
from worker.cli import employers
from worker.cli.failures import Failure, TemporalUnreachable, one_line
from worker.cli.frame import PROGRAM, emit, frame, working
from worker.cli.places import typed_cycle
from worker.cli.words import day_and_year

if TYPE_CHECKING:
    from rich.console import RenderableType

    from activities.archived import Archive, Checked
    from activities.histories import Swept
    from activities.store.rows import EmployerRow

_EMPLOYER = click.option("--employer", metavar=N_("VIRKSOMHET"), help=N_("Bare denne virksomheten."))

STATES = {
    "there": ("ok", N_("her")),
    "replaced": ("ok", N_("erstattet")),
    "erased": ("ok", N_("slettet")),
    "missing": ("error", N_("mangler")),
    "changed": ("error", N_("endret")),
    "unreadable": ("error", N_("uleselig")),
}
"""What has become of a file, as `activities.archived` has it."""


@click.group(
    help=N_(
        "Arkivet over det programmet gjorde: historikken til hvert årshjul, hentet ut av Temporal når året er "
        "lukket, og en gang i uken så lenge det går, og historikken til det som åpner år og det som sletter. "
        "Arbeideren gjør det selv."
    )
)
def archive() -> None:
    """The exported histories."""


@archive.command(help=N_("Hent ut nå det som skulle vært hentet, uten å vente på arbeideren."))
@click.option(
    "--open", "also_open", is_flag=True, help=N_("Også alle år som går, selv om det ikke har gått en uke.")
)
def sweep(also_open: bool) -> None:
    """Export what is due."""
    asyncio.run(_sweep(also_open))


async def _sweep(also_open: bool) -> None:
    from temporalio.service import RPCError

    from worker.installation import opened

    async with opened(frame().settings) as installation:
        try:
            client = await installation.connect()
            with working(_("Henter ut historikker …")):
                swept = await installation.histories(client).sweep(also_open=also_open)
        except (RPCError, RuntimeError) as error:
            raise TemporalUnreachable(
                _("Temporal svarer ikke: {error}.").format(error=one_line(error)),
                _("Start «forsvarlig up» eller tjeneren, og prøv igjen."),
            ) from error
    document = {
        "folder": str(frame().settings.histories),
        "exported": [row.model_dump(mode="json") for row in swept.exported],
        "gone": [run._asdict() for run in swept.gone],
        "waiting": list(swept.waiting),
        "not_given": list(swept.not_given),
    }
    emit("archive-sweep", document, table=lambda: "\n".join(_swept(swept)))


def _swept(swept: Swept) -> Iterator[str]:
    count = len(swept.exported)
    text = ngettext(
        "{count} historikk er hentet ut til {folder}.",
        "{count} historikker er hentet ut til {folder}.",
        count,
    )
    yield text.format(count=count, folder=frame().settings.histories)
    for cycle in swept.waiting:
        yield _("{cycle} er ikke ferdig ennå: arbeideren må få gjøre det siste. Prøv igjen om litt.").format(
            cycle=cycle
        )
    for cycle in swept.not_given:
        yield _(
            "Temporal ga ikke fra seg historikken til {cycle}. Prøv igjen, og se i tjenerens logg."
        ).format(cycle=cycle)
    for run in swept.gone:
        yield _(
            "{cycle} er borte fra Temporal uten å være hentet ut. Det som ble gjort, står i hovedboken."
        ).format(cycle=run.workflow)


@archive.command(
    name="list", help=N_("Vis det som er hentet ut: av hva, når, og hvilken versjon som kjørte det.")
)
@_EMPLOYER
def list_(employer: str | None) -> None:
    """Print every export."""
    found = asyncio.run(_checked(employer))
    emit("archive", _document(found), table=lambda: _table(found))


@archive.command(
    help=N_(
        "Kontroller at hver fil er her og har fingeravtrykket som hovedboken sier. Avslutter med 1 hvis noe "
        "mangler eller er endret."
    )
)
@_EMPLOYER
def check(employer: str | None) -> None:
    """Compare the files with the facts."""
    found = asyncio.run(_checked(employer))
    bad = [each for _row, archive in found for each in archive.checked if each.bad]
    emit("archive-check", {"ok": not bad, **_document(found)}, table=lambda: "\n".join(_told(found)))
    if bad:
        text = ngettext(
            "{count} fil i arkivet mangler eller er endret.",
            "{count} filer i arkivet mangler eller er endret.",
            len(bad),
        )
        raise Failure(
            text.format(count=len(bad)),
            _("Hent dem fra sikkerhetskopien, til {folder}.").format(folder=frame().settings.histories),
        )


async def _checked(wanted: str | None) -> list[tuple[EmployerRow, Archive]]:
    from activities.archived import check

    folder = frame().settings.histories
    async with employers.reading() as reader:
        rows = [await employers.chosen(reader, wanted)] if wanted else await reader.employers()
        return [(row, await check(reader, row.id, folder)) for row in rows]


def _document(found: Sequence[tuple[EmployerRow, Archive]]) -> dict[str, Any]:
    return {
        "folder": str(frame().settings.histories),
        "exports": [
            {**each.export.model_dump(mode="json"), "file": str(each.file), "state": each.state}
            for _row, archive in found
            for each in archive.checked
        ],
        "unrecorded": [str(file) for _row, archive in found for file in archive.unrecorded],
    }


def _table(found: Sequence[tuple[EmployerRow, Archive]]) -> RenderableType:
    from worker.cli.tables import Column, heading, indented, plain, stacked, table, then

    if not any(archive.checked for _row, archive in found):
        return stacked(
            plain(
                _(
                    "Ingenting er hentet ut ennå. Arbeideren gjør det når et år har gått i en uke, og når "
                    "det er lukket."
                )
            ),
            then(_("Gjør det nå:"), f"{PROGRAM} archive sweep --open"),
        )
    columns = [
        Column(_("Hva"), share=1, style="cyan"), Column(_("Hentet ut"), width=14),
        Column(_("Hendelser"), right=True, width=9), Column("", width=7), Column(_("Versjon"), width=9),
        Column(_("Filen"), width=10),
    ]  # fmt: skip
    parts: list[RenderableType] = []
    for row, archive in found:
        if archive.checked:
            parts += [heading(f"{row.name}  {row.id}"), indented(table(columns, map(_line, archive.checked)))]
    return stacked(*parts, plain(str(frame().settings.histories), "dim"))


def _line(each: Checked) -> tuple[Any, ...]:
    from worker.cli.tables import plain
    from workflows.rules.calendar import oslo_day

    export = each.export
    status, word = STATES[each.state]
    return (
        _what(export.workflow),
        day_and_year(oslo_day(export.recorded)),
        format_number(export.events),
        _("lukket") if export.closed else _("kjører"),
        export.version,
        plain(_(word), "red" if status == "error" else "dim" if each.state != "there" else ""),
    )


def _what(workflow: str) -> str:
    """Which year it is of, or what a Schedule had done that day."""
    from workflows.rules.calendar import oslo_day
    from workflows.rules.scheduled import ScheduledRef
    from workflows.rules.terms import CycleRef

    scheduled = ScheduledRef.find(workflow)
    if scheduled is None:
        return typed_cycle(CycleRef.parse(workflow), 1)
    if scheduled.opens is not None:
        return _("åpningen av {year}").format(year=scheduled.opens)
    return _("slettingen {day}").format(day=day_and_year(oslo_day(scheduled.at)))


def _told(found: Sequence[tuple[EmployerRow, Archive]]) -> Iterator[str]:
    for row, archive in found:
        bad = [each for each in archive.checked if each.bad]
        color, word = ("red", _("FEIL")) if bad else ("green", "ok")
        count = sum(each.state == "there" for each in archive.checked)
        text = ngettext("{name}, {count} fil", "{name}, {count} filer", count).format(
            name=row.name, count=format_number(count)
        )
        yield f"{click.style(f'archive: {word}', fg=color)}  {text}"
        for each in bad:
            yield "  " + _("{what}: {file} ({cycle}, ført som nr. {seq})").format(
                file=each.file, cycle=each.export.workflow, seq=each.export.seq, what=_(STATES[each.state][1])
            )
        for file in archive.unrecorded:
            yield "  " + _(
                "{file} er ikke ført i hovedboken. Arbeideren fører den om den kan; ellers kan den slettes."
            ).format(file=file)
