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
    assert len(mapped(tmp_path, *ROWS, total.format("1.200,00")).advices) == 2
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
