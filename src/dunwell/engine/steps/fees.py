"""What a notice costs the debtor."""

from decimal import ROUND_CEILING

import polars as pl

from dunwell.engine.money import exponent, ratio_half_up
from dunwell.engine.policy.model import Fee, Stage, Tier
from dunwell.engine.steps.minimum import PERCENT_SCALE
from dunwell.engine.steps.procedures import Procedures


def fee_lacks(
    candidates: pl.LazyFrame, procedures: Procedures, currencies: list[str], notice_key: list[str]
) -> pl.LazyFrame:
    """Mark `fee_lacks`: the fee of the row's stage, or of its notice's, cannot be computed in its currency.

    `currencies` are those that occur among the rows.
    """
    if not procedures.any_stage(lambda stage: stage.fee):
        return candidates.with_columns(fee_lacks=pl.lit(value=False))
    marked = _marked(candidates.with_columns(fee_lacks=pl.lit(value=False)), procedures, currencies, pl.col("slot"))
    if not procedures.any_stage(lambda stage: stage.fee and any(tier.fixed for tier in stage.fee.tiers)):
        return marked  # else a row's own amount decides, and the notice's stage may ask of it what its own does not
    highest = pl.col("position").filter("is_left").max().over(notice_key)
    return _marked(marked, procedures, currencies, procedures.slot(highest))


def _marked(rows: pl.LazyFrame, procedures: Procedures, currencies: list[str], slot: pl.Expr) -> pl.LazyFrame:
    lacks = pl.lit(value=False)
    for at, stage in procedures.slots_where(lambda stage: stage.fee):
        for currency in currencies:
            here = (pl.col("fee_slot") == at) & (pl.col("currency") == currency)
            lacks = lacks | (here & _amount(stage, currency).is_null())
    return (
        rows.with_columns(fee_slot=slot)
        .with_columns(fee_lacks=pl.col("fee_lacks") | (pl.col("is_left") & lacks.fill_null(value=False)))
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


def line_fees(dunned: pl.DataFrame, notices: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Charge the fees of the notices' stages: `notice_no`, `item_id`, `account_id`, `currency`, `stage`, `fee_minor`.

    A fee per notice stands on its leading line: the highest level, then the oldest due, the larger dunnable, the
    smaller item_id. Only fees above 0.
    """
    slots = dict(procedures.slots_where(lambda stage: stage.fee))
    paying = notices.filter(pl.col("notice_slot").is_in(list(slots)))
    lines = (
        dunned.join(paying.select("notice_no", "notice_slot", "stage"), on="notice_no")
        .sort(
            "notice_no", "position", "due_on", "dunnable_minor", "item_id", descending=[False, True, False, True, False]
        )
        .with_columns(is_leading=pl.col("notice_no").is_first_distinct())
    )
    amount = pl.lit(0, dtype=pl.Int64)
    for at, stage in slots.items():
        for currency in lines["currency"].unique().to_list():
            here = (pl.col("notice_slot") == at) & (pl.col("currency") == currency)
            if stage.fee and not stage.fee.per_item:
                here = here & pl.col("is_leading")
            amount = pl.when(here).then(_amount(stage, currency)).otherwise(amount)
    charged = lines.select("notice_no", "item_id", "account_id", "currency", "stage", fee_minor=amount)
    return charged.filter(pl.col("fee_minor") > 0)


def _amount(stage: Stage, currency: str) -> pl.Expr:
    """The fee of a stage for a row in `currency`: null where the policy gives no amount in it."""
    fee = stage.fee
    if fee is None:
        return pl.lit(0, dtype=pl.Int64)
    base = _base(fee)
    if fee.tiers:
        amount = pl.lit(0, dtype=pl.Int64)
        for tier in fee.tiers:
            from_minor = tier.from_.scaleb(exponent(currency)).to_integral_value(ROUND_CEILING)
            amount = pl.when(base >= int(from_minor)).then(_step(tier, base, currency)).otherwise(amount)
        return amount
    return _step(fee, base, currency)


def _step(step: Fee | Tier, base: pl.Expr, currency: str) -> pl.Expr:
    if step.percent is not None:
        return ratio_half_up(base.cast(pl.Int128) * int(step.percent * PERCENT_SCALE), 100 * PERCENT_SCALE)
    return pl.lit((step.fixed or {}).get(currency), dtype=pl.Int64)


def _base(fee: Fee) -> pl.Expr:
    columns = {"open": pl.col("open_minor"), "original": pl.col("amount_minor"), "claim": pl.col("claim_minor")}
    return columns[fee.of]
