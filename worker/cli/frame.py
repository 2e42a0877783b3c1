"""What every command has in common: global options, languages and output.

A command is an ordinary Click command in `worker/cli/<name>.py`, listed in `COMMANDS` and imported only when
it is called. Its texts are marked with `N_`; the frame translates them and adds the global options. Errors
and exit codes are those of `worker.cli.failures`.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from click.shell_completion import CompletionItem

from activities.language import LANGUAGES, N_, _, choose, speaking
from worker.cli.failures import broken_pipe, explained, interrupted, report, speaks_unicode
from worker.locations import default_file

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType

    from worker.settings import Settings

PROGRAM: Final = "forsvarlig"


class Entry(NamedTuple):
    """Where a command is, as "module:attribute", and what it does in one line (a message id)."""

    target: str
    summary: str


COMMANDS: Final[dict[str, Entry]] = {
    "up": Entry("worker.cli.up:up", N_("Start motor og arbeider på denne maskinen.")),
    "demo": Entry("worker.cli.demo:demo", N_("Kjør et helt år for eksempelvirksomheten.")),
    "doctor": Entry("worker.cli.doctor:doctor", N_("Finn feil i installasjonen, og si hvordan de rettes.")),
    "org": Entry("worker.cli.org:org", N_("Les inn og vis organisasjonen.")),
    "year": Entry("worker.cli.year:year", N_("Start og vis årshjul.")),
    "step": Entry("worker.cli.step:step", N_("Vis et steg, eller lever det som steget krever.")),
    "decide": Entry("worker.cli.decide:decide", N_("Ta en beslutning, eller si din mening som verneombud.")),
    "delegate": Entry("worker.cli.delegate:delegate", N_("Gi oppgavene dine til en annen for en tid.")),
    "absence": Entry("worker.cli.absence:absence", N_("Si fra at noen er borte, og hvem som er vikar.")),
    "answer": Entry("worker.cli.answer:answer", N_("Gi arbeidsgivers svar til den som er uenig.")),
    "inbox": Entry("worker.cli.inbox:inbox", N_("Vis hva som venter på en person.")),
    "history": Entry("worker.cli.history:history", N_("Vis hva som er gjort, når og av hvem.")),
    "dossier": Entry(
        "worker.cli.dossier:dossier", N_("Lag tilsynsmappen: alt om et år i én fil som kan kontrolleres.")
    ),
    "key": Entry("worker.cli.key:key", N_("Lag og trekk tilbake nøklene som folk signerer med.")),
    "proof": Entry(
        "worker.cli.proof:proof", N_("Kontroller signaturene, uten å stole på noen tjener eller database.")
    ),
    "ledger": Entry(
        "worker.cli.ledger:ledger", N_("Lås hovedboken med ankere utenfor den, og kontroller den mot dem.")
    ),
    "archive": Entry(
        "worker.cli.archive:archive", N_("Ta vare på historikken fra Temporal, og kontroller den.")
    ),
    "replay": Entry(
        "worker.cli.replay:replay", N_("Kjør en historikk om igjen, og se om programmet gjør det samme.")
    ),
    "ask": Entry("worker.cli.ask:ask", N_("Spør en historikk hvordan året sto på en dag, uten noen tjener.")),
    "erase": Entry("worker.cli.erase:erase", N_("Slett det som ikke lenger skal lagres.")),
    "retention": Entry("worker.cli.retention:retention", N_("Vis og bestem hvor lenge opplysninger lagres.")),
    "access": Entry("worker.cli.access:access", N_("Vis alt som er lagret om en person.")),
    "plan": Entry("worker.cli.plan:plan", N_("Vis alle datoer i et år uten å starte det.")),
    "rehearse": Entry("worker.cli.rehearse:rehearse", N_("Kjør et år på prøve med virtuell klokke.")),
    "worker": Entry("worker.cli.worker:worker", N_("Kjør en arbeider mot Temporal.")),
    "db": Entry("worker.cli.db:db", N_("Oppgrader, bygg opp igjen og kontroller databasen.")),
    "payload-key": Entry(
        "worker.cli.payload_key:payload_key",
        N_("Vis og bytt nøklene som forsegler det som går gjennom Temporal."),
    ),
    "config": Entry("worker.cli.config:config", N_("Vis innstillingene og hvor de kommer fra.")),
    "completion": Entry("worker.cli.completion:completion", N_("Skriv ut fullføring for skallet ditt.")),
}


@dataclass
class Frame:
    """The global options of one call."""

    format: str = "text"
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    config: Path | None = None
    state: Path | None = None
    lang: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The effective settings, read on first use; raises `worker.settings.SettingsError`."""
        from worker.settings import load

        return load(config=self.config, state=self.state, lang=self.lang)

    @property
    def json(self) -> bool:
        """Whether output is for programs."""
        return self.format == "json"


