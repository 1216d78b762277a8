"""What a notice costs the debtor."""

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING
from typing import Final, TypeVar

import polars as pl

from dunwell.engine.money import exponent, ratio_half_up
from dunwell.engine.policy.model import Stage, Tier
from dunwell.engine.steps.fee_bounds import FORBIDDING
from dunwell.engine.steps.minimum import PERCENT_SCALE
from dunwell.engine.steps.procedures import Procedures

BASE_MINOR_MAX: Final = 2**62  # no base is beyond it
T = TypeVar("T")


def fee_lacks(candidates: pl.LazyFrame, procedures: Procedures, currencies: Sequence[str]) -> pl.LazyFrame:
    """Mark `fee_lacks`: the fee of the row's stage cannot be computed in its currency.

    `currencies` are those that occur among the rows.
    """
    marked = candidates.with_columns(fee_lacks=pl.lit(value=False))
    if not procedures.any_stage(lambda stage: stage.fee):
        return marked
    return _marked(marked, procedures, currencies, pl.col("slot"))


def notice_fee_lacks(
    candidates: pl.LazyFrame, procedures: Procedures, currencies: Sequence[str], notice_key: list[str]
) -> pl.LazyFrame:
    """Mark in `fee_lacks` also the rows for which the fee of their notice's stage cannot be computed.

    Asked last, of the rows that would be on the notice. Only tiers may ask of a row what its own stage's fee does not;
    the row that gives the notice its stage has passed already, so that the notice keeps it.
    """
    if not procedures.any_stage(lambda stage: stage.fee and any(tier.fixed for tier in stage.fee.tiers)):
        return candidates
    highest = pl.col("position").filter("is_left").max().over(notice_key)
    return _marked(candidates, procedures, currencies, procedures.slot(highest))


def _marked(rows: pl.LazyFrame, procedures: Procedures, currencies: Sequence[str], slot: pl.Expr) -> pl.LazyFrame:
    lacks = _amount(procedures, pl.col("fee_slot"), currencies).is_null()
    return (
        rows.with_columns(fee_slot=slot)
        .with_columns(fee_lacks=pl.col("fee_lacks") | (pl.col("is_left") & lacks))
        .with_columns(is_left=pl.col("is_left") & ~pl.col("fee_lacks"))
        .drop("fee_slot")
    )


def reads_claims(procedures: Procedures) -> bool:
    """Whether some fee is a part of the whole claim."""
    return procedures.any_stage(lambda stage: stage.fee and stage.fee.of == "claim")


