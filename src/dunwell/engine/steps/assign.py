"""Which policy a row is under."""

from typing import Final

import polars as pl

from dunwell.engine.policy.expressions import ACCOUNT_COLUMNS, TEXT_COLUMNS, Expression
from dunwell.engine.steps.age import Problem
from dunwell.engine.steps.procedures import Procedures

OF_ACCOUNT: Final = (pl.col("account_policy_ix"), pl.col("account_policies_tied"))


def assign_policy(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `policy_ix`: the applicable policy of lowest priority, null where none applies.

    Two policies of one priority that both apply leave the row without one, with `problem` policies_tie.
    """
    by_account = "account_policy_ix" in rows.collect_schema().names()
    chosen, tied = OF_ACCOUNT if by_account else _chosen(procedures)
    decidable = pl.col("is_debit") & pl.col("problem").is_null() & (pl.col("open_minor") > 0)
    rows = rows.with_columns(policy_ix=pl.when(decidable).then(chosen), policies_tied=decidable & tied)
    return rows.with_columns(
        policy_ix=pl.when(~pl.col("policies_tied")).then("policy_ix"),
        problem=pl.when("policies_tied").then(pl.lit("policies_tie", dtype=Problem)).otherwise("problem"),
    )


def with_policies(known: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add OF_ACCOUNT to what is known of accounts, in place of what only `applies_to` reads of them.

    Only where all rows are under the same policies, and none asks for more than is known of the account: accounts are
    fewer than their items.
    """
    asked = procedures.columns - procedures.later_columns
    read = frozenset().union(*(policy.applies_to.columns for policy in procedures.policies if policy.applies_to))
    if procedures.roster.meta.root_names() or not read <= ACCOUNT_COLUMNS.keys():
        return known
    chosen, tied = _chosen(procedures)
    with_policy = known.with_columns(account_policy_ix=chosen, account_policies_tied=tied)
    return with_policy.drop(TEXT_COLUMNS.get(name, name) for name in asked)


def _chosen(procedures: Procedures) -> tuple[pl.Expr, pl.Expr]:
    """The policy that applies, and whether another of its priority does."""
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
    return chosen, tied


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
