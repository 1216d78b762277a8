"""Which policy a row is under."""

from itertools import groupby

import polars as pl

from dunwell.engine.steps.age import Problem
from dunwell.engine.steps.procedures import Procedures


def assign_policy(rows: pl.LazyFrame, procedures: Procedures) -> pl.LazyFrame:
    """Add `policy_ix`: the applicable policy of lowest priority, null where none applies.

    Two policies of one priority that both apply leave the row without one, with `problem` policies_tie.
    """
    chosen = pl.lit(None, dtype=pl.UInt32)
    tied = pl.lit(value=False)
    for _priority, group in groupby(enumerate(procedures.policies), key=lambda each: each[1].priority):
        members = list(group)
        applies = {ix: procedures.applies(ix) for ix, _policy in members}
        if len(members) > 1:
            count = pl.sum_horizontal([holds.cast(pl.UInt32) for holds in applies.values()])
            tied = tied | (chosen.is_null() & ~tied & (count > 1))
        first = pl.lit(None, dtype=pl.UInt32)
        for ix, holds in reversed(applies.items()):
            first = pl.when(holds).then(pl.lit(ix, dtype=pl.UInt32)).otherwise(first)
        chosen = pl.coalesce(chosen, first)
    decidable = pl.col("is_debit") & pl.col("problem").is_null() & (pl.col("open_minor") > 0)
    rows = rows.with_columns(policy_ix=pl.when(decidable).then(chosen), policies_tied=decidable & tied)
    return rows.with_columns(
        policy_ix=pl.when(~pl.col("policies_tied")).then("policy_ix"),
        problem=pl.when("policies_tied").then(pl.lit("policies_tie", dtype=Problem)).otherwise("problem"),
    )
