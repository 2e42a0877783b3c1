"""The command `forsvarlig`."""

from __future__ import annotations

import worker.exit_guard  # noqa: F401  (imported for what it does)


def main() -> None:
    """Run the command line of this process; ends it with one of the exit codes of `worker.cli.frame`."""
    from worker.cli.frame import Root

    Root().main()
