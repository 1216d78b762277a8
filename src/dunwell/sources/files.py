"""A table in a file of any kind we read: CSV, Excel or Parquet, known by its first bytes and not by its name."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.sources import csv, excel, parquet
from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

_SAVE: Final = "save it as .xlsx or CSV"
_OTHERS: Final = {
    b"\xd0\xcf\x11\xe0": f"it is an old Excel file (.xls), or one with a password: {_SAVE}, without a password",
    b"%PDF": "it is a PDF: export a table",
    b"\x89PNG": "it is a picture: export a table",
    b"\xff\xd8\xff": "it is a picture: export a table",
    b"BZh": "it is packed by bzip2: unpack it, or pack it by gzip",
    b"\xfd7zXZ": "it is packed by xz: unpack it, or pack it by gzip",
    b"(\xb5/\xfd": "it is packed by zstd: unpack it, or pack it by gzip",
    b"7z\xbc\xaf": "it is a 7-Zip archive: unpack it",
    b"Rar!": "it is a RAR archive: unpack it",
    b"SQLite format 3": "it is a database: export a table",
}  # fmt: skip
_MARKUP: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|table|workbook)", re.IGNORECASE)


def batches(
    path: Path, mapping: Layout, problems: Problems, progress: Progress | None = None
) -> Iterator[pl.DataFrame]:
    """Read the columns that `mapping` names, as stripped texts: `line`, and `column(name)` for each.

    What is wrong with the file itself goes to `problems`. Errors: OSError.
    """
    with path.open("rb") as file:
        first = file.read(1000)
    if first.startswith(parquet.MAGIC):
        yield from parquet.batches(path, mapping, problems, progress)
    elif first.startswith(b"PK\x03\x04"):
        if refused := about_zip(path):
            problems.add(1, "", refused)
        else:
            yield from excel.batches(path, mapping, problems, progress)
    elif refused := about(first):
        problems.add(1, "", f"this is no table that can be read; {refused}")
    else:
        yield from csv.batches(path, mapping, problems, progress)


def about(first: bytes) -> str:
    """Say what a file is by its first bytes, where it is none that we read."""
    if _MARKUP.match(first):
        return f"it is HTML or XML, whatever it is called: open it in Excel and {_SAVE}"
    return next((text for magic, text in _OTHERS.items() if first.startswith(magic)), "")


def about_zip(path: Path) -> str:
    """Say what an archive is, where it is no Excel file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        return f"the file is damaged or ends early ({error}); copy it again"
    if any(name.startswith("xl/") and name.endswith(".bin") and "workbook" in name for name in names):
        return f"this is a binary Excel file (.xlsb): {_SAVE}"
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return ""
    if "content.xml" in names:
        return f"this is an OpenDocument file (.ods): {_SAVE}"
    return "this is an archive (.zip) and no Excel file: unpack it"
