"""From decided rows to the plan's tables."""

from collections.abc import Sequence
from itertools import accumulate

import polars as pl

from dunwell.engine.law.series import AllSeries
from dunwell.engine.plan import EMPTY, SCHEMAS, SORT_KEYS, Plan
from dunwell.engine.steps import anchor, charging, group
from dunwell.engine.steps.age import not_beyond_last
from dunwell.engine.steps.charges import ride
from dunwell.engine.steps.listing import listed
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, is_one, overlay


def plan(
    rows: pl.DataFrame,
    candidates: pl.DataFrame,
    anchors: pl.DataFrame | None,
    procedures: Procedures,
    series: AllSeries,
    *,
    as_of: pl.Expr,
) -> Plan:
    """Group what is to be dunned into notices, let earlier charges ride along, and shape every table."""
    rows = rows.with_columns(notice_no=pl.lit(None, dtype=pl.Int32), by_law=pl.lit(None, dtype=pl.String))
    rows = overlay(rows, candidates.select("row", "outcome", "reasons", "problem"))
    rows = overlay(rows, candidates.select("row", "by_law").drop_nulls())
    if not candidates["is_left"].any():
        return _quiet(rows, anchors, procedures)
    dunned = group.numbered(
        candidates.lazy().filter("is_left").drop("reasons", "problem", "outcome", "by_law").pipe(collected), procedures
    )
    notices = group.notices(dunned, procedures, as_of=as_of)
    charged, by_law = charging.charges(dunned, notices, procedures, series)
    rows = overlay(overlay(rows, dunned.select("row", "notice_no")), by_law)
    rides = ride(rows, notices)
    rows = overlay(rows, rides)
    places = rides.drop_nulls("notice_no")["row"]
    riding = rows.select(pl.col("notice_no", "item_id", "version", "left_minor").gather(places))
    decisions = _decisions(rows, procedures)
    return Plan(
        decisions=decisions,
        notices=_table("notices", _totalled(notices, charged, riding)),
        lines=_table("lines", _lines(dunned, riding, listed(rows, notices, procedures), procedures)),
        charges=_table("charges", charged.rename({"fee_minor": "amount_minor"})),
        actions=_table("actions", _actions(notices, procedures)),
        anchors=_table("anchors", None if anchors is None else _kept(anchors, notices)),
        tasks=_table("tasks", _tasks(decisions)),
        alerts=EMPTY["alerts"],  # judged of the whole book, see `decide`
    )


def _quiet(rows: pl.DataFrame, anchors: pl.DataFrame | None, procedures: Procedures) -> Plan:
    """A plan without notices: most days of most debtors."""
    tables = dict(EMPTY)
    tables["decisions"] = _decisions(overlay(rows, ride(rows, tables["notices"])), procedures)
    tables["tasks"] = _table("tasks", _tasks(tables["decisions"]))
    if anchors is not None:
        tables["anchors"] = _table("anchors", anchors.filter("is_changed"))
    return Plan(**tables)


def joined(plans: Sequence[Plan]) -> Plan:
    """Make one plan of those of several payers' books; notices are numbered anew, in their order."""
    offsets = accumulate((plan.notices.height for plan in plans), initial=0)
    shifted = [
        {name: _shifted(getattr(plan, name), offset) for name in SCHEMAS}
        for plan, offset in zip(plans, offsets, strict=False)
    ]
    tables = {name: pl.concat([each[name] for each in shifted]) for name in SCHEMAS}
    in_order = {"decisions"}
    if is_one(tables["notices"]["entity_id"]):  # the notices of later payers follow, with their lines
        in_order |= {name for name, frame in tables.items() if "notice_no" in frame.columns}
    else:
        order = tables["notices"].sort("entity_id", "payer_id", "currency", "policy", "split")["notice_no"]
        new_no = pl.lit(order.arg_sort().cast(pl.Int32) + 1).gather(pl.col("notice_no") - 1)
        tables = {
            name: frame.with_columns(notice_no=new_no) if "notice_no" in frame.columns else frame
            for name, frame in tables.items()
        }
    return Plan(**{name: frame if name in in_order else frame.sort(SORT_KEYS[name]) for name, frame in tables.items()})


def _shifted(frame: pl.DataFrame, offset: int) -> pl.DataFrame:
    return frame.with_columns(pl.col("notice_no") + offset) if "notice_no" in frame.columns else frame


