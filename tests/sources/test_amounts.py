"""A column read at once says what each amount read alone would say."""

from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.money import MoneyError, exponent
from dunwell.sources.amounts import Style, minor_units, one_amount

STYLES = (Style(), Style(rounds=True), Style(",", "."), Style(".", ",", rounds=True), Style(",", " "))
DIGITS = st.text("0123456789", max_size=14)


@st.composite
def written(draw: st.DrawFn) -> str:
    """Something like an amount."""
    sign, whole, mark = draw(st.sampled_from(["", "-", "+"])), draw(DIGITS), draw(st.sampled_from(["", ".", ",", " "]))
    return f"{sign}{whole}{mark}{draw(DIGITS)}{draw(st.sampled_from(['', '', '', '-', 'e2', ' ', ',5', '.000']))}"


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.lists(written(), min_size=1), st.sampled_from(["EUR", "JPY", "KWD"]), st.sampled_from(STYLES))
def test_a_column_and_one_by_one_agree(texts: list[str], currency: str, style: Style) -> None:
    frame = pl.DataFrame({"text": texts, "currency": [currency] * len(texts)})
    at_once = frame.select(read=minor_units(pl.col("text"), pl.col("currency"), style))["read"]
    for text, read in zip(texts, at_once.to_list(), strict=True):
        if read is None:
            continue
        minor, rounding = one_amount(text, currency, style)
        assert (read["minor"], Decimal(read["rounding"]).scaleb(-6)) == (minor, rounding)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.integers(1 - 10**12, 10**12 - 1), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_every_amount_of_twelve_digits_is_read_at_once(minor: int, currency: str) -> None:
    text = f"{Decimal(minor).scaleb(-exponent(currency)):f}"
    frame = pl.DataFrame({"text": [text], "currency": [currency]})
    assert frame.select(read=minor_units(pl.col("text"), pl.col("currency"), Style()))["read"][0]["minor"] == minor


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(written(), st.sampled_from(STYLES))
def test_one_amount_is_read_or_refused(text: str, style: Style) -> None:
    try:
        minor, rounding = one_amount(text, "EUR", style)
    except MoneyError:
        return
    assert abs(minor) <= 10**12
    assert abs(rounding) <= Decimal("0.005")
