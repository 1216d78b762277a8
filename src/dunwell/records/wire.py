"""Rows over Django's own connection as CSV text, parsed and written by Polars with declared types.

Inside the caller's transaction, and never through a second SQLite library: POSIX locks are per process,
so a second one in this process would drop the first one's.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from typing import Any, Final, TypeAlias

import polars as pl
from django.db import connection

from dunwell.engine.book import BookError
from dunwell.records.connect import is_postgresql

ROWS_PER_CHUNK: Final = 50_000
ROWS_ALONG_MAX: Final = 50  # as many as a statement brings along; for more, other ways are faster
BYTES_PER_CHUNK: Final = 8 * 1024**2
TRUTH: Final = pl.Enum(["t", "f", "true", "false", "1", "0"])  # as either database writes it, in columns and in JSON
TRUE: Final = ["t", "true", "1"]
# What a fetched value is in Python, by its column's type; any other type is an integer.
NATIVE: Final[Mapping[object, type]] = {
    pl.String: str,
    pl.Enum: str,
    pl.Date: date,
    pl.Boolean: bool,
    pl.Float64: float,
}
Value: TypeAlias = int | str | list[int] | None  # what a statement takes as a parameter


@dataclass(frozen=True)
class Column:
    """A column to read: its name in the frame, its SQL, the type it has in the frame.

    `is_free`: SQLite may hold values of any type in it, such as an attribute's.
    """

    name: str
    sql: str
    dtype: pl.DataType
    is_free: bool = False


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
        return _no_rows(tuple(select.columns))
    if second is None:
        return _parse(first, select.columns)
    with ThreadPoolExecutor(1) as parser:  # what has come is parsed while the rest comes
        parsed = [parser.submit(_parse, text, select.columns) for text in chain([first, second], texts)]
    return pl.concat(part.result() for part in parsed)


def read_few(selects: Mapping[str, Select]) -> dict[str, pl.DataFrame]:
    """Run selects that find few rows each, in one go; the frames are those of `read_select`, sooner for so few."""
    statements = [f"SELECT {', '.join(column.sql for column in each.columns)} {each.tail}" for each in selects.values()]
    params = [list(each.params) for each in selects.values()]
    found = []
    with connection.cursor() as cursor:
        if is_postgresql():  # which takes them all at once
            cursor.execute("; ".join(statements), [*chain(*params)])
            for _ in statements:
                found.append(cursor.fetchall())
                cursor.nextset()
        else:
            for statement, given in zip(statements, params, strict=True):
                cursor.execute(statement, given)
                found.append(cursor.fetchall())
    return {name: _framed(rows, select.columns) for (name, select), rows in zip(selects.items(), found, strict=True)}


def _framed(rows: Sequence[tuple[object, ...]], columns: Sequence[Column]) -> pl.DataFrame:
    """Make a frame of fetched rows: as they are where every value is of its column's type, else parsed as always."""
    if not rows:
        return _no_rows(tuple(columns))
    native = [NATIVE.get(column.dtype.base_type(), int) for column in columns]
    if all(value is None or type(value) is wanted for row in rows for value, wanted in zip(row, native, strict=True)):
        with suppress(pl.exceptions.PolarsError):  # such as an unknown currency: parsing says where
            return pl.DataFrame(rows, schema={column.name: column.dtype for column in columns}, orient="row")
    lines = (",".join("" if value is None else _quoted(value) for value in row) for row in rows)
    return _parse("\n".join([*lines, ""]).encode(), columns)


@cache
def _no_rows(columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: column.dtype for column in columns})


def _quoted(value: object) -> str:
    text = str(int(value) if isinstance(value, bool) else value)
    return '"' + text.replace('"', '""') + '"'


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
    quoted = f"printf('\"%%w\"', {column.sql})"
    if column.dtype == pl.String:
        return f"CASE WHEN {column.sql} IS NULL THEN '' ELSE {quoted} END"
    if column.dtype == pl.Float64:
        digits = f"printf('%%!.17g', {column.sql})"
        return f"CASE typeof({column.sql}) WHEN 'text' THEN {quoted} WHEN 'null' THEN '' ELSE {digits} END"
    if column.is_free:  # a text where none is expected is quoted, so that it spoils no other column
        return f"CASE typeof({column.sql}) WHEN 'text' THEN {quoted} ELSE {column.sql} END"
    return column.sql


def write(table: str, frame: pl.DataFrame) -> None:
    """Add the rows of `frame`, whose columns are the table's, in the order of the frame."""
    listed = ", ".join(f'"{name}"' for name in frame.columns)
    if is_postgresql() and frame.height > ROWS_ALONG_MAX:
        statement = f'COPY "{table}" ({listed}) FROM STDIN (FORMAT csv)'
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as rows:
            for chunk in frame.iter_slices(ROWS_PER_CHUNK):
                rows.write(chunk.write_csv(include_header=False).encode())
        return
    marks = ", ".join("%s" for _ in frame.columns)
    with connection.cursor() as cursor:
        for chunk in frame.iter_slices(ROWS_PER_CHUNK):
            cursor.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', rows_of(chunk))


def rows_of(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The rows of `frame` as parameters of a statement.

    SQLite takes dates and instants as the texts that Django stores, so that both read each other's.
    """
    texts = [] if is_postgresql() else [_as_text(*column) for column in frame.schema.items() if column[1].is_temporal()]
    return (frame.with_columns(texts) if texts else frame).rows()


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return pl.col(name).cast(pl.String)
    text = pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    return text.str.strip_suffix(".000000")
