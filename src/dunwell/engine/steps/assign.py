"""Which policy a row is under."""

import polars as pl

from dunwell.engine.policy.expressions import Expression
from dunwell.engine.steps.age import Problem
from dunwell.engine.steps.procedures import Procedures


def assign_policy(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `policy_ix`: the applicable policy of lowest priority, null where none applies.

    Two policies of one priority that both apply leave the row without one, with `problem` policies_tie.
    """
    priorities = {ix: policy.priority for ix, policy in enumerate(procedures.policies)}
    chosen = pl.lit(None, dtype=pl.UInt32)
    priority = pl.lit(None, dtype=pl.Int64)
    tied = pl.lit(value=False)
    for place in range(max(map(len, procedures.rosters), default=0)):
        applies = _applies(procedures, place)
        own_priority = procedures.of_roster(lambda ix: None if ix is None else priorities[ix], place, pl.Int64)
        if _may_tie(procedures, place):
            tied = tied | (applies & (own_priority == priority)).fill_null(value=False)
        chosen = pl.coalesce(chosen, pl.when(applies).then(procedures.of_roster(lambda ix: ix, place, pl.UInt32)))
        priority = pl.coalesce(priority, pl.when(applies).then(own_priority))
    decidable = pl.col("is_debit") & pl.col("problem").is_null() & (pl.col("open_minor") > 0)
    rows = rows.with_columns(policy_ix=pl.when(decidable).then(chosen), policies_tied=decidable & tied)
    return rows.with_columns(
        policy_ix=pl.when(~pl.col("policies_tied")).then("policy_ix"),
        problem=pl.when("policies_tied").then(pl.lit("policies_tie", dtype=Problem)).otherwise("problem"),
    )


def _applies(procedures: Procedures, place: int) -> pl.Expr:
    """Whether the policy at a place of the row's roster applies to the row."""
    conditions: dict[Expression | None, set[int]] = {}
    for own in procedures.rosters:
        if place < len(own):
            conditions.setdefault(procedures.policies[own[place]].applies_to, set()).add(own[place])
    applies = pl.lit(value=False)
    for condition, members in conditions.items():
        is_asked = procedures.of_roster(members.__contains__, place, pl.Boolean)
        applies = applies | (is_asked & condition.holds if condition else is_asked)
    return applies


def _may_tie(procedures: Procedures, place: int) -> bool:
    """Whether some roster has another policy of the same priority before this place."""
    return any(
        place < len(own) and procedures.policies[own[place - 1]].priority == procedures.policies[own[place]].priority
        for own in procedures.rosters
        if place
    )
