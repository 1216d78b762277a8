"""From decided rows to the plan's tables."""

from datetime import date

import polars as pl

from dunwell.engine.plan import SCHEMAS, SORT_KEYS, Plan
from dunwell.engine.steps import anchor, fees, group
from dunwell.engine.steps.charges import ride
from dunwell.engine.steps.outcome import outcome
from dunwell.engine.steps.procedures import Procedures

DATE_MAX = date(9999, 12, 31)


def plan(
    rows: pl.DataFrame,
    candidates: pl.DataFrame,
    anchors: pl.DataFrame | None,
    procedures: Procedures,
    *,
    as_of: date,
) -> Plan:
    """Group what is to be dunned into notices, let earlier charges ride along, and shape every table."""
    pre_due = procedures.of_stage(lambda stage: stage.expires, pl.col("slot"), pl.Boolean)
    dunned = candidates.filter("is_left").with_columns(is_pre_due=pre_due)
    notices = group.notices(dunned, procedures, as_of=as_of)
    currencies = notices["currency"].unique().to_list()
    lines = fees.line_fees(group.lines(dunned, notices).lazy(), procedures, currencies).collect()
    rows = outcome(_merged(rows, candidates, lines).lazy()).collect()
    rides = ride(rows, notices)
    riding = rides.filter(pl.col("notice_no").is_not_null())
    decisions = _decisions(pl.concat([rows.filter(pl.col("outcome").is_not_null()), rides]), procedures)
    return Plan(
        decisions=_table("decisions", decisions),
        notices=_table("notices", _totalled(notices, lines, riding)),
        lines=_table("lines", _lines(lines, riding, procedures)),
        charges=_table("charges", _charges(lines)),
        actions=_table("actions", _actions(notices, procedures)),
        anchors=_table("anchors", None if anchors is None else _kept(anchors, notices)),
        tasks=_table("tasks", _tasks(decisions)),
    )


def _table(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """Shape and sort a table as declared."""
    schema = SCHEMAS[name]
    if frame is None:
        return pl.DataFrame(schema=schema)
    shaped = frame.select([pl.col(column).cast(dtype) for column, dtype in schema.items()])
    return shaped.sort(SORT_KEYS[name])


def _merged(rows: pl.DataFrame, candidates: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Bring what the candidates' steps found back to the rows."""
    found = candidates.select("item_id", "reasons", "problem").join(
        lines.select("item_id", "notice_no"), on="item_id", how="left"
    )
    return rows.join(found, on="item_id", how="left", suffix="_late", maintain_order="left").with_columns(
        reasons=pl.coalesce("reasons_late", "reasons"), problem=pl.coalesce("problem_late", "problem")
    )


def _decisions(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    slot = procedures.slot(pl.col("position"))
    is_dunned = (pl.col("outcome") == "dun") & pl.col("is_debit")
    dated = pl.col("outcome").is_in(["not_due", "too_soon"]) & ~pl.col("draft")
    return rows.select(
        "item_id",
        "account_id",
        "payer_id",
        "entity_id",
        "currency",
        "outcome",
        "reasons",
        "problem",
        "days_past_due",
        "open_minor",
        "disputed_minor",
        "in_flight_minor",
        "promised_minor",
        "credited_minor",
        "dunnable_minor",
        "last_notice_on",
        "free_on",
        "notice_no",
        policy=procedures.of_policy(lambda policy: policy.policy, pl.String),
        stage=procedures.of_stage(lambda stage: stage.stage, slot, pl.String),
        level_before="level",
        level_after=pl.when(is_dunned).then("position").otherwise("level"),
        next_on=pl.when(dated).then(pl.col("fires_on").clip(upper_bound=DATE_MAX)),
    )


def _totalled(notices: pl.DataFrame, lines: pl.DataFrame, riding: pl.DataFrame) -> pl.DataFrame:
    fee = lines.group_by("notice_no").agg(fee_minor=pl.col("fee_minor").sum())
    ridden = riding.group_by("notice_no").agg(charges_minor=pl.col("left_minor").sum())
    return (
        notices.join(fee, on="notice_no", how="left")
        .join(ridden, on="notice_no", how="left")
        .with_columns(pl.col("charges_minor").fill_null(0))
        .with_columns(total_minor=pl.col("due_minor") + pl.col("charges_minor") + pl.col("fee_minor"))
    )


def _lines(lines: pl.DataFrame, riding: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    dunned = lines.select(
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
    )
    charges = riding.select(
        "notice_no",
        "item_id",
        "version",
        role=pl.lit("charge"),
        amount_minor="left_minor",
        level=pl.lit(0, dtype=pl.Int16),
        stage=pl.lit(None, dtype=pl.String),
        level_before=pl.lit(0, dtype=pl.Int16),
        stage_before=pl.lit(None, dtype=pl.String),
        deadline_before_on=pl.lit(None, dtype=pl.Date),
    )
    return pl.concat([dunned, charges.select(dunned.columns)])


def _charges(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.filter(pl.col("fee_minor") > 0).select(
        "notice_no", "item_id", "account_id", "currency", amount_minor="fee_minor", stage="notice_stage"
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
    asked = decisions.filter(
        (pl.col("outcome") == "unreachable") | ((pl.col("outcome") == "exception") & pl.col("problem").is_not_null())
    )
    detail = pl.when(pl.col("outcome") == "exception").then(
        pl.concat_str(
            pl.col("problem").cast(pl.String),
            pl.col("currency").cast(pl.String),
            pl.col("policy"),
            pl.col("stage"),
            separator=" ",
            ignore_nulls=True,
        )
    )
    return asked.select("item_id", "account_id", task=pl.col("outcome").cast(pl.String), detail=detail)
