"""A year at the sawmill as an inspector meets it: agreed and disagreed, late, moved, refused, left open, erased.

Some of its people have names and write things that a careless program would run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from activities.checkpoints import Checkpoints
from activities.language import Language, speaking
from activities.signatures import SigningKey
from activities.store.reader import Reader
from portal.dossier.making import Made, make, sources_of
from portal.dossier.sources import Options, Sources
from tests.activities.sawmill import EMPLOYER, Sawmill, person
from worker.cli.dossier import Voice
from workflows.rules.organisation import Role
from workflows.rules.terms import Outcome

RTL = "\N{RIGHT-TO-LEFT OVERRIDE}"
FORMULA = '=HYPERLINK("http://a.example";"klikk")'
MARKUP = "<script>alert(1)</script> #eval(1) *fet* $x$ @ref \\u{41} & \N{PILE OF POO}"
HOSTILE_NAMES = {
    "per": f"Per {MARKUP}",
    "amund": f"{FORMULA} {RTL}dnumA",
    "hanne": "=1+1 \x00\x1b[31mHanne",
}
DISAGREEMENT = f"For lite folk. {MARKUP}\n{RTL}{FORMULA} " + "ø" * 10_000
ANSWER = "Vi setter inn to til fra 1. juni."
REASON = "=cmd|'/c calc'!A1 Streik."


async def played(folder: Path, mode: str = "real") -> None:
    """Play the year to its end and make a checkpoint."""
    async with Sawmill.started(folder, mode) as mill:
        await mill.change(*(person(id, name=name) for id, name in HOSTILE_NAMES.items()))
        await mill.go(date(2027, 4, 9))
        await mill.file("Y10", "kari", "Møtereferat")
        await mill.decide("Y10", "per", Role.SAFETY_REP, Outcome.AGREED)
        await mill.go(date(2027, 5, 10))
        await mill.file("Y15", "kari", "Risikovurdering")
        await mill.doors.decide(
            "unit/nordfjord-sag/sagbruk/2027", "Y15", "kari", Role.SAFETY_REP, Outcome.AGREED,
            document="ab" * 32, version=1, now=mill.now, nonce="kari-som-verneombud",
        )  # fmt: skip
        await mill.decide("Y15", "per", Role.SAFETY_REP, Outcome.DISAGREES, DISAGREEMENT)
        await mill.decide("Y15", "kari", Role.MANAGER, Outcome.APPROVED)
        await mill.go(date(2027, 6, 2))
        await mill.answer("Y15", "kari", ANSWER)
        await mill.move("Y16", "kari", date(2027, 6, 18), REASON)
        await mill.go(date(2027, 12, 20))
        # The unit's year closes; the employer's waits for a unit that nobody moves here.
        mill.now = datetime(2028, 2, 20, 12, tzinfo=UTC)
        for _pass in range(3):
            await mill.advance()
        await checkpoint(mill, folder)


async def checkpoint(mill: Sawmill, folder: Path) -> None:
    """The log's checkpoint over all that is recorded now."""
    key = SigningKey.load_or_make(folder / "keys" / "log.pem")
    await Checkpoints(mill.database, key, lambda: mill.now).make(EMPLOYER)


T = TypeVar("T")


def sources(folder: Path, language: Language = "nb", **wanted: object) -> Sources:
    """What the inspection file of 2027 tells; `wanted` are fields of `Options`."""
    return _asked(folder, language, wanted, lambda mill, reader, found: _itself(found))


def dossier(folder: Path, language: Language = "nb", *, size: int | None = None, **wanted: object) -> Made:
    """The inspection file of 2027 from a played year."""

    async def made(mill: Sawmill, reader: Reader, found: Sources) -> Made:
        histories = folder / "histories"
        return await make(reader, found, Voice(), documents=mill.documents, histories=histories)

    return _asked(folder, language, wanted, made, size)


async def _itself(found: Sources) -> Sources:
    return found


def _asked(
    folder: Path,
    language: Language,
    wanted: dict[str, object],
    work: Callable[[Sawmill, Reader, Sources], Awaitable[T]],
    size: int | None = None,
) -> T:
    async def run() -> T:
        mill = Sawmill(folder)
        mill.now = datetime(2028, 2, 20, 12, tzinfo=UTC)
        options = Options(**{"year": 2027, "language": language, **wanted})  # type: ignore[arg-type]
        try:
            async with mill.database.read() as reader:
                home = await reader.employer(EMPLOYER)
                return await work(
                    mill, reader, await sources_of(reader, home, options, now=mill.now, size=size)
                )
        finally:
            await mill.database.close()

    with speaking(language):
        return asyncio.run(run())
