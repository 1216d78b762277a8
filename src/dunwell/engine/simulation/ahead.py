"""Several days of each payer at once: as if nothing were sent on them, up to the first on which something is.

Deciding costs about as much for one row as for some thousands, and on most days of most payers nothing is sent. So
each day to come is a *turn* of the payer: what it owes then, copied under ids of its own, which are those of the play
times the width, plus the turn. What is found of turns after the first notice is thrown away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.simulation.clocks import UNDATED, next_days

IDS: Final = (
    "entity_id", "account_id", "parent_id", "payer_id", "item_id", "parent_item_id", "anchor_item_id", "charge_item_id",
    "notice_id",
)  # fmt: skip
OF_ENTITY: Final = ("entities", "accounts", "items", "payers", "anchors", "closings", "notices")
OF_ITEM: Final = ("elsewhere", "charges")
LOOKS_MAX: Final = 6  # days of a claim on which something may be sent


class Ahead:
    """The turns of payers: `entity_id`, `turn`, `at`, `restless`, and `copy_id`, the entity of the copy."""

    def __init__(self, due: pl.DataFrame, days: Sequence[pl.DataFrame], width: int, until_on: date) -> None:
        """Take up to `width` days of each payer, the first on its clock, up to `until_on`.

        `due`: `entity_id`, `at`, `restless`, `daily`. `days`: frames of `entity_id` and `on`, the days to look at.
        """
        self.width = width
        whole = due.select("entity_id", "restless", "at", turn=pl.lit(0, dtype=pl.Int32))
        turns = whole if width == 1 else _turns(due, days, width, until_on)
        self.turns = turns.with_columns(copy_id=pl.col("entity_id") * width + pl.col("turn"))

    @cached_property
    def asked(self) -> pl.DataFrame:
        """The copies as `next_days` asks for them: `entity_id`, `at`, `restless`."""
        return self.turns.select("at", "restless", entity_id="copy_id")

    def policies(self, by_scenario: Sequence[Sequence[Policy]]) -> Mapping[int, tuple[Sequence[Policy], date]]:
        """The copies as `decide_apart` asks for them."""
        count = len(by_scenario)
        rows = self.turns.select("copy_id", pl.col("entity_id") % count, "at").iter_rows()
        return {copy_id: (by_scenario[scenario], at) for copy_id, scenario, at in rows}

    def copies(self, book: Book) -> Book:
        """What the book says of the payers, once for each turn; with one turn, all as it is."""
        if self.width == 1:
            return book
        whose = book.items.select("item_id", "entity_id")
        tables = {name: self.copied(getattr(book, name)) for name in OF_ENTITY}
        for name in OF_ITEM:
            rows = getattr(book, name)
            tables[name] = rows if rows.is_empty() else self.copied(rows.join(whose, on="item_id")).drop("entity_id")
        return replace(book, **tables)

    def copied(self, rows: pl.DataFrame, *, on: str | None = None) -> pl.DataFrame:
        """Rows with an `entity_id`, once for each turn; with `on`, for the turns of that day and later."""
        if rows.is_empty():
            return rows
        columns = ["entity_id", "turn", *(["at"] if on else [])]
        found = rows.join(self.turns.select(columns), on="entity_id")
        found = found.filter(pl.col(on) <= pl.col("at")) if on else found
        if self.width > 1:
            found = found.with_columns(pl.col(id_) * self.width + pl.col("turn") for id_ in IDS if id_ in rows.columns)
        return found.select(rows.columns)

    def originals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of copies with the ids of the play."""
        if self.width == 1:
            return rows
        return rows.with_columns(pl.col(id_) // self.width for id_ in IDS if id_ in rows.columns)

    def ends(self, plan: Plan, book: Book) -> pl.DataFrame:
        """The last turn of each payer that counts: a row of `turns`, `next_on`, `daily`.

        That is the first on which something is sent, or after which a day is to be looked at that is no turn. `daily`:
        every day is to be looked at from then on. `book`: that of the copies, as it was decided about.
        """
        daily = plan.decisions.filter(pl.col("outcome").is_in(UNDATED))["entity_id"].unique()
        told = self.turns.join(
            next_days(plan, self.asked, book),
            left_on="copy_id",
            right_on="entity_id",
            how="left",
            maintain_order="left",
        ).with_columns(daily=pl.col("copy_id").is_in(daily.implode()))
        if self.width == 1:
            return told
        sent = pl.concat([plan.notices["entity_id"], plan.anchors["entity_id"]]).unique()
        next_at = pl.when(pl.col("entity_id") == pl.col("entity_id").shift(-1)).then(pl.col("at").shift(-1))
        is_last = next_at.is_null() | (pl.col("next_on") < next_at).fill_null(value=False)
        ended = told.filter(is_last | pl.col("copy_id").is_in(sent.implode()))
        return ended.unique("entity_id", keep="first", maintain_order=True)


def _turns(due: pl.DataFrame, days: Sequence[pl.DataFrame], width: int, until_on: date) -> pl.DataFrame:
    """Several days of each payer, sorted: `entity_id`, `restless`, `at`, `turn`."""
    steps = pl.DataFrame({"days": range(1, width)}, schema={"days": pl.Int64})
    daily = due.filter(pl.col("restless") | pl.col("daily")).join(steps, how="cross")
    each_day = daily.select("entity_id", on=pl.col("at") + pl.duration(days="days"))
    coming = pl.concat([each_day, *(each.select("entity_id", "on") for each in days)]).join(due, on="entity_id")
    is_ahead = (pl.col("on") > pl.col("at")) & (pl.col("on") <= until_on)
    every = pl.concat(
        [
            due.select("entity_id", "restless", "at"),
            coming.filter(is_ahead).select("entity_id", "restless", at="on"),
        ]
    )
    turn = pl.int_range(pl.len(), dtype=pl.Int32).over("entity_id")
    sorted_ = every.unique().sort("entity_id", "at").with_columns(turn=turn)
    return sorted_.filter(pl.col("turn") < width)


def looks(items: pl.DataFrame, moves: pl.DataFrame, policies: Sequence[Sequence[Policy]]) -> pl.DataFrame:
    """Days on which something may be sent about claims, or is overdue first, while they are open: `entity_id`, `on`.

    A guess, of which nothing but time depends: a day that is missing here is looked at when it has come. `moves`: the
    payments to come, MOVES; `policies`: by scenario.
    """
    paid = moves.group_by("item_id").agg(paid_minor=pl.col("less_minor").sum(), paid_on=pl.col("on").max())
    rows = items.drop_nulls("due_on").join(paid, on="item_id", how="left")
    is_paid = pl.col("paid_minor") >= pl.col("open_minor")
    rows = rows.select("entity_id", "due_on", paid_on=pl.when(is_paid).then("paid_on"))
    scenario = (pl.col("entity_id") % len(policies)).cast(pl.Int64)
    offsets = pl.DataFrame(
        [(at, days) for at, own in enumerate(policies) for days in _offsets(own)],
        {"scenario": pl.Int64, "days": pl.Int64},
        orient="row",
    )
    dated = rows.with_columns(scenario=scenario).join(offsets, on="scenario")
    dated = dated.with_columns(on=pl.col("due_on") + pl.duration(days="days"))
    return dated.filter((pl.col("on") < pl.col("paid_on")).fill_null(value=True)).select("entity_id", "on").unique()


def _offsets(policies: Sequence[Policy]) -> list[int]:
    """The days past due from which stages count, the first of them, and the day after the due date."""
    days = [stage.days_past_due for policy in policies for stage in policy.stages if stage.days_past_due is not None]
    return sorted({1, *days})[:LOOKS_MAX]


def width_for(rows: int, most: int, budget: int) -> int:
    """How many turns payers with so many rows in all may have: many where there are few."""
    return max(1, min(most, budget // max(rows, 1)))
