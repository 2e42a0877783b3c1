"""`forsvarlig completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from activities.language import N_
from worker.cli.frame import PROGRAM

SHELLS = ("bash", "zsh", "fish")


@click.command(
    help=N_(
        "Skriv ut fullføring for skallet ditt.\n\n"
        'Bash: legg eval "$(forsvarlig completion bash)" i ~/.bashrc.\n\n'
        'Zsh: legg eval "$(forsvarlig completion zsh)" i ~/.zshrc.\n\n'
        "Fish: forsvarlig completion fish > ~/.config/fish/completions/forsvarlig.fish"
    )
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="[bash|zsh|fish]")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script on standard output."""
    script = get_completion_class(shell)
    if script is None:
        raise LookupError(f"Click has no completion for {shell}")
    click.echo(script(context.find_root().command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())
