"""A Parquet file written again, without what makes it harmful to read: a program of its own, run within bounds.

Run with two paths, it writes to the second the same columns and rows in small pieces, its texts cut. Of a type that no
advice is read of only the type is kept. Where the first cannot be read, it says why in a line of text.
"""

import sys
from pathlib import Path
from typing import Final

import polars as pl

CHARS_MAX: Final = 1_001  # one more than is read of a cell, so that what is too long is seen
ROWS_PER_PIECE: Final = 500
TEXTS: Final = (pl.String, pl.Categorical, pl.Enum)
NOT_READ: Final = (pl.List, pl.Array, pl.Struct, pl.Binary, pl.Object)


def kept(name: str, dtype: pl.DataType) -> pl.Expr:
    """What is kept of a column."""
    if isinstance(dtype, NOT_READ):
        return pl.lit(None, dtype=dtype).alias(name)
    return pl.col(name).cast(pl.String).str.slice(0, CHARS_MAX) if isinstance(dtype, TEXTS) else pl.col(name)


def main(path: str, out: str) -> None:
    """Write a file again, or why it cannot be read."""
    try:
        table = pl.scan_parquet(path, hive_partitioning=False, glob=False)
        columns = [kept(name, dtype) for name, dtype in table.collect_schema().items()]
        table.select(columns).sink_parquet(out, compression="zstd", compression_level=1, row_group_size=ROWS_PER_PIECE)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        Path(out).write_text(f"{error}\n".partition("\n")[0], encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