def frame() -> Frame:
    """The global options of the command that runs now."""
    found = click.get_current_context().find_object(Frame)
    return found if found is not None else Frame()


def emit(
    name: str, data: BaseModel | Mapping[str, Any], *, table: RenderableType | Callable[[], RenderableType]
) -> None:
    """Print a command's result on standard output: `table` for people, or one JSON document for programs.

    The document is `data` with `"schema": "forsvarlig/<name>/1"` first. `table` is a text, anything rich can
    print, or a function that makes it (called only when needed).
    """
    if frame().json:
        from pydantic_core import to_jsonable_python

        document = {"schema": f"forsvarlig/{name}/1", **to_jsonable_python(data)}
        click.echo(json.dumps(document, ensure_ascii=not speaks_unicode(sys.stdout), indent=2))
        return
    content = table() if callable(table) else table
    if isinstance(content, str):
        click.echo(content)
    else:
        console().print(content)


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or error that keeps to --no-color; wide when it is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 200
    return Console(file=stream, no_color=not frame().color, highlight=False, width=width)


def progress(text: str) -> None:
    """Say on standard error what is going on, unless --quiet or --format json was given."""
    if not (frame().quiet or frame().json):
        click.echo(text, err=True)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Show that something takes time: moving on a terminal, else as one line of `progress`."""
    if sys.stderr.isatty() and not (frame().quiet or frame().json):
        with console(stderr=True).status(text):
            yield
    else:
        progress(text)
        yield


def global_options(*, hidden: bool) -> list[click.Option]:
    """The options that stand before or after the command's name; `--format` is shown even if `hidden`."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value not in (None, False):
            options = context.find_object(Frame)
            if options is not None:
                name = str(parameter.name)
                setattr(options, *(("color", False) if name == "no_color" else (name, value)))

    def option(*names: str, text: str, show: bool = False, **more: Any) -> click.Option:
        return click.Option(
            names, help=_(text), expose_value=False, callback=keep, hidden=hidden and not show, **more
        )

    path = click.Path(path_type=Path)
    return [
        option(
            "--format",
            type=click.Choice(["text", "json"]),
            text=N_("Tekst for mennesker, eller JSON for programmer."),
            show=True,
        ),
        option("--lang", type=click.Choice(LANGUAGES), text=N_("Språk: bokmål, nynorsk eller engelsk.")),
        option("--config", type=path, metavar=_("FIL"), text=N_("Innstillingsfilen som skal leses.")),
        option("--state", type=path, metavar=_("MAPPE"), text=N_("Mappen der alt som skal bestå, ligger.")),
        option("-q", "--quiet", is_flag=True, text=N_("Si ikke hva som pågår.")),
        option("-v", "--verbose", is_flag=True, text=N_("Si mer, og vis hele feilen når noe uventet skjer.")),
        option("--no-color", is_flag=True, text=N_("Ingen farger (også med NO_COLOR).")),
    ]


_METAVARS = {
    "text": N_("TEKST"),
    "integer": N_("HELTALL"),
    "integer range": N_("HELTALL"),
    "float": N_("TALL"),
    "float range": N_("TALL"),
    "filename": N_("FIL"),
    "file": N_("FIL"),
    "directory": N_("MAPPE"),
    "path": N_("STI"),
}


def adopt(command: click.Command) -> click.Command:
    """A copy of a command in the language spoken now, with the global options; sub-commands likewise."""
    adopted = copy.copy(command)
    for attribute in ("help", "short_help", "epilog"):
        if text := getattr(command, attribute):
            setattr(adopted, attribute, _(text))
    adopted.params = [_translated(parameter) for parameter in command.params]
    own = {name for parameter in command.params for name in parameter.opts}
    adopted.params += [option for option in global_options(hidden=True) if own.isdisjoint(option.opts)]
    adopted.options_metavar = _("[VALG]")
    if isinstance(adopted, click.Group):
        adopted.subcommand_metavar = _("KOMMANDO [ARGUMENTER]...")
        adopted.commands = {name: adopt(child) for name, child in adopted.commands.items()}
    return adopted


