"""Money in minor units: read exactly, bounded, rounded half-up, never a float."""

import re
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.money import (
    AMOUNT_MINOR_MAX,
    CURRENCIES,
    MoneyError,
    exponent,
    format_minor,
    parse_money,
    ratio_half_up,
    round_half_up,
    to_minor,
)


@pytest.mark.parametrize(("currency", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLP", 0)])
def test_a_currency_has_its_decimals(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize(
    ("decimals", "currencies"),
    [
        (2, "RSD ALL AFN IRR LBP MGA MMK LAK YER SOS SYP KPW"),  # 0 in CLDR, which looks at coins
        (3, "IQD"),  # likewise
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
        (3, "BHD JOD KWD LYD OMR TND"),
        (2, "HUF CZK TWD COP UZS VES MRU XCG ZWG"),
    ],
)
def test_decimals_are_those_of_iso_4217_and_not_those_of_cldr(decimals: int, currencies: str) -> None:
    assert {currency: exponent(currency) for currency in currencies.split()} == dict.fromkeys(
        currencies.split(), decimals
    )


def test_the_currencies_are_listed_once_and_in_order() -> None:
    assert len(CURRENCIES) == 155
    assert list(CURRENCIES) == sorted(set(CURRENCIES))
    assert all(re.fullmatch("[A-Z]{3}", currency) for currency in CURRENCIES)


@pytest.mark.parametrize(
    "codes",
    [
        "DEM FRF XEU HRK BGN VEF ZWL SLL ANG CUC",  # in which nobody can owe any more
        "BOV CHE CHW CLF COU MXV USN UYI UYW XAD",  # funds
        "XAU XAG XPD XPT XDR XUA XSU XBA XBB XBC XBD XTS XXX",  # metals, units of account, tests and none at all
        "CNH",  # of the market, not of ISO 4217
    ],
)
def test_what_nobody_can_owe_in_is_no_currency(codes: str) -> None:
    assert not set(codes.split()) & set(CURRENCIES)


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("100.00 EUR", 10_000, "EUR"),
        ("0.01 EUR", 1, "EUR"),
        ("5 EUR", 500, "EUR"),
        ("5.000 EUR", 500, "EUR"),
        ("-12.50 EUR", -1_250, "EUR"),
        ("800 JPY", 800, "JPY"),
        ("1.234 KWD", 1_234, "KWD"),
        ("10000000000.00 EUR", 10**12, "EUR"),
        ("-10000000000.00 EUR", -(10**12), "EUR"),
        ("1e3 EUR", 100_000, "EUR"),
    ],
)
def test_an_amount_is_read_exactly(text: str, minor: int, currency: str) -> None:
    assert parse_money(text) == (minor, currency)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("100.00", "'100.00' is not an amount with its currency, such as `100.00 EUR`"),
        ("100.00 EUR 5", "is not an amount with its currency"),
        ("", "is not an amount with its currency"),
        ("1,234.50 EUR", "'1,234.50' is not a number"),
        ("1.234,50 EUR", "'1.234,50' is not a number"),
        ("five EUR", "'five' is not a number"),
        ("1_000 EUR", "'1_000' is not a number"),
        ("\N{ARABIC-INDIC DIGIT ONE} EUR", "is not a number"),
        ("100." + "0" * 40 + "1 EUR", "has more digits than any amount"),
        ("nan EUR", "'nan' is not a finite number"),
        ("inf EUR", "'inf' is not a finite number"),
        ("5.001 EUR", "5.001 has more decimals than EUR has (2)"),
        ("5.5 JPY", "5.5 has more decimals than JPY has (0)"),
        ("10000000000.01 EUR", "10000000000.01 EUR is beyond the bound of 10000000000.00 EUR"),
        ("-10000000000.01 EUR", "is beyond the bound of 10000000000.00 EUR"),
        ("1000000000001 JPY", "is beyond the bound of 1000000000000 JPY"),
        ("1e400 EUR", "is beyond the bound of 10000000000.00 EUR"),
        ("1e999999 EUR", "is beyond the bound of 10000000000.00 EUR"),
        ("1e-400 EUR", "1e-400"),
        ("5 EURO", "'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?"),
        ("5 eur", "'eur' is not a currency in use (ISO 4217)"),
        ("5 DEM", "'DEM' is not a currency in use (ISO 4217)"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        parse_money(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, "EUR", "1234.50 EUR"),
        (5, "EUR", "0.05 EUR"),
        (0, "EUR", "0.00 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (800, "JPY", "800 JPY"),
        (1, "KWD", "0.001 KWD"),
        (AMOUNT_MINOR_MAX, "EUR", "10000000000.00 EUR"),
        (5, None, "5 (minor units of an unknown currency)"),
    ],
)
def test_an_amount_reads_plainly(minor: int, currency: str | None, text: str) -> None:
    assert format_minor(minor, currency) == text


@given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(CURRENCIES))
def test_what_is_written_is_read_again(minor: int, currency: str) -> None:
    assert parse_money(format_minor(minor, currency)) == (minor, currency)
    assert to_minor(Decimal(minor).scaleb(-exponent(currency)), currency) == minor


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("2.5", 3), ("3.5", 4), ("2.4999", 2), ("-2.5", -3), ("-2.4", -2), ("0.5", 1), ("-0.5", -1), ("0", 0)],
)
def test_a_half_is_rounded_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_up(Decimal(value)) == rounded


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_the_frame_rounds_as_the_decimal_does(numerator: int, denominator: int) -> None:
    frame = pl.DataFrame({"n": [numerator], "d": [denominator]})
    by_column, by_number = frame.select(
        column=ratio_half_up(pl.col("n"), pl.col("d")), number=ratio_half_up(pl.col("n"), denominator)
    ).row(0)
    # Decimal's own division would round a second time.
    exact = (2 * abs(numerator) + denominator) // (2 * denominator) * (1 if numerator >= 0 else -1)
    assert by_column == by_number == exact
    if denominator in {1, 2, 4, 5, 8, 10, 100, 1000}:
        assert exact == round_half_up(Decimal(numerator) / Decimal(denominator))


def test_a_ratio_of_what_is_missing_is_missing() -> None:
    frame = pl.DataFrame({"n": [None]}, schema={"n": pl.Int64})
    assert frame.select(ratio_half_up(pl.col("n"), 100)).item() is None


def test_the_largest_products_do_not_wrap() -> None:
    """A percentage in ten-thousandths of the largest amount is beyond Int64 before it is divided."""
    frame = pl.DataFrame({"n": [AMOUNT_MINOR_MAX]})
    share = ratio_half_up(pl.col("n").cast(pl.Int128) * 99_9999 * 10_000, 100_0000 * 10_000)
    assert frame.select(share).item() == 999_999_000_000


def test_a_ratio_beyond_int64_is_cut_where_somebody_says_at_what() -> None:
    frame = pl.DataFrame({"n": [1, AMOUNT_MINOR_MAX]})
    huge = pl.col("n").cast(pl.Int128) * 10**12
    assert frame.select(ratio_half_up(huge, 10**12, most=2**62)).to_series().to_list() == [1, AMOUNT_MINOR_MAX]
    assert frame.select(ratio_half_up(huge, 1, most=2**62)).to_series().to_list() == [10**12, 2**62]
    with pytest.raises(pl.exceptions.InvalidOperationError):
        frame.select(ratio_half_up(huge, 1))
