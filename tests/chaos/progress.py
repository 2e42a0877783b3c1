"""How far the deciders of a siege have come, by their journals."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.errands import Line, read_journal
from tests.chaos.world import World


class Progress:
    """What the deciders' journals say, read as it comes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._read = dict.fromkeys(range(world.deciders), 0)
        self.lines: dict[int, list[Line]] = {number: [] for number in self._read}
        self._decided: set[str] = set()

    def decided(self) -> int:
        """Decisions that somebody was told are taken."""
        for number, end in self._read.items():
            new, self._read[number] = read_journal(self._world.journal(number), end)
            self.lines[number] += new
            self._decided |= {
                line.errand.key
                for line in new
                if line.errand is not None and line.errand.what != "evidence"
                if line.kind == "acknowledged" and line.how in ("door", "signal")
            }
        return len(self._decided)

    def idle(self, lives: Sequence[int]) -> bool:
        """Whether each decider has said in its newest life that nothing is left, and nothing came since."""
        self.decided()
        ends = [lines[-1] if lines else None for lines in self.lines.values()]
        return all(
            end is not None and (end.kind, end.life) == ("idle", life)
            for end, life in zip(ends, lives, strict=True)
        )
