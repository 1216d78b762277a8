"""The rows of a table that a mapping wants, in batches of texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.sources.files import batches
from dunwell.sources.mapping import Table
from dunwell.sources.problems import Problems
from dunwell.sources.tables import LINE, Progress, column

ROWS_MAX: Final = 20_000_000


class Rows:
    """Batches as of `files.batches`, without what `only` leaves out. `read` and `kept`: how many rows, so far.

    A table too long, or without a row that is wanted, goes to `problems`. Errors: OSError.
    """

    def __init__(self, path: Path, mapping: Table, problems: Problems, progress: Progress | None = None) -> None:
        self.mapping = mapping
        self.problems = problems
        self.read = self.kept = 0
        self._batches = batches(path, mapping, problems, progress)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        only = self.mapping.only
        wanted = [pl.col(column(name)).is_in(texts) for name, texts in only.items()]
        for batch in self._batches:
            self.read += batch.height
            if self.read > ROWS_MAX:
                too_many = f"the file has more than {ROWS_MAX:,} rows; take it in parts"
                self.problems.add(int(batch[LINE][-1]), "", too_many)
                return
            found = batch.filter(wanted) if wanted else batch
            self.kept += found.height
            yield found
        if not self.problems.count and not self.kept:
            meant = " and ".join(f"{name} is {' or '.join(texts)}" for name, texts in only.items())
            nothing = f"none of the {self.read:,} rows is one where {meant}" if self.read else "the file has no rows"
            self.problems.add(self.mapping.header, "", nothing)
