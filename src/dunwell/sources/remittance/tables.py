"""Rows of a table (CSV, Excel, Parquet) whose layout nobody has told: cells by their columns, in bounded memory."""

import csv
import datetime as dt
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import openpyxl
import polars as pl

from dunwell.sources import excel, files, parquet
from dunwell.sources.csv import GZIP_MAGIC
from dunwell.sources.problems import Problems
from dunwell.sources.remittance.apart import BYTES_MAX
from dunwell.sources.remittance.layout import COLUMNS_MAX, Cell, Row, heading_of
from dunwell.sources.written import DIGITS

ROWS_MAX: Final = 50_000
CELLS_MAX: Final = 500_000
TOO_MUCH: Final = "this is no advice of one payment"
CELL_CHARS_MAX: Final = 1_000
HEADING_MAX: Final = 30  # rows that may stand before the heading
DELIMITERS: Final = ";\t|,"
WIDTH: Final = 0.9
# Of a workbook, unpacked: of what is packed tightly, much more than a payment is of.
UNPACKED_BYTES_MAX: Final = {
    "parts": (r".*", 50_000_000),
    "formats and properties": (excel.BYTES_MAX["formats and properties"][0], 5_000_000),
}
ROWS_PER_BATCH: Final = 500


class _RefusedError(Exception):
    """What is wrong with a table, and the line where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _too_much(line: int, what: str) -> _RefusedError:
    return _RefusedError(line, f"more than {what}: {TOO_MUCH}")


def rows_of(path: Path, problems: Problems) -> list[Row]:
    """The rows of a table that are not empty; what is wrong with the file goes to `problems`. Errors: OSError."""
    if refused := too_large(path):
        problems.add(1, "", refused)
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
                raise _too_much(row.line, f"{ROWS_MAX:,} rows or {CELLS_MAX:,} cells")
    except _RefusedError as error:
        problems.add(error.line, "", str(error))
        return []
    except (csv.Error, *parquet.DAMAGED, *excel.DAMAGED) as error:
        problems.add(1, "", f"the file is damaged, or is no table ({str(error).partition(chr(10))[0]})")
        return []
    if not found and not problems.count:
        problems.add(1, "", "the file is empty")
    return found


def too_large(path: Path) -> str:
    """Say why a table is not looked at, packed or unpacked. Errors: OSError."""
    with path.open("rb") as file:
        first = file.read(4)
        size = path.stat().st_size
        if first.startswith(GZIP_MAGIC):
            file.seek(0)
            with suppress(EOFError, zlib.error, gzip.BadGzipFile), gzip.GzipFile(fileobj=file) as unpacked:
                while size <= BYTES_MAX and (part := unpacked.read(1 << 20)):
                    size += len(part)
    if size > BYTES_MAX:
        return f"the file has more than {BYTES_MAX:,} bytes: {TOO_MUCH}"
    if first == b"PK\x03\x04":
        with suppress(zipfile.BadZipFile, ValueError, NotImplementedError):  # which is told when it is read
            return excel.too_large(path, UNPACKED_BYTES_MAX)
    return ""


def _lines(path: Path, first: bytes, problems: Problems) -> Iterator[Row]:
    if first.startswith(parquet.MAGIC):
        yield from _of_parquet(path)
    elif first.startswith(b"PK\x03\x04"):
        refused = files.about_zip(path)
        if refused:
            problems.add(1, "", refused)
        else:
            yield from _of_excel(path)
    elif refused := files.about(first):
        problems.add(1, "", f"this is no advice that can be read; {refused}")
    else:
        yield from _of_text(path)


def _row(line: int, values: Sequence[Any]) -> Row | None:
    """A row of values by their columns; an empty one is None. Errors: _RefusedError."""
    if any(isinstance(value, float) and 10**DIGITS <= abs(value) < float("inf") for value in values):
        advice = "format the column as text before the numbers go in"
        raise _RefusedError(line, f"a typed number keeps {DIGITS} digits and one here has more; {advice}")
    cells = tuple(
        Cell(text, at, at + WIDTH, is_typed)
        for at, value in enumerate(values)
        for text, is_typed in (_written(value),)
        if text
    )
    if cells and cells[-1].left >= COLUMNS_MAX:
        raise _too_much(line, f"{COLUMNS_MAX:,} columns")
    if any("\0" in cell.text for cell in cells):
        raise _RefusedError(line, "there is a NUL byte in it: the file is damaged; export it again")
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
    """Rows of a text whose columns a sign parts. Errors: csv.Error; _RefusedError."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    for values in reader:
        if begins > excel.ROWS_MAX:
            raise _too_much(begins, f"{excel.ROWS_MAX:,} rows, most of them blank")
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
    """Rows of the first sheet that is shown and has any. Errors: _RefusedError."""
    with (
        path.open("rb") as file,
        closing(openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)) as workbook,
    ):
        passed = 0  # rows of all sheets looked at: a number in a file costs nothing, and the blanks up to it do
        for sheet in workbook.worksheets:
            if sheet.sheet_state != "visible":
                continue
            sheet.reset_dimensions()
            is_found = False
            # One column more than may be, so that what is too wide is seen, and no row is as wide as it says.
            for line, values in enumerate(sheet.iter_rows(values_only=True, max_col=COLUMNS_MAX + 1), 1):
                passed += 1
                if passed > excel.ROWS_MAX:
                    raise _too_much(line, f"{excel.ROWS_MAX:,} rows, most of them blank")
                if values.count(None) < len(values) and (row := _row(line, values)):
                    is_found = True
                    yield row
            if is_found:
                return


def without_values(path: Path) -> int:
    """How many formulas of a workbook keep no value: a program wrote them, and no Excel has seen them since."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return 0
    found = 0
    with suppress(*excel.DAMAGED), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                found += len(re.findall(rb"<f>[^<]*</f>\s*(?:<v\s*/>|<v></v>|</c>)", archive.read(name)))
    return found


def _of_parquet(path: Path) -> Iterator[Row]:
    """The names of the columns, and the rows below them; both are counted. Errors: _RefusedError."""
    frame = pl.scan_parquet(path, hive_partitioning=False, glob=False)
    schema = frame.collect_schema()
    if len(schema) > COLUMNS_MAX:
        raise _too_much(1, f"{COLUMNS_MAX:,} columns")
    if frame.select(pl.len()).collect().item() > ROWS_MAX:  # as its footer says
        raise _too_much(ROWS_MAX + 1, f"{ROWS_MAX:,} rows or {CELLS_MAX:,} cells")
    if heading := _row(1, list(schema)):
        yield heading
    # A text that stands once in a file may be in each of its rows: it is cut before it is written out.
    texts = [
        pl.col(name).cast(pl.String).str.slice(0, CELL_CHARS_MAX + 1)
        if isinstance(dtype, parquet.TEXT) and not isinstance(dtype, pl.Decimal)
        else pl.col(name) if parquet.is_readable(dtype) else pl.lit(None).alias(name)
        for name, dtype in schema.items()
    ]  # fmt: skip
    line = 1
    for part in frame.select(texts).collect_batches(chunk_size=ROWS_PER_BATCH, maintain_order=True, engine="streaming"):
        for values in part.iter_rows(buffer_size=ROWS_PER_BATCH):
            line += 1
            if row := _row(line, values):
                yield row
