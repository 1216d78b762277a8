"""Promises kept, by their number and by what was promised."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.engine.steps.parties import is_ended, is_kept, promise_over_on
from dunwell.insight.trade import Days, count_where, hundredths, total_where, with_party

WHY_NOT: Final = {
    "kept_count_percent_hundredths": "no promise fell due in these days",
    "kept_amount_percent_hundredths": "no promise fell due in these days",
    "paid_percent_hundredths": "no promise fell due in these days",
}


def promises_kept(history: History, days: Days, *, known_to: date, by: Sequence[str] = ()) -> pl.DataFrame:
    """How many promises were kept of those whose time ended on some days; a row an entity, currency and `by`.

    A promise's time ends with the last of its days of tolerance; what it then had received in time, as the book counts
    it, decides: `kept_count` and `kept_minor` in full, `partly_kept_count` with something, `broken_count` with nothing.
    `kept_count_percent_hundredths` by number, `kept_amount_percent_hundredths` by what was promised,
    `paid_percent_hundredths` by what came of it, kept or not. An instalment is a promise of its own. One taken back by
    its end counts in nothing (`ended_count`), nor does one whose time is not over at the end of `known_to`
    (`waiting_count`). What was promised is an amount to be paid: tax, charges and disputes are in it as its payer meant
    it; a credit note keeps no promise.
    """
    keys = ["entity_id", "currency", *by]
    entities = history.accounts.select("account_id", "entity_id")
    own = with_party(history.promises.join(entities, on="account_id"), history, by)
    ends = own.with_columns(over_on=promise_over_on()).filter(days.has("over_on"))
    waits, kept = pl.col("over_on") > known_to, is_kept()
    is_in = ~waits & (kept | ~is_ended(pl.col("over_on")))
    paid = pl.min_horizontal("paid_minor", "amount_minor")
    sums = ends.group_by(keys).agg(
        count_where(is_in).alias("promises_count"),
        count_where(is_in & kept).alias("kept_count"),
        count_where(is_in & ~kept & (pl.col("paid_minor") > 0)).alias("partly_kept_count"),
        count_where(is_in & ~kept & (pl.col("paid_minor") == 0)).alias("broken_count"),
        total_where(pl.col("amount_minor"), is_in).alias("promised_minor"),
        total_where(pl.col("amount_minor"), is_in & kept).alias("kept_minor"),
        total_where(paid, is_in).alias("paid_minor"),
        count_where(waits).alias("waiting_count"),
        count_where(~is_in & ~waits).alias("ended_count"),
    )
    return sums.with_columns(
        kept_count_percent_hundredths=hundredths(pl.col("kept_count"), pl.col("promises_count"), times=100),
        kept_amount_percent_hundredths=hundredths(pl.col("kept_minor"), pl.col("promised_minor"), times=100),
        paid_percent_hundredths=hundredths(pl.col("paid_minor"), pl.col("promised_minor"), times=100),
    ).sort(keys)
