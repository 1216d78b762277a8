"""From rows to notices: one entity, payer, currency and policy, split further as the policy says."""

from collections.abc import Sequence

import polars as pl

from dunwell.engine.money import CURRENCIES
from dunwell.engine.plan import SCHEMAS
from dunwell.engine.policy.expressions import TEXT_COLUMNS
from dunwell.engine.policy.model import Policy, Stage
from dunwell.engine.steps.age import DATE_MAX, plus_days
from dunwell.engine.steps.closed import has_calendars, next_open
from dunwell.engine.steps.minimum import ACCOUNT
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.reach import channels_of
from dunwell.engine.steps.rows import collected, is_one

NOTICE = [*ACCOUNT, "split"]
APPROVALS = {"none": 0, "one": 1, "two": 2}


def split(candidates: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `split`, a text that tells the notices of one account apart: the item, the level, and `split_by` columns."""
    manners = list(dict.fromkeys((policy.one_notice_per, policy.split_by) for policy in procedures.policies))
    manner = procedures.of_policy(lambda policy: manners.index((policy.one_notice_per, policy.split_by)), pl.UInt32)
    text = pl.lit("")
    for number, (one_notice_per, split_by) in enumerate(manners):
        if one_notice_per != "account" or split_by:
            text = pl.when(manner == number).then(_split_text(one_notice_per, split_by)).otherwise(text)
    return candidates.with_columns(split=text)


def split_by_text(split_by: Sequence[str]) -> pl.Expr:
    """The `split` of a row on the one notice of its account, as far as `split_by` tells notices apart."""
    return _split_text("account", split_by) if split_by else pl.lit("")


def _split_text(one_notice_per: str, split_by: Sequence[str]) -> pl.Expr:
    parts = []
    if one_notice_per == "item":
        parts.append(pl.col("item_id").cast(pl.String).str.zfill(20))
    if one_notice_per == "level":
        parts.append(pl.col("position").cast(pl.String).str.zfill(2))
    for column in split_by:
        # The length in front keeps ["a", "b|c"] apart from ["a|b", "c"]; null is told apart from "".
        value = pl.col(TEXT_COLUMNS.get(column, column)).cast(pl.String)
        parts.append(pl.format("{}:{}", value.str.len_chars(), value).fill_null("-"))
    return pl.concat_str(parts, separator="|")


def numbered(dunned: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add `notice_no`, from 1 in the order of NOTICE, and put the rows in order of it.

    The keys make one integer, by which rows are sorted: integers sort several times as fast as rows of keys.
    """
    names = sorted(policy.policy for policy in procedures.policies)
    by_name = procedures.of_policy(lambda policy: names.index(policy.policy), pl.UInt32)
    debtor = pl.col("payer_id") if is_one(dunned["entity_id"]) else pl.struct("entity_id", "payer_id")
    code = _place(dunned, debtor) * len(CURRENCIES) + dunned["currency"].to_physical()
    code = code * len(names) + dunned.select(by_name).to_series()
    if not is_one(dunned["split"]):
        code = code * dunned.height + _place(dunned, pl.col("split"))
    in_order = dunned.with_columns(notice_no=code).sort("notice_no", maintain_order=True)
    return in_order.with_columns(notice_no=pl.col("notice_no").rle_id().cast(pl.Int32) + 1)


def _place(rows: pl.DataFrame, key: pl.Expr) -> pl.Series:
    """The place of each row's key among all, from 0."""
    keys = rows.select(key=key).to_series()
    in_order = keys.dtype.is_integer() and keys.is_sorted()
    return (keys.rle_id() if in_order else keys.rank("dense") - 1).cast(pl.UInt64)


def _closing(policy: Policy, position: int, _stage: Stage | None) -> str | None:
    """Whether a notice of a stage has the policy's `close` wait for its payer."""
    close = policy.close
    return "reached" if close and position >= policy.position(close.after_stage) else None


def notices(dunned: pl.DataFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.DataFrame:
    """Gather the rows of each `notice_no`; the highest stage among them gives channels, deadline and approval."""
    grouped = (
        dunned.lazy()
        .with_columns(is_pre_due=procedures.of_stage(lambda stage: stage.expires, pl.col("slot"), pl.Boolean))
        .group_by("notice_no")
        .agg(
            pl.col(NOTICE).first(),
            level=pl.col("position").max(),
            due_minor=pl.col("dunnable_minor").sum(),
            channels_mask=pl.col("channels").first(),
            contact=(~pl.col("is_pre_due")).any(),
            repeats=pl.col("repeats_after").max(),
            as_of=as_of.first(),
            calendar=pl.col("calendar").min() if has_calendars(procedures) else pl.lit(None, dtype=pl.String),
            contacts_max=pl.col("contacts_max").first() if "contacts_max" in dunned.columns else pl.lit(None, pl.Int16),
        )
        .with_columns(notice_slot=procedures.slot(pl.col("level")))
        .with_columns(
            anchored=procedures.of_policy(lambda policy: policy.anchor == "account", pl.Boolean),
            policy=procedures.of_policy(lambda policy: policy.policy, pl.String),
            stage=procedures.of_stage(lambda stage: stage.stage, pl.col("notice_slot"), pl.String),
            deadline_on=plus_days(
                pl.col("as_of"), procedures.of_stage(lambda s: s.deadline_days, pl.col("notice_slot"), pl.Int32)
            ).clip(upper_bound=DATE_MAX),
            approvals=procedures.of_stage(lambda s: APPROVALS[s.approval], pl.col("notice_slot"), pl.Int8),
            closing=procedures.of_slot(_closing, pl.col("notice_slot"), SCHEMAS["notices"]["closing"]),
        )
        .with_columns(deadline_on=next_open(pl.col("deadline_on"), pl.col("calendar")))
        .pipe(collected)
    )
    ways = grouped.select("notice_slot", "channels_mask").unique()
    stages = dict(procedures.slots_where(lambda _stage: True))
    channels = [channels_of(stages[slot], mask) for slot, mask in ways.iter_rows()]
    ways = ways.with_columns(channels=pl.Series(channels, dtype=pl.String))
    return grouped.join(ways, on=["notice_slot", "channels_mask"], how="left")
