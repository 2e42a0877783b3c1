"""The ledger of an employer in one file, for `verify.py` and for whoever does not trust this program.

One canonical JSON object a line: a header, the checkpoints in order of size, then every leaf in its exact bytes. A
leaf that commits to a text is followed by the text with its salt, or by a word that it is not shown here; when the
text is erased nothing follows, and a later leaf says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO

from sqlalchemy import BigInteger, and_, bindparam, select

from activities.ledger.heads import read_checkpoint
from activities.ledger.log import LedgerError, canonical, read_leaf
from activities.ledger.notes import NoteError
from activities.store.checkpoints import checkpoints
from activities.store.reader import Reader
from activities.store.tables import ledger_leaf, payload
from workflows.rules.base import Frozen
from workflows.rules.events import Fact
from workflows.rules.record_facts import TextsErased

FORMAT = "forsvarlig-ledger-1"
"""The format, as the header names it."""

_WITHHELD = canonical({"withheld": True})


class Bundle(Frozen):
    """What was written.

    `leaves` facts, of which the last checkpoint covers `size`; `withheld` texts are kept and not in the file;
    `sha256` is of the whole file, hex.
    """

    size: int
    leaves: int
    checkpoints: int
    withheld: int
    sha256: str


def everything(_seq: int, _fact: Fact) -> bool:
    """Every text that is kept is shown."""
    return True


async def write_bundle(
    reader: Reader,
    employer: str,
    out: BinaryIO,
    *,
    show: Callable[[int, Fact], bool] = everything,
    size: int | None = None,
) -> Bundle:
    """Write the ledger to `out`, leaf by leaf as it is read; of the texts those that `show` says yes to.

    It ends where the newest checkpoint does, for nothing in it would tell whether a later leaf is changed: make a
    checkpoint first. With `size` only so many leaves, and the checkpoints over them. A text that was erased after
    them is withheld, since its erasure is not in the file. `LedgerError` where there is no checkpoint, or what must
    be read cannot be.
    """
    # Also one over more leaves than there are, which tells that some were taken away.
    notes = await checkpoints(reader, employer, upto=size)
    if not notes:
        raise LedgerError(
            f"no checkpoint covers the ledger of {employer!r} yet. Make one: forsvarlig ledger checkpoint"
        )
    wanted = notes[-1][0] if size is None else size
    file = _Lines(out)
    head = {"format": FORMAT, "employer": employer, "origin": _origin(notes[-1][1])}
    file.write(canonical({**head, "leaves": wanted, "checkpoints": len(notes)}))
    for _, note in notes:
        file.write(canonical({"checkpoint": note}))
    later = await _erased_after(reader, employer, wanted)
    leaves = withheld = 0
    async with reader.connection.stream(_LEAVES, {"employer": employer, "size": wanted}) as rows:
        async for row in rows:
            leaves += 1
            file.write(row.body)
            if row.text is not None and show(*read_leaf(row.body)):
                file.write(canonical({"salt": row.salt.hex(), "text": row.text}))
            elif row.text is not None or row.fact_id in later:
                withheld += 1
                file.write(_WITHHELD)
    return Bundle(
        size=notes[-1][0], leaves=leaves, checkpoints=len(notes), withheld=withheld,
        sha256=file.sha256.hexdigest(),
    )  # fmt: skip


class _Lines:
    """Lines that go to a file, and the hash of them all."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.sha256 = out, hashlib.sha256()

    def write(self, content: bytes) -> None:
        line = content + b"\n"
        self._out.write(line)
        self.sha256.update(line)


async def _erased_after(reader: Reader, employer: str, size: int) -> set[str]:
    """The facts whose texts were erased after the first `size` leaves."""
    found = await reader.facts(employer, kinds=("texts_erased",), after=size)
    return {id for _, fact in found if isinstance(fact.body, TextsErased) for id in fact.body.facts}


def _origin(note: str) -> str:
    try:
        return read_checkpoint(note)[0].origin
    except NoteError as error:
        raise LedgerError(f"the newest checkpoint cannot be read: {error}") from error


_leaf = ledger_leaf.c
_LEAVES = (
    select(_leaf.body, _leaf.fact_id, payload.c.salt, payload.c.text)
    .outerjoin(payload, and_(payload.c.employer == _leaf.employer, payload.c.fact_id == _leaf.fact_id))
    .where(_leaf.employer == bindparam("employer"), _leaf.seq <= bindparam("size", type_=BigInteger))
    .order_by(_leaf.seq)
)
