"""Excel workbooks (.xlsx) as batches of texts: one sheet, row by row, with what its cells last showed.

Cells keep their types: dates and numbers come as the mapping writes them, whatever their format on the screen. A sheet
is streamed; what is held is the workbook's table of shared texts and its formats, and BYTES_MAX bounds them.
"""

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import openpyxl
import polars as pl
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook

from dunwell.sources import tables
from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE, Progress, column, places, stripped
from dunwell.sources.written import DIGITS, Writing

# Of what is unpacked, by name. The formats are held as objects, in up to 40 times their bytes.
BYTES_MAX: Final = {
    "parts": (r".*", 1_000_000_000),
    "shared texts": (r".*sharedstrings\.xml", 200_000_000),
    "formats and properties": (
        r"\[content_types\]\.xml|xl/(styles|workbook)\.xml|(xl/theme|docprops)/.*|.*\.rels",
        20_000_000,
    ),
}
ROWS_MAX: Final = 1_048_576  # of a sheet
CELLS_MAX: Final = 200_000_000  # with the blank ones up to the last of each row, which cost a file nothing
MANY: Final = f"of {ROWS_MAX:,} rows"
# Whichever parser openpyxl finds, what is no XML is a SyntaxError.
DAMAGED: Final = (
    zipfile.BadZipFile, InvalidFileException, SyntaxError, KeyError, ValueError, TypeError, AttributeError, IndexError,
    EOFError, OSError, RuntimeError, zlib.error,
)  # fmt: skip


def batches(
    path: Path, mapping: Layout, problems: Problems, progress: Progress | None = None
) -> Iterator[pl.DataFrame]:
    """Read the columns that `mapping` names from its sheet, as stripped texts: `line`, and `column(name)` for each."""
    if refused := too_large(path):
        problems.add(1, "", refused)
        return
    with path.open("rb") as file:  # by its name, the library would judge it
        try:
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except DAMAGED as error:
            problems.add(1, "", _damaged(error))
            return
        with closing(workbook):
            sheet = _sheet(workbook, mapping, problems)
            if sheet is not None:
                yield from _Rows(sheet, mapping, problems).batches(progress)


def too_large(path: Path, bounds: Mapping[str, tuple[str, int]] = BYTES_MAX) -> str:
    """Say why a workbook is not unpacked: nothing of it is held that its directory does not announce."""
    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    for what, (names, most) in bounds.items():
        size = sum(size for name, size in sizes.items() if re.fullmatch(names, name, re.IGNORECASE | re.DOTALL))
        if size > most:
            return f"unpacked, its {what} have {size:,} bytes, and at most {most:,} are read: export it as CSV"
    return ""


def _sheet(workbook: Workbook, mapping: Layout, problems: Problems) -> Any:  # noqa: ANN401  # openpyxl says too little
    """The sheet that the mapping names, or the first that is shown."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if mapping.sheet is None:
        shown_ones = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
        if not shown_ones:
            problems.add(1, "", "the workbook has no sheet of cells")
        return shown_ones[0] if shown_ones else None
    if mapping.sheet not in sheets:
        listed = ", ".join(map(shown, sheets)) or "none"
        problems.add(1, "", f"the workbook has no sheet {shown(mapping.sheet)}; it has {listed} (`sheet`)")
    return sheets.get(mapping.sheet)


class _Rows:
    """The rows of one sheet, numbered as Excel numbers them."""

    def __init__(self, sheet: Any, mapping: Layout, problems: Problems) -> None:  # noqa: ANN401  # as above
        sheet.reset_dimensions()  # what a sheet says of its size may be wrong
        self._rows = enumerate(sheet.iter_rows(), 1)
        self._cells = 0
        self._mapping = mapping
        self._problems = problems
        self._writing = Writing.by(mapping)

    def batches(self, progress: Progress | None) -> Iterator[pl.DataFrame]:
        """Yield the batches; a sheet that cannot be read to its end is a problem."""
        line = 0
        try:
            found = self._header()
            if found is None:
                return
            lines: list[int] = []
            texts: list[list[str | None]] = []
            for line, row in self._rows:
                if refused := self._too_far(line, len(row)):
                    self._problems.add(line, "", refused)
                    return
                read = [self._text(line, name, row[at] if at < len(row) else None) for name, at in found.items()]
                if any(cell.value is not None and str(cell.value).strip() for cell in row):
                    lines.append(line)
                    texts.append(read)
                if len(lines) == tables.ROWS_PER_BATCH:
                    yield _frame(lines, texts, list(found))
                    lines, texts = [], []
                    if progress:
                        progress(line, ROWS_MAX)
            if lines:
                yield _frame(lines, texts, list(found))
        except DAMAGED as error:
            self._problems.add(line + 1, "", _damaged(error))

    def _too_far(self, line: int, width: int) -> str:
        """Say why no row is read from here on, if so."""
        self._cells += width
        if line > ROWS_MAX:
            return f"the sheet goes on beyond the end that Excel knows, {MANY}"
        if self._cells > CELLS_MAX:
            return (
                f"the sheet has more than {CELLS_MAX:,} cells up to here; delete what is far to the right of the table"
            )
        return ""

    def _header(self) -> dict[str, int] | None:
        names: list[str] = []
        for line, row in self._rows:
            if line == self._mapping.header:
                names = [str(cell.value).strip() if cell.value is not None else "" for cell in row]
                break
        if not any(names):
            self._problems.add(
                self._mapping.header, "", "the row is empty or missing; it must name the columns (`header`)"
            )
            return None
        return places(names, self._mapping, self._problems, " (`header` says which row names them)")

    def _text(self, line: int, name: str, cell: Any) -> str | None:  # noqa: ANN401  # as above
        value = cell.value if cell is not None else None
        if value is None or isinstance(value, str):
            if cell is not None and cell.data_type == "e":
                self._problems.add(line, name, f"the cell shows the error {value}: its formula found no value")
                return None
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (int, float)):
            return self._number(line, name, value)
        return self._day(line, name, value) if isinstance(value, dt.date) else str(value)

    def _day(self, line: int, name: str, day: dt.date) -> str:
        if name in self._writing.keys:
            advice = "format the column as text before the numbers go in"
            self._problems.add(line, name, f"the cell holds the date {day:%Y-%m-%d}, made by Excel; {advice}")
        return self._writing.day(day)

    def _number(self, line: int, name: str, value: float) -> str:
        if name in self._writing.keys and abs(value) >= 10**DIGITS:
            advice = "format the column as text before the numbers go in"
            self._problems.add(line, name, f"Excel keeps {DIGITS} digits of a number and this one has more; {advice}")
        return str(value) if isinstance(value, int) else self._writing.of(name).number(value)


def _frame(lines: list[int], texts: list[list[str | None]], names: list[str]) -> pl.DataFrame:
    data = {LINE: pl.Series(LINE, lines, dtype=pl.Int64)}
    for name, column_texts in zip(names, zip(*texts, strict=True), strict=True):
        data[column(name)] = pl.Series(column_texts, dtype=pl.String)
    return stripped(pl.DataFrame(data))


def _damaged(error: Exception) -> str:
    return f"the workbook is damaged or no Excel file ({error}); save it again, or export it as CSV"
