"""Which stage a row has reached, and when it would be dunned if nothing changed."""

from collections import defaultdict
from functools import reduce
from operator import attrgetter

import polars as pl

from dunwell.engine.policy.expressions import Expression
from dunwell.engine.steps.age import later, plus_days
from dunwell.engine.steps.closed import closes, leaves_on, moved_back
from dunwell.engine.steps.procedures import Procedures, looked_up
from dunwell.engine.steps.rows import collected, overlay


def level(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `level` under the row's policy: the position of the stage of the stored name, else the smaller number."""
    count = procedures.of_policy(lambda policy: len(policy.stages), pl.Int16)
    by_number = pl.when(count < pl.col("stored_level")).then(count).otherwise("stored_level")
    named = _position_of(procedures, pl.col("stored_stage"))
    return rows.with_columns(level=pl.coalesce(named, by_number).cast(pl.Int16))


def _position_of(procedures: Procedures, stage: pl.Expr) -> pl.Expr:
    """The position of the stage of a name in the row's policy, or null."""
    names = sorted({each.stage for policy in procedures.policies for each in policy.stages})
    if not names:
        return pl.lit(None, dtype=pl.Int16)
    # Each distinct name is looked up once, as a number; a table of policies by names gives the position.
    code = stage.cast(pl.Enum(names), strict=False).to_physical().cast(pl.UInt32)
    known = [{each.stage: position for position, each in enumerate(p.stages, 1)} for p in procedures.policies]
    positions = [of_policy.get(name) for of_policy in known for name in names]
    return pl.lit(pl.Series(positions, dtype=pl.Int16)).gather(pl.col("policy_ix") * len(names) + code)


def fall(rows: pl.LazyFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.LazyFrame:
    """Lower `level`, where `may_fall`, to the highest stage whose conditions hold, leaving `days_since_*` aside.

    What was said again of a stage that is left behind counts no longer.
    """
    highest = reduce(
        lambda best, position: (
            pl.when(_holds(procedures, position, as_of)).then(pl.lit(position, dtype=pl.Int16)).otherwise(best)
        ),
        range(1, procedures.stages_max + 1),
        pl.lit(0, dtype=pl.Int16),
    )
    fallen = pl.when("may_fall").then(pl.min_horizontal("level", highest)).otherwise("level")
    return rows.with_columns(level=fallen, repeats=pl.when(fallen == pl.col("level")).then("repeats").otherwise(0))


def judge(rows: pl.LazyFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.DataFrame:
    """Hold each row against the next stage of its policy, or with `jump` against all that are left; else say it again.

    Adds `position` (null: no stage is left), `is_reached`, `is_too_soon`, `free_on`, `fires_on`, `lacks_currency`, and
    `repeats_after`, how often the stage has been said again once it is said.
    """
    gap = procedures.of_policy(lambda policy: policy.min_gap_days, pl.Int32)
    rows = _turned(rows, procedures).with_columns(
        free_on=plus_days(pl.col("last_contact_on"), gap), next_position=_next_position(procedures)
    )
    judged = _held_against(rows, procedures, pl.col("next_position"), as_of=as_of).pipe(collected)
    judged = _jumped(_past_pre_due(judged, procedures, as_of), procedures, as_of)
    judged = _said_again(judged, procedures, as_of)
    in_gap = (pl.col("free_on") > as_of).fill_null(value=False) & ~pl.col("is_pre_due")
    same_day = (pl.col("last_notice_on") >= as_of).fill_null(value=False)
    _least, lacks = procedures.stage_amount(lambda stage: stage.min_overdue, procedures.slot(pl.col("position")))
    return judged.with_columns(
        is_too_soon=pl.col("is_reached") & (in_gap | same_day | closes(procedures)),
        lacks_currency=pl.col("is_reached") & lacks,
    )


def as_set(rows: pl.DataFrame, set_stages: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Let items have reached the stage that a person set, whatever its conditions and the gap.

    It counts where the item's policy has a stage of that name, and keeps its level by item.
    """
    if set_stages.is_empty():
        return rows
    by_item = procedures.of_policy(lambda policy: policy.anchor == "item", pl.Boolean)
    chosen = (
        rows.lazy()
        .select("row", "item_id", "policy_ix")
        .filter(by_item)
        .join(set_stages.lazy(), on="item_id")
        .select(
            "row",
            position=_position_of(procedures, pl.col("stage")),
            is_not_due=pl.lit(value=False),
            is_finished=pl.lit(value=False),
            is_too_soon=pl.lit(value=False),
            lacks_currency=pl.lit(value=False),
            repeats_after=pl.lit(0, dtype=pl.Int16),
        )
        .drop_nulls("position")
        .pipe(collected)
    )
    return overlay(rows, chosen)


def _turned(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add what people have brought about since the last notice, and how far a row may go.

    `from_level`: the level that stages are counted from, 0 after a dispute where the policy begins anew. `jumps`: the
    highest stage reached is the next. `waived_on`, where some policy asks: when a promise was broken, so that the next
    stage waits for no day.
    `cap`: the position of the last stage it may get, or null.
    """
    names = rows.collect_schema().names()

    def since(column: str) -> pl.Expr:
        """Whether it came about after the last notice, if at all."""
        return (pl.col("last_notice_on").is_null() | (pl.col("last_notice_on") < pl.col(column))).fill_null(value=False)

    jumps = procedures.of_policy(lambda policy: policy.escalate == "jump", pl.Boolean).fill_null(value=False)
    from_level, waived = pl.col("level"), {}
    if "dispute_over_on" in names:
        after = procedures.of_policy(lambda policy: policy.after_dispute, pl.String)
        is_over = pl.col("dispute_over_on").is_not_null() & since("dispute_over_on")
        from_level = pl.when(is_over & (after == "restart")).then(pl.lit(0, dtype=pl.Int16)).otherwise("level")
        jumps = jumps | (is_over & (after == "nearest")).fill_null(value=False)
    if "broken_on" in names:
        goes_on = procedures.of_policy(lambda policy: policy.on_broken_promise == "next_stage", pl.Boolean)
        waived["waived_on"] = pl.when(goes_on & pl.col("is_overdue") & since("broken_on")).then("broken_on")
    ends = [name for name in ("max_stage", "max_stage_of_account", "max_stage_of_payer") if name in names]
    none = pl.lit(None, dtype=pl.Int16)
    cap = pl.min_horizontal(none, *(_position_of(procedures, pl.col(name)) for name in ends))
    return rows.with_columns(from_level=from_level, jumps=jumps, cap=cap, **waived)


def _waives(procedures: Procedures) -> bool:
    """Whether some policy goes on at once after a broken promise."""
    return any(policy.on_broken_promise == "next_stage" for policy in procedures.policies)


def _may_be(position: pl.Expr) -> pl.Expr:
    """Whether a row may get the stage at a position."""
    return (pl.col("cap") >= position).fill_null(value=True)


def _past_pre_due(judged: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """A pre-due stage that will not fire in its life leaves the row to the first stage after the due date."""
    is_over = pl.col("is_pre_due") & pl.col("fires_on").is_null()
    if not judged.select(is_over.any()).item():
        return judged
    over = judged.lazy().with_row_index("place").filter(is_over)
    late = _held_against(over, procedures, _late_position(procedures), as_of=as_of)
    return overlay(judged, late.select("fires_on", row="place").pipe(collected))


def _jumped(judged: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """Rows that jump: the highest stage reached, and the earliest day on which any would fire."""
    jumping = [p for p in procedures.policies if p.escalate == "jump" or p.after_dispute == "nearest"]
    if not jumping or not judged["jumps"].any():
        return judged
    count = procedures.of_policy(lambda policy: len(policy.stages), pl.Int16)
    found = (
        judged.lazy()
        .with_row_index("place")
        .filter("jumps")
        .with_columns(first_position="position", next_late_position=_late_position(procedures))
        .drop("fires_on", "is_reached")
    )
    highest, earliest = [], []
    for at in range(1, max(len(policy.stages) for policy in jumping) + 1):
        is_left = (pl.col("from_level") < at) & (count >= at) & _may_be(pl.lit(at))
        found = _held_against(found, procedures, pl.when(is_left).then(pl.lit(at, dtype=pl.Int16)), as_of=as_of, at=at)
        found = found.rename({"fires_on": f"fires_on_{at}", "is_reached": f"is_reached_{at}"})
        highest.append(pl.when(f"is_reached_{at}").then(pl.lit(at, dtype=pl.Int16)))
        earliest.append(pl.col(f"fires_on_{at}"))
    found = found.with_columns(highest=pl.max_horizontal(highest)).select(
        "policy_ix",
        row="place",
        position=pl.coalesce("highest", "first_position"),
        is_reached=pl.col("highest").is_not_null(),
        fires_on=pl.min_horizontal(earliest),
    )
    expires = procedures.stage_is(lambda stage: stage.expires, procedures.slot(pl.col("position")))
    found = found.with_columns(is_pre_due=expires).drop("policy_ix")
    return overlay(judged, found.pipe(collected))


def _said_again(judged: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """Rows that reach no further stage: the stage they are at once more, where it repeats, so many days later."""
    judged = judged.with_columns(repeats_after=pl.lit(0, dtype=pl.Int16))
    if not procedures.any_stage(lambda stage: stage.repeat_every_days):
        return judged
    slot = procedures.slot(pl.col("level"))
    every = procedures.of_stage(lambda stage: stage.repeat_every_days, slot, pl.Int32)
    most = procedures.of_stage(lambda stage: stage.repeat_max, slot, pl.Int16)
    expires = procedures.stage_is(lambda stage: stage.expires, slot)
    is_live = ~expires | (pl.col("days_past_due") < 0)
    may = every.is_not_null() & (pl.col("repeats") < most).fill_null(value=True) & is_live & _may_be(pl.col("level"))
    stays = ~pl.col("is_reached") & (pl.col("from_level") == pl.col("level"))
    found = (
        judged.lazy()
        .with_row_index("place")
        .filter(may & stays)
        .rename({"position": "further_position", "fires_on": "further_on", "is_pre_due": "further_is_pre_due"})
    )
    again = _held_against(
        found, procedures, pl.col("level"), as_of=as_of, after=plus_days(pl.col("last_notice_on"), every)
    )
    shown = pl.col("is_reached") | pl.col("further_position").is_null()
    found = again.select(
        "is_reached",
        row="place",
        position=pl.when(shown).then("position").otherwise("further_position"),
        fires_on=pl.min_horizontal("fires_on", "further_on"),
        is_pre_due=pl.when(shown).then("is_pre_due").otherwise("further_is_pre_due"),
        repeats_after=pl.when("is_reached").then(pl.col("repeats") + 1).otherwise(0).cast(pl.Int16),
    )
    return overlay(judged, found.pipe(collected))


def _next_position(procedures: Procedures) -> pl.Expr:
    """The position of the first live stage after `from_level`; null where the row may not get it."""
    if not procedures.any_stage(lambda stage: stage.expires):
        return _late_position(procedures)
    return _following(procedures, (pl.col("days_past_due") >= 0).fill_null(value=False))


def _late_position(procedures: Procedures) -> pl.Expr:
    """The position of the first stage after `from_level` that does not expire; null where the row may not get it."""
    return _following(procedures, pl.lit(value=True))


def _following(procedures: Procedures, is_late: pl.Expr) -> pl.Expr:
    """The position of the next stage; where a row is late, of the next that does not expire."""
    table = [
        next((at for at, s in enumerate(policy.stages, 1) if at > position and not (late and s.expires)), None)
        for policy, position, _stage in procedures.slots
        for late in (False, True)
    ]
    place = procedures.slot(pl.col("from_level")) * 2 + is_late.cast(pl.UInt32)
    position = looked_up(table, place, pl.Int16)
    return pl.when(_may_be(position)).then(position)


def _held_against(
    rows: pl.LazyFrame,
    procedures: Procedures,
    position: pl.Expr,
    *,
    as_of: pl.Expr,
    at: int | None = None,
    after: pl.Expr | None = None,
) -> pl.LazyFrame:
    """Hold rows against the stage at a position: each row's own, or `at` for all (null where it is not left).

    `after`: the stage is one that was said before, and is not said again before this day.
    Adds `position`, `is_reached`, `is_pre_due`, and `fires_on`: the first day on which it would be sent, null where
    that is not in the stage's life, or where what no passing of time changes is not met.
    """
    slot = pl.col("slot")
    first_live = pl.lit(value=True)
    if at is not None:
        first_live = ((pl.col("next_position") == at) | (pl.col("next_late_position") == at)).fill_null(value=False)
    rows = rows.with_columns(position=position).with_columns(slot=procedures.slot(pl.col("position")))
    from_on, datable = _from_on(procedures, slot, first_live, after)
    expires = procedures.stage_is(lambda stage: stage.expires, slot)
    if after is None and _waives(procedures):
        is_waived = pl.col("waived_on").is_not_null() & first_live & ~expires
        from_on, datable = pl.when(is_waived).then("waived_on").otherwise(from_on), datable | is_waived
    rows = rows.with_columns(
        is_pre_due=expires, from_on=from_on, is_met=slot.is_not_null() & datable & _standing(procedures, slot, at)
    )
    is_met = pl.col("is_met") & (~pl.col("is_pre_due") | (pl.col("days_past_due") < 0))
    free_on = pl.when(~pl.col("is_pre_due")).then("free_on")
    sendable_on = reduce(later, (pl.col("from_on"), free_on, plus_days(pl.col("last_notice_on"), 1)))
    # A column of its own: inside what asks a calendar, it would be worked out three times.
    rows = rows.with_columns(is_met=is_met, sendable_on=sendable_on)
    rows = rows.with_columns(fires_on=leaves_on(pl.col("sendable_on"), procedures, as_of=as_of))
    in_life = ~pl.col("is_pre_due") | (pl.col("fires_on") < pl.col("due_on"))
    return rows.with_columns(
        is_reached=(pl.col("is_met") & (pl.col("from_on") <= as_of)).fill_null(value=False),
        fires_on=pl.when(pl.col("is_met") & in_life).then("fires_on"),
    ).drop("slot", "is_met", "from_on", "sendable_on")


def _from_on(
    procedures: Procedures, slot: pl.Expr, first_live: pl.Expr, after: pl.Expr | None
) -> tuple[pl.Expr, pl.Expr]:
    """The first day that a stage's date conditions allow, not before `after`, and whether they can be told.

    Days since a notice or deadline that never was count as over for the first live stage only.
    """
    days = procedures.of_stage(lambda s: 1 if s.days_past_due is None else s.days_past_due, slot, pl.Int32)
    dates = [plus_days(pl.col("due_on"), days), *([] if after is None else [after])]
    datable = pl.lit(value=True)
    for key, column in (("days_since_previous", "last_notice_on"), ("days_since_deadline", "last_deadline_on")):
        given = attrgetter(key)
        if any(given(stage) is not None for policy in procedures.policies for stage in policy.stages):
            since = procedures.of_stage(given, slot, pl.Int32)
            dates.append(plus_days(pl.col(column), since))
            datable = datable & (since.is_null() | pl.col(column).is_not_null() | first_live)
    from_on = reduce(later, dates)
    if procedures.any_stage(lambda s: s.month_end):
        at_month_end = procedures.of_stage(lambda s: s.month_end, slot, pl.Boolean)
        from_on = pl.when(at_month_end).then(from_on.dt.month_end()).otherwise(from_on)
    return moved_back(from_on, procedures), datable


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
    since = moved_back(since, procedures)
    expired = procedures.stage_is(lambda s: s.expires, slot) & (pl.col("days_past_due") >= 0)
    return (count >= at) & (expired | ((since <= as_of) & _standing(procedures, slot, at)))
