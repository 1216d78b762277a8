"""Parquet as batches of texts: typed columns written as the mapping says, with the number of each row, from 1."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.sources import tables
from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems
from dunwell.sources.tables import LINE, Progress, column, places, stripped
from dunwell.sources.written import DIGITS, Writing

MAGIC: Final = b"PAR1"
# Polars panics where a page says otherwise than the footer.
DAMAGED: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
TEXT: Final = (pl.String, pl.Categorical, pl.Enum, pl.Null, pl.Boolean, pl.Decimal)
PROBLEMS_A_PART: Final = 50


def batches(
    path: Path, mapping: Layout, problems: Problems, progress: Progress | None = None
) -> Iterator[pl.DataFrame]:
    """Read the columns that `mapping` names, as stripped texts: `line`, and `column(name)` for each."""
    try:
        table = pl.scan_parquet(path, hive_partitioning=False, glob=False)
        schema = table.collect_schema()
        rows = table.select(pl.len()).collect().item()  # as its footer says
        if rows > tables.ROWS_MAX:
            problems.add(1, "", tables.too_many())
            return
        found = places(list(schema), mapping, problems)
        strange = {name: schema[name] for name in found or () if not is_readable(schema[name])}
        for name, dtype in strange.items():
            problems.add(1, name, f"the column is of type {dtype}, which no field is; export it as text")
        if found is None or strange:
            return
        writing = Writing.by(mapping)
        texts = [_text(name, schema[name], writing.of(name)).alias(column(name)) for name in found]
        parts = table.select(list(found)).collect_batches(
            chunk_size=tables.ROWS_PER_BATCH, maintain_order=True, engine="streaming"
        )
        rounded = [name for name in writing.keys & set(found) if schema[name].is_float()]
        done = 0
        for part in parts:
            for name in rounded:
                for row in (part[name].abs() >= 10**DIGITS).arg_true()[:PROBLEMS_A_PART]:
                    advice = "write the column as text or whole numbers"
                    problems.add(done + row + 1, name, f"a float keeps {DIGITS} digits and this has more; {advice}")
            lines = pl.int_range(done + 1, done + part.height + 1, dtype=pl.Int64, eager=True)
            yield stripped(part.select(lines.alias(LINE), *texts))
            done += part.height
            if progress:
                progress(done, rows)
    except DAMAGED as error:
        problems.add(1, "", damaged(str(error)))


def damaged(why: str) -> str:
    """Say that a file is damaged, in the first line of what the reader says of it."""
    return f"the Parquet file is damaged or ends early ({why.partition(chr(10))[0]}); write it again"


def is_readable(dtype: pl.DataType) -> bool:
    """Whether a column of a type is read, and not one of lists, bytes and the like."""
    return (
        isinstance(dtype, TEXT) or dtype.is_integer() or dtype.is_float() or isinstance(dtype, (pl.Date, pl.Datetime))
    )


def _text(name: str, dtype: pl.DataType, writing: Writing) -> pl.Expr:
    """Write a typed column as texts are written; a float that is a whole number has no decimals, NaN is empty."""
    value = pl.col(name)
    if dtype.is_temporal():
        return value.dt.strftime(writing.dates)
    if dtype.is_float():
        whole = (value == value.round()) & (value.abs() < 10**DIGITS)
        shown = value.round_sig_figs(DIGITS) if dtype == pl.Float64 else value
        text = pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(shown.cast(pl.String))
        return pl.when(value.is_not_nan()).then(text.str.replace(".", writing.decimal, literal=True))
    if isinstance(dtype, pl.Decimal):
        return value.cast(pl.String).str.replace(".", writing.decimal, literal=True)
    return value.cast(pl.String)
