"""Account-anchored policies: one item speaks for the account, and the account keeps the state."""

from datetime import date

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.age import days_since, plus_days
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.stage import judge, level

GROUP = ["entity_id", "payer_id", "currency", "policy_ix"]
STATE = ["last_notice_on", "last_deadline_on", "version"]


def stored_anchors(book: Book, procedures: Procedures) -> pl.DataFrame:
    """The kept state of account-anchored groups, with `policy_ix`, under the names that rows give theirs."""
    numbers = {policy.policy: ix for ix, policy in enumerate(procedures.policies) if policy.anchor == "account"}
    return (
        book.anchors.with_columns(
            policy_ix=pl.col("policy").replace_strict(numbers, default=None, return_dtype=pl.UInt32),
            is_pending=pl.col("pending_notice_id").is_not_null(),
        )
        .filter(pl.col("policy_ix").is_not_null())
        .select(*GROUP, *STATE, "is_pending", "anchor_item_id", stored_level="level", stored_stage="stage")
    )


def anchors(rows: pl.DataFrame, stored: pl.DataFrame, procedures: Procedures, *, as_of: date) -> pl.DataFrame:
    """The anchor's row of every account-anchored group, with the group's state and `may_fall`.

    The anchor is the oldest overdue item with something to dun; ties: the larger amount, then item_id.
    """
    deescalates = procedures.of_policy(lambda policy: policy.deescalate, pl.Boolean)
    oldest = (
        rows.filter("is_anchorable")
        .sort("due_on", "dunnable_minor", "item_id", descending=[False, True, False])
        .unique(GROUP, keep="first", maintain_order=True)
    )
    kept = stored.columns
    return (
        oldest.drop([name for name in kept if name not in GROUP and name in oldest.columns])
        .join(stored, on=GROUP, how="left", nulls_equal=True)
        .with_columns(
            stored_level=pl.col("stored_level").fill_null(0),
            version=pl.col("version").fill_null(0),
            is_pending=pl.col("is_pending").fill_null(value=False),
            may_fall=deescalates | (pl.col("anchor_item_id") != pl.col("item_id")).fill_null(value=False),
            days_since_previous=days_since("last_notice_on", as_of),
        )
    )


def spoken_for(grouped: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The overdue dunnable rows of each group: what holds for their anchor holds for them."""
    said = judged.select(
        *GROUP,
        "level",
        "position",
        "is_reached",
        "is_too_soon",
        "free_on",
        "fires_on",
        "lacks_currency",
        anchor_pending="is_pending",
        anchor_notice_on="last_notice_on",
    )
    return (
        grouped.filter("is_anchorable")
        .drop("level")
        .join(said, on=GROUP, how="left", nulls_equal=True)
        .with_columns(
            is_pending=pl.col("is_pending") | pl.col("anchor_pending"),
            last_notice_on="anchor_notice_on",
            is_not_due=pl.col("position").is_not_null() & ~pl.col("is_reached"),
            is_finished=pl.col("position").is_null(),
        )
    )


def waiting(
    grouped: pl.DataFrame, judged: pl.DataFrame, stored: pl.DataFrame, procedures: Procedures, *, as_of: date
) -> pl.DataFrame:
    """The other rows: not overdue, or with nothing left. They wait, until they are overdue or speak for the account.

    Where a group has no anchor, a row that falls due next is judged as its anchor would be.
    """
    levels = pl.concat(
        [
            judged.select(*GROUP, group_level="level", has_anchor=pl.lit(value=True)),
            _kept(grouped, judged, stored).select(*GROUP, group_level="stored_level", has_anchor=pl.lit(value=False)),
        ]
    )
    rest = (
        grouped.filter(~pl.col("is_anchorable"))
        .with_columns(
            stored_level=pl.lit(0, dtype=pl.Int16),
            stored_stage=pl.lit(None, dtype=pl.String),
            last_notice_on=pl.lit(None, dtype=pl.Date),
            last_deadline_on=pl.lit(None, dtype=pl.Date),
        )
        .join(levels, on=GROUP, how="left", nulls_equal=True)
    )
    alone = ~pl.col("has_anchor").fill_null(value=False) & ~pl.col("is_overdue")
    fires_on = pl.max_horizontal("fires_on", plus_days(pl.col("due_on"), 1))
    return (
        judge(level(rest.lazy(), procedures), procedures, as_of=as_of)
        .with_columns(
            level=pl.col("group_level").fill_null(0),
            position=pl.when(alone).then("position"),
            fires_on=pl.when(alone & pl.col("fires_on").is_not_null()).then(fires_on),
            is_reached=pl.lit(value=False),
            is_too_soon=pl.lit(value=False),
            is_not_due=~pl.col("is_overdue"),
            is_finished=pl.lit(value=False),
        )
        .collect()
    )


def states(grouped: pl.DataFrame, judged: pl.DataFrame, stored: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """What is to be kept of each group, before any notice: level, anchor, and whether that `is_changed`.

    A group without an anchor keeps its state while something overdue is only blocked; with nothing overdue left it is
    back at level 0.
    """

    stage = procedures.of_stage(lambda stage: stage.stage, procedures.slot(pl.col("level")), pl.String)
    current = judged.select(*GROUP, "level", "version", anchor_item_id="item_id", stage=stage)
    kept = _kept(grouped, judged, stored)
    without = stored.join(current, on=GROUP, how="anti", nulls_equal=True)
    gone = without.join(kept, on=GROUP, how="anti", nulls_equal=True).select(
        *GROUP,
        "version",
        level=pl.lit(0, dtype=pl.Int16),
        anchor_item_id=pl.lit(None, dtype=pl.Int64),
        stage=pl.lit(None, dtype=pl.String),
    )
    before = stored.select(*GROUP, "stored_level", before_item_id="anchor_item_id")
    same = (pl.col("stored_level") == pl.col("level")) & pl.col("anchor_item_id").eq_missing(pl.col("before_item_id"))
    return (
        pl.concat([current, gone.select(current.columns)])
        .join(before, on=GROUP, how="left", nulls_equal=True)
        .with_columns(
            is_changed=~same.fill_null(value=False),
            policy=procedures.of_policy(lambda policy: policy.policy, pl.String),
        )
    )


def _kept(grouped: pl.DataFrame, judged: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """The stored state of groups without an anchor that have something overdue which is only blocked."""
    blocked = grouped.filter("is_claim", "is_overdue", ~pl.col("is_free"))
    return stored.join(judged, on=GROUP, how="anti", nulls_equal=True).join(
        blocked, on=GROUP, how="semi", nulls_equal=True
    )
