"""A bank's table by a mapping: the columns, the signs, and the balance after each row."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from dunwell.engine.documents import DocumentError
from dunwell.sources.bank import table
from dunwell.sources.bank.pieces import Party
from dunwell.sources.bank.table_mapping import BankMapping, read_bank_mapping
from tests.sources.bank.reading import Heard, Reader, heard

MAPPING: Final = """\
rows: movements
delimiter: ";"
decimal: ","
thousands: "."
dates: DD.MM.YYYY
account: DE89370400440532013000
currency: EUR
booked: {column: Day}
valued: {column: Value day}
amount: {column: Amount}
balance: {column: Balance}
name: {column: Name}
iban: {column: IBAN}
reference: {column: Reference}
bank_ref: {column: Id}
text: {columns: [Text 1, Text 2]}
"""
HEADER: Final = "Day;Value day;Amount;Balance;Name;IBAN;Reference;Id;Text 1;Text 2"
ROWS: Final = (
    "30.03.2026;31.03.2026;1.150,00;2.150,00;Meyer GmbH;NL91 ABNA 0417 1643 00;RF18539007547034;B-1;Invoice;A-17",
    "31.03.2026;;-50,5;2.099,50;Bank;4711;;B-2;Fees;",
    "31.03.2026;;1;2.100,50;Smith;;;B-3;;",
)


def _heard(folder: Path, rows: Sequence[str], mapping: str = MAPPING, header: str = HEADER) -> Heard:
    path = folder / "movements.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return heard(reader_by_mapping(mapping), path)


def reader_by_mapping(mapping: str = MAPPING) -> Reader:
    """A reader of the columns that these tests write."""
    return table.reader_by(read_bank_mapping(mapping, "map.yaml"))


def test_rows_become_movements(tmp_path: Path) -> None:
    read = _heard(tmp_path, ROWS)
    assert read.told == []
    assert [(head.account, head.currency) for head in read.heads] == [("DE89370400440532013000", "EUR")]
    first = read.lines[0]
    assert (first.line, first.entry_no, first.amount_minor, first.bank_ref) == (2, 1, 115_000, "B-1")
    assert (first.booked_on, first.valued_on) == (date(2026, 3, 30), date(2026, 3, 31))
    assert (first.reference, first.text) == ("RF18539007547034", "Invoice\nA-17")
    assert first.party == Party(name="Meyer GmbH", iban="NL91ABNA0417164300")
    assert read.lines[1].party == Party(name="Bank", account="4711")
    assert [line.amount_minor for line in read.lines] == [115_000, -5_050, 100]
    assert (read.ends[0].closing_minor, read.ends[0].closing_on) == (210_050, date(2026, 3, 31))


def test_newest_first_is_as_good(tmp_path: Path) -> None:
    read = _heard(tmp_path, ROWS[::-1])
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [100, -5_050, 115_000])
    assert (read.ends[0].closing_minor, read.ends[0].closing_on) == (210_050, date(2026, 3, 31))


def test_a_row_that_is_missing_is_found_by_the_balance(tmp_path: Path) -> None:
    missing = _heard(tmp_path, [ROWS[0], ROWS[2]])
    said = "movements.csv:3: Balance: the balance is 2100.50 EUR, and by the row before it is 2151.00 EUR"
    assert missing.told == [f"{said}: a row is missing, or wrong"]
    falling = _heard(tmp_path, [ROWS[2], ROWS[1], ROWS[0].replace("2.150", "2.151")])
    said = (
        "movements.csv:4: Balance: the balance is 2151.00 EUR, and by the row before (newest first) it is 2150.00 EUR"
    )
    assert falling.told == [f"{said}: a row is missing, or wrong"]


def test_without_a_balance_nothing_is_added_up(tmp_path: Path) -> None:
    mapping = MAPPING.replace("balance: {column: Balance}\n", "")
    read = _heard(tmp_path, [ROWS[0], ROWS[2]], mapping)
    assert (read.told, read.ends[0].closing_minor) == ([], None)


def test_a_direction_or_two_columns_say_the_sign(tmp_path: Path) -> None:
    by_word = MAPPING.replace("amount: {column: Amount}\nbalance: {column: Balance}", (
        "amount: {column: Amount}\ndirection: {column: Balance, values: {H: credit, S: debit}}"))  # fmt: skip
    rows = ["31.03.2026;;5;H;;;;;;", "31.03.2026;;6;S;;;;;;"]
    read = _heard(tmp_path, rows, by_word)
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [500, -600])
    wrong = _heard(tmp_path, ["31.03.2026;;5;X;;;;;;", "31.03.2026;;-6;S;;;;;;"], by_word)
    assert [told.partition(";")[0] for told in wrong.told] == [
        "movements.csv:2: Balance: 'X' is neither credit nor debit: translate it under `values`",
        "movements.csv:3: Amount: -6 is negative, and the row says by itself whether it came or went",
    ]
    parted = MAPPING.replace("amount: {column: Amount}\nbalance: {column: Balance}", (
        "credit: {column: Amount}\ndebit: {column: Balance}"))  # fmt: skip
    rows = ["31.03.2026;;5;;;;;;;", "31.03.2026;;;6;;;;;;", "31.03.2026;;0;-7;;;;;;"]
    read = _heard(tmp_path, rows, parted)
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [500, -600, -700])
    wrong = _heard(tmp_path, ["31.03.2026;;5;6;;;;;;", "31.03.2026;;;;;;;;;", "31.03.2026;;-5;;;;;;;"], parted)
    assert wrong.told == [
        "movements.csv:2: Amount: the row is a debit and a credit at once",
        "movements.csv:3: Amount: the amount is empty",
        "movements.csv:4: Amount: -5 is negative, and stands among the credits",
    ]


def test_each_account_has_its_statement(tmp_path: Path) -> None:
    mapping = MAPPING.replace("account: DE89370400440532013000", "account: {column: Text 2}")
    mapping = mapping.replace("text: {columns: [Text 1, Text 2]}", "text: {column: Text 1}")
    rows = [f"31.03.2026;;1;{n};;;;;A;{account}" for n, account in ((1, "1"), (2, "1"), (9, "2"), (3, "1"))]
    read = _heard(tmp_path, rows, mapping)
    assert (read.told, [head.account for head in read.heads]) == ([], ["1", "2", "1"])
    assert [end.closing_minor for end in read.ends] == [200, 900, 300]


def test_parquet_is_read_by_the_same_mapping(tmp_path: Path) -> None:
    names = HEADER.split(";")
    frame = pl.DataFrame({name: [row.split(";")[at] for row in ROWS] for at, name in enumerate(names)})
    frame.write_parquet(tmp_path / "movements.csv")
    read = heard(reader_by_mapping(), tmp_path / "movements.csv")
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [115_000, -5_050, 100])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("30.03.2026", "30.02.2026", "movements.csv:2: Day: '30.02.2026' is no date of the calendar"),
        ("30.03.2026", "", "movements.csv:2: Day: the field is empty"),
        ("1.150,00", "1,150.00", "movements.csv:2: Amount: '1,150.00' is no amount"),
        ("1.150,00", "", "movements.csv:2: Amount: the amount is empty"),
        ("1.150,00", "10000000000000", "movements.csv:2: Amount: 10000000000000 EUR is beyond the bound"),
        ("2.150,00", "x", "movements.csv:2: Balance: 'x' is no amount"),
        (
            "B-1",
            "B" * 101,
            "movements.csv:2: Id: 'BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB…' is long",
        ),
        (";A-17", "", "movements.csv:2: the row has too few fields"),
    ],
)
def test_what_is_wrong_with_a_row_has_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert _heard(tmp_path, [ROWS[0].replace(old, new, 1), *ROWS[1:]]).told[0].startswith(told)


def test_a_currency_nobody_uses_is_refused(tmp_path: Path) -> None:
    told = _heard(tmp_path, ROWS, MAPPING.replace("currency: EUR", "currency: XXX")).told
    assert told[0].startswith("movements.csv:2: currency: 'XXX' is not a currency in use")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("amount: {column: Amount}\n", "", "name the column of the amount, or those of `debit` and `credit`"),
        ("amount: {column: Amount}\n", "credit: {column: Amount}\n", "`debit` and `credit` are named together"),
        ("rows: movements\n", "", "a bank's table is mapped with `rows: movements`"),
        ("currency: EUR\n", "", "currency"),
        ("name: {column: Name}", "nmae: {column: Name}", "nmae"),
        ("thousands: \".\"", "thousands: \",\"", "decimal and thousands are the same sign"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_is_refused(old: str, new: str, told: str) -> None:
    assert old in MAPPING
    with pytest.raises(DocumentError, match=r"map\.yaml") as caught:
        read_bank_mapping(MAPPING.replace(old, new), "map.yaml")
    assert told in str(caught.value)


def test_the_page_about_tables_has_every_key_and_a_mapping_that_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "bank-files.md").read_text(encoding="utf-8")
    assert {field for field in BankMapping.model_fields if f"`{field}`" not in page} == set()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert read_bank_mapping(example, "page").direction is not None
