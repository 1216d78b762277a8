"""Rows of a table (CSV, Excel, Parquet) whose layout nobody has told: cells by their columns, in bounded memory."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import openpyxl
import polars as pl

from dunwell.sources import excel, files, parquet
from dunwell.sources.problems import Problems
from dunwell.sources.remittance.layout import Cell, Row, heading_of
from dunwell.sources.written import DIGITS

BYTES_MAX: Final = 20_000_000
ROWS_MAX: Final = 50_000
CELLS_MAX: Final = 500_000
TOO_MUCH: Final = "this is no advice of one payment"
COLUMNS_MAX: Final = 200
CELL_CHARS_MAX: Final = 1_000
HEADING_MAX: Final = 30  # rows that may stand before the heading
DELIMITERS: Final = ";\t|,"
WIDTH: Final = 0.9


def rows_of(path: Path, problems: Problems) -> list[Row]:
    """The rows of a table that are not empty; what is wrong with the file goes to `problems`. Errors: OSError."""
    if path.stat().st_size > BYTES_MAX:
        problems.add(1, "", f"the file has more than {BYTES_MAX:,} bytes: {TOO_MUCH}")
        return []
    with path.open("rb") as file:
        first = file.read(1000)
    found: list[Row] = []
    cells = 0
    try:
        for row in _lines(path, first, problems):
            found.append(row)
            cells += len(row.cells)
            if len(found) > ROWS_MAX or cells > CELLS_MAX:
                problems.add(row.line, "", f"more than {ROWS_MAX:,} rows or {CELLS_MAX:,} cells: {TOO_MUCH}")
                return []
    except (csv.Error, *parquet.DAMAGED, *excel.DAMAGED) as error:
        problems.add(1, "", f"the file is damaged, or is no table ({str(error).partition(chr(10))[0]})")
        return []
    if not found and not problems.count:
        problems.add(1, "", "the file is empty")
    return found


def _lines(path: Path, first: bytes, problems: Problems) -> Iterator[Row]:
    if first.startswith(parquet.MAGIC):
        yield from _of_parquet(path)
    elif first.startswith(b"PK\x03\x04"):
        refused = files.about_zip(path) or excel.too_large(path)
        if refused:
            problems.add(1, "", refused)
        else:
            yield from _of_excel(path)
    elif refused := files.about(first):
        problems.add(1, "", f"this is no advice that can be read; {refused}")
    else:
        yield from _of_text(path)


def _row(line: int, values: Any) -> Row | None:  # noqa: ANN401 - whatever a library gives
    """A row of values by their columns; an empty one is None."""
    cells = tuple(
        Cell(text, at, at + WIDTH, is_typed)
        for at, value in enumerate(islice(values, COLUMNS_MAX))
        for text, is_typed in (_written(value),)
        if text
    )
    return Row(line, cells) if cells else None


def _written(value: object) -> tuple[str, bool]:
    """The text of a cell, and whether it is a number or a day of the table's own."""
    if value is None or isinstance(value, bool):
        return "", False
    if isinstance(value, str):
        return " ".join(value[:CELL_CHARS_MAX].split()), False
    if isinstance(value, float):
        text = f"{value:.{DIGITS}g}"
        return (format(Decimal(text), "f") if abs(value) < 10**DIGITS else text), True
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}", True
    if isinstance(value, Decimal):
        return format(value, "f"), True
    return str(value)[:CELL_CHARS_MAX], isinstance(value, int)


def _of_text(path: Path) -> Iterator[Row]:
    """Rows of CSV, whatever parts its columns; its own words say which encoding it is in."""
    text = _decoded(path.read_bytes())
    found = (sign for sign in DELIMITERS if any(map(heading_of, islice(_parted(text, sign), HEADING_MAX))))
    yield from _parted(text, next(found, ","))


def _parted(text: str, delimiter: str) -> Iterator[Row]:
    """Rows of a text whose columns a sign parts. Errors: csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    for values in reader:
        if row := _row(begins, values):
            yield row
        begins = reader.line_num + 1


def _decoded(content: bytes) -> str:
    """A text in UTF-8, or in UTF-16 where it says so, or else in the usual eight bits. Errors: ValueError."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    if "\0" in text:
        raise ValueError("there is a NUL byte in it")
    return text


def _of_excel(path: Path) -> Iterator[Row]:
    """Rows of the first sheet that is shown and has any."""
    with (
        path.open("rb") as file,
        closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as workbook,
    ):
        for sheet in workbook.worksheets:
            if sheet.sheet_state != "visible":
                continue
            sheet.reset_dimensions()
            rows = (_row(line, values) for line, values in enumerate(sheet.iter_rows(values_only=True), 1))
            first = next((row for row in rows if row), None)
            if first:
                yield first
                yield from (row for row in rows if row)
                return


def _of_parquet(path: Path) -> Iterator[Row]:
    """The names of the columns, and the rows below them; both are counted."""
    frame = pl.scan_parquet(path, hive_partitioning=False, glob=False).head(ROWS_MAX + 1)
    names = list(frame.collect_schema())[:COLUMNS_MAX]
    if heading := _row(1, names):
        yield heading
    for line, values in enumerate(frame.select(names).collect(engine="streaming").iter_rows(), 2):
        if row := _row(line, values):
            yield row
