"""What was sold, by the day on which it was invoiced."""

from collections.abc import Sequence

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.trade import GROUP, SOLD, Days, total_where, with_party


def sales(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Sum what was sold on some days by entity, currency and `by`; one row each, in minor units.

    `invoiced_minor`: invoices and instalments by their day of issue, with their tax, as receivables are;
    `credited_minor`: credit notes by theirs, whatever they were set off against; `sales_minor`, the first less the
    second, may be below 0. A payment is no sale, and neither is a charge. What has no day of issue is in no sum. All of
    it is sold on credit: a book of open items knows of no other sales.
    """
    rows = with_party(history.items.filter(days.has("issued_on")), history, by)
    keys = [*GROUP, *by]
    return rows.group_by(keys).agg(_sums()).with_columns(sales_minor=_SALES).sort(keys)


def monthly_sales(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """The same by month: `month_on` is its first day. A month in which nothing was sold has no row."""
    rows = with_party(history.items.filter(days.has("issued_on")), history, by)
    keys = [*GROUP, *by, "month_on"]
    months = rows.with_columns(month_on=pl.col("issued_on").dt.month_start())
    return months.group_by(keys).agg(_sums()).with_columns(sales_minor=_SALES).sort(keys)


_SALES = pl.col("invoiced_minor") - pl.col("credited_minor")


def _sums() -> list[pl.Expr]:
    amount, kind = pl.col("amount_minor"), pl.col("kind")
    return [
        total_where(amount, kind.is_in(SOLD)).alias("invoiced_minor"),
        total_where(amount, kind == "credit").alias("credited_minor"),
    ]
