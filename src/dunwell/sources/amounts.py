"""Amounts as tables write them into minor units, exactly: a column at once, and one by one what is not plain.

No float is involved. The plain case is whole numbers of at most 12 digits with at most 6 decimals, in Int64.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

import polars as pl

from dunwell.engine.money import AMOUNT_MINOR_MAX, CURRENCIES, MoneyError, decimal_of, exponent, round_half_up, to_minor
from dunwell.sources.problems import shown

DECIMALS: Final = 6
MICRO: Final = 10**DECIMALS
DIGITS_MAX: Final = 100
_SCALES: Final = {currency: 10 ** (DECIMALS - exponent(currency)) for currency in CURRENCIES}


@dataclass(frozen=True)
class Style:
    """How the amounts of a file are written, and whether more decimals than the currency has are rounded."""

    decimal: str = "."
    thousands: str = ""
    rounds: bool = False

    def __str__(self) -> str:
        marks = f" and {self.thousands!r} for thousands" if self.thousands else " and no sign for thousands"
        return f"{self.decimal!r} for decimals{marks} (`decimal`, `thousands`)"


def minor_units(texts: pl.Expr, currency: pl.Expr, style: Style) -> pl.Expr:
    """Read plain amounts: a struct of `minor` (signed) and `rounding` (what rounding added, in millionths of a unit).

    Both are null for an amount that is missing or not plain; `one_amount` reads those, or says what is wrong.
    """
    plain = plain_numbers(texts, style)
    fits = plain.str.contains(rf"^[+-]?\d{{1,12}}(\.\d{{0,{DECIMALS}}})?$")
    digits = plain.str.strip_chars_start("+-").str.splitn(".", 2).struct
    whole = digits[0].cast(pl.Int64, strict=False)
    fraction = digits[1].fill_null("").str.pad_end(DECIMALS, "0").cast(pl.Int64, strict=False)
    micros = whole * MICRO + fraction
    scale = currency.cast(pl.String).replace_strict(_SCALES, default=None, return_dtype=pl.Int64)
    rest = micros % scale
    minor = micros // scale + (rest * 2 >= scale).cast(pl.Int64)
    usable = fits & (minor <= AMOUNT_MINOR_MAX) & ((rest == 0) | pl.lit(value=style.rounds))
    sign = pl.when(plain.str.starts_with("-")).then(-1).otherwise(1)
    return pl.when(usable).then(pl.struct(minor=minor * sign, rounding=(minor * scale - micros) * sign))


def plain_numbers(texts: pl.Expr, style: Style) -> pl.Expr:
    """Write numbers with a point and a leading sign; thousands and a trailing minus only where well formed."""
    point = re.escape(style.decimal)
    if style.thousands:
        mark = re.escape(style.thousands)
        grouped = texts.str.contains(rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d*)?-?$")
        texts = pl.when(grouped).then(texts.str.replace_all(style.thousands, "", literal=True)).otherwise(texts)
    if style.decimal != ".":
        # A point is no decimal sign here: it must not become one.
        texts = pl.when(~texts.str.contains(".", literal=True)).then(
            texts.str.replace(style.decimal, ".", literal=True)
        )
    return pl.when(texts.str.ends_with("-")).then("-" + texts.str.strip_suffix("-")).otherwise(texts)


def one_amount(text: str, currency: str, style: Style) -> tuple[int, Decimal]:
    """Read one amount: minor units, and what rounding added, in units of the currency. Errors: MoneyError."""
    value = written_decimal(text, style)
    with localcontext(prec=DIGITS_MAX * 2):
        if not style.rounds:
            return _exact(value, text, currency), Decimal(0)
        if value and value.adjusted() > 40:
            return to_minor(value, currency), Decimal(0)  # which refuses it
        minor = round_half_up(value.scaleb(exponent(currency)))
        rounded = Decimal(minor).scaleb(-exponent(currency))
        return to_minor(rounded, currency), rounded - value


def _exact(value: Decimal, text: str, currency: str) -> int:
    try:
        return to_minor(value, currency)
    except MoneyError as error:
        if "more decimals" not in str(error):
            raise
        advice = "`round: half_up` in the mapping takes it rounded"
        raise MoneyError(f"{text} has more decimals than {currency} has ({exponent(currency)}); {advice}") from None


def written_decimal(text: str, style: Style) -> Decimal:
    """Read the number of an amount, whatever its currency. Errors: MoneyError."""
    if len(text) > DIGITS_MAX:
        raise MoneyError(f"{shown(text)} is too long for an amount")
    point, mark = re.escape(style.decimal), re.escape(style.thousands)
    groups = rf"|\d{{1,3}}(?:{mark}\d{{3}})+" if mark else ""
    written = re.fullmatch(rf"([+-]?)((?:\d+{groups})(?:{point}\d*)?|{point}\d+)(-?)", text, re.ASCII)
    if written is None or (written[1] and written[3]):
        return _refused(text, style)
    digits = written[2].replace(style.thousands, "") if style.thousands else written[2]
    return decimal_of(f"{'-' if '-' in written[1] + written[3] else ''}{digits.replace(style.decimal, '.')}")


def _refused(text: str, style: Style) -> Decimal:
    """Say why a text is no amount. Errors: MoneyError, always."""
    if re.fullmatch(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+", text, re.ASCII):
        raise MoneyError(f"{shown(text)} is in scientific notation, which loses digits; export it as a plain number")
    if re.fullmatch(r"[+-]?(nan|inf(inity)?)", text, re.IGNORECASE):
        raise MoneyError(f"{shown(text)} is not a finite number")
    raise MoneyError(f"{shown(text)} is no amount; the mapping says {style}")
