"""Money as integers in minor units: parsing, bounds, rounding and how it reads in a message."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

import polars as pl
from babel.numbers import get_currency_precision, list_currencies

CURRENCIES: tuple[str, ...] = tuple(sorted(list_currencies()))
AMOUNT_MINOR_MAX = 10**12  # beyond it Int64 sums could wrap, silently


class MoneyError(ValueError):
    """An amount or currency that cannot be taken, with what to do about it."""


@cache
def exponent(currency: str) -> int:
    """Return how many decimals `currency` has (JPY 0, EUR 2, KWD 3; source: CLDR through Babel).

    Errors: MoneyError for a code that is not an ISO 4217 currency.
    """
    if currency not in CURRENCIES:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code")
    return get_currency_precision(currency)


def decimal_of(text: str | int | Decimal) -> Decimal:
    """Read a plain decimal number such as `1234.50`; thousands separators are not guessed.

    Errors: MoneyError for text that is no finite number.
    """
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        raise MoneyError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise MoneyError(f"{text!r} is not a finite number")
    return value


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """Turn a major-unit amount into minor units of `currency`, exactly.

    Errors: MoneyError when it has more decimals than the currency, or is beyond 10^12 minor units.
    """
    value = decimal_of(amount)
    if value and abs(value.adjusted()) > 40:
        raise MoneyError(f"{amount} {currency} is beyond the bound of {format_minor(AMOUNT_MINOR_MAX, currency)}")
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise MoneyError(f"{amount} has more decimals than {currency} has ({exponent(currency)})")
    if abs(minor) > AMOUNT_MINOR_MAX:
        raise MoneyError(f"{amount} {currency} is beyond the bound of {format_minor(AMOUNT_MINOR_MAX, currency)}")
    return int(minor)


def parse_money(text: str) -> tuple[int, str]:
    """Read `100.00 EUR` as (10000, "EUR"). Errors: MoneyError."""
    parts = text.split()
    if len(parts) != 2:
        raise MoneyError(f"{text!r} is not an amount with its currency, such as `100.00 EUR`")
    return to_minor(parts[0], parts[1]), parts[1]


def format_minor(amount_minor: int, currency: str | None) -> str:
    """Write minor units plainly, as in `1234.50 EUR`: for messages and tables, not for letters."""
    if currency is None:
        return f"{amount_minor} (minor units of an unknown currency)"
    return f"{Decimal(amount_minor).scaleb(-exponent(currency)):f} {currency}"


def round_half_up(value: Decimal) -> int:
    """Round to a whole minor unit, halves away from zero (the commercial rule)."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def ratio_half_up(numerator: pl.Expr, denominator: pl.Expr | int) -> pl.Expr:
    """Divide integers and round half-up, away from zero, in Int128; the result is Int64.

    Polars' own `//` floors negatives and its `round` is half-even.
    """
    top = numerator.cast(pl.Int128)
    bottom = pl.lit(denominator, dtype=pl.Int128) if isinstance(denominator, int) else denominator.cast(pl.Int128)
    return (((top.abs() * 2 + bottom) // (bottom * 2)) * top.sign()).cast(pl.Int64)
