"""Which stage a row has reached, and when it would be dunned if nothing changed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter

import polars as pl

from dunwell.engine.policy.expressions import Expression
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, overlay


@dataclass(frozen=True)
class Judged:
    """One stage held against a row."""

    position: pl.Expr
    met: pl.Expr  # live, and what no passing of time changes: `when`, `min_overdue`
    from_on: pl.Expr  # the first day on which its dates allow it
    fires_on: pl.Expr  # the first day on which it would also be sent; null: not in its life, or not met
    expires: pl.Expr  # a pre-due stage


def level(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `level` under the row's policy: the position of the stage of the stored name, else the smaller number."""
    count = procedures.of_policy(lambda policy: len(policy.stages), pl.Int16)
    by_number = pl.min_horizontal("stored_level", count)
    names = sorted({stage.stage for policy in procedures.policies for stage in policy.stages})
    if not names:
        return rows.with_columns(level=by_number)
    # Each distinct name is looked up once, as a number; a table of policies by names gives the position.
    code = pl.col("stored_stage").cast(pl.Enum(names), strict=False).to_physical().cast(pl.UInt32)
    known = [{stage.stage: position for position, stage in enumerate(p.stages, 1)} for p in procedures.policies]
    positions = [of_policy.get(name) for of_policy in known for name in names]
    named = pl.lit(pl.Series(positions, dtype=pl.Int16)).gather(pl.col("policy_ix") * len(names) + code)
    return rows.with_columns(level=pl.coalesce(named, by_number).cast(pl.Int16))


