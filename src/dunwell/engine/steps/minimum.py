"""Sums too small to write about.

From here on the steps look at candidates only: rows that reached a stage with nothing in the way. Each step marks
what it takes out with a column named after the reason, and the next looks at those that are left.
"""

import polars as pl

from dunwell.engine.steps.groups import group_numbers, of_group
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, gathered

ACCOUNT = ["entity_id", "payer_id", "currency", "policy_ix"]
PERCENT_SCALE = 10_000  # percentages have at most four decimals


def item_minimum(candidates: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Mark `below_item_minimum` and, where the minimum does not know the currency, `minimum_lacks`."""
    least, lacks = procedures.policy_amount(lambda policy: policy.minimum.item)
    return candidates.with_columns(
        below_item_minimum=~pl.col("lacks_currency") & (pl.col("dunnable_minor") < least).fill_null(value=False),
        minimum_lacks=pl.col("lacks_currency") | lacks,
    ).with_columns(is_left=~pl.col("below_item_minimum") & ~pl.col("minimum_lacks"))


def account_minimum(candidates: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Mark `below_account_minimum` for all rows of a payer, currency and policy whose sum is too small.

    `candidates` come in order of their payer.
    """
    least, lacks = procedures.policy_amount(lambda policy: policy.minimum.account)
    if all(policy.minimum.account is None for policy in procedures.policies):
        return candidates.with_columns(below_account_minimum=pl.lit(value=False))
    rows = candidates.pipe(collected)
    group, count = group_numbers(rows, by_policy=True)
    left = rows.lazy().with_columns(group=group).filter("is_left").group_by("group")
    found = gathered(left.agg(pl.col("dunnable_minor").sum()), rows.height)
    total = pl.lit(of_group(found, "dunnable_minor", group, count))
    return (
        rows.lazy()
        .with_columns(
            below_account_minimum=pl.col("is_left") & (total < least).fill_null(value=False),
            minimum_lacks=pl.col("minimum_lacks") | (pl.col("is_left") & lacks),
        )
        .with_columns(is_left=pl.col("is_left") & ~pl.col("below_account_minimum") & ~pl.col("minimum_lacks"))
    )


def percentage(candidates: pl.LazyFrame, procedures: Procedures, notice_key: list[str]) -> pl.LazyFrame:
    """Mark `below_percentage`: the notice's dunnable is too small a part of the account's open sum before credits."""
    if not any(policy.minimum.percent_of_open for policy in procedures.policies):
        return candidates.with_columns(below_percentage=pl.lit(value=False))
    percent = procedures.of_policy(lambda policy: int(policy.minimum.percent_of_open * PERCENT_SCALE), pl.Int64)
    total = pl.col("dunnable_minor").filter("is_left").sum().over(notice_key).cast(pl.Int128)
    below = total * 100 * PERCENT_SCALE < pl.col("account_open_minor").cast(pl.Int128) * percent
    return candidates.with_columns(below_percentage=pl.col("is_left") & below).with_columns(
        is_left=pl.col("is_left") & ~pl.col("below_percentage")
    )
