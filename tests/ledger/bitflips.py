"""Damages a bundle again and again, and counts what the verifier does not see: `bitflips.py 100000 [SEED]`."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from activities.ledger import verify
from tests.ledger.bundles import Ledger, private

Damage = Callable[[list[bytes], random.Random], None]


def a_year() -> Ledger:
    """A small ledger with everything in it that a bundle can have."""
    ledger = Ledger()
    ledger.begin()
    ledger.enrol("per")
    ledger.checkpoint()
    ledger.file("kari")
    ledger.decide("per", "Støyen må måles – «igjen».")
    ledger.under[ledger.decide("vera", "Enig.")] = b'{"withheld":true}'
    ledger.enrol_log(private("log 2"), private("log"))
    ledger.checkpoint()
    return ledger


def swap(lines: list[bytes], chance: random.Random) -> None:
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]


def drop(lines: list[bytes], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def double(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    lines.insert(place, lines[place])


def copy_over(lines: list[bytes], chance: random.Random) -> None:
    # That a text is withheld may be said of every text by whoever passes a bundle on; it is counted, no fault.
    sources = [line for line in lines if line != b'{"withheld":true}\n']
    lines[chance.randrange(len(lines))] = chance.choice(sources)


def cut(lines: list[bytes], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines)) :]


def put_a_byte_in(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    at = chance.randrange(len(lines[place]) + 1)
    lines[place] = lines[place][:at] + bytes([chance.randrange(256)]) + lines[place][at:]


def take_a_byte_out(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    at = chance.randrange(max(1, len(lines[place])))
    lines[place] = lines[place][:at] + lines[place][at + 1 :]


DAMAGES: tuple[Damage, ...] = (swap, drop, double, copy_over, cut, put_a_byte_in, take_a_byte_out)


def damaged(bundle: bytes, chance: random.Random) -> bytes:
    """The bundle with lines, or a byte, moved, gone or doubled."""
    lines = bundle.splitlines(keepends=True)
    if len(lines) < 3:
        return b""
    chance.choice(DAMAGES)(lines, chance)
    return b"".join(lines)


def flipped(bundle: bytes, chance: random.Random) -> bytes:
    """The bundle with one bit turned, each as likely as the others."""
    changed = bytearray(bundle)
    bit = chance.randrange(len(bundle) * 8)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def run(ledger: Ledger, count: int, seed: int) -> list[bytes]:
    """The damaged bundles in which no fault was found; one in ten has lines or bytes moved, the others a bit turned."""
    chance, bundle, missed = random.Random(seed), ledger.bundle(), list[bytes]()
    known, judge = set[tuple[object, ...]](), verify.wrong

    def remembering(jobs: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        """As the verifier judges, but what was found good once is not gone through again."""
        new = [job for job in jobs if job[2:] not in known]
        bad = judge(new)
        known.update(job[2:] for job in new if job not in bad)
        return bad

    with mock.patch.object(verify, "wrong", remembering), tempfile.TemporaryDirectory() as name:
        file = Path(name) / "bundle"
        for n in range(count):
            changed = damaged(bundle, chance) if n % 10 == 0 else flipped(bundle, chance)
            file.write_bytes(changed)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                code = verify.main([str(file)])
            if code == 0 and changed != bundle:
                missed.append(changed)
    return missed


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4))
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    missed = run(a_year(), times, seed)
    print(f"{times} damaged bundles, {len(missed)} not found, {time.monotonic() - began:.0f} s")
    sys.exit(1 if missed else 0)
