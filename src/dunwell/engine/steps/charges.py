"""Earlier charges ride on the notices of what they were raised on; they are never escalated alone."""

import polars as pl

from dunwell.engine.plan import BIT
from dunwell.engine.steps.outcome import Outcome

PARTY = ["entity_id", "payer_id", "currency"]
SHARED = ["notice_no", "outcome", "reasons", "problem", "policy_ix", "fires_on"]


def ride(rows: pl.DataFrame, notices: pl.DataFrame) -> pl.DataFrame:
    """Give each charge with nothing in its way the notice it rides on, or its item's outcome; only those rows.

    `rows` are decided but for these charges. One whose item is settled, or gone from the book, rides on the first notice
    to the same payer in its currency; without such a notice it waits as `not_due`.
    """
    charges = rows.filter(pl.col("is_charge") & pl.col("outcome").is_null())
    if charges.is_empty():
        return charges
    settled = pl.col("outcome") == "settled"
    items = rows.filter(~pl.col("is_charge") & ~settled).select(*SHARED, parent_item_id="item_id", has_item=True)
    first_notice = notices.group_by(PARTY).agg(first_no=pl.col("notice_no").min())
    mine = (
        charges.drop(SHARED)
        .join(items, on="parent_item_id", how="left")
        .join(first_notice, on=PARTY, how="left", nulls_equal=True)
        .with_columns(notice_no=pl.when(pl.col("has_item").is_null()).then("first_no").otherwise("notice_no"))
    )
    rides = pl.col("notice_no").is_not_null()
    waits = pl.col("has_item").is_null() & ~rides
    settle = {"outcome": pl.lit("dun", dtype=Outcome), "reasons": pl.lit(BIT["dun"], dtype=pl.UInt32)}
    wait = {"outcome": pl.lit("not_due", dtype=Outcome), "reasons": pl.lit(BIT["not_due"], dtype=pl.UInt32)}
    return mine.with_columns(
        **{
            name: pl.when(rides).then(settle[name]).when(waits).then(wait[name]).otherwise(name)
            for name in ("outcome", "reasons")
        }
    ).select(rows.columns)
