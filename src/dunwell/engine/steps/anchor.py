"""Account-anchored policies: one item speaks for the account, and the account keeps the state."""

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.policy.expressions import TEXT_COLUMNS
from dunwell.engine.steps.age import days_since, later, plus_days
from dunwell.engine.steps.closed import leaves_on
from dunwell.engine.steps.groups import group_numbers
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, overlay
from dunwell.engine.steps.stage import fall, judge, level

GROUP = ["entity_id", "payer_id", "currency", "policy_ix"]
STATE = ["last_notice_on", "last_deadline_on", "repeats", "version"]
# What is asked of every row of account-anchored policies; of the anchors themselves, everything is.
MINE = [
    "row", *GROUP, "item_id", "due_on", "dunnable_minor", "is_claim", "is_free", "is_overdue", "is_pending", "position",
    "fires_on", "cap",
]  # fmt: skip
# What a row that speaks for its group is judged by, with the columns that expressions read and SOMETIMES. What it keeps
# of its own is the group's, and comes from there.
SPEAKING = ["row", *GROUP, "item_id", "due_on", "days_past_due", "is_overdue", "last_contact_on"]
SOMETIMES = [
    "calendar", "closed_by", "as_of", "broken_on", "dispute_over_on", "max_stage", "max_stage_of_account",
    "max_stage_of_payer",
]  # fmt: skip


def stored_anchors(book: Book, procedures: Procedures) -> pl.DataFrame:
    """The kept state of account-anchored groups, with `policy_ix`, under the names that rows give theirs."""
    return (
        book.anchors.lazy()
        .with_columns(roster=procedures.roster, is_pending=pl.col("pending_notice_id").is_not_null())
        .join(procedures.names.lazy(), on=["roster", "policy"], how="left")
        .filter(_by_account(procedures))
        .select(*GROUP, *STATE, "is_pending", "anchor_item_id", stored_level="level", stored_stage="stage")
        .pipe(collected)
    )


