"""On which day a payer has to be looked at next, where nothing happens before: earlier is slower, later is wrong.

Between two such days `decide` says the same of every item, apart from its days.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.closing import CLAIM, overdue_items

# What an expression may read that is another thing tomorrow, though nothing has happened and nothing fell due.
PASSING: Final = frozenset({"days_past_due", "days_since_issued", "days_since_previous", "account_oldest_days"})
# Outcomes to which another day, or a later stage, may put an end without any date telling so.
UNDATED: Final = ("exception", "unreachable", "contact_cap")
TOMORROW: Final = pl.col("at") + timedelta(days=1)


def is_restless(policies: Sequence[Policy]) -> bool:
    """Whether what these policies say of an open item may change on any day."""
    read = {column for policy in policies for column in _columns(policy)}
    return bool(read & PASSING)


def next_days(plan: Plan, asked: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Return for each payer asked the next day on which `decide` may say something new: `entity_id`, `next_on` or null.

    `asked`: `entity_id`, `at`, `restless`. `book`: as it was decided about; each of its entities is one payer. Whoever
    gets a notice is looked at on the next day.
    """
    rows = plan.decisions.lazy().filter(pl.col("outcome") != "settled").join(asked.lazy(), on="entity_id")
    may_change = pl.col("restless") | pl.col("outcome").is_in(UNDATED)
    days_past_due = pl.col("days_past_due")
    dates = (
        pl.when(days_past_due <= 0).then(TOMORROW - pl.duration(days=days_past_due)),
        pl.when(pl.col("next_on") > pl.col("at")).then("next_on"),
        pl.when(may_change).then(TOMORROW),
    )
    by_item = rows.group_by("entity_id").agg(by_item=pl.min_horizontal(dates).min())
    told = (
        asked.lazy()
        .join(by_item, on="entity_id", how="left")
        .join(_falling_due(book, asked).lazy(), on="entity_id", how="left")
        .join(_again(plan, asked, book).lazy().with_columns(again=pl.lit(value=True)), on="entity_id", how="left")
    )
    again = pl.when(pl.col("again").fill_null(value=False)).then(TOMORROW)
    return told.select("entity_id", next_on=pl.min_horizontal("by_item", "falls_on", again)).collect()


def _falling_due(book: Book, asked: pl.DataFrame) -> pl.DataFrame:
    """The day after the next due date, as it is written: `entity_id`, `falls_on`.

    A calendar may move it in what a decision says of the item; what an account has overdue in all goes by the date.
    """
    ahead = book.items.filter(CLAIM).join(asked, on="entity_id").filter(pl.col("due_on") >= pl.col("at"))
    return ahead.group_by("entity_id").agg(falls_on=pl.col("due_on").min() + timedelta(days=1))


def _again(plan: Plan, asked: pl.DataFrame, book: Book) -> pl.DataFrame:
    """The `entity_id` of those to look at tomorrow: who was written to, or has a closing that waits for an open day."""
    moved = pl.concat([plan.notices.select("entity_id"), plan.anchors.select("entity_id")])
    waiting = book.closings.filter("is_open").select("entity_id")
    if waiting.height:
        dated = replace(book, items=book.items.join(waiting, on="entity_id", how="semi").join(asked, on="entity_id"))
        late = overdue_items(dated, book.accounts.select("account_id", payer_id="account_id"), pl.col("at"))
        waiting = waiting.join(late, on="entity_id", how="anti")
    return pl.concat([moved, waiting]).unique()


def first_days(opening: pl.DataFrame, happens: pl.DataFrame, from_on: date) -> pl.DataFrame:
    """Return the first day of each payer: that of the period for who owes something then, else the first happening.

    Both: `entity_id`; `happens` also `on`.
    """
    at_once = opening.select("entity_id", on=pl.lit(from_on))
    return pl.concat([at_once, happens.select("entity_id", "on")]).group_by("entity_id").agg(at=pl.col("on").min())


def _columns(policy: Policy) -> set[str]:
    read = set(policy.applies_to.columns) if policy.applies_to else set()
    return read.union(policy.split_by, *(stage.when.columns for stage in policy.stages if stage.when))
