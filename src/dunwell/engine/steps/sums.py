"""What an account owes in all, for expressions, minimums and percentages."""

import polars as pl

GROUP = ["entity_id", "payer_id", "currency"]


def account_sums(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the sums per entity, payer and currency over claims: without credits, charges, drafts and broken rows."""
    claims = rows.filter("is_claim")
    overdue = pl.col("is_overdue")
    sums = claims.group_by(GROUP).agg(
        account_open_minor=pl.col("open_minor").sum(),
        account_overdue_minor=pl.col("open_minor").filter(overdue).sum(),
        account_open_items=pl.len().cast(pl.Int64),
        account_overdue_items=overdue.sum().cast(pl.Int64),
        account_oldest_days=pl.col("days_past_due").filter(overdue).max(),
    )
    names = [name for name in sums.collect_schema().names() if name not in GROUP]
    joined = rows.join(sums, on=GROUP, how="left", maintain_order="left")
    return joined.with_columns([pl.col(name).fill_null(0) for name in names])
