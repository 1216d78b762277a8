"""Money as integers in minor units: parsing, bounds, rounding and how it reads in a message."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

import polars as pl

from dunwell.engine.documents import hint

# ISO 4217, list one of 2026-09-17, by the number of decimals; without funds, metals, units of account and codes for
# tests. CLDR differs: see docs/decisions/0007-currencies-of-iso-4217.md.
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_TWO_DECIMALS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE "
    "SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR "
    "ZMW ZWG"
)
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final = {
    code: decimals
    for decimals, codes in ((0, _NO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
    for code in codes.split()
}
CURRENCIES: Final = tuple(sorted(_DECIMALS))
DIGITS_MAX: Final = 28  # what Decimal's arithmetic keeps; it rounds the others away
AMOUNT_MINOR_MAX: Final = 10**12  # beyond it Int64 sums could wrap, silently


class MoneyError(ValueError):
    """An amount or currency that cannot be taken, with what to do about it."""


def exponent(currency: str) -> int:
    """Return how many decimals `currency` has (JPY 0, EUR 2, KWD 3). Errors: MoneyError for one that is not in use."""
    if currency not in _DECIMALS:
        raise MoneyError(not_in_use(currency))
    return _DECIMALS[currency]


def not_in_use(currency: str) -> str:
    """Say that a code is no currency, or none in which anybody can owe."""
    return f"{currency!r} is not a currency in use (ISO 4217){hint(currency, CURRENCIES)}"


def decimal_of(text: str | int | Decimal) -> Decimal:
    """Read a plain decimal number such as `1234.50`; thousands separators are not guessed.

    Errors: MoneyError for text that is no finite number, or one of more digits than arithmetic would keep.
    """
    plain = str(text).strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise MoneyError(f"{text!r} is not a number") from None
    if "_" in plain or not plain.isascii():  # Python reads 1_000 and the digits of every script
        raise MoneyError(f"{text!r} is not a number")
    if not value.is_finite():
        raise MoneyError(f"{text!r} is not a finite number")
    if value.adjusted() < DIGITS_MAX < len(value.as_tuple().digits):  # a larger one is beyond every bound as it is
        raise MoneyError(f"{plain[:DIGITS_MAX]}... has more digits than any amount")
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


def fraction_half_up(value: Fraction) -> int:
    """Round an exact ratio to a whole minor unit, halves away from zero."""
    whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return whole if value >= 0 else -whole


def ratio_half_up(numerator: pl.Expr, denominator: pl.Expr | int, *, most: int | None = None) -> pl.Expr:
    """Divide integers and round half-up, away from zero, in Int128; the result is Int64, cut at `most` where given.

    Polars' own `//` floors negatives and its `round` is half-even.
    """
    top = numerator.cast(pl.Int128)
    bottom = pl.lit(denominator, dtype=pl.Int128) if isinstance(denominator, int) else denominator.cast(pl.Int128)
    whole = ((top.abs() * 2 + bottom) // (bottom * 2)) * top.sign()
    return (whole if most is None else whole.clip(upper_bound=most)).cast(pl.Int64)