def _table(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """Shape and sort a table as declared."""
    if frame is None:
        return EMPTY[name]
    keys = SORT_KEYS[name]
    shaped = frame.select(pl.col(column).cast(dtype) for column, dtype in SCHEMAS[name].items())
    return shaped if _is_in_order(shaped, keys) else shaped.sort(keys)


def _is_in_order(frame: pl.DataFrame, keys: Sequence[str]) -> bool:
    """Whether rows follow each other by one or two keys, as those of notices do where payers have one account."""
    first, second = pl.col(keys[0]), pl.col(keys[min(1, len(keys) - 1)])
    follows = (first > first.shift()) | ((first == first.shift()) & (second > second.shift()))
    return len(keys) <= 2 and bool(frame.select(follows.slice(1).fill_null(value=False).all()).item())


def _decisions(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """The rows' traces; they are in order already."""
    slot = procedures.slot(pl.col("position"))
    is_dunned = (pl.col("outcome") == "dun") & pl.col("is_debit")
    dated = pl.col("outcome").is_in(["not_due", "too_soon"]) & ~pl.col("draft")
    values = {
        "policy": procedures.of_policy(lambda policy: policy.policy, pl.String),
        "stage": procedures.of_stage(lambda stage: stage.stage, slot, pl.String),
        "level_before": pl.col("level"),
        "level_after": pl.when(is_dunned).then("position").otherwise("level"),
        "free_on": not_beyond_last(pl.col("free_on")),
        "closed_by": pl.col("closed_by") if "closed_by" in rows.columns else pl.lit(None, dtype=pl.String),
        "next_on": pl.when(dated).then(not_beyond_last(pl.col("fires_on"))),
    }
    schema = SCHEMAS["decisions"]
    return (
        rows.lazy()
        .select(values.get(name, pl.col(name)).cast(schema[name]).alias(name) for name in schema)
        .pipe(collected)
    )


def _totalled(notices: pl.DataFrame, charged: pl.DataFrame, riding: pl.DataFrame) -> pl.DataFrame:
    fee = charged.group_by("notice_no").agg(fee_minor=pl.col("fee_minor").sum())
    ridden = riding.group_by("notice_no").agg(charges_minor=pl.col("left_minor").sum())
    return (
        notices.join(fee, on="notice_no", how="left")
        .join(ridden, on="notice_no", how="left")
        .with_columns(pl.col("charges_minor", "fee_minor").fill_null(0))
        .with_columns(total_minor=pl.col("due_minor") + pl.col("charges_minor") + pl.col("fee_minor"))
    )


def _lines(
    dunned: pl.DataFrame, riding: pl.DataFrame, others: pl.DataFrame | None, procedures: Procedures
) -> pl.DataFrame:
    lines = dunned.select(
        "notice_no",
        "item_id",
        "version",
        role=pl.lit("dunned"),
        amount_minor="dunnable_minor",
        level="position",
        stage=procedures.of_stage(lambda stage: stage.stage, pl.col("slot"), pl.String),
        level_before="stored_level",
        stage_before="stored_stage",
        deadline_before_on="last_deadline_on",
        repeats="repeats_after",
        repeats_before="repeats",
    )
    parts = [lines, _without_level(riding, "charge", "left_minor")]
    if others is not None:
        parts.append(_without_level(others, "listed", "dunnable_minor"))
    return pl.concat(parts, how="diagonal")


def _without_level(rows: pl.DataFrame, role: str, amount: str) -> pl.DataFrame:
    """Lines that move no item."""
    return rows.select(
        "notice_no",
        "item_id",
        "version",
        role=pl.lit(role),
        amount_minor=amount,
        level=pl.lit(0, dtype=pl.Int16),
        level_before=pl.lit(0, dtype=pl.Int16),
        repeats=pl.lit(0, dtype=pl.Int16),
        repeats_before=pl.lit(0, dtype=pl.Int16),
    )


def _actions(notices: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    asked = [
        {"notice_slot": at, "action": action}
        for at, stage in procedures.slots_where(lambda s: s.do)
        for action in stage.do
    ]
    actions = pl.DataFrame(asked, schema={"notice_slot": pl.UInt32, "action": pl.String})
    return notices.select("notice_no", "notice_slot").join(actions, on="notice_slot").unique(["notice_no", "action"])


def _kept(anchors: pl.DataFrame, notices: pl.DataFrame) -> pl.DataFrame:
    """The groups whose state changes: by falling, by another anchor, or by a notice."""
    return pl.concat(
        [
            anchors.filter("is_changed"),
            anchors.filter(~pl.col("is_changed")).join(notices, on=anchor.GROUP, how="semi", nulls_equal=True),
        ]
    )


def _tasks(decisions: pl.DataFrame) -> pl.DataFrame:
    """Work for people: rows that cannot be decided, and debtors that nothing reaches."""
    is_task = (pl.col("outcome") == "unreachable") | (
        (pl.col("outcome") == "exception") & pl.col("problem").is_not_null()
    )
    asked = decisions.lazy().filter(is_task)
    detail = pl.when(pl.col("outcome") == "exception").then(
        pl.concat_str(
            pl.col("problem").cast(pl.String),
            pl.col("currency").cast(pl.String),
            pl.col("policy"),
            pl.col("stage"),
            pl.col("by_law"),
            separator=" ",
            ignore_nulls=True,
        )
    )
    return asked.select("item_id", "account_id", task=pl.col("outcome").cast(pl.String), detail=detail).pipe(collected)
