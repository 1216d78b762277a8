"""What an account owes in all, for expressions, minimums and percentages."""

from collections.abc import Set
from typing import Final

import polars as pl

from dunwell.engine.steps.groups import group_numbers, of_group
from dunwell.engine.steps.rows import gathered

_OF_OPEN: Final = {"account_open_minor": pl.col("open_minor").sum(), "account_open_items": pl.len().cast(pl.Int64)}
_OF_OVERDUE: Final = {
    "account_overdue_minor": pl.col("open_minor").sum(),
    "account_overdue_items": pl.len().cast(pl.Int64),
    "account_oldest_days": pl.col("days_past_due").max(),
}


def account_sums(rows: pl.DataFrame, names: Set[str]) -> pl.DataFrame:
    """Add the sums of these names per entity, payer and currency over claims.

    Without credits, charges, drafts and broken rows. `rows` come in order of their payer.
    """
    group, count = group_numbers(rows)
    claims = rows.lazy().with_columns(group=group).filter("is_claim")
    # Each by itself, since what is overdue is the smaller part.
    for asked, wanted in ((claims, _OF_OPEN), (claims.filter("is_overdue"), _OF_OVERDUE)):
        sums = {name: wanted[name] for name in wanted if name in names}
        if sums:
            found = gathered(asked.group_by("group").agg(**sums), rows.height)
            rows = rows.with_columns(of_group(found, name, group, count) for name in sums)
    return rows
