"""Roll rates: what became of the money in each bucket of age from one month end to the next."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.ageing import BUCKETS, bucket_names, bucket_of
from dunwell.insight.trade import GROUP, SOLD, hundredths, total, with_party

PAID: Final = "paid"
WHY_NOT: Final = {"percent_hundredths": "nothing was in the bucket"}


def roll_rates(
    history: History, from_on: date, to_on: date, *, buckets: Sequence[int] = BUCKETS, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Where the money of each bucket stood at the end of a later day; a row an entity, currency, `by` and two buckets.

    `from_bucket`, `to_bucket` (another bucket, or `paid`: no longer open), `amount_minor`, `of_minor` (all that was in
    the bucket) and `percent_hundredths`, their ratio. Item by item: of each, what was open then goes on to where it is
    now, never what is new. Buckets as in `ageing`: by days past due, exactly 30 days in the first. Invoices and
    instalments with tax, whole where they are disputed; no charges, no credits; a credit note set off counts as `paid`,
    as nothing is owed any more. What came back beyond what was open on the first day is in no row. Source: as banks
    measure delinquency; the rate from 1-30 to 31-60 over a month is the roll rate. Errors: ValueError for days that the
    history does not tell of, or that run backwards.
    """
    if to_on <= from_on:
        raise ValueError(f"{to_on} does not come after {from_on}")
    names = bucket_names(buckets)
    labels = pl.Enum([*names, PAID])
    keys = [*GROUP, *by]

    def placed(on: date) -> pl.Expr:
        return pl.lit(pl.Series(names, dtype=labels)).gather(bucket_of(on, buckets, names))

    then = with_party(history.open_on(from_on).filter(pl.col("kind").is_in(SOLD)), history, by)
    now = history.open_on(to_on).select("item_id", now_minor="open_minor")
    rows = then.join(now, on="item_id", how="left").with_columns(
        from_bucket=placed(from_on),
        rolled_to=placed(to_on),
        left_minor=pl.min_horizontal(pl.col("now_minor").fill_null(0), "open_minor"),
    )
    left = rows.select(*keys, "from_bucket", to_bucket="rolled_to", amount_minor="left_minor")
    paid = rows.select(
        *keys,
        "from_bucket",
        to_bucket=pl.lit(PAID, dtype=labels),
        amount_minor=pl.col("open_minor") - pl.col("left_minor"),
    )
    sums = pl.concat([left, paid]).group_by(*keys, "from_bucket", "to_bucket").agg(total(pl.col("amount_minor")))
    of = sums.group_by(*keys, "from_bucket").agg(of_minor=total(pl.col("amount_minor")))
    told = sums.filter(pl.col("amount_minor") > 0).join(of, on=[*keys, "from_bucket"], nulls_equal=True)
    return told.with_columns(percent_hundredths=hundredths(pl.col("amount_minor"), pl.col("of_minor"), times=100)).sort(
        *keys, "from_bucket", "to_bucket"
    )
