"""Credits a debtor has with us go to the oldest overdue items before anything is dunned."""

import polars as pl

from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, overlay

GROUP = ["entity_id", "account_id", "currency"]


def net_credits(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add `credited_minor` and `dunnable_minor`.

    One sum of credit notes and unallocated cash per entity, account and currency goes to the overdue items that nothing
    blocks, oldest due first, then by item_id. What is not overdue is not netted. `rows` come in order of account and
    item_id.
    """
    pools = (
        rows.lazy()
        .filter("is_credit", pl.col("problem").is_null(), ~pl.col("draft"), pl.col("open_minor") > 0)
        .group_by(GROUP)
        .agg(pool_minor=pl.col("open_minor").sum())
        .with_row_index("pool")
        .pipe(collected)
    )
    rows = rows.with_columns(credited_minor=pl.lit(0, dtype=pl.Int64))
    if pools.is_empty():
        return rows
    netting = procedures.of_policy(lambda policy: policy.credits == "net", pl.Boolean)
    before = pl.col("left_minor").cum_sum().over("pool") - pl.col("left_minor")
    unused = pl.max_horizontal(pl.col("pool_minor") - before, 0)
    due_on = "stored_due_on" if "stored_due_on" in rows.columns else "due_on"
    credited = (
        rows.lazy()
        .filter(pl.col("is_free") & pl.col("is_overdue") & netting)
        .select("row", *GROUP, due_on, "left_minor")
        .join(pools.lazy(), on=GROUP, maintain_order="left")
        .sort(due_on, maintain_order=True)  # of one day, the smaller item_id stays first
        .select("row", credited_minor=pl.min_horizontal("left_minor", unused))
        .pipe(collected)
    )
    return overlay(rows, credited).with_columns(dunnable_minor=pl.col("left_minor") - pl.col("credited_minor"))
