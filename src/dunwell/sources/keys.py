"""The numbers of a file of items, held as hashes: 17 bytes a row, so that a large file can be checked for doubles."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from dunwell.sources.tables import LINE

KEY: Final = ["entity", "number", "kind"]


class Keys:
    """Finds items that are in a file twice, and numbers that items of two kinds have."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Take note of typed rows; those without a whole key are problems of their own."""
        whole = rows.filter(pl.all_horizontal(pl.col(KEY).is_not_null()))
        hashed = pl.col("entity").hash(1) ^ pl.col("number").hash(2)
        self._parts.append(whole.select(pl.col(LINE), hash=hashed, kind=pl.col("kind").to_physical().cast(pl.UInt8)))

    def twice(self, rows: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """Return every row that an earlier one has the key of: `line`, `number`, and that one's line, `first`."""
        again = self._shared().filter(pl.struct("hash", "kind").is_duplicated())
        found = _named(again, rows)  # by their hash alone they need not be the same
        first = found.with_columns(first=pl.col(LINE).min().over(KEY))
        return first.filter(pl.col(LINE) > pl.col("first")).select(LINE, "number", "first").sort(LINE)

    def of_two_kinds(self, rows: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """Return the rows of accounts that have items of several kinds by one number.

        Columns: line, entity, number, kinds.
        """
        kinds = self._shared().group_by("hash").agg(pl.col("kind").n_unique(), pl.col(LINE))
        found = _named(kinds.filter(pl.col("kind") > 1).select(LINE).explode(LINE), rows)
        own = ["entity", "account", "number"]
        listed = pl.col("kind").cast(pl.String).unique().sort().str.join(", ").over(own)
        several = found.filter(pl.col("kind").n_unique().over(own) > 1)
        return several.select(LINE, "entity", "number", kinds=listed).sort(LINE)

    def _shared(self) -> pl.DataFrame:
        """The lines whose hash is not theirs alone: few, as a rule."""
        schema = {LINE: pl.Int64, "hash": pl.UInt64, "kind": pl.UInt8}
        every = pl.concat([pl.DataFrame(schema=schema), *self._parts])
        self._parts = [every]
        return every.filter(pl.col("hash").is_duplicated())


def _named(lines: pl.DataFrame, rows: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The account and key of some lines."""
    wanted = [LINE, "account", *KEY]
    if lines.is_empty():
        return pl.DataFrame(schema={name: pl.Int64 if name == LINE else pl.String for name in wanted})
    return pl.concat([part.select(wanted).join(lines.select(LINE), on=LINE, how="semi") for part in rows])