def _translated(parameter: click.Parameter) -> click.Parameter:
    translated = copy.copy(parameter)
    if isinstance(translated, click.Option):
        translated.help = _(translated.help) if translated.help else None
        translated.prompt = _(translated.prompt) if translated.prompt else translated.prompt
        if translated.metavar is None and not translated.is_flag and translated.type.name in _METAVARS:
            translated.metavar = _(_METAVARS[translated.type.name])
    if translated.metavar:
        translated.metavar = _(translated.metavar)
    return translated


class Root(click.Group):
    """`forsvarlig` itself. Make a new one for each call: its texts are in the language spoken meanwhile."""

    def __init__(self) -> None:
        super().__init__(PROGRAM, context_settings={"help_option_names": ["-h", "--help"]})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command and adopt it."""
        if cmd_name not in COMMANDS:
            return None
        module, _colon, attribute = COMMANDS[cmd_name].target.partition(":")
        return adopt(getattr(import_module(module), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click's, but with suggestions from all commands."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section(_("Kommandoer")):
            formatter.write_dl([(name, _(entry.summary)) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands or options, without importing commands."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=_(entry.summary))
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line and exit; with `standalone_mode` off, return the exit code instead."""
        arguments = list(sys.argv[1:] if args is None else args)
        options = _glimpse(arguments)
        for stream in (sys.stdout, sys.stderr):
            if not speaks_unicode(stream) and hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with speaking(choose(os.environ, options.lang, _configured_language(options.config))):
            self.help = _("Forsvarlig kjører arbeidsgiverens årshjul for det psykososiale arbeidsmiljøet.")
            self.epilog = _("Valgene kan også stå etter kommandoen. Begynn med «forsvarlig demo».")
            self.options_metavar, self.subcommand_metavar = _("[VALG]"), _("KOMMANDO [ARGUMENTER]...")
            self.params = [*global_options(hidden=False), _version_option()]
            extra.setdefault("obj", options)
            self._main_shell_completion(extra, prog_name or PROGRAM, complete_var)
            code = self._run(arguments, prog_name or PROGRAM, options, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(self, arguments: list[str], name: str, options: Frame, extra: dict[str, Any]) -> int:
        if not options.color:
            extra.setdefault("color", False)
        try:
            _refuse_bytes(arguments)
            with self.make_context(name, arguments, **extra) as context:
                self.invoke(context)
            sys.stdout.flush()
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except (KeyboardInterrupt, click.Abort) as stopped:
            return interrupted(stopped)
        except click.exceptions.NoArgsIsHelpError as bare:
            if not options.json:
                click.echo(bare.format_message(), err=True)
                return bare.exit_code
            return report(click.UsageError(_("Det mangler en kommando."), bare.ctx), json=True, color=False)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                return broken_pipe()
            if isinstance(error, click.ClickException):
                failure = error
            else:
                failure = explained(error, log=lambda: options.settings.log_file, verbose=options.verbose)
            return report(failure, json=options.json, color=options.color)
        return 0


def _version_option() -> click.Option:
    def show(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            from importlib.metadata import version

            click.echo(f"{PROGRAM} {version(PROGRAM)}")
            context.exit()

    help_text = _("Vis versjonen.")
    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=help_text
    )


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Python hands over bytes that are no text as half characters, which nothing can store or print."""
    for argument in arguments:
        shown = argument.encode(errors="replace").decode()
        if shown != argument:
            raise click.UsageError(_("«{argument}» er ikke i UTF-8.").format(argument=shown))


def _glimpse(arguments: Sequence[str]) -> Frame:
    """What the arguments say about language and output, before Click has read them or when it cannot."""
    found: dict[str, str] = {}
    flags = set[str]()
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name in ("--lang", "--format", "--config"):
            following = arguments[index + 1] if index + 1 < len(arguments) else ""
            found[name] = value if equals else following
        flags.add(name)
    return Frame(
        format="json" if found.get("--format") == "json" else "text",
        verbose=bool(flags & {"-v", "--verbose"}),
        color=not (os.environ.get("NO_COLOR") or "--no-color" in flags),
        config=Path(found["--config"]) if found.get("--config") else None,
        lang=found["--lang"] if found.get("--lang") in LANGUAGES else None,
    )


def _configured_language(config: Path | None) -> str | None:
    """The settings file's language. A file that cannot be read is reported when the settings are loaded."""
    if os.environ.get("FORSVARLIG_LANG"):
        return None
    chosen = config or Path(os.environ.get("FORSVARLIG_CONFIG") or default_file())
    if not chosen.is_file():
        return None
    import tomllib

    try:
        language = tomllib.loads(chosen.read_text(encoding="utf-8-sig")).get("lang")
    except (OSError, ValueError):
        return None
    return language if isinstance(language, str) else None
