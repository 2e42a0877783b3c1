"""`forsvarlig replay`: histories run again by this program, to see whether it goes the same way."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from activities.language import N_, _, format_number, ngettext
from worker.cli import replay_words
from worker.cli.failures import Failure, NotFound, TemporalUnreachable, one_line
from worker.cli.frame import PROGRAM, emit, frame, progress, working

if TYPE_CHECKING:
    from worker.replaying import Verdict

FILE = click.Path(path_type=Path)


@click.command(
    help=N_(
        "Kjør en historikk om igjen med dette programmet, uten tjener, og se om det gjør det samme som den gang. Slik "
        "vises det at et år som går, tåler en ny versjon, og hva som faktisk skjedde i et som er over. FIL er fra "
        "arkivet, fra en tilsynsmappe, eller det «temporal workflow show --output json» skriver. Avslutter med 1 hvis "
        "noe skiller lag."
    )
)
@click.argument("files", type=FILE, nargs=-1, metavar=N_("[FIL]..."))
@click.option("--all", "everything", is_flag=True, help=N_("Alle i arkivet: den lengste av hvert løp."))
@click.option("--open", "running", is_flag=True, help=N_("Alle løp som går nå, hentet fra Temporal."))
@click.option("--jobs", type=click.IntRange(1, 256), help=N_("Hvor mange prosesser; ellers etter maskinen."))
@click.option(
    "--keys",
    type=FILE,
    metavar=N_("MAPPE"),
    help=N_("Nøklene som åpner historikken, når de ikke er installasjonens."),
)
def replay(
    files: tuple[Path, ...], everything: bool, running: bool, jobs: int | None, keys: Path | None
) -> None:
    """Replay, and tell what came of it."""
    if not (files or everything or running):
        raise click.UsageError(_("Skriv hvilke filer, eller --all eller --open."))
    keys = keys if keys is not None else frame().settings.payload_keys
    with tempfile.TemporaryDirectory(prefix="forsvarlig-replay-") as folder:
        wanted = [*files, *(_archived() if everything else ())]
        fetched = asyncio.run(_fetched(Path(folder))) if running else {}
        found = list(_judged([*wanted, *fetched], keys, jobs))
    found = [
        each.model_copy(update={"source": fetched.get(Path(each.source), each.source)}) for each in found
    ]
    bad = [each for each in found if not each.fine]
    document = {
        "replayed": len(found) - len(bad),
        "histories": [each.model_dump(mode="json") for each in found],
    }
    emit("replay", document, table=lambda: "\n".join(_lines(found)))
    if bad:
        text = ngettext(
            "{count} historikk lot seg ikke kjøre om igjen.",
            "{count} historikker lot seg ikke kjøre om igjen.",
            len(bad),
        )
        raise Failure(text.format(count=format_number(len(bad))), _remedy(bad))


def _remedy(bad: Sequence[Verdict]) -> str:
    if any(each.status == "keys_missing" for each in bad):
        return _("Si hvor nøklene er: {command}").format(command=f"{PROGRAM} replay FIL --keys " + _("MAPPE"))
    if all(each.status == "unreadable" for each in bad):
        return _("Se hva som er i arkivet: {command}").format(command=f"{PROGRAM} archive check")
    return _("Sett ikke denne versjonen i drift for år som går: de ville stoppe der.")


def _archived() -> list[Path]:
    """The longest file of each run; `NotFound` when the archive is empty."""
    from activities.history_files import longest

    folder = frame().settings.histories
    found = longest(folder)
    if not found:
        raise NotFound(
            _("Arkivet i {folder} er tomt.").format(folder=folder),
            _("Hent ut det som går: {command}").format(command=f"{PROGRAM} archive sweep --open"),
        )
    return found


def _judged(files: Sequence[Path], keys: Path, jobs: int | None) -> Iterable[Verdict]:
    from worker.replaying import verdicts

    count = len(files)
    text = ngettext("Kjører {count} historikk om igjen …", "Kjører {count} historikker om igjen …", count)
    with working(text.format(count=format_number(count))):
        yield from verdicts(files, keys, jobs)


async def _fetched(folder: Path) -> dict[Path, str]:
    """The histories of all runs of ours that go on now, as files in `folder`, with the ids of their workflows."""
    from temporalio.client import Client
    from temporalio.service import RPCError

    import worker.exit_guard  # noqa: F401  (imported for what it does)
    from activities.histories import is_gone
    from activities.history_files import SUFFIX, pack
    from worker.connection import connect_config
    from worker.plugin import WORKFLOWS

    settings = frame().settings
    kinds = ", ".join(f"'{kind.__name__}'" for kind in WORKFLOWS)
    query = f"ExecutionStatus = 'Running' AND WorkflowType IN ({kinds})"
    found: dict[Path, str] = {}
    try:
        client = await Client.connect(**connect_config(settings.state))
        with working(_("Henter historikkene …")):
            async for run in client.list_workflows(query):
                if run.task_queue != settings.task_queue:
                    continue
                handle = client.get_workflow_handle(run.id, run_id=run.run_id)
                try:
                    history = await handle.fetch_history()
                except RPCError as error:
                    if is_gone(error):
                        continue
                    raise
                file = folder / f"{len(found)}{SUFFIX}"
                file.write_bytes(pack(history.events))
                found[file] = run.id
    except (RPCError, RuntimeError) as error:
        raise TemporalUnreachable(
            _("Temporal svarer ikke: {error}.").format(error=one_line(error)),
            _("Start «forsvarlig up» eller tjeneren, og prøv igjen."),
        ) from error
    if not found:
        progress(_("Ingen løp går nå."))
    return found


def _lines(found: Sequence[Verdict]) -> Iterator[str]:
    for each in found:
        mark = click.style("✓", fg="green") if each.fine else click.style("✗", fg="red")
        what = each.source if each.workflow in (None, each.source) else f"{each.source}  {each.workflow}"
        details = []
        if each.workflow is not None:
            events = ngettext("{count} hendelse", "{count} hendelser", each.events)
            details = [
                events.format(count=format_number(each.events)),
                _("lukket") if each.closed else _("kjører"),
                _("versjon {version}").format(version=each.version or "?"),
            ]
        yield f"{mark} {what}" + (f"  ({', '.join(details)})" if details else "")
        for line in replay_words.told(each):
            yield f"  {line}"
    good = sum(each.fine for each in found)
    text = ngettext(
        "{good} av {count} historikk går samme vei som før.",
        "{good} av {count} historikker går samme vei som før.",
        len(found),
    )
    yield text.format(good=format_number(good), count=format_number(len(found)))
