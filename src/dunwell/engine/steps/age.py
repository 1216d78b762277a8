"""Days, and whether a row can be decided at all."""

from datetime import date

import polars as pl

from dunwell.engine.book import CREDIT_KINDS
from dunwell.engine.money import AMOUNT_MINOR_MAX
from dunwell.engine.plan import PROBLEMS

Problem = pl.Enum(PROBLEMS)
DATE_MAX = date(9999, 12, 31)
AMOUNTS = ("amount_minor", "open_minor", "disputed_minor", "in_flight_minor")


def age(rows: pl.LazyFrame, *, as_of: pl.Expr) -> pl.LazyFrame:
    """Add the days since due, issue and last notice, and what kind of row it is.

    `is_debit`: invoices and instalments. `is_claim`: a valid debit row that is open and no draft.
    """
    rows = rows.with_columns(
        days_past_due=days_since("due_on", as_of),
        is_credit=pl.col("kind").is_in(CREDIT_KINDS),
        is_charge=pl.col("kind") == "charge",
        problem=_problem(),
    )
    is_debit = ~(pl.col("is_credit") | pl.col("is_charge"))
    return rows.with_columns(
        is_debit=is_debit,
        is_claim=is_debit & pl.col("problem").is_null() & (pl.col("open_minor") > 0) & ~pl.col("draft"),
        is_overdue=pl.col("days_past_due") > 0,
    )


def days_since(column: str, as_of: pl.Expr) -> pl.Expr:
    """Days from a date column to `as_of`; null where there is no date."""
    return as_of.cast(pl.Int32) - pl.col(column).cast(pl.Int32)


def plus_days(on: pl.Expr, days: pl.Expr | int) -> pl.Expr:
    """A date so many days later. In integers: a Duration would take it through Datetime and back."""
    return (on.cast(pl.Int32) + days).cast(pl.Date)


def later(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """The later of two dates; of one and none the one. `max_horizontal` takes ten times as long where some are null."""
    return pl.when(second > first).then(second).otherwise(pl.coalesce(first, second))


def not_beyond_last(on: pl.Expr) -> pl.Expr:
    """A date, or the last that Python knows, where it is beyond; `clip` takes ten times as long."""
    return pl.when(on > DATE_MAX).then(pl.lit(DATE_MAX)).otherwise(on)


def _problem() -> pl.Expr:
    """Name the first thing that makes the row's data undecidable, or null."""
    debit = ~pl.col("kind").is_in(CREDIT_KINDS)
    found = (
        pl.when(~pl.col("is_known").fill_null(value=False)).then(pl.lit("account_unknown"))
        .when(pl.col("payer_id").is_null()).then(pl.lit("parent_cycle"))
        .when(pl.col("currency").is_null()).then(pl.lit("currency_unknown"))
        .when(pl.col("due_on").is_null() & debit & (pl.col("kind") != "charge")).then(pl.lit("due_date_missing"))
        .when(pl.any_horizontal(pl.col(AMOUNTS).is_null())).then(pl.lit("amount_missing"))
        .when(pl.min_horizontal(AMOUNTS) < 0).then(pl.lit("amount_negative"))
        .when(pl.max_horizontal(AMOUNTS) > AMOUNT_MINOR_MAX).then(pl.lit("amount_beyond_bound"))
    )  # fmt: skip
    return found.cast(Problem)
