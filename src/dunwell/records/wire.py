"""Rows over Django's own connection as CSV text, parsed and written by Polars with declared types.

Inside the caller's transaction, and never through a second SQLite library: POSIX locks are per process,
so a second one in this process would drop the first one's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from django.db import connection

from dunwell.engine.book import BookError
from dunwell.records.connect import is_postgresql

ROWS_PER_CHUNK: Final = 50_000


@dataclass(frozen=True)
class Column:
    """A column to read: its name in the frame, its SQL, the type it has in the frame."""

    name: str
    sql: str
    dtype: pl.DataType


def read(columns: Sequence[Column], tail: str, params: Sequence[object] = ()) -> pl.DataFrame:
    """Run `SELECT columns` + `tail` (from FROM on, with %s for `params`) into a frame, in any order.

    Errors: BookError for a value that is not of its column's type.
    """
    text = _copy_out(columns, tail, params) if is_postgresql() else _join_out(columns, tail, params)
    wire_types = {c.name: pl.Int8() if c.dtype == pl.Boolean else c.dtype for c in columns}
    if not text:
        return pl.DataFrame(schema={c.name: c.dtype for c in columns})
    try:
        frame = pl.read_csv(text, has_header=False, schema=wire_types)
    except pl.exceptions.PolarsError as error:
        raise BookError(f"the database holds {str(error).splitlines()[0].removeprefix('could not ')}") from error
    return frame.with_columns(pl.col(c.name) == 1 for c in columns if c.dtype == pl.Boolean)


def _copy_out(columns: Sequence[Column], tail: str, params: Sequence[object]) -> bytes:
    """Let PostgreSQL write the CSV."""
    listed = ", ".join(f"({c.sql})::int" if c.dtype == pl.Boolean else c.sql for c in columns)
    with connection.cursor() as cursor:
        statement = f"COPY (SELECT {listed} {tail}) TO STDOUT (FORMAT csv)"
        with cursor.copy(statement, list(params) or None) as rows:
            return b"".join(rows)


def _join_out(columns: Sequence[Column], tail: str, params: Sequence[object]) -> bytes:
    """Let SQLite join each row to one line: a single string is fetched several times as fast as its columns."""
    line = " || ',' || ".join(_quoted(c) for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {line} {tail}", list(params))
        return "\n".join(row[0] for row in cursor.fetchall()).encode()


def _quoted(column: Column) -> str:
    """SQL for one CSV field: nothing for null, quoted text, a float with all its digits."""
    if column.dtype == pl.String:
        return f"coalesce('\"' || replace({column.sql}, '\"', '\"\"') || '\"', '')"
    if column.dtype == pl.Float64:
        return f"CASE WHEN {column.sql} IS NULL THEN '' ELSE printf('%%!.17g', {column.sql}) END"
    return f"coalesce({column.sql}, '')"


def write(table: str, frame: pl.DataFrame) -> None:
    """Add the rows of `frame`, whose columns are the table's, in the order of the frame."""
    listed = ", ".join(f'"{name}"' for name in frame.columns)
    if is_postgresql():
        with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({listed}) FROM STDIN (FORMAT csv)') as rows:
            for chunk in frame.iter_slices(ROWS_PER_CHUNK):
                rows.write(chunk.write_csv(include_header=False).encode())
        return
    marks = ", ".join("%s" for _ in frame.columns)
    plain = frame.with_columns(_as_sqlite(name, dtype) for name, dtype in frame.schema.items())
    with connection.cursor() as cursor:
        for chunk in plain.iter_slices(ROWS_PER_CHUNK):
            cursor.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', chunk.rows())


def _as_sqlite(name: str, dtype: pl.DataType) -> pl.Expr:
    """Give dates and instants the texts that Django stores, so that both read each other's."""
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if dtype == pl.Date:
        return pl.col(name).cast(pl.String)
    return pl.col(name)
