"""Keeps the Temporal SDK from crashing an interpreter that is about to end.

The SDK's native threads hand a result to the event loop and may still be inside Python when the main
thread, woken by that result, finalizes the interpreter; the process then dies of SIGABRT or SIGSEGV after
all its work was done (temporalio/sdk-python#300). Importing this module is enough: it waits for those
threads at exit. Every entry point that connects to Temporal imports it.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time


def drain_native_threads(limit: float = 2.0) -> int:
    """Wait, at most `limit` seconds, until no thread unknown to `threading` runs Python code.

    Returns how many times it had to wait a millisecond; 0 means that nobody was inside.
    """
    deadline = time.monotonic() + limit
    waits = 0
    while _foreign_threads() and time.monotonic() < deadline:
        waits += 1
        time.sleep(0.001)
    return waits


def _foreign_threads() -> set[int]:
    known = {thread.ident for thread in threading.enumerate()}
    return {ident for ident in sys._current_frames() if ident not in known}


atexit.register(drain_native_threads)
