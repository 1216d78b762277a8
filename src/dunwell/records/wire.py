"""Rows over Django's own connection as CSV text, parsed and written by Polars with declared types.

Inside the caller's transaction, and never through a second SQLite library: POSIX locks are per process,
so a second one in this process would drop the first one's.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

import polars as pl
from django.db import connection

from dunwell.engine.book import BookError
from dunwell.records.connect import is_postgresql

ROWS_PER_CHUNK: Final = 50_000
BYTES_PER_CHUNK: Final = 8 * 1024**2
TRUTH: Final = pl.Enum(["t", "f", "true", "false", "1", "0"])  # as either database writes it, in columns and in JSON
TRUE: Final = ["t", "true", "1"]
Value: TypeAlias = int | str | list[int] | None  # what a statement takes as a parameter


@dataclass(frozen=True)
class Column:
    """A column to read: its name in the frame, its SQL, the type it has in the frame."""

    name: str
    sql: str
    dtype: pl.DataType


@dataclass(frozen=True)
class Select:
    """What to read: `SELECT columns` + `tail`, which is the statement from FROM on with %s for `params`."""

    columns: Sequence[Column]
    tail: str
    params: Sequence[Value] = ()


def listed(ids: Iterable[int]) -> tuple[str, str]:
    """SQL for a table of these ids, `listed(id)`, and the one parameter in it.

    Join it for many: PostgreSQL then plans by how many there are, however new the rows of the other table.
    """
    numbers = ",".join(map(str, ids))
    if is_postgresql():
        return "unnest(%s::bigint[]) AS listed(id)", f"{{{numbers}}}"
    return "(SELECT value AS id FROM json_each(%s)) AS listed", f"[{numbers}]"


def read(columns: Sequence[Column], tail: str, params: Sequence[Value] = ()) -> pl.DataFrame:
    """Run `SELECT columns` + `tail` (from FROM on, with %s for `params`) into a frame, in any order.

    Errors: BookError for a value that is not of its column's type.
    """
    return read_select(Select(columns, tail, params))


def read_select(select: Select) -> pl.DataFrame:
    """Run `select` into a frame, in any order. Errors: BookError for a value that is not of its column's type."""
    texts = _copy_out(select) if is_postgresql() else _join_out(select)
    first, second = next(texts, None), next(texts, None)
    if first is None:
        return pl.DataFrame(schema={column.name: column.dtype for column in select.columns})
    if second is None:
        return _parse(first, select.columns)
    with ThreadPoolExecutor(1) as parser:  # what has come is parsed while the rest comes
        parsed = [parser.submit(_parse, text, select.columns) for text in chain([first, second], texts)]
    return pl.concat(part.result() for part in parsed)


def _parse(text: bytes, columns: Sequence[Column]) -> pl.DataFrame:
    types = {c.name: TRUTH if c.dtype == pl.Boolean else c.dtype for c in columns}
    try:
        frame = pl.read_csv(text, has_header=False, schema=types)
    except pl.exceptions.PolarsError as error:
        raise BookError(f"the database holds {str(error).splitlines()[0].removeprefix('could not ')}") from error
    return frame.with_columns(pl.col(c.name).is_in(TRUE) for c in columns if c.dtype == pl.Boolean)


def _copy_out(select: Select) -> Iterator[bytes]:
    """Let PostgreSQL write the CSV; it sends whole rows."""
    listed = ", ".join(column.sql for column in select.columns)
    text = io.BytesIO()
    with connection.wrap_database_errors, connection.cursor() as cursor:
        statement = f"COPY (SELECT {listed} {select.tail}) TO STDOUT (FORMAT csv)"
        with cursor.copy(statement, list(select.params) or None) as rows:
            for row in rows:  # kept as bytes, not as objects: a list of a million views is slower than the query
                if text.write(row) and text.tell() > BYTES_PER_CHUNK:
                    yield text.getvalue()
                    text = io.BytesIO()
    if text.tell():
        yield text.getvalue()


def _join_out(select: Select) -> Iterator[bytes]:
    """Let SQLite write each row as one line: fetched in half the time of its columns."""
    fields = [_field(column) for column in select.columns]
    line = f"printf('{','.join('%%s' for _ in fields)}', {', '.join(fields)})"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {line} {select.tail}", list(select.params))
        while lines := cursor.fetchmany(ROWS_PER_CHUNK):
            yield ("\n".join([line for (line,) in lines]) + "\n").encode()


def _field(column: Column) -> str:
    """SQL for one CSV field of SQLite: nothing for null, quoted text, a float with all its digits."""
    if column.dtype == pl.String:
        return f"CASE WHEN {column.sql} IS NULL THEN '' ELSE printf('\"%%w\"', {column.sql}) END"
    if column.dtype == pl.Float64:
        digits = f"printf('%%!.17g', {column.sql})"
        return f"CASE typeof({column.sql}) WHEN 'text' THEN {column.sql} WHEN 'null' THEN '' ELSE {digits} END"
    return column.sql


def write(table: str, frame: pl.DataFrame) -> None:
    """Add the rows of `frame`, whose columns are the table's, in the order of the frame."""
    listed = ", ".join(f'"{name}"' for name in frame.columns)
    if is_postgresql():
        statement = f'COPY "{table}" ({listed}) FROM STDIN (FORMAT csv)'
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as rows:
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
        text = pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
        return text.str.strip_suffix(".000000")
    if dtype == pl.Date:
        return pl.col(name).cast(pl.String)
    return pl.col(name)
