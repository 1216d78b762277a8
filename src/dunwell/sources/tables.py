"""What every reader of a table hands on: batches of texts, each row with the line it begins on."""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from dunwell.engine.documents import hint
from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems

LINE: Final = "line"  # the line a row begins on; the file's own columns are prefixed
ROWS_PER_BATCH: Final = 50_000
ROWS_MAX: Final = 20_000_000
Progress = Callable[[int, int], None]  # how much is read, and how much there is


def too_many() -> str:
    """Say that a file has more than ROWS_MAX rows."""
    return f"the file has more than {ROWS_MAX:,} rows; take it in parts"


def column(name: str) -> str:
    """Return the frame's name of a column of the file."""
    return f"in:{name}"


def no_rows(mapping: Layout) -> pl.DataFrame:
    """Return a batch of a file that has a header only."""
    return pl.DataFrame(schema={LINE: pl.Int64, **{column(name): pl.String for name in mapping.columns}})


def stripped(frame: pl.DataFrame) -> pl.DataFrame:
    """Take blanks off the texts of a batch; an empty one is null."""
    texts = pl.exclude(LINE).str.strip_chars()
    # In one piece: Polars 2.1 panics when it puts texts together out of columns in differing pieces, the first empty.
    return frame.with_columns(pl.when(texts != "").then(texts).name.keep()).rechunk()


def places(names: Sequence[str], mapping: Layout, problems: Problems, advice: str = "") -> dict[str, int] | None:
    """Say where each column of the mapping stands in a header, or None with a problem for each that is missing.

    The first that nothing is nearly called like says which columns there are, and `advice`.
    """
    known = f"; it has {', '.join([name for name in names if name][:30])}{advice}"
    found = {}
    for name in mapping.columns:
        if name not in names:
            near = hint(name, names)
            problems.add(mapping.header, name, f"the file has no such column{near or known}")
            known = known if near else ""
        elif list(names).count(name) > 1:
            problems.add(mapping.header, name, "the file has two columns of this name; rename one of them")
        else:
            found[name] = names.index(name)
    return found if len(found) == len(mapping.columns) else None
