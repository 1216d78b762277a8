"""Lines that repeat another one: a payment that was told twice, or sent twice."""

from datetime import timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import Schema

LETTER_DAYS: Final = 5  # a standing order has the same text and amount every week, or every month
REFERENCE_DAYS: Final = 20  # and may have the same reference of the payer
SAID: Final = ("text", "reference", "end_to_end_ref", "party_name", "party_iban", "party_account")
# What came before, and was applied or set aside.
EARLIER: Final[Schema] = {
    "booked_on": pl.Date,
    "currency": pl.String,
    "amount_minor": pl.Int64,
    **dict.fromkeys(SAID, pl.String),
}


def repeats(lines: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Find the lines that repeat one of the others, booked before it, or of the `earlier`: line_id, is_same.

    `is_same`: to the letter. The others have the amount and what the payer calls the payment.
    """
    money = pl.concat_str("currency", pl.col("amount_minor").cast(pl.String), separator=" ")
    letter = pl.concat_str(money, *(pl.col(name).fill_null("") for name in SAID), separator="\n")
    called = pl.when(pl.col("end_to_end_ref") != "").then("end_to_end_ref")
    found = [
        _repeating(lines, earlier, key, days).select("line_id", is_same=pl.lit(value=is_same))
        for key, days, is_same in (
            (letter, LETTER_DAYS, True),
            (pl.when(called.is_not_null()).then(letter), REFERENCE_DAYS, True),
            (pl.concat_str(money, called, separator=" "), REFERENCE_DAYS, False),
        )
    ]
    return pl.concat(found).group_by("line_id").agg(pl.col("is_same").any())


def _repeating(lines: pl.DataFrame, earlier: pl.DataFrame, key: pl.Expr, days: int) -> pl.DataFrame:
    """The lines with a key that another has, so many days away at most; the first of those that wait is none."""
    near = timedelta(days=days)
    told = lines.select("line_id", "booked_on", key=key).drop_nulls("key").sort("booked_on", "line_id")
    before = told.filter(pl.col("booked_on") - pl.col("booked_on").shift(1).over("key") <= near)
    had = earlier.select(key=key, day="booked_on")
    beside = told.join_asof(
        had.drop_nulls("key").sort("day"), left_on="booked_on", right_on="day", by="key", strategy="nearest",
        tolerance=near, check_sortedness=False,
    ).drop_nulls("day")  # fmt: skip
    return pl.concat([each.select("line_id") for each in (before, beside)]).unique()
