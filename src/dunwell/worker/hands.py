"""What every worker does with a piece of work, wherever it has it from."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dunwell.flows.errors import Invalid
from dunwell.flows.reports.snapshots import measure_last_days, put_off, unmeasured
from dunwell.flows.runs import work
from dunwell.flows.runs.work import Done, Piece

log = logging.getLogger("dunwell.worker")


@dataclass(frozen=True)
class Hands:
    """Who works, and the clock they go by. `once`: until nothing is due, instead of until stopped."""

    clock: Callable[[], datetime]
    by: str
    once: bool = False

    def due(self) -> Iterator[Piece]:
        """All there is to do now: runs first, then what is kept of days that are over."""
        now = self.clock()
        yield from work.due(now)
        for entity in unmeasured(now):
            yield Piece("measure", entity.pk)

    def do(self, piece: Piece) -> Sequence[Piece]:
        """Do a piece, say so, and return what is to be done next. Errors: as `flows.runs.work.do`."""
        start = time.perf_counter()
        done = self._measure(piece) if piece.step == "measure" else work.do(piece, clock=self.clock, by=self.by)
        if done.refused:
            log.warning("%s is refused: %s", name_of(piece), done.refused)
        else:
            log.info("%s: %.2f s", name_of(piece), time.perf_counter() - start)
        return done.following

    def _measure(self, piece: Piece) -> Done:
        try:
            measure_last_days(piece.of, self.clock())
        except Invalid as error:
            put_off(piece.of, self.clock())
            return Done(refused=str(error))
        return Done()


def name_of(piece: Piece) -> str:
    """What a piece is called in the log."""
    if piece.step == "begin":
        return f"begin a run of entity {piece.of}"
    if piece.step == "measure":
        return f"measure the last days of entity {piece.of}"
    part = {"decide": "shard", "keep": "shard", "post": "shard", "deliver": "block"}.get(piece.step)
    return f"{piece.step} run {piece.of}" + (f", {part} {piece.number}" if part else "")
