"""What is wrong with a file: each problem with its line, its column, the value and what to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

LISTED_MAX: Final = 50
VALUE_CHARS_MAX: Final = 60


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one place of a file; `line` counts from 1, with the header.

    In Excel it is the row, in Parquet the row without a header.
    """

    source: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"{self.column}: " if self.column else ""
        return f"{self.source}:{self.line}: {where}{self.message}"


class SourceError(ValueError):
    """A file that cannot be taken: the first problems in order of line, and how many there are."""

    def __init__(self, problems: "Problems") -> None:
        self.problems = problems.listed
        self.count = problems.count
        super().__init__("\n".join([*map(str, self.problems), *problems.unlisted]))


class Problems:
    """Problems as they are found; only the first LISTED_MAX in order of line are kept, all are counted.

    What two fields find wrong with the one column that they read is one of the kept.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.count = 0
        self._kept: list[RowProblem] = []

    def add(self, line: int, column: str, message: str) -> None:
        """Note one problem."""
        self.count += 1
        self._keep([RowProblem(self.source, line, column, message)])

    def add_rows(self, rows: pl.DataFrame, column: str, message: Callable[..., str]) -> None:
        """Note one problem per row of `rows`: a column `line`, and what `message` takes, in its order."""
        if rows.is_empty():
            return
        self.count += rows.height
        first = rows.sort("line", maintain_order=True).head(LISTED_MAX)
        self._keep([RowProblem(self.source, line, column, message(*rest)) for line, *rest in first.iter_rows()])

    def refuse(self) -> None:
        """Stop if anything is wrong. Errors: SourceError."""
        if self.count:
            raise SourceError(self)

    @property
    def listed(self) -> tuple[RowProblem, ...]:
        """The first problems, in order of line."""
        return tuple(self._kept)

    @property
    def unlisted(self) -> list[str]:
        """How many more there are, as one sentence, or nothing."""
        more = self.count - len(self._kept)
        return [f"and {more:,} more problems"] if more else []

    def _keep(self, problems: list[RowProblem]) -> None:
        found = dict.fromkeys([*self._kept, *problems])
        self.count -= len(self._kept) + len(problems) - len(found)
        self._kept = sorted(found, key=lambda problem: problem.line)[:LISTED_MAX]


def listed(values: Sequence[str], most: int, *, of: int | None = None) -> str:
    """Name the first `most` of some values, and how many more there are, of `of` or of these."""
    more = (of or len(values)) - min(most, len(values))
    return ", ".join(values[:most]) + (f" and {more:,} more" if more > 0 else "")


def shown(value: str | None) -> str:
    """Quote a value for a message, cut where it is long."""
    text = value or ""
    return repr(text if len(text) <= VALUE_CHARS_MAX else f"{text[:VALUE_CHARS_MAX]}…")
