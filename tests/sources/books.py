"""Workbooks and Parquet files of items, for tests to spoil."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from dunwell.sources.items import ItemFile, read_items
from dunwell.sources.problems import SourceError
from tests.sources.files import HEADER, MAPPING, of_items

NAMES = HEADER.split(",")
ROWS: list[list[object]] = [
    ["ACME", "00042", "Meyer GmbH", "A-17", "EUR", 100, date(2026, 3, 1), date(2026, 3, 31)],
    ["ACME", "00042", "Meyer GmbH", 18, "EUR", 20.5, date(2026, 3, 2), datetime.combine(date(2026, 4, 1), time(12))],
    ["ACME", "00007", "Sakura KK", "A-19", "JPY", 1000.0, date(2026, 3, 2), "2026-04-01"],
]


def workbook(path: Path, rows: list[list[object]], change: Callable[[openpyxl.Workbook], object] | None = None) -> Path:
    """Save rows as the first sheet of a workbook."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if change:
        change(book)
    book.save(path)
    return path


def rewritten(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of a workbook's archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for entry in before.namelist():
            content = before.read(entry)
            after.writestr(entry, change(content) if entry == name else content)
    path.write_bytes(packed.getvalue())
    return path


def read_file(path: Path, more: str = "", mapping: str = MAPPING) -> ItemFile:
    """Read a file by the usual mapping and what `more` adds to it."""
    return read_items(path, of_items(mapping + more))


def refused_file(path: Path, more: str = "", mapping: str = MAPPING) -> list[str]:
    """What is wrong with a file, one text a problem."""
    with pytest.raises(SourceError) as caught:
        read_file(path, more, mapping)
    return [str(problem) for problem in caught.value.problems]


def parquet(path: Path, **columns: object) -> Path:
    """The usual rows as a Parquet file; `columns` replaces some."""
    data = dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))
    texts = {name: [str(value) for value in values] for name, values in data.items()}
    days = {name: pl.Series([day.date() if isinstance(day, datetime) else day for day in data[name]], dtype=pl.Date)
            for name in ("issued",)}  # fmt: skip
    due = pl.Series([date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 1)], dtype=pl.Date)
    amounts = pl.Series(["100", "20.50", "1000"]).cast(pl.Decimal(12, 2))
    pl.DataFrame({**texts, **days, "due": due, "amount": amounts, **columns}).write_parquet(path)
    return path