def with_claims(candidates: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    """Add `claim_minor`: the open principal and the open charges raised on it."""
    charges = (
        rows.filter(pl.col("is_charge") & pl.col("problem").is_null() & ~pl.col("draft"))
        .group_by("currency", item_id="parent_item_id")
        .agg(charged_minor=pl.col("open_minor").sum())
    )
    return candidates.join(charges.lazy(), on=["item_id", "currency"], how="left").with_columns(
        claim_minor=pl.col("open_minor") + pl.col("charged_minor").fill_null(0)
    )


def line_fees(dunned: pl.DataFrame, notices: pl.DataFrame, procedures: Procedures) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Charge the fees of the notices' stages, as far as the law allows them (see `fee_bounds`).

    A fee per notice stands on its leading line: the highest level, then the oldest due, the larger dunnable, the
    smaller item_id; where it is too early for that, on the next that may have one. Where a line's number or spacing of
    fees forbids one, the notice has none: it would go on with the fees of that line on another. Only fees above 0.
    Returns the plan's charges, with `fee_minor` for the amount; and `row` and `line_fee_code` of the lines on which
    there was to be a fee that the law left out, or lowered.
    """
    slots = [at for at, _stage in procedures.slots_where(lambda stage: stage.fee)]
    paying = notices.filter(pl.col("notice_slot").is_in(slots))
    lines = dunned.join(paying.select("notice_no", "notice_slot", "stage"), on="notice_no").sort(
        "notice_no", "position", "due_on", "dunnable_minor", "item_id", descending=[False, True, False, True, False]
    )
    slot = pl.col("notice_slot")
    per_item = procedures.of_stage(lambda stage: stage.fee is not None and stage.fee.per_item, slot, pl.Boolean)
    amount = _amount(procedures, slot, lines["currency"].unique().to_list())
    if "fee_code" in lines.columns:
        is_allowed = pl.col("fee_code").is_null()
        is_first = is_allowed.cast(pl.Int64).cum_sum().over("notice_no") - is_allowed == 0
        forbids = pl.col("fee_code").is_in(FORBIDDING).fill_null(value=False)
        stands_here = pl.when(forbids.any().over("notice_no")).then(forbids).otherwise(is_first)
    else:
        stands_here = pl.col("notice_no").is_first_distinct()
        lines = lines.with_columns(fee_code=pl.lit(None, dtype=pl.String), fee_bound_minor=pl.lit(None, dtype=pl.Int64))
    asked = lines.with_columns(asked_minor=amount, is_asked=per_item | stands_here)
    return _allowed(asked.filter("is_asked", pl.col("asked_minor") > 0), procedures)


def _allowed(asked: pl.DataFrame, procedures: Procedures) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The fees that are asked for, as far as the law allows them, and what it left out, as in `line_fees`."""
    is_lowered = pl.col("fee_bound_minor") < pl.col("asked_minor")
    capped = pl.when(is_lowered).then(pl.lit("fee_capped"))
    asked = asked.with_columns(line_fee_code=pl.coalesce("fee_code", capped))
    charged = asked.filter(pl.col("fee_code").is_null()).select(
        "notice_no",
        "item_id",
        "account_id",
        "currency",
        "stage",
        fee_minor=pl.min_horizontal("asked_minor", "fee_bound_minor"),
        waivable=procedures.of_policy(lambda policy: policy.charges_when_paid == "waive", pl.Boolean),
        charge=pl.lit("fee"),
        until_on=pl.lit(None, dtype=pl.Date),
        first=pl.lit(value=False),
    )
    left_out = asked.select("row", "line_fee_code").drop_nulls("line_fee_code")
    return charged.filter(pl.col("fee_minor") > 0), left_out


def _amount(procedures: Procedures, slot: pl.Expr, currencies: Sequence[str]) -> pl.Expr:
    """The fee of a stage for a row: 0 without one, null where the policy gives no amount in the row's currency."""
    of = procedures.of_stage(lambda stage: stage.fee.of if stage.fee else None, slot, pl.String)
    base = pl.when(of == "original").then("amount_minor").otherwise("open_minor")
    if reads_claims(procedures):
        base = pl.when(of == "claim").then("claim_minor").otherwise(base)
    steps = [len(stage.fee.steps) for policy in procedures.policies for stage in policy.stages if stage.fee]
    amount = pl.lit(0, dtype=pl.Int64)
    for step in range(max(steps, default=0)):
        amount = _from_step(procedures, slot, step, base, currencies, below=amount)
    return amount


def _from_step(
    procedures: Procedures, slot: pl.Expr, step: int, base: pl.Expr, currencies: Sequence[str], *, below: pl.Expr
) -> pl.Expr:
    """What a step of a fee asks for where its base is reached, else what the steps below it ask for."""

    def of_tier(value: Callable[[Tier], T | None]) -> Callable[[Stage], T | None]:
        def of_stage(stage: Stage) -> T | None:
            tiers = stage.fee.steps if stage.fee else ()
            return value(tiers[step]) if step < len(tiers) else None

        return of_stage

    percent = of_tier(lambda tier: None if tier.percent is None else int(tier.percent * PERCENT_SCALE))
    from_minor, _lacks = procedures.stage_amount(of_tier(lambda tier: _starts(tier, currencies)), slot)
    fixed_minor, _lacks = procedures.stage_amount(of_tier(lambda tier: tier.fixed), slot)
    of_base = base.cast(pl.Int128) * procedures.of_stage(percent, slot, pl.Int64)
    part = ratio_half_up(of_base, 100 * PERCENT_SCALE)
    return pl.when(base >= from_minor).then(pl.coalesce(part, fixed_minor)).otherwise(below)


def _starts(tier: Tier, currencies: Sequence[str]) -> dict[str, int]:
    """From which base on a tier is asked for, in the minor units of each currency."""
    starts = {c: int(tier.from_.scaleb(exponent(c)).to_integral_value(ROUND_CEILING)) for c in currencies}
    return {currency: min(start_minor, BASE_MINOR_MAX) for currency, start_minor in starts.items()}
