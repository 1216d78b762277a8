"""A small file that means a lot of work is refused, or read in the time that a person waits."""

import gzip
import resource
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import openpyxl
import polars as pl
import pytest

from dunwell.sources import excel
from dunwell.sources.problems import Problems
from dunwell.sources.remittance import apart, layout, tables
from dunwell.sources.remittance.layout import Cell, Row
from dunwell.sources.remittance.mapping import AdviceMapping, read_advice_mapping
from dunwell.sources.remittance.recognise import advice_in
from tests.sources.remittance.advising import heard, text

SECONDS_MAX: Final = 20
MAP: Final = read_advice_mapping(
    "rows: advices\nnumber: {column: Invoice}\namount: {column: Amount}\ncurrency: EUR\n", "map.yaml"
)
SHEET: Final = "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>{}</sheetData>"


@contextmanager
def soon() -> Iterator[None]:
    """Whatever is done takes no longer than a person waits."""
    before = time.process_time()
    yield
    assert time.process_time() - before < SECONDS_MAX


def workbook(folder: Path, rows: str) -> Path:
    """A workbook whose one sheet has the rows of a text of XML."""
    made, path = folder / "made.xlsx", folder / "advice.xlsx"
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            is_sheet = name.startswith("xl/worksheets/")
            new.writestr(name, SHEET.format(rows) + "</worksheet>" if is_sheet else old.read(name))
    return path


HEADING: Final = (
    "<row r='1'><c r='A1' t='inlineStr'><is><t>Invoice</t></is></c><c r='B1' t='inlineStr'><is><t>Amount</t></is></c>"
    "</row>"
)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("<row r='50000000'/>", "more than 100,000 rows, most of them blank: this is no advice"),
        (f"{HEADING}<row r='50000000'><c r='A50000000'><v>1</v></c></row>", "more than 100,000 rows"),
        ("<row/>" * 120_000, "more than 100,000 rows, most of them blank"),
        ("<row><c/></row>" * 4_000_000, "unpacked, its parts have 60,"),
        (f"{HEADING}<row r='2'><c r='CW2'><v>1</v></c></row>", "more than 100 columns"),
    ],
)  # fmt: skip
def test_a_workbook_whose_rows_are_blank_or_far_away_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, told: str
) -> None:
    monkeypatch.setattr(excel, "ROWS_MAX", 100_000)  # the next test has a sheet of the real size
    path = workbook(tmp_path, rows)
    with soon():
        assert told in heard(path).told[0]
    with soon():
        assert heard(path, MAP).told


def test_blank_rows_up_to_the_end_of_a_sheet_do_no_harm(tmp_path: Path) -> None:
    rows = "<row r='2'><c r='A2'><v>17</v></c><c r='B2'><v>100</v></c></row><row r='1048576'><c r='A1048576'/></row>"
    with soon():
        assert heard(workbook(tmp_path, HEADING + rows)).amounts == {"17": 10_000}


@pytest.mark.parametrize("groups", [1, 50])
def test_a_wide_table_is_read_in_no_more_time_than_its_cells_take(tmp_path: Path, groups: int) -> None:
    width = 100 // groups
    heading = ";".join(["Invoice;Amount" + ";x" * (width - 2)] * groups)
    rows = [";".join(f"A-{row}-{at};1.00" + ";y" * (width - 2) for at in range(groups)) for row in range(2_000)]
    with soon():
        text(tmp_path, "\n".join([heading, *rows]))


def test_a_table_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    assert "more than 100 columns: this is no advice" in text(tmp_path, "Invoice;Amount" + ";x" * 99 + "\n").told[0]


def test_a_page_of_many_columns_is_read_in_no_more_time_than_its_cells_take() -> None:
    cells = [Cell("Invoice", 0, 5), Cell("Amount", 10, 15), *(Cell("x", at * 10, at * 10 + 5) for at in range(2, 125))]
    rows = [Row(line, tuple(cells), "page 1") for line in range(1, 1_001)]
    with soon():
        assert advice_in(rows, Problems("advice"), currency="EUR") is None
    assert layout.heading_of(rows[0]) is None


