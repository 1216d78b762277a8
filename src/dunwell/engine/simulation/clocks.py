"""On which day a payer has to be looked at next, where nothing happens before: earlier is slower, later is wrong.

Between two such days `decide` says the same of every item, apart from its days.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy

# What an expression may read that is another thing tomorrow, though nothing has happened and nothing fell due.
PASSING: Final = frozenset({"days_past_due", "days_since_issued", "days_since_previous", "account_oldest_days"})
# Outcomes to which another day, or a later stage, may put an end without any date telling so.
UNDATED: Final = ("exception", "unreachable", "contact_cap")
TOMORROW: Final = pl.col("at") + timedelta(days=1)


def is_restless(policies: Sequence[Policy]) -> bool:
    """Whether what these policies say of an open item may change on any day."""
    read = {column for policy in policies for column in _columns(policy)}
    return bool(read & PASSING)


def next_days(plan: Plan, asked: pl.DataFrame, closings: pl.DataFrame) -> pl.DataFrame:
    """Return for each payer asked the next day on which `decide` may say something new: `entity_id`, `next_on` or null.

    `asked`: `entity_id`, `at`, `restless`. `closings`: the book's. Whoever got a notice is looked at on the next day.
    """
    rows = plan.decisions.lazy().filter(pl.col("outcome") != "settled").join(asked.lazy(), on="entity_id")
    may_change = pl.col("restless") | pl.col("outcome").is_in(UNDATED)
    days_past_due = pl.col("days_past_due")
    dates = (
        pl.when(days_past_due <= 0).then(TOMORROW - pl.duration(days=days_past_due)),
        pl.when(pl.col("next_on") > pl.col("at")).then("next_on"),
        pl.when(may_change).then(TOMORROW),
    )
    by_item = rows.group_by("entity_id").agg(
        by_item=pl.min_horizontal(dates).min(), is_late=(days_past_due > 0).any().fill_null(value=False)
    )
    moved = pl.concat([plan.notices.select("entity_id"), plan.anchors.select("entity_id")]).unique()
    waiting = closings.filter("is_open").select("entity_id").unique()
    told = (
        asked.lazy()
        .join(by_item, on="entity_id", how="left")
        .join(moved.lazy().with_columns(has_moved=pl.lit(value=True)), on="entity_id", how="left")
        .join(waiting.lazy().with_columns(may_close=pl.lit(value=True)), on="entity_id", how="left")
    )
    closes = pl.col("may_close") & ~pl.col("is_late").fill_null(value=False)
    again = pl.when((pl.col("has_moved") | closes).fill_null(value=False)).then(TOMORROW)
    return told.select("entity_id", next_on=pl.min_horizontal("by_item", again)).collect()


def first_days(opening: pl.DataFrame, happens: pl.DataFrame, from_on: date) -> pl.DataFrame:
    """Return the first day of each payer: that of the period for who owes something then, else the first happening.

    Both: `entity_id`; `happens` also `on`.
    """
    at_once = opening.select("entity_id", on=pl.lit(from_on))
    return pl.concat([at_once, happens.select("entity_id", "on")]).group_by("entity_id").agg(at=pl.col("on").min())


def _columns(policy: Policy) -> set[str]:
    read = set(policy.applies_to.columns) if policy.applies_to else set()
    return read.union(policy.split_by, *(stage.when.columns for stage in policy.stages if stage.when))
