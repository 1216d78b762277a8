"""Cash discounts of items: terms as invoices and ledgers write them, and the columns of a table."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dunwell.engine.documents import DocumentError
from dunwell.sources.terms import Discount, TermsError, discount_of
from tests.sources.files import HEADER, MAPPING, csv, every, of_items, read, refused

TWO_TEN = Discount(Decimal(2), 10)
BY_PERCENT = "discount_percent: {column: p}\ndiscount_days: {column: d}\n"
BY_AMOUNT = "discount_amount: {column: a}\ndiscount_until: {column: u}\n"
BY_TERMS = "terms: {column: t}\n"


def items(*more: str, amount: str = "100.00", issued: str = "2026-03-01") -> list[str]:
    """Rows of one item each, with what `more` has in the columns that are added."""
    return [f"ACME,1,N,A-{n},EUR,{amount},{issued},2026-03-31,{each}" for n, each in enumerate(more, start=1)]


def granted(folder: Path, columns: str, more: str, *rows: str) -> list[tuple[int | None, date | None]]:
    """The discount of each item, and its last day."""
    found = every(read(folder, csv(*rows, header=f"{HEADER},{columns}"), more))
    return found.select("discount_minor", "discount_until_on").rows()


@pytest.mark.parametrize(
    "terms",
    [
        "2/10 net 30",
        "2/10, n/30",
        "2/10/n/30",
        "2% 10, 30 net",
        "2% 10 Tage, 30 netto",
        "2 % Skonto innerhalb von 10 Tagen, 30 Tage netto",
        "10 Tage 2 % Skonto, 30 Tage netto",
        "2% discount if paid within 10 days, net 30 days",
        "#SKONTO#TAGE=10#PROZENT=2.00#",
        "Please pay by transfer.\n#SKONTO#TAGE=10#PROZENT=2.00#\n#VERZUG#TAGE=30#PROZENT=9.12#",
    ],
)
def test_terms_are_read_as_invoices_and_ledgers_write_them(terms: str) -> None:
    assert discount_of(terms) == TWO_TEN


def test_a_base_and_decimals_of_percent_are_read() -> None:
    assert discount_of("#SKONTO#TAGE=7#PROZENT=2.25#BASISBETRAG=252.94#") == Discount(
        Decimal("2.25"), 7, Decimal("252.94")
    )
    assert discount_of("1,5% 15 Tage") == Discount(Decimal("1.5"), 15)


@pytest.mark.parametrize(
    "terms", ["net 30", "30 Tage netto", "sofort ohne Abzug", "payable by 30.04.2026", "30 days, no cash discount", ""]
)
def test_terms_without_a_discount_grant_none(terms: str) -> None:
    assert discount_of(terms) is None


@pytest.mark.parametrize(
    "terms", ["14 Tage 3%, 30 Tage 2%, 60 netto", "#SKONTO#TAGE=30#PROZENT=2.00#\n#SKONTO#TAGE=14#PROZENT=3.00#"]
)
def test_of_two_discounts_the_one_for_paying_first_counts(terms: str) -> None:
    assert discount_of(terms) == Discount(Decimal(3), 14)


@pytest.mark.parametrize(
    "terms", ["2% someday", "Skonto", "200% 10 days", "#SKONTO#TAGE=x#", "30 Tage 10 Tage 2%", "2% within 400 days"]
)
def test_terms_that_speak_of_a_discount_otherwise_are_refused(terms: str) -> None:
    with pytest.raises(TermsError):
        discount_of(terms)


def test_percent_of_the_amount_within_days_of_the_invoice(tmp_path: Path) -> None:
    rows = items("2,10", "2.5 %,14", ",10", "0,10", amount="100.20")
    assert granted(tmp_path, "p,d", BY_PERCENT, *rows) == [
        (200, date(2026, 3, 11)),
        (251, date(2026, 3, 15)),  # 2.505, half up
        (None, None),
        (0, date(2026, 3, 11)),
    ]


def test_an_amount_until_a_day(tmp_path: Path) -> None:
    assert granted(tmp_path, "a,u", BY_AMOUNT, *items("2.00,2026-03-10", ",2026-03-10")) == [
        (200, date(2026, 3, 10)),
        (None, None),
    ]


def test_terms_of_a_column_and_their_base(tmp_path: Path) -> None:
    rows = items("2/10 net 30", "net 30", "#SKONTO#TAGE=7#PROZENT=2.00#BASISBETRAG=50.00#", "")
    assert granted(tmp_path, "t", BY_TERMS, *rows) == [
        (200, date(2026, 3, 11)),
        (0, None),
        (100, date(2026, 3, 8)),
        (None, None),
    ]


def test_credits_have_no_discount(tmp_path: Path) -> None:
    row = items("2,10", amount="-50.00")
    assert granted(tmp_path, "p,d", BY_PERCENT + "negative: credit\n", *row) == [(None, None)]


@pytest.mark.parametrize(
    ("columns", "more", "row", "problem"),
    [
        ("p,d", BY_PERCENT, "101,10", "items.csv:2: p: '101' is no part of an amount in percent"),
        ("p,d", BY_PERCENT, "-2,10", "items.csv:2: p: '-2' is no part of an amount in percent"),
        ("p,d", BY_PERCENT, "2,ten", "items.csv:2: d: 'ten' is no number of days"),
        ("p,d", BY_PERCENT, "2,", "items.csv:2: issued: there is a discount, and no last day for it"),
        ("a,u", BY_AMOUNT, "100.01,2026-03-10", "items.csv:2: a: the discount is more than the amount"),
        ("a,u", BY_AMOUNT, "-1.00,2026-03-10", "items.csv:2: a: the discount is negative"),
        ("a,u", BY_AMOUNT, "1.00,", "items.csv:2: u: there is a discount, and no last day for it"),
        ("a,u", BY_AMOUNT, "1.00,2026-02-28", "items.csv:2: u: the last day for the discount, 2026-02-28, is before"),
        ("t", BY_TERMS, "2% someday", "items.csv:2: t: '2% someday' is not read: write such as 2/10 net 30"),
        ("t", BY_TERMS, "#SKONTO#TAGE=7#PROZENT=2.00#BASISBETRAG=9000.00#", "items.csv:2: t: the discount is more"),
    ],
)
def test_a_discount_that_no_invoice_can_have_is_refused_with_its_line(
    tmp_path: Path, columns: str, more: str, row: str, problem: str
) -> None:
    found = refused(tmp_path, csv(*items(row), header=f"{HEADER},{columns}"), more)
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("discount_percent: '2'\n", "say how much the discount is"),
        ("discount_days: '10'\n", "say how much the discount is"),
        (BY_PERCENT + "discount_amount: {column: a}\n", "say the discount once"),
        (BY_TERMS + "discount_days: '10'\n", "say the discount once"),
    ],
)
def test_a_mapping_says_a_discount_once_and_whole(more: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        of_items(MAPPING + more)


def test_days_count_from_a_column_of_the_mapping() -> None:
    with pytest.raises(DocumentError, match="count from `issued`"):
        of_items(MAPPING.replace("issued: {column: issued}\n", "") + BY_TERMS)
