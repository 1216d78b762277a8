"""From rows to notices: one entity, payer, currency and policy, split further as the policy says."""

from datetime import date

import polars as pl

from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.minimum import ACCOUNT
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.reach import channels_of

NOTICE = [*ACCOUNT, "split"]
APPROVALS = {"none": 0, "one": 1, "two": 2}


def split(candidates: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `split`, a text that tells the notices of one account apart: the item, the level, and `split_by` columns."""
    text = pl.lit("")
    for ix, policy in enumerate(procedures.policies):
        if policy.one_notice_per != "account" or policy.split_by:
            text = pl.when(pl.col("policy_ix") == ix).then(_split_text(policy)).otherwise(text)
    return candidates.with_columns(split=text)


def _split_text(policy: Policy) -> pl.Expr:
    parts = []
    if policy.one_notice_per == "item":
        parts.append(pl.col("item_id").cast(pl.String).str.zfill(20))
    if policy.one_notice_per == "level":
        parts.append(pl.col("position").cast(pl.String).str.zfill(2))
    for column in policy.split_by:
        # The length in front keeps ["a", "b|c"] apart from ["a|b", "c"]; null is told apart from "".
        value = pl.col(column).cast(pl.String)
        parts.append(pl.format("{}:{}", value.str.len_chars(), value).fill_null("-"))
    return pl.concat_str(parts, separator="|")


def notices(dunned: pl.DataFrame, procedures: Procedures, *, as_of: date) -> pl.DataFrame:
    """Group the dunned rows; each notice takes the highest stage among them for channels, deadline, fee and approval."""
    grouped = (
        dunned.lazy()
        .group_by(NOTICE)
        .agg(
            level=pl.col("position").max(),
            due_minor=pl.col("dunnable_minor").sum(),
            channels_mask=pl.col("channels").first(),
            contact=(~pl.col("is_pre_due")).any(),
        )
        .sort(NOTICE)
        .with_columns(notice_slot=procedures.slot(pl.col("level")))
        .with_columns(
            anchored=procedures.of_policy(lambda policy: policy.anchor == "account", pl.Boolean),
            policy=procedures.of_policy(lambda policy: policy.policy, pl.String),
            stage=procedures.of_stage(lambda stage: stage.stage, pl.col("notice_slot"), pl.String),
            deadline_on=pl.lit(as_of)
            + pl.duration(days=procedures.of_stage(lambda s: s.deadline_days, pl.col("notice_slot"), pl.Int32)),
            approvals=procedures.of_stage(lambda s: APPROVALS[s.approval], pl.col("notice_slot"), pl.Int8),
        )
        .collect()
    )
    ways = grouped.select("notice_slot", "channels_mask").unique()
    stages = {slot: stage for slot, stage in procedures.slots_where(lambda _stage: True)}
    channels = [channels_of(stages[slot], mask) for slot, mask in ways.iter_rows()]
    ways = ways.with_columns(channels=pl.Series(channels, dtype=pl.String))
    grouped = grouped.join(ways, on=["notice_slot", "channels_mask"], how="left", maintain_order="left")
    return grouped.with_row_index("notice_no", offset=1).with_columns(pl.col("notice_no").cast(pl.Int32))


def lines(dunned: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """Give every dunned row its notice, and mark the leading line of each.

    The leading line is that of the highest level, then the oldest due, the larger dunnable, the smaller item_id.
    """
    return (
        dunned.join(grouped.select(*NOTICE, "notice_no", "notice_slot", notice_stage="stage"), on=NOTICE, how="left")
        .sort(
            "notice_no", "position", "due_on", "dunnable_minor", "item_id", descending=[False, True, False, True, False]
        )
        .with_columns(is_leading=pl.col("notice_no").is_first_distinct())
    )
