"""How the steps turn lazy rows into a frame, look at a column of it, and lay findings over it."""

from typing import Final

import polars as pl

ROWS_TO_STREAM: Final = 100_000


def collected(rows: pl.LazyFrame) -> pl.DataFrame:
    """Evaluate. In memory: a slice fits, and the streaming engine takes half as long again, or twice for a few rows."""
    return rows.collect(engine="in-memory")


def gathered(groups: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """Evaluate a grouping of so many rows, in any order of groups: over many the streaming engine is twice as fast."""
    return groups.collect(engine="streaming" if rows >= ROWS_TO_STREAM else "in-memory")


def is_one(values: pl.Series) -> bool:
    """Whether all values are the same, as the creditor of a run's rows is; cheaper than to count them."""
    return bool(values.min() == values.max())


def overlay(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Replace the values of the columns of `found` at its rows (`row`: their positions). Cheaper than a join."""
    if found.is_empty():
        return rows
    columns = [name for name in found.columns if name != "row"]
    return rows.with_columns(rows[name].clone().scatter(found["row"], found[name]) for name in columns)
