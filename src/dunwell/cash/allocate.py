"""How the money of a line goes to the items that it is for."""

import polars as pl

from dunwell.cash.claims import is_in_time, is_whole


def allocate(chosen: pl.DataFrame, lines: pl.DataFrame, stock: pl.DataFrame, *, grace_days: int) -> pl.DataFrame:
    """Divide each line among the items of its one claim: as tables.ALLOCATIONS, by line and item.

    Credits are used up first, then the oldest due is paid. What is granted beside the money lowers what an item takes:
    a discount each item's own, charges and differences that of the largest that is paid whole. Nothing goes beyond a
    claim's caps.
    """
    if chosen.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    about = stock.select("item_id", "is_credit", "signed_minor", "place", "discount_minor", "discount_until_on")
    each = (
        chosen.select("line_id", "gap", "gap_minor", "item_ids", "caps_minor")
        .join(lines.select("line_id", "amount_minor", "booked_on"), on="line_id")
        .explode("item_ids", "caps_minor", empty_as_null=False)
        .rename({"item_ids": "item_id", "caps_minor": "cap_minor"})
        .join(about, on="item_id")
        .sort("line_id", "place")
    )
    cap, line = pl.col("cap_minor"), "line_id"
    budget = pl.col("amount_minor") + pl.col("gap_minor") - pl.min_horizontal(cap, 0).sum().over(line)
    before = pl.max_horizontal(cap, 0).cum_sum().over(line) - pl.max_horizontal(cap, 0)
    taken = pl.when(cap < 0).then(cap).otherwise(pl.min_horizontal(pl.max_horizontal(budget - before, 0), cap))
    largest = pl.when(is_whole()).then(cap).arg_max().over(line) == pl.int_range(pl.len()).over(line)
    own = (
        pl.when(is_in_time(grace_days) & is_whole()).then(pl.min_horizontal("discount_minor", "cap_minor")).otherwise(0)
    )
    granted = pl.when(pl.col("gap") == "discount").then(own).otherwise(0)
    return (
        each.with_columns(taken=taken, largest=largest, granted=granted)
        # A discount rounded otherwise than ours is the payer's, by a cent or two.
        .with_columns(
            discount_minor=pl.col("granted")
            + pl.when((pl.col("gap") == "discount") & pl.col("largest"))
            .then(pl.col("gap_minor") - pl.col("granted").sum().over(line))
            .otherwise(0),
            charges_minor=pl.when((pl.col("gap") == "charges") & pl.col("largest")).then("gap_minor").otherwise(0),
            difference_minor=pl.when((pl.col("gap") == "difference") & pl.col("largest"))
            .then("gap_minor")
            .otherwise(0),
        )
        .with_columns(
            amount_minor=pl.col("taken") - pl.sum_horizontal("discount_minor", "charges_minor", "difference_minor")
        )
        .filter(pl.col("taken") != 0)
        .select(_SCHEMA.keys())
        .sort("line_id", "item_id")
    )


_SCHEMA = {
    "line_id": pl.Int64, "item_id": pl.Int64, "amount_minor": pl.Int64, "discount_minor": pl.Int64,
    "charges_minor": pl.Int64, "difference_minor": pl.Int64,
}  # fmt: skip
