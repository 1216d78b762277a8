"""Earlier charges ride on the notices of what they were raised on; they are never escalated alone."""

import polars as pl

from dunwell.engine.plan import BIT
from dunwell.engine.steps.outcome import Outcome
from dunwell.engine.steps.rows import collected

PARTY = ["entity_id", "payer_id", "currency"]
SHARED = ["notice_no", "outcome", "reasons", "problem", "policy_ix", "fires_on"]


def ride(rows: pl.DataFrame, notices: pl.DataFrame) -> pl.DataFrame:
    """Find, for each charge with nothing in its way, the notice it rides on, or its item's outcome: `row` and SHARED.

    `rows` are decided but for these charges. One whose item is settled, gone from the book, another payer's or in
    another currency, rides on the first notice to the same payer in its currency; without one it waits as `not_due`.
    """
    is_mine = pl.col("is_charge") & pl.col("outcome").is_null()
    charges = rows.lazy().filter(is_mine).select("row", "parent_item_id", *PARTY).pipe(collected)
    if charges.is_empty():
        return rows.clear().select("row", *SHARED)
    parents = charges["parent_item_id"].drop_nulls().unique()
    is_parent = pl.col("item_id").is_in(parents.implode()) & ~pl.col("is_charge") & (pl.col("outcome") != "settled")
    shared = [name for name in SHARED if name != "fires_on"]
    fires_on = pl.when(~pl.col("draft")).then("fires_on")
    items = (
        rows.lazy()
        .filter(is_parent)
        .select(*shared, *PARTY, fires_on=fires_on, parent_item_id="item_id", has_item=pl.lit(value=True))
    )
    first_notice = notices.lazy().group_by(PARTY).agg(first_no=pl.col("notice_no").min())
    mine = (
        charges.lazy()
        .join(items, on=["parent_item_id", *PARTY], how="left", nulls_equal=False)
        .join(first_notice, on=PARTY, how="left", nulls_equal=True)
        .with_columns(notice_no=pl.when(pl.col("has_item").is_null()).then("first_no").otherwise("notice_no"))
    )
    rides = pl.col("notice_no").is_not_null()
    waits = pl.col("has_item").is_null() & ~rides
    said = {
        name: pl.when(rides).then(dun).when(waits).then(wait).otherwise(name)
        for name, dun, wait in (
            ("outcome", pl.lit("dun", dtype=Outcome), pl.lit("not_due", dtype=Outcome)),
            ("reasons", pl.lit(BIT["dun"], dtype=pl.UInt32), pl.lit(BIT["not_due"], dtype=pl.UInt32)),
        )
    }
    return mine.with_columns(**said).select("row", *SHARED).pipe(collected)
