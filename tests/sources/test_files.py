"""What a file is, it says itself: by its first bytes, whatever its name."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from tests.sources.books import NAMES, ROWS, parquet, read_file, refused_file, workbook
from tests.sources.files import csv


def archive(*names: str) -> bytes:
    """A zip archive of files with nothing in them, of no date: its bytes are part of a test's name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "it is an old Excel file (.xls), or one with a"),
        (b"%PDF-1.7\n", "it is a PDF: export a table"),
        (b"\xef\xbb\xbf  <html><table>", "it is HTML or XML, whatever it is called: open it in Excel and save it"),
        (b'<?xml version="1.0"?><Workbook>', "it is HTML or XML"),
        (b"BZh91AY", "it is packed by bzip2"),
        (archive("items.csv"), "this is an archive (.zip) and no Excel file: unpack it"),
        (archive("content.xml", "mimetype"), "this is an OpenDocument file (.ods): save it as .xlsx or CSV"),
        (archive("[Content_Types].xml", "xl/workbook.bin"), "this is a binary Excel file (.xlsb)"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "the workbook is damaged or no Excel file"),
        (archive("items.csv")[:40], "the file is damaged or ends early"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is a picture"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "items.xlsx"
    path.write_bytes(content)
    found = refused_file(path)
    assert found[0].startswith("items.xlsx:1: ")
    assert problem in found[0]


def test_a_renamed_file_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    assert read_file(workbook(tmp_path / "a.xlsx", [list(NAMES), *ROWS]).rename(path)).rows == 3
    assert read_file(parquet(tmp_path / "a.parquet").rename(path)).rows == 3
    named = tmp_path / "items.xlsx"
    named.write_text(csv())
    assert read_file(named).rows == 3
    named.write_bytes(gzip.compress(csv().encode()))
    assert read_file(named).rows == 3


def test_lines_above_the_header_of_a_csv_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("Open items\n\n" + csv())
    found = read_file(path, "header: 3\n")
    assert (found.rows, found.accounts["line"].to_list()) == (3, [4, 6])
    assert refused_file(path, "header: 2\n") == [
        "items.csv:2: the line is empty or missing; its line 2 must name the columns"
    ]
