"""Excel workbooks: cells keep their types, and every cell that cannot be taken has its row and column."""

import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from dunwell.sources import excel
from tests.sources.books import NAMES, ROWS, read_file, refused_file, rewritten, workbook
from tests.sources.files import every

SHEET = "xl/worksheets/sheet1.xml"


def spoiled(folder: Path, column: str, value: object, row: int = 1) -> Path:
    """The usual workbook with one cell replaced, in the row that Excel calls 3."""
    rows = [list(each) for each in ROWS]
    rows[row][NAMES.index(column)] = value
    return workbook(folder / "items.xlsx", [list(NAMES), *rows])


def test_dates_and_numbers_are_what_the_cells_have(tmp_path: Path) -> None:
    found = read_file(workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS]))
    assert every(found).select("line", "account", "number", "amount_minor", "due_on").rows() == [
        (2, "00042", "A-17", 10000, date(2026, 3, 31)),
        (3, "00042", "18", 2050, date(2026, 4, 1)),
        (4, "00007", "A-19", 1000, date(2026, 4, 1)),
    ]
    assert found.warnings == ()


def test_the_mapping_s_way_of_writing_does_not_touch_typed_cells(tmp_path: Path) -> None:
    rows = [*ROWS[:2], [*ROWS[2][:5], "1.000", ROWS[2][6], "1.4.2026"]]
    found = read_file(
        workbook(tmp_path / "items.xlsx", [list(NAMES), *rows]),
        'decimal: ","\nthousands: "."\ndates: [DD/MM/YYYY, D.M.YYYY]\n',
    )
    assert every(found)["amount_minor"].to_list() == [10000, 2050, 1000]
    assert every(found)["due_on"].to_list() == [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 1)]


@pytest.mark.parametrize(
    ("value", "minor"), [(0.1 + 0.2, 30), (64982.58, 6498258), (1e9, 10**11), (1e-20, 0), (29.999999999999996, 3000)]
)
def test_a_number_is_taken_as_excel_shows_it(tmp_path: Path, value: float, minor: int) -> None:
    found = read_file(spoiled(tmp_path, "amount", value), "round: half_up\n" if value < 1e-9 else "")
    assert every(found)["amount_minor"][1] == minor


def test_titles_above_the_header_merged_cells_and_blank_rows_are_no_matter(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Open items as of 7 April"], [], list(NAMES), ROWS[0], [], [None, " "], *ROWS[1:], []]
    path = workbook(tmp_path / "items.xlsx", rows, lambda book: book.worksheets[0].merge_cells("A1:H1"))
    assert every(read_file(path, "header: 3\n"))["line"].to_list() == [4, 7, 8]
    assert refused_file(path)[0].startswith(
        "items.xlsx:1: company: the file has no such column; it has Open items as of 7 April (`header` says which row"
    )
    assert "items.xlsx:20: the row is empty or missing" in refused_file(path, "header: 20\n")[0]


def test_a_merged_cell_below_its_first_row_is_empty(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(NAMES), *ROWS]
    path = workbook(tmp_path / "items.xlsx", rows, lambda book: book.worksheets[0].merge_cells("B2:B3"))
    assert refused_file(path) == ["items.xlsx:3: customer: the field is empty, and every row needs it"]


def test_a_sheet_is_the_first_that_is_shown_or_the_one_named(tmp_path: Path) -> None:
    def change(book: openpyxl.Workbook) -> None:
        hidden = book.create_sheet("notes", 0)
        hidden.sheet_state = "hidden"
        other = book.create_sheet("march")
        for row in ([*NAMES], ROWS[2]):
            other.append(row)

    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS], change)
    assert read_file(path).rows == 3
    assert read_file(path, "sheet: march\n").rows == 1
    assert refused_file(path, "sheet: april\n") == [
        "items.xlsx:1: the workbook has no sheet 'april'; it has 'notes', 'Sheet', 'march' (`sheet`)"
    ]


