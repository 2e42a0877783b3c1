"""Changing the log key of an installation: its file, and a fact in every ledger that it counts in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from activities.checkpoints import Checkpoints, LogKeyError, enrolled
from activities.signatures import SigningKey
from activities.signed_heads import SignedHeads
from activities.store.database import Database


class NotLost(Exception):
    """The key in the file is the one that every ledger enrolled last, so it is not lost."""

    def __init__(self, key: str, file: Path) -> None:
        super().__init__(f"{file}: {key} counts everywhere")
        self.key, self.file = key, file


class Rotated(NamedTuple):
    """The key that counts now, by id; the file that the one before lies in, if it is here; and where it changed."""

    key: str
    kept: Path | None
    employers: tuple[str, ...]


async def rotate_log_key(
    database: Database,
    place: Path,
    clock: Callable[[], datetime],
    signed: SignedHeads,
    *,
    lost: bool = False,
) -> Rotated:
    """Make a new log key, have the old one vouch for it in every ledger, and put it in the old one's `place`.

    A call that does not come to its end is finished by the next. With `lost` there is no old key: the one in
    `place`, made if it is missing, follows without its signature. `KeyFileError` when the file cannot be used,
    `LogKeyError` when a ledger knows another key than the file's, `NotLost` when there is nothing to replace,
    and what hinders a checkpoint: `Checkpoints.make`.
    """
    async with database.read() as reader:
        last = {row.id: (await enrolled(reader, row.id))[-1:] for row in await reader.employers()}
    counting = {employer: keys[0].id for employer, keys in last.items() if keys}
    return await (_replace if lost else _follow)(database, place, clock, signed, counting)


async def _follow(
    database: Database,
    place: Path,
    clock: Callable[[], datetime],
    signed: SignedHeads,
    counting: dict[str, str],
) -> Rotated:
    coming = place.with_name(f"{place.stem}-next{place.suffix}")
    old = SigningKey.load(place)
    ours = {old.id, *([SigningKey.load(coming).id] if coming.exists() else [])}
    for employer, key in counting.items():
        if key not in ours:
            raise LogKeyError(employer, old.id, key)
    new = SigningKey.load_or_make(coming)
    checkpoints = Checkpoints(database, old, clock, signed)
    for employer in counting:
        await checkpoints.rotate(employer, new)
    kept = place.with_name(f"{place.stem}-{old.id}{place.suffix}")
    if not kept.exists():
        # A second name first: at no moment is there no key in `place`, where a worker would make one.
        kept.hardlink_to(place)
    coming.replace(place)
    return Rotated(new.id, kept, tuple(counting))


async def _replace(
    database: Database,
    place: Path,
    clock: Callable[[], datetime],
    signed: SignedHeads,
    counting: dict[str, str],
) -> Rotated:
    key = SigningKey.load_or_make(place)
    concerned = [employer for employer, last in counting.items() if last != key.id]
    if not concerned:
        raise NotLost(key.id, place)
    checkpoints = Checkpoints(database, key, clock, signed)
    for employer in concerned:
        await checkpoints.rotate(employer, key, lost=True)
    return Rotated(key.id, None, tuple(concerned))
