"""Parquet: typed columns are taken as they are, and what cannot be taken has its row and column."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.sources.books import parquet, read_file, refused_file
from tests.sources.files import every


def test_typed_columns_are_taken_as_they_are(tmp_path: Path) -> None:
    found = read_file(parquet(tmp_path / "items.parquet"))
    assert every(found).select("line", "account", "number", "amount_minor", "due_on").rows() == [
        (1, "00042", "A-17", 10000, date(2026, 3, 31)),
        (2, "00042", "18", 2050, date(2026, 4, 1)),
        (3, "00007", "A-19", 1000, date(2026, 4, 1)),
    ]


@pytest.mark.parametrize(
    "amounts",
    [
        pl.Series([100, 20, 1000]),
        pl.Series([100.0, 20.0, 1000.0]),
        pl.Series([100.0, 20.0, 1000.0], dtype=pl.Float32),
        pl.Series(["100", "20.00", "1000"]),
        pl.Series(["100", "20", "1000"]).cast(pl.Decimal(30, 10)),
        pl.Series(["100", "20", "1000"]).cast(pl.Categorical),
    ],
)
def test_an_amount_of_any_type_is_the_same_amount(tmp_path: Path, amounts: pl.Series) -> None:
    assert every(read_file(parquet(tmp_path / "items.parquet", amount=amounts)))["amount_minor"].to_list() == [
        10000, 2000, 1000,
    ]  # fmt: skip


def test_the_mapping_s_way_of_writing_does_not_touch_typed_columns(tmp_path: Path) -> None:
    moments = pl.Series([datetime(2026, 3, 31, tzinfo=UTC)] * 3)
    path = parquet(tmp_path / "items.parquet", due=moments, amount=pl.Series([1234.5, 0.1 + 0.2, 7.0]))
    found = every(read_file(path, 'decimal: ","\nthousands: "."\ndates: D/M/YYYY\n'))
    assert found["amount_minor"].to_list() == [123450, 30, 7]
    assert found["due_on"].unique().to_list() == [date(2026, 3, 31)]


def test_a_key_has_a_point_however_amounts_are_written(tmp_path: Path) -> None:
    path = parquet(tmp_path / "items.parquet", invoice=pl.Series([17.0, 4711.5, 19.0]))
    assert every(read_file(path, 'decimal: ","\n'))["number"].to_list() == ["17", "4711.5", "19"]


def test_too_many_rows_are_refused_before_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunwell.sources.tables.ROWS_MAX", 2)
    path = parquet(tmp_path / "items.parquet", due="soon")
    assert refused_file(path) == ["items.parquet:1: the file has more than 2 rows; take it in parts"]


def test_what_cannot_be_taken_has_its_row_and_column(tmp_path: Path) -> None:
    path = parquet(tmp_path / "items.parquet", amount=pl.Series([1.5, float("nan"), float("inf")]))
    assert refused_file(path) == [
        "items.parquet:2: amount: the amount is empty",
        "items.parquet:3: amount: 'inf' is not a finite number",
    ]
    nested = parquet(tmp_path / "items.parquet", due=pl.Series([[1], [2], [3]]))
    assert "due: the column is of type List(Int64), which no field is" in refused_file(nested)[0]
    missing = parquet(tmp_path / "items.parquet")
    pl.read_parquet(missing).drop("due").write_parquet(missing)
    assert "due: the file has no such column; it has company, customer" in refused_file(missing)[0]
    pl.read_parquet(missing).clear().with_columns(due=pl.lit("")).write_parquet(missing)
    assert refused_file(missing) == ["items.parquet:1: the file has no rows"]


@pytest.mark.parametrize("keep", [0.5, 0.95])
def test_a_file_that_ends_early_is_refused(tmp_path: Path, keep: float) -> None:
    path = parquet(tmp_path / "items.parquet")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert "the Parquet file is damaged or ends early" in refused_file(path)[0]


def test_batches_meet_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunwell.sources.tables.ROWS_PER_BATCH", 100)
    path = tmp_path / "items.parquet"
    rows = pl.DataFrame({"invoice": pl.int_range(1, 1001, eager=True)}).with_columns(
        company=pl.lit("ACME"), customer=pl.lit("1"), name=pl.lit("N"), currency=pl.lit("EUR"),
        amount=pl.col("invoice").cast(pl.Decimal(12, 2)), issued=pl.lit(date(2026, 3, 1)), due=pl.lit(date(2026, 4, 1)),
    )  # fmt: skip
    rows.write_parquet(path, row_group_size=130)
    found = every(read_file(path))
    assert found["line"].to_list() == list(range(1, 1001))
    assert found["number"].to_list() == [str(n) for n in range(1, 1001)]
