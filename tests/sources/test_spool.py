"""Files larger than memory: rows laid aside in parts, doubles found by their hashes alone."""

import gc
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dunwell.sources import spool, tables
from dunwell.sources.keys import Keys
from dunwell.sources.odd import oddities
from dunwell.sources.spool import Spool
from tests.sources.files import HEADER, ROWS, csv, every, read, refused


def test_parts_come_back_in_order_and_only_the_last_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "ROWS_PER_PART", 100)
    rows = Spool()
    for start in range(0, 1050, 30):
        rows.add(pl.DataFrame({"n": range(start, start + 30)}))
        assert sum(part.height for part in rows._last) < 100
    for _ in range(2):
        assert pl.concat(rows)["n"].to_list() == list(range(1050))
    assert max(part.height for part in rows) == 120
    file = rows._file
    assert file is not None
    del rows
    gc.collect()
    assert file.closed


def test_a_file_in_parts_says_what_it_says_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"C{n % 3},{n % 7},N{n % 2},A-{n},EUR,{n}.50,2026-03-0{1 + n % 9},2026-03-05" for n in range(200)]
    whole = read(tmp_path, csv(*rows))
    monkeypatch.setattr("dunwell.sources.tables.ROWS_PER_BATCH", 7)
    monkeypatch.setattr("dunwell.sources.csv.BYTES_PER_BATCH", 100)
    monkeypatch.setattr("dunwell.sources.accounts.PENDING_MIN", 5)
    monkeypatch.setattr(spool, "ROWS_PER_PART", 20)
    parts = read(tmp_path, csv(*rows))
    assert len(list(parts.parts)) > 5
    assert every(parts).equals(every(whole))
    for name in ("accounts", "entities", "totals", "several_names", "two_kinds"):
        assert getattr(parts, name).equals(getattr(whole, name)), name
    assert parts.warnings == whole.warnings
    assert refused(tmp_path, csv(*rows, rows[3], rows[190])) == [
        "items.csv:202: invoice: 'A-3' is in the file twice, first in line 5; one of the two must go",
        "items.csv:203: invoice: 'A-190' is in the file twice, first in line 192; one of the two must go",
    ]


def test_numbers_of_one_hash_are_not_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.DataFrame({
        "line": [2, 3, 4], "entity": ["E", "E", "E"], "account": ["1"] * 3, "number": ["A", "B", "A"],
        "kind": pl.Series(["invoice", "invoice", "credit"], dtype=pl.Enum(["invoice", "credit"])),
    })  # fmt: skip
    keys = Keys()
    monkeypatch.setattr(pl.Expr, "hash", lambda expr, *_seeds: expr.str.len_chars().cast(pl.UInt64) * 0)
    keys.add(rows)
    assert keys.twice([rows]).is_empty()
    assert keys.of_two_kinds([rows])["line"].to_list() == [2, 4]


def test_there_is_an_end_to_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_MAX", 2)
    assert refused(tmp_path, csv())[0] == "items.csv:4: the file has more than 2 rows; take it in parts"


FORMULA = "=cmd|'/c calc'!A1"


def test_a_formula_in_a_text_is_a_text(tmp_path: Path) -> None:
    rows = [ROWS[0].replace("Meyer GmbH", FORMULA), ROWS[2].replace("Sakura KK", "@SUM(1+1)")]
    assert read(tmp_path, csv(*rows)).accounts["name"].to_list() == [FORMULA, "@SUM(1+1)"]


def test_a_line_break_in_a_name_is_a_blank_and_in_a_number_a_problem(tmp_path: Path) -> None:
    row = ROWS[0].replace("Meyer GmbH", '"Meyer \r\n\tBcc: x@y.example\u2028GmbH"')
    assert read(tmp_path, csv(row)).accounts["name"].to_list() == ["Meyer Bcc: x@y.example GmbH"]
    for column, value in (("invoice", "A-17"), ("customer", "00042"), ("company", "ACME")):
        assert column in HEADER
        (problem,) = refused(tmp_path, csv(ROWS[0].replace(value, f'"{value[0]}\n{value[1:]}"')))
        assert problem.startswith(f"items.csv:2: {column}: ")
        assert problem.endswith("holds a line break or another sign that cannot be seen; take it out")


def test_columns_in_differing_pieces_are_put_together(tmp_path: Path) -> None:
    """Polars 2.1 panics where the first piece of one has nothing left."""
    days = [pl.Series([date(2026, 1, day)] * 3) for day in (1, 9)]
    rows = pl.DataFrame({"line": range(6), "number": ["A"] * 6, "amount_minor": [1] * 6}).with_columns(
        due_on=pl.Series([date(2026, 1, 5)] * 6), issued_on=pl.concat(days)
    )
    assert (rows["line"].n_chunks(), rows["issued_on"].n_chunks()) == (1, 2)
    assert oddities(rows)["text"].to_list() == [f"line {n} (due 2026-01-05, issued 2026-01-09)" for n in (3, 4, 5)]
