"""The rows of a table that a mapping wants, in batches of texts."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from dunwell.sources import tables
from dunwell.sources.files import batches
from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems
from dunwell.sources.tables import LINE, Progress, column


class Rows:
    """Batches as of `files.batches`, without what `only` leaves out. `read` and `kept`: how many rows, so far.

    A table too long, or without a row that is wanted, goes to `problems`. Errors: OSError.
    """

    def __init__(self, path: Path, mapping: Layout, problems: Problems, progress: Progress | None = None) -> None:
        self.mapping = mapping
        self.problems = problems
        self.read = self.kept = 0
        self._batches = batches(path, mapping, problems, progress)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        wanted = [pl.col(column(name)).is_in(texts) for name, texts in self.mapping.only.items()]
        for batch in self._batches:
            self.read += batch.height
            if self.read > tables.ROWS_MAX:
                self.problems.add(int(batch[LINE][-1]), "", tables.too_many())
                return
            found = batch.filter(wanted) if wanted else batch
            self.kept += found.height
            yield found
        if self.problems.count or self.kept:
            return
        if not self.mapping.may_be_empty:
            self.problems.add(self.mapping.header, "", nothing_in(self.read, self.mapping))
        elif not self.read:
            yield tables.no_rows(self.mapping)


def nothing_in(rows: int, mapping: Layout) -> str:
    """Say why of a file of so many rows none is wanted."""
    wanted = " and ".join(f"{name} is {' or '.join(texts)}" for name, texts in mapping.only.items())
    return f"none of the {rows:,} rows is one where {wanted}" if rows else "the file has no rows"
