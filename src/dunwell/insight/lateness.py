"""How late money comes, weighed by how much it is."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.received import received
from dunwell.insight.trade import GROUP, Days, hundredths, total_where, with_party

WHY_NOT: Final = {
    "days_late_hundredths": "nothing with a due date was paid in these days",
    "days_late_of_late_hundredths": "nothing was paid late in these days",
    "days_beyond_terms_hundredths": "nothing with a due date was paid in these days",
    "late_percent_hundredths": "nothing with a due date was paid in these days",
}


def lateness(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Weighted average days late of what was paid on some days; a row an entity, currency and `by`.

    sum(amount x days past due when paid) / sum(amount), each part payment with its own amount and day, with tax.
    `days_late_hundredths`: money in time counts, with 0 days; `days_late_of_late_hundredths`: of late money alone;
    `days_beyond_terms_hundredths`: early money counts with fewer than 0. `late_percent_hundredths`: which part was
    late. As in `received`: no credit notes, no charges, no money taken back by the last of the days, none that waits to
    be set off; items that were settled before they were imported on the day of their source. Disputes change nothing:
    late is late. What was paid of items without a due date is `no_due_date_minor`, and in no average.
    """
    keys = [*GROUP, *by]
    paid = received(history, until=days.to_on).filter(days.has("on"))
    items = with_party(history.items, history, by).select("item_id", *keys, "due_on")
    beyond = (pl.col("on") - pl.col("due_on")).dt.total_days()
    rows = paid.join(items, on="item_id").with_columns(beyond=beyond)
    amount = pl.col("amount_minor")
    dated, late = pl.col("beyond").is_not_null(), pl.col("beyond") > 0
    weighed = amount.cast(pl.Int128) * pl.col("beyond")
    sums = rows.group_by(keys).agg(
        total_where(amount, dated).alias("paid_minor"),
        total_where(amount, late).alias("paid_late_minor"),
        total_where(amount, ~dated).alias("no_due_date_minor"),
        pl.when(late.fill_null(value=False)).then(weighed).otherwise(0).sum().alias("late_weight"),
        pl.when(dated).then(weighed).otherwise(0).sum().alias("weight"),
    )
    return (
        sums.with_columns(
            days_late_hundredths=hundredths(pl.col("late_weight"), pl.col("paid_minor")),
            days_late_of_late_hundredths=hundredths(pl.col("late_weight"), pl.col("paid_late_minor")),
            days_beyond_terms_hundredths=hundredths(pl.col("weight"), pl.col("paid_minor")),
            late_percent_hundredths=hundredths(pl.col("paid_late_minor"), pl.col("paid_minor"), times=100),
        )
        .drop("weight", "late_weight")
        .sort(keys)
    )
