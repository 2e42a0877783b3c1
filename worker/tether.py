"""Runs a program that dies with the process that started it; used as a script, never imported.

    python -I -S tether.py PARENT_PID PROGRAM [ARGUMENT ...]

It replaces itself by PROGRAM, so that the process id stays. On Linux the kernel then sends SIGKILL to PROGRAM
when the *thread* that started it ends, however that comes about; elsewhere PROGRAM runs untethered.
A script and not a `preexec_fn`, because Python code between fork and exec can deadlock beside native threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Bind this process to `parent` and become `command`; ends with status 1 if `parent` is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