def test_a_formula_has_the_value_it_last_showed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    rewritten(path, SHEET, lambda xml: xml.replace(b"<v>20.5</v>", b"<f>19.5+1</f><v>20.5</v>"))
    assert every(read_file(path))["amount_minor"][1] == 2050
    never = spoiled(tmp_path, "amount", "=19.5+1")  # which no program has computed yet
    assert refused_file(never) == ["items.xlsx:3: amount: the amount is empty"]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("amount", "#REF!", "items.xlsx:3: amount: the cell shows the error #REF!: its formula found no value"),
        ("invoice", date(2026, 2, 1), "items.xlsx:3: invoice: the cell holds the date 2026-02-01, made by"),
        ("customer", 1234567890123456, "items.xlsx:3: customer: Excel keeps 15 digits of a number"),
        ("due", 46112, "items.xlsx:3: due: '46112' is not written as YYYY-MM-DD"),
        ("due", "31.03.2026", "items.xlsx:3: due: '31.03.2026' is not written as YYYY-MM-DD"),
        ("amount", True, "items.xlsx:3: amount: 'true' is no amount"),
        ("currency", None, "items.xlsx:3: currency: the field is empty"),
        ("amount", -5, "items.xlsx:3: amount: -5 is negative"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_taken_has_its_row_and_column(
    tmp_path: Path, column: str, value: object, problem: str
) -> None:
    found = refused_file(spoiled(tmp_path, column, value))
    assert found[0].startswith(problem)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/bomb.xml", "w") as bomb:
        for _ in range(64):
            bomb.write(b" " * 1_000_000)
    assert path.stat().st_size < 100_000
    monkeypatch.setitem(excel.BYTES_MAX, "parts", (".*", 50_000_000))
    assert "and at most 50,000,000 are read: export it as CSV" in refused_file(path)[0]


@pytest.mark.parametrize(
    ("part", "what", "most"),
    [
        ("xl/styles.xml", "formats and properties", 20_000_000),
        ("xl/SharedStrings.xml", "shared texts", 200_000_000),
    ],
)
def test_no_part_that_is_held_whole_is_larger_than_its_bound(tmp_path: Path, part: str, what: str, most: int) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    other = workbook(tmp_path / "other.xlsx", [list(NAMES), *ROWS])
    with zipfile.ZipFile(other) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for entry in before.namelist():
            if entry != part:
                after.writestr(entry, before.read(entry))
        with after.open(part, "w") as large:
            for _ in range(most // 1_000_000 + 1):
                large.write(b" " * 1_000_000)
    (problem,) = refused_file(path)
    assert problem.startswith(f"items.xlsx:1: unpacked, its {what} have ")
    assert problem.endswith(f" bytes, and at most {most:,} are read: export it as CSV")


def test_a_key_has_a_point_however_amounts_are_written(tmp_path: Path) -> None:
    path = spoiled(tmp_path, "invoice", 4711.5)
    assert every(read_file(path, 'decimal: ","\n'))["number"].to_list() == ["A-17", "4711.5", "A-19"]


def test_more_than_the_archive_announces_is_not_unpacked_either(tmp_path: Path) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size
    content = path.read_bytes()
    lying = content.replace(size.to_bytes(4, "little"), (size // 2).to_bytes(4, "little"))
    path.write_bytes(lying)
    assert "the workbook is damaged" in refused_file(path)[0]


def test_two_cells_far_apart_are_not_a_table_of_all_between(tmp_path: Path) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    far = b'<row r="9999999999"><c r="XFD9"><v>1</v></c></row></sheetData>'
    rewritten(path, SHEET, lambda xml: xml.replace(b"</sheetData>", far))
    assert refused_file(path)[-1] == (
        "items.xlsx:1048577: the sheet goes on beyond the end that Excel knows, of 1,048,576 rows"
    )


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_a_workbook_that_is_damaged_inside_is_refused(tmp_path: Path, part: str) -> None:
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    rewritten(path, part, lambda xml: xml[: len(xml) // 2])
    assert "the workbook is damaged or no Excel file" in refused_file(path)[0]


def test_entities_of_xml_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    path = workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])
    doctype = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file://' + str(secret).encode() + b'">]>'
    rewritten(path, SHEET, lambda xml: doctype + xml.replace(b"<v>20.5</v>", b"<v>&e;</v>"))
    assert "secret" not in "".join(refused_file(path))


def test_batches_of_a_sheet_meet_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunwell.sources.tables.ROWS_PER_BATCH", 2)
    assert every(read_file(workbook(tmp_path / "items.xlsx", [list(NAMES), *ROWS])))["line"].to_list() == [2, 3, 4]