def test_a_cell_between_two_columns_is_of_the_one_it_is_most_below() -> None:
    heading = layout.heading_of(
        Row(1, (Cell("Invoice", 0, 40), Cell("Date", 60, 90), Cell("Amount", 120, 150)), "page 1")
    )
    assert heading is not None
    for cell, at in [
        (Cell("A-17", 30, 65), 0), (Cell("A-17", 39, 70), 1), (Cell("A-17", 42, 44), 0), (Cell("A-17", 56, 58), 1),
        (Cell("A-17", 200, 210), 2), (Cell("A-17", 35, 125), 1),
    ]:  # fmt: skip
        (line,) = heading.lines(Row(2, (cell,), "page 1"))
        assert list(line.texts) == [at]
    (line,) = heading.lines(Row(2, (Cell("A-17", 42, 44),)))
    assert line.texts == {}


def test_a_long_text_that_a_file_has_once_is_not_held_for_each_row(tmp_path: Path) -> None:
    rows = 1_000
    frame = pl.DataFrame({"Invoice": [f"A-{row}" for row in range(rows)], "Amount": [1.0] * rows})
    path = tmp_path / "advice.parquet"
    frame.with_columns(x=pl.lit("y" * 1_000_000)).write_parquet(path, row_group_size=rows)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(heard(path).amounts) == rows
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000


def test_a_parquet_file_of_many_rows_or_columns_is_refused_by_its_footer(tmp_path: Path) -> None:
    path = tmp_path / "advice.parquet"
    pl.DataFrame({f"c{at}": ["x"] for at in range(101)}).write_parquet(path)
    assert "more than 100 columns" in heard(path).told[0]
    pl.DataFrame({"Invoice": ["A-17"] * 50_001}).write_parquet(path)
    assert "more than 50,000 rows" in heard(path).told[0]


@pytest.mark.parametrize("mapping", [None, MAP])
def test_a_parquet_file_is_read_in_a_process_that_cannot_take_more_than_a_file_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapping: AdviceMapping | None
) -> None:
    path, program = tmp_path / "advice.parquet", tmp_path / "greedy.py"
    pl.DataFrame({"Invoice": ["A-17"], "Amount": [1.0]}).write_parquet(path)
    assert heard(path, mapping).amounts == {"A-17": 100}
    program.write_text("bytearray(1_000_000_000)\n", encoding="utf-8")  # as one page of a small file may be
    monkeypatch.setattr(apart, "PARQUET", program)
    told = "reading it takes more memory or time than a file may: it is damaged, or very large; ask for it as CSV"
    assert heard(path, mapping).told == [f"advice.parquet:1: {told}"]


def test_a_sign_that_cannot_be_kept_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "advice.parquet"
    pl.DataFrame({"Invoice": ["A-17", "A\0-18"], "Amount": [1.0, 2.0]}).write_parquet(path)
    assert heard(path).told[0].startswith("advice.parquet:3: there is a NUL byte")
    assert heard(path, MAP).told == [
        "advice.parquet:2: Invoice: 'A\\x00-18' holds a sign that cannot be seen; take it out"
    ]


def test_a_packed_table_is_as_large_as_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "advice.csv.gz"
    path.write_bytes(gzip.compress(b"Invoice,Amount\n" + b"\n" * (apart.BYTES_MAX + 1)))
    with soon():
        assert heard(path, MAP).told == ["advice.csv.gz:1: the file has more than 20,000,000 bytes: " + tables.TOO_MUCH]
    path.write_bytes(gzip.compress(b"Invoice,Amount\nA-17,1.00\n"))
    assert heard(path, MAP).amounts == {"A-17": 100}
    with path.open("r+b") as file:
        file.truncate(30)
    assert "ends early or is damaged" in heard(path, MAP).told[0]


def test_lines_without_anything_have_an_end(tmp_path: Path) -> None:
    with soon():
        assert "more than 1,048,576 rows, most of them blank" in text(tmp_path, "\n" * 19_000_000).told[0]


def test_cells_far_to_the_right_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = "<row r='{0}'><c r='A{0}'><v>{0}</v></c><c r='B{0}'><v>1</v></c><c r='XFD{0}'><v>1</v></c></row>"
    path = workbook(tmp_path, HEADING + "".join(far.format(row) for row in range(2, 30)))
    assert heard(path, MAP).one.total_minor == 2_800
    monkeypatch.setattr(excel, "CELLS_MAX", 200_000)
    assert "advice.xlsx:14: the sheet has more than 200,000 cells up to here" in heard(path, MAP).told[0]
