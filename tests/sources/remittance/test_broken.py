"""Whatever bytes a file has, a reader of advices tells what is wrong, or gives documents that are their total."""

import io
import tracemalloc
from pathlib import Path
from typing import Final

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunwell.sources.problems import Problems
from dunwell.sources.remittance import apart, recognise, tables
from dunwell.sources.remittance.layout import Cell, Row
from dunwell.sources.remittance.mapping import read_advice_mapping
from tests.examples import examples
from tests.sources.remittance.advising import heard, pdf, table
from tests.sources.remittance.test_mapped import HEADER, MAPPING, ROWS

PLAIN: Final = (
    "Kunde: 10023\nRechnung;Datum;Betrag;Skonto\nA-17;01.02.2026;1.234,50;4,50\nGS-1;;-5,00;\nSumme;;1.225,00;\n"
)
FEW: Final = settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FEWER: Final = settings(FEW, max_examples=examples(20))


def workbook() -> bytes:
    """The plain table as Excel has it."""
    book, kept = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in PLAIN.splitlines():
        sheet.append(row.split(";"))
    book.save(kept)
    return kept.getvalue()


def parquet() -> bytes:
    """A table as Parquet has it."""
    kept = io.BytesIO()
    pl.DataFrame({"invoice": ["A-17", "A-18"], "amount": [1234.5, 50.0]}).write_parquet(kept)
    return kept.getvalue()


SAMPLES: Final = {"csv": PLAIN.encode(), "excel": workbook(), "parquet": parquet()}


@FEW
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "advice"
    path.write_bytes(content)
    assert heard(path).told
    assert heard(path, read_advice_mapping(MAPPING, "map.yaml")).told


def _damaged(data: st.DataObject, whole: bytearray) -> bytes:
    for _ in range(data.draw(st.integers(1, 3))):
        at, length = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 12))
        whole[at : at + length] = data.draw(st.binary(max_size=12))
    return bytes(whole)


@pytest.mark.parametrize("name", ["csv", "excel"])
@FEW
@given(data=st.data())
def test_a_table_with_a_damaged_place_is_refused_or_adds_up(name: str, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "advice"
    path.write_bytes(_damaged(data, bytearray(SAMPLES[name])))
    heard(path)  # which checks that what is read adds up


@FEWER
@given(data=st.data())
def test_a_parquet_file_with_a_damaged_place_is_refused_or_adds_up(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "advice"
    path.write_bytes(_damaged(data, bytearray(SAMPLES["parquet"])))
    heard(path)


@FEW
@given(data=st.data())
def test_a_mapped_table_with_a_damaged_place_is_refused_or_adds_up(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "advice"
    path.write_bytes(_damaged(data, bytearray("\n".join([HEADER, *ROWS, ""]).encode())))
    heard(path, read_advice_mapping(MAPPING, "map.yaml"))


@FEWER
@given(data=st.data())
def test_a_pdf_with_a_damaged_place_is_refused_or_adds_up(tmp_path: Path, data: st.DataObject) -> None:
    path = pdf(tmp_path, table([["Invoice", "Amount"], ["A-17", "100.00"], ["Total", "100.00"]], "lr"))
    path.write_bytes(_damaged(data, bytearray(path.read_bytes())))
    heard(path)


@pytest.mark.parametrize("name", ["csv", "excel"])
def test_a_table_cut_or_blank_anywhere_is_refused_or_adds_up(name: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "advice", SAMPLES[name]
    path.write_bytes(whole)
    assert heard(path).one.total_minor == 122_500
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at])
        heard(path)
        path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
        heard(path)


WORDS: Final = st.sampled_from([
    "Invoice", "Amount", "Total", "Discount", "Paid", "A-17", "A-18", "GS-1", "1,00", "1.00", "-2,00", "12", "EUR 3,00",
    "Subtotal", "Date", "credit note", "x", "", "Customer: 7", "Payment amount: 3,00 EUR", "(4,00)", "9" * 20,
])  # fmt: skip


@settings(FEW, max_examples=examples(300))
@given(rows=st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=8))
def test_whatever_stands_in_cells_adds_up_or_is_told(rows: list[list[str]]) -> None:
    problems = Problems("advice")
    made = [
        Row(line, tuple(Cell(text, at, at + 0.9) for at, text in enumerate(cells) if text))
        for line, cells in enumerate([["Invoice", "Amount"], *rows], 1)
    ]
    advice = recognise.advice_in(made, problems, currency="EUR")
    assert (advice is None) == bool(problems.count)
    if advice:
        signed = [-(each.amount_minor or 0) if each.is_credit_note else each.amount_minor for each in advice.documents]
        assert sum(minor or 0 for minor in signed) == advice.total_minor > 0


def test_what_is_too_large_is_refused_before_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "advice"
    with path.open("wb") as file:
        file.truncate(apart.BYTES_MAX + 1)
    tracemalloc.start()
    try:
        assert "has more than 20,000,000 bytes" in heard(path).told[0]
        with path.open("r+b") as file:
            file.write(b"%PDF-1.7\n")
        assert f"of a PDF at most {apart.BYTES_MAX:,} are read" in heard(path).told[0]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(tables, "ROWS_MAX", 3)
    path.write_text(PLAIN, encoding="utf-8")
    said = "more than 3 rows or 500,000 cells: this is no advice of one payment"
    assert heard(path).told == [f"advice:4: {said}"]
    monkeypatch.setattr(tables, "CELLS_MAX", 6)
    assert heard(path).told[0].startswith("advice:3: more than 3 rows or 6 cells")