def fall(rows: pl.LazyFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.LazyFrame:
    """Lower `level`, where `may_fall`, to the highest stage whose conditions hold, leaving `days_since_*` aside."""
    highest = reduce(
        lambda best, position: (
            pl.when(_holds(procedures, position, as_of)).then(pl.lit(position, dtype=pl.Int16)).otherwise(best)
        ),
        range(1, procedures.stages_max + 1),
        pl.lit(0, dtype=pl.Int16),
    )
    return rows.with_columns(level=pl.when("may_fall").then(pl.min_horizontal("level", highest)).otherwise("level"))


def judge(rows: pl.LazyFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.DataFrame:
    """Hold each row against the next stage of its policy, or with `jump` against all that are left.

    Adds `position` (null: no stage is left), `is_reached`, `is_too_soon`, `free_on`, `fires_on` and `lacks_currency`.
    """
    gap = procedures.of_policy(lambda policy: policy.min_gap_days, pl.Int32)
    rows = rows.with_columns(free_on=plus_days(pl.col("last_contact_on"), gap), **_next_positions(procedures))
    first = _held_against(procedures, pl.col("next_position"), first_live=pl.lit(value=True))
    judged = rows.with_columns(
        position=pl.col("next_position"),
        is_reached=_reached(first, as_of).fill_null(value=False),
        fires_on=first.fires_on,
        is_pre_due=first.expires,
    ).pipe(collected)
    judged = _jumped(_past_pre_due(judged, procedures), procedures, as_of)
    in_gap = (pl.col("free_on") > as_of).fill_null(value=False) & ~pl.col("is_pre_due")
    same_day = (pl.col("last_notice_on") >= as_of).fill_null(value=False)
    _least, lacks = procedures.stage_amount(lambda stage: stage.min_overdue, procedures.slot(pl.col("position")))
    return judged.with_columns(
        is_too_soon=pl.col("is_reached") & (in_gap | same_day), lacks_currency=pl.col("is_reached") & lacks
    )


def _past_pre_due(judged: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """A pre-due stage that will not fire in its life leaves the row to the first stage after the due date."""
    is_over = pl.col("is_pre_due") & pl.col("fires_on").is_null()
    if not judged.select(is_over.any()).item():
        return judged
    late = _held_against(procedures, pl.col("next_late_position"), first_live=pl.lit(value=True))
    over = judged.lazy().with_row_index("place").filter(is_over)
    return overlay(judged, over.select(row="place", fires_on=late.fires_on).pipe(collected))


def _jumped(judged: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """Rows of policies that jump: the highest stage reached, and the earliest day on which any would fire."""
    jumping = [policy for policy in procedures.policies if policy.escalate == "jump"]
    jumps = procedures.of_policy(lambda policy: policy.escalate == "jump", pl.Boolean).fill_null(value=False)
    if not judged.select(jumps.any()).item():
        return judged
    left = [_of_jump(procedures, at) for at in range(1, max(len(policy.stages) for policy in jumping) + 1)]
    highest = _last_true((_reached(each, as_of), each.position) for each in left)
    found = (
        judged.lazy()
        .with_row_index("place")
        .filter(jumps)
        .select(
            "policy_ix",
            row="place",
            position=pl.coalesce(highest, "position"),
            is_reached=highest.is_not_null(),
            fires_on=pl.min_horizontal([each.fires_on for each in left]),
        )
    )
    expires = procedures.of_stage(lambda stage: stage.expires, procedures.slot(pl.col("position")), pl.Boolean)
    found = found.with_columns(is_pre_due=expires.fill_null(value=False)).drop("policy_ix")
    return overlay(judged, found.pipe(collected))


def _next_positions(procedures: Procedures) -> dict[str, pl.Expr]:
    """The first live stage after the level, and the first that does not expire."""
    slot = procedures.slot(pl.col("level"))
    late = procedures.of_slot(
        lambda policy, position, _stage: next(
            (at for at, s in enumerate(policy.stages, 1) if at > position and not s.expires), None
        ),
        slot,
        pl.Int16,
    )
    if not procedures.any_stage(lambda stage: stage.expires):
        return {"next_position": late, "next_late_position": late}
    following = procedures.of_slot(
        lambda policy, position, _stage: position + 1 if position < len(policy.stages) else None, slot, pl.Int16
    )
    return {
        "next_position": pl.when(pl.col("days_past_due") >= 0).then(late).otherwise(following),
        "next_late_position": late,
    }


def _of_jump(procedures: Procedures, at: int) -> Judged:
    """The stage at a fixed position, for rows whose level is below it."""
    count = procedures.of_policy(lambda policy: len(policy.stages), pl.Int16)
    position = pl.when((pl.col("level") < at) & (count >= at)).then(pl.lit(at, dtype=pl.Int16))
    first = (pl.col("next_position") == at) | (pl.col("next_late_position") == at)
    return _held_against(procedures, position, first_live=first.fill_null(value=False), at=at)


def _held_against(procedures: Procedures, position: pl.Expr, *, first_live: pl.Expr, at: int | None = None) -> Judged:
    """Hold rows against the stage at a position: a fixed one (`at`), or each row's own."""
    slot = procedures.slot(position)
    from_on, datable = _from_on(procedures, slot, first_live)
    expires = procedures.of_stage(lambda stage: stage.expires, slot, pl.Boolean).fill_null(value=False)
    live = ~expires | (pl.col("days_past_due") < 0)
    met = position.is_not_null() & live & datable & _standing(procedures, slot, at)
    free_on = pl.when(~expires).then("free_on")
    sendable_on = pl.max_horizontal(from_on, free_on, plus_days(pl.col("last_notice_on"), 1))
    in_life = ~expires | (sendable_on < pl.col("due_on"))
    return Judged(position, met, from_on, pl.when(met & in_life).then(sendable_on), expires)


def _reached(judged: Judged, as_of: pl.Expr) -> pl.Expr:
    return judged.met & (judged.from_on <= as_of)


def _from_on(procedures: Procedures, slot: pl.Expr, first_live: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The first day that a stage's date conditions allow, and whether they can be told.

    Days since a notice or deadline that never was count as over for the first live stage only.
    """
    days = procedures.of_stage(lambda s: 1 if s.days_past_due is None else s.days_past_due, slot, pl.Int32)
    dates = [plus_days(pl.col("due_on"), days)]
    datable = pl.lit(value=True)
    for key, column in (("days_since_previous", "last_notice_on"), ("days_since_deadline", "last_deadline_on")):
        given = attrgetter(key)
        if any(given(stage) is not None for policy in procedures.policies for stage in policy.stages):
            since = procedures.of_stage(given, slot, pl.Int32)
            dates.append(plus_days(pl.col(column), since))
            datable = datable & (since.is_null() | pl.col(column).is_not_null() | first_live)
    from_on = pl.max_horizontal(dates)
    if procedures.any_stage(lambda s: s.month_end):
        at_month_end = procedures.of_stage(lambda s: s.month_end, slot, pl.Boolean)
        from_on = pl.when(at_month_end).then(from_on.dt.month_end()).otherwise(from_on)
    return from_on, datable


def _standing(procedures: Procedures, slot: pl.Expr, position: int | None) -> pl.Expr:
    """Whether `when` and `min_overdue` of a stage hold; a currency that `min_overdue` lacks counts as met.

    `position`, where given, is that of every row's stage: no other need be looked at.
    """
    holds = [pl.lit(value=True)]
    if procedures.any_stage(lambda stage: stage.min_overdue):
        least, _lacks = procedures.stage_amount(lambda stage: stage.min_overdue, slot)
        holds.append((pl.col("account_overdue_minor") >= least).fill_null(value=True))
    conditions: dict[Expression, list[int]] = defaultdict(list)
    for at, stage in procedures.slots_where(lambda stage: stage.when):
        if stage.when and position in (None, procedures.slots[at][1]):
            conditions[stage.when].append(at)
    for condition, slots in conditions.items():
        is_asked = slot == slots[0] if len(slots) == 1 else slot.is_in(slots)
        holds.append(~is_asked.fill_null(value=False) | condition.holds)
    return pl.all_horizontal(holds)


def _holds(procedures: Procedures, at: int, as_of: pl.Expr) -> pl.Expr:
    """Whether the stage at a position holds now, days since notices and deadlines aside; an expired one does."""
    count = procedures.of_policy(lambda policy: len(policy.stages), pl.Int16)
    slot = procedures.slot(pl.when(count >= at).then(pl.lit(at, dtype=pl.Int16)))
    days = procedures.of_stage(lambda s: 1 if s.days_past_due is None else s.days_past_due, slot, pl.Int32)
    since = plus_days(pl.col("due_on"), days)
    month_end = procedures.of_stage(lambda s: s.month_end, slot, pl.Boolean)
    since = pl.when(month_end).then(since.dt.month_end()).otherwise(since)
    expired = procedures.of_stage(lambda s: s.expires, slot, pl.Boolean) & (pl.col("days_past_due") >= 0)
    return (count >= at) & (expired | ((since <= as_of) & _standing(procedures, slot, at)))


def _last_true(cases: Iterable[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The value of the last case that is true, or null."""
    return reduce(
        lambda found, case: pl.when(case[0]).then(case[1]).otherwise(found), cases, pl.lit(None, dtype=pl.Int16)
    )