def blanked(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Judge rows of account-anchored policies as if they were new: their state is the group's, not their own."""
    by_account = _by_account(procedures)
    return rows.with_columns(
        own_level="stored_level",
        own_stage="stored_stage",
        own_notice_on="last_notice_on",
        stored_level=pl.when(~by_account).then("stored_level").otherwise(pl.lit(0, dtype=pl.Int16)),
        stored_stage=pl.when(~by_account).then("stored_stage"),
        last_notice_on=pl.when(~by_account).then("last_notice_on"),
        own_deadline_on="last_deadline_on",
        last_deadline_on=pl.when(~by_account).then("last_deadline_on"),
        days_since_previous=pl.when(~by_account).then("days_since_previous"),
    )


def grouped(
    rows: pl.DataFrame, book: Book, procedures: Procedures, *, as_of: pl.Expr
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let the anchors speak for their groups; return all rows, and what is to be kept of each group.

    `rows` have been judged one by one, those of account-anchored policies as if new (`blanked`).
    """
    own = {"own_level": "stored_level", "own_stage": "stored_stage", "own_notice_on": "last_notice_on"}
    own["own_deadline_on"] = "last_deadline_on"
    rows = rows.lazy().drop(own.values()).rename(own).pipe(collected)
    anchorable = pl.col("is_free") & pl.col("is_overdue") & (pl.col("dunnable_minor") > 0)
    sometimes = [name for name in ("calendar", "as_of") if name in rows.columns]
    mine = (
        rows.lazy().filter(_by_account(procedures)).select(*MINE, *sometimes, is_anchorable=anchorable).pipe(collected)
    )
    numbers, count = group_numbers(mine, by_policy=True)
    mine = mine.with_columns(group=numbers)
    stored = _numbered(stored_anchors(book, procedures), mine, count)
    speaking = fall(level(_anchors(rows, mine, stored, procedures, as_of), procedures), procedures, as_of=as_of)
    judged = judge(speaking, procedures, as_of=as_of)
    kept = level(_kept(mine, judged, stored), procedures).pipe(collected)
    rows = overlay(rows, _waiting(mine, judged, kept, procedures, as_of))
    rows = overlay(rows, _spoken_for(mine, judged))
    return rows, _states(judged, kept, stored, procedures)


def _numbered(stored: pl.DataFrame, mine: pl.DataFrame, count: int) -> pl.DataFrame:
    """Add `group`, the number of the rows of the group, or one above all of theirs where it has none."""
    if stored.is_empty():
        return stored.with_columns(group=pl.lit(None, dtype=pl.UInt32))
    numbers = mine.select(*GROUP, "group").unique("group")
    found = stored.join(numbers, on=GROUP, how="left", nulls_equal=True, maintain_order="left")
    return found.with_columns(pl.col("group").fill_null(count + pl.int_range(pl.len(), dtype=pl.UInt32)))


def _by_account(procedures: Procedures) -> pl.Expr:
    return procedures.of_policy(lambda policy: policy.anchor == "account", pl.Boolean).fill_null(value=False)


def _anchors(
    rows: pl.DataFrame, mine: pl.DataFrame, stored: pl.DataFrame, procedures: Procedures, as_of: pl.Expr
) -> pl.LazyFrame:
    """The anchor's row of every group, with the group's state and `may_fall`.

    The anchor is the oldest overdue item with something to dun; ties: the larger amount, then item_id.
    """
    deescalates = procedures.of_policy(lambda policy: policy.deescalate, pl.Boolean)
    oldest = (
        mine.lazy()
        .filter("is_anchorable")
        .select("row", "group", "due_on", "dunnable_minor", "item_id")
        .sort("due_on", "dunnable_minor", "item_id", descending=[False, True, False])
        .filter(pl.col("group").is_first_distinct())
        .pipe(collected)
    )
    read = {TEXT_COLUMNS.get(name, name) for name in procedures.later_columns} | procedures.sums
    asked = [name for name in rows.columns if name in {*SPEAKING, *SOMETIMES, *read}]
    return (
        rows.select(asked)[oldest["row"]]
        .lazy()
        .with_columns(group=oldest["group"])
        .drop([name for name in stored.columns if name not in GROUP and name in asked])
        .join(stored.lazy().drop(GROUP), on="group", how="left", maintain_order="left")
        .with_columns(
            pl.col("version", "repeats").fill_null(0),
            stored_level=pl.col("stored_level").fill_null(0),
            is_pending=pl.col("is_pending").fill_null(value=False),
            may_fall=deescalates | (pl.col("anchor_item_id") != pl.col("item_id")).fill_null(value=False),
            days_since_previous=days_since("last_notice_on", as_of),
        )
    )


def _spoken_for(mine: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """What holds for the anchor holds for every overdue dunnable row of its group."""
    said = judged.select(
        "group", "level", "position", "is_reached", "is_too_soon", "free_on", "fires_on", "lacks_currency",
        "last_notice_on", "days_since_previous", "repeats_after", group_pending="is_pending",
    )  # fmt: skip
    return (
        mine.lazy()
        .filter("is_anchorable")
        .select("row", "is_pending", "cap", "group")
        .join(said.lazy(), on="group", how="left")
        # An item that may go no further than a stage is not on the notice of a later one.
        .with_columns(position=pl.when((pl.col("cap") >= pl.col("position")).fill_null(value=True)).then("position"))
        .with_columns(is_reached=pl.col("is_reached") & pl.col("position").is_not_null())
        .with_columns(is_too_soon=pl.col("is_too_soon") & pl.col("position").is_not_null())
        .with_columns(
            is_pending=pl.col("is_pending") | pl.col("group_pending"),
            is_not_due=pl.col("position").is_not_null() & ~pl.col("is_reached"),
            is_finished=pl.col("position").is_null(),
        )
        .drop("group", "group_pending", "cap")
        .pipe(collected)
    )


def _waiting(
    mine: pl.DataFrame, judged: pl.DataFrame, kept: pl.DataFrame, procedures: Procedures, as_of: pl.Expr
) -> pl.DataFrame:
    """The other rows: not overdue, or with nothing left. They wait, until they are overdue or speak for the account.

    Where a group has no anchor, a row that falls due next has been judged as its anchor would be.
    """
    levels = pl.concat(
        [
            judged.select("group", group_level="level", has_anchor=pl.lit(value=True)),
            kept.select("group", group_level="level", has_anchor=pl.lit(value=False)),
        ]
    )
    alone = ~pl.col("has_anchor").fill_null(value=False) & ~pl.col("is_overdue")
    fires_on = leaves_on(later(pl.col("fires_on"), plus_days(pl.col("due_on"), 1)), procedures, as_of=as_of)
    return (
        mine.lazy()
        .filter(~pl.col("is_anchorable"))
        .join(levels.lazy(), on="group", how="left")
        .select(
            "row",
            level=pl.col("group_level").fill_null(0),
            position=pl.when(alone).then("position"),
            fires_on=pl.when(alone & pl.col("fires_on").is_not_null()).then(fires_on),
            is_reached=pl.lit(value=False),
            is_too_soon=pl.lit(value=False),
            is_not_due=~pl.col("is_overdue"),
            is_finished=pl.lit(value=False),
        )
        .pipe(collected)
    )


def _kept(mine: pl.DataFrame, judged: pl.DataFrame, stored: pl.DataFrame) -> pl.LazyFrame:
    """The stored state of groups without an anchor that have something overdue which is only blocked."""
    is_blocked = pl.col("is_claim") & pl.col("is_overdue") & ~pl.col("is_free")
    blocked = mine.lazy().filter(is_blocked).select("group")
    without = stored.lazy().join(judged.lazy(), on="group", how="anti")
    return without.join(blocked, on="group", how="semi")


def _states(judged: pl.DataFrame, kept: pl.DataFrame, stored: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """What is to be kept of each group, before any notice: level, anchor, and whether that `is_changed`.

    A group without an anchor keeps its state while something overdue is only blocked; with nothing overdue left it is
    back at level 0. Another policy is no change: as an item's, the state is read under the policy of the day.
    """
    stage = procedures.of_stage(lambda stage: stage.stage, procedures.slot(pl.col("level")), pl.String)
    current = judged.lazy().select(
        *GROUP, "group", "level", "version", "repeats", anchor_item_id="item_id", stage=stage
    )
    without = stored.lazy().join(current, on="group", how="anti")
    gone = without.join(kept.lazy(), on="group", how="anti").select(
        *GROUP,
        "group",
        level=pl.lit(0, dtype=pl.Int16),
        version="version",
        repeats=pl.lit(0, dtype=pl.Int16),
        anchor_item_id=pl.lit(None, dtype=pl.Int64),
        stage=pl.lit(None, dtype=pl.String),
    )
    before = level(stored.lazy(), procedures).select("group", level_before="level", before_item_id="anchor_item_id")
    same = (pl.col("level_before") == pl.col("level")) & pl.col("anchor_item_id").eq_missing(pl.col("before_item_id"))
    return (
        pl.concat([current, gone])
        .join(before, on="group", how="left")
        .with_columns(
            is_changed=~same.fill_null(value=False),
            policy=procedures.of_policy(lambda policy: policy.policy, pl.String),
        )
        .pipe(collected)
    )
