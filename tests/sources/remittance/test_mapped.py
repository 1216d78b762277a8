"""An advice's table by a mapping: the columns, several payments in a file, and the totals."""

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.documents import DocumentError
from dunwell.sources.remittance.mapping import AdviceMapping, read_advice_mapping
from tests.sources.remittance.advising import Heard, heard

MAPPING: Final = """\
rows: advices
delimiter: ";"
decimal: ","
thousands: "."
dates: DD.MM.YYYY
currency: {column: Whg}
number: {column: Beleg}
amount: {column: Betrag}
discount: {column: Abzug}
kind: {column: Art, values: {RE: invoice, GS: credit}}
account: {column: Kunde}
name: {column: Name}
reference: {column: Lauf}
paid: {column: Tag}
total: {column: Summe}
"""
HEADER: Final = "Beleg;Betrag;Abzug;Art;Whg;Kunde;Name;Lauf;Tag;Summe"
ROWS: Final = (
    "A-17;1.234,50;24,50;RE;EUR;10023;Meyer;L1;12.03.2026;1.200,00",
    "A-18;10,00;;GS;EUR;10023;Meyer;L1;12.03.2026;1.200,00",
    "A-19;50,00;;RE;EUR;10023;Meyer;L2;13.03.2026;",
)


def mapped(folder: Path, *rows: str, mapping: str = MAPPING) -> Heard:
    """Read rows below the header."""
    path = folder / "advice.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return heard(path, read_advice_mapping(mapping, "map.yaml"))


def test_each_payment_is_an_advice(tmp_path: Path) -> None:
    one, two = mapped(tmp_path, *ROWS).advices
    assert (one.place, one.line, one.total_minor, one.reference, one.paid_on) == (
        1,
        2,
        120_000,
        "L1",
        date(2026, 3, 12),
    )
    assert (one.customer, one.payer_name, one.currency) == ("10023", "Meyer", "EUR")
    assert [(each.number, each.amount_minor, each.is_credit_note) for each in one.documents] == [
        ("A-17", 121_000, False), ("A-18", 1_000, True),
    ]  # fmt: skip
    assert (two.place, two.line, two.total_minor, two.reference) == (2, 4, 5_000, "L2")


def test_a_row_without_a_number_is_a_total(tmp_path: Path) -> None:
    total = ";{};;RE;EUR;;;;;"
    assert len(mapped(tmp_path, *ROWS, total.format("1.250,00")).advices) == 2
    assert len(mapped(tmp_path, *ROWS[:2], total.format("1.200,00"), ROWS[2]).advices) == 2
    told = mapped(tmp_path, *ROWS, total.format("1.251,00")).told
    assert told[0].startswith("advice.csv:5: Betrag: the total is 1251.00 EUR, and the documents come to 1250.00 EUR")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("1.200,00", "1.201,00", "advice.csv:2: Summe: the total is 1201.00 EUR, and the documents come to 1200"),
        ("1.234,50", "", "advice.csv:2: Betrag: the amount is empty"),
        ("1.234,50", "x", "advice.csv:2: Betrag: 'x' is no amount"),
        ("12.03.2026", "30.02.2026", "advice.csv:2: Tag: '30.02.2026' is no date of the calendar"),
        (";EUR;", ";EUX;", "advice.csv:2: Whg: 'EUX' is not a currency in use"),
        (";RE;", ";XX;", "advice.csv:2: Art: 'XX' is no kind of item"),
        ("1.234,50;24,50;RE", "1.234,50;24,50;GS", "advice.csv:2: Summe: the total is 1200.00 EUR"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in ROWS[0]
    assert mapped(tmp_path, *(row.replace(old, new) for row in ROWS[:2]), ROWS[2]).told[0].startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rows: advices\n", "", "an advice's table is mapped with `rows: advices`"),
        ("amount: {column: Betrag}\n", "", "amount"),
        ("amount: {column: Betrag}\n", "amount: '5'\n", "amount"),
        ("number: {column: Beleg}\n", "numbre: {column: Beleg}\n", "numbre"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(old: str, new: str, told: str) -> None:
    assert old in MAPPING
    with pytest.raises(DocumentError, match=r"map\.yaml") as caught:
        read_advice_mapping(MAPPING.replace(old, new), "map.yaml")
    assert told in str(caught.value)


def test_the_page_about_cash_has_every_key_and_a_mapping_that_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cash.md").read_text(encoding="utf-8").partition("### By a mapping")[2]
    assert {field for field in AdviceMapping.model_fields if f"`{field}`" not in page} == set()
    assert read_advice_mapping(page.partition("```yaml\n")[2].partition("```")[0], "page").account is not None


PLAIN: Final = "rows: advices\nnumber: {column: n}\namount: {column: a}\ncurrency: EUR\n"


def plain(folder: Path, *rows: str, more: str = "", header: str = "n,a") -> Heard:
    """Read rows of a table that has a number, an amount, and what else a mapping names."""
    path = folder / "advice.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return heard(path, read_advice_mapping(PLAIN + more, "map.yaml"))


def test_every_row_of_a_document_counts_however_many_there_are(tmp_path: Path) -> None:
    read = plain(tmp_path, *(f"A-{row % 4_000},1.00" for row in range(20_000)))
    assert (len(read.amounts), read.one.total_minor) == (4_000, 2_000_000)
    assert "more than 10,000 documents" in plain(tmp_path, *(f"A-{row},1.00" for row in range(10_001))).told[0]


def test_more_cannot_be_taken_off_than_is_paid(tmp_path: Path) -> None:
    told = plain(tmp_path, "A-17,100.00,", "A-18,10.00,30.00", more="discount: {column: d}\n", header="n,a,d").told
    assert told == ["advice.csv:3: d: more is taken off than the amount is"]


def test_a_total_is_of_its_own_payment_or_of_all(tmp_path: Path) -> None:
    rows = ["A-17,100.00,1", "A-18,50.00,2"]
    for total in (",100.00,1", ",50.00,2", ",50.00,", ",150.00,", ",150.00,2"):
        assert len(plain(tmp_path, *rows, total, more="reference: {column: r}\n", header="n,a,r").advices) == 2
    for total in (",100.00,2", ",50.00,1", ",100.00,"):
        told = plain(tmp_path, *rows, total, more="reference: {column: r}\n", header="n,a,r").told
        assert told[0].startswith("advice.csv:4: a: the total is")


def test_numbers_that_differ_by_where_they_are_parted_are_different(tmp_path: Path) -> None:
    assert plain(tmp_path, "1/12,10.00", "11/2,5.00", "A-11,1.00", "A-1-1,2.00", "A 11,4.00").amounts == {
        "1/12": 1_000, "11/2": 500, "A-11": 500, "A-1-1": 200,
    }  # fmt: skip


def test_a_credit_note_and_its_reversal_are_nothing(tmp_path: Path) -> None:
    more = "kind: {column: k}\n"
    rows = ["A-17,100.00,invoice", "G-2,-100.00,credit", "G-2,100.00,credit"]
    assert plain(tmp_path, *rows, more=more, header="n,a,k").amounts == {"A-17": 10_000}


def test_a_number_too_long_to_be_one_is_told(tmp_path: Path) -> None:
    assert "characters" in plain(tmp_path, f"A-{'1' * 250},1.00").told[0]
