"""All reasons that hold, and the first of them: the outcome."""

from functools import reduce
from operator import or_

import polars as pl

from dunwell.engine.plan import BIT, OUTCOMES
from dunwell.engine.steps.age import Problem

Outcome = pl.Enum(OUTCOMES)
NONE = pl.lit(0, dtype=pl.UInt32)
# The marks of the candidates' steps: what lacks is an exception, the others are reasons of their own.
LACKS = ("minimum_lacks", "fee_lacks", "class_lacks", "charge_beyond", "rates_lack")
LATE = ("below_item_minimum", "below_account_minimum", "below_percentage", "unreachable", "contact_cap")
_VALID = pl.col("problem").is_null()


def reasons(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add `reasons`: one bit each, judged by itself; charges with nothing in the way get none here (see `ride`)."""
    judged = _VALID & (pl.col("open_minor") > 0) & pl.col("is_debit")
    blockable = _VALID & (pl.col("open_minor") > 0) & ~pl.col("is_credit")
    staged = judged & pl.col("policy_ix").is_not_null() & ~pl.col("draft")
    holds = {
        "not_due": (blockable & pl.col("draft")) | (staged & pl.col("is_not_due")),
        "finished": staged & pl.col("is_finished"),
        "pending": staged & pl.col("is_pending"),
        "too_soon": staged & pl.col("is_too_soon"),
    }
    return rows.with_columns(reasons=_bits(_standing() | holds))


def standing_reasons(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add those `reasons` that hold whatever stage an item is at."""
    return rows.with_columns(reasons=_bits(_standing()))


def _standing() -> dict[str, pl.Expr]:
    is_open = _VALID & (pl.col("open_minor") > 0)
    judged = is_open & pl.col("is_debit")
    # Charges have no policy of their own, but what blocks the debtor or the amount blocks them too.
    blockable = is_open & ~pl.col("is_credit")
    nothing_left = blockable & (pl.col("left_minor") == 0)
    is_covered = (pl.col("credited_minor") > 0) & (pl.col("dunnable_minor") == 0)
    return {
        "exception": ~_VALID,
        "settled": _VALID & (pl.col("open_minor") == 0),
        "credit": is_open & pl.col("is_credit"),
        "intercompany": blockable & pl.col("intercompany_any"),
        "no_policy": judged & pl.col("policy_ix").is_null(),
        "legal": blockable & pl.col("legal"),
        "on_hold": blockable & pl.col("on_hold"),
        "disputed": nothing_left & (pl.col("disputed_minor") > 0),
        "promised": nothing_left & (pl.col("promised_minor") > 0),
        "in_plan": nothing_left & (pl.col("planned_minor") > 0),
        "payment_in_flight": nothing_left & (pl.col("in_flight_minor") > 0),
        "covered_by_credit": judged & pl.col("policy_ix").is_not_null() & ~pl.col("draft") & is_covered,
    }


def late_reasons(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add what the candidates' steps found, `dun` for those they left, and so the outcome, in place of their marks."""
    holds = {"exception": pl.any_horizontal(LACKS), **{name: pl.col(name) for name in LATE}, "dun": pl.col("is_left")}
    problem = (
        pl.when("minimum_lacks").then(pl.lit("minimum_lacks_currency", dtype=Problem))
        .when("fee_lacks").then(pl.lit("fee_lacks_currency", dtype=Problem))
        .when("class_lacks").then(pl.lit("debtor_class_missing", dtype=Problem))
        .when("charge_beyond").then(pl.lit("amount_beyond_bound", dtype=Problem))
        .when("rates_lack").then(pl.lit("rates_missing", dtype=Problem))
        .otherwise("problem")
    )  # fmt: skip
    return outcome(rows.with_columns(reasons=pl.col("reasons") | _bits(holds), problem=problem).drop(*LACKS, *LATE))


def outcome(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add `outcome`: the reason of the highest precedence; null where no reason holds yet."""
    first = pl.when(pl.col("reasons") > 0).then(pl.col("reasons").bitwise_trailing_zeros())
    return rows.with_columns(outcome=first.cast(pl.UInt8).cat.to(Outcome))


def _bits(holds: dict[str, pl.Expr]) -> pl.Expr:
    return reduce(
        or_, (pl.when(expr).then(pl.lit(BIT[name], dtype=pl.UInt32)).otherwise(NONE) for name, expr in holds.items())
    )
