"""What the law allows of the fees on an item: how many, from which day, how far apart, and how high."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import polars as pl

from dunwell.engine.law.flat import exchange_rate
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass, Fees
from dunwell.engine.law.series import AllSeries, RatesMissing, named
from dunwell.engine.money import exponent, fraction_half_up
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.laws import CLASS_LACKS, CLASSES, by_class, is_warned, needs_class
from dunwell.engine.steps.procedures import Procedures

# By these a line forbids the fee of a whole notice; by the others only that it stands on this line.
FORBIDDING: Final = ("fee_forbidden", "fee_count", "fee_spacing")


def fee_bounds(rows: pl.DataFrame, procedures: Procedures, series: AllSeries) -> pl.DataFrame:
    """Add `fee_code` (why there may be none), `fee_bound_minor` (null: no bound) and `fee_bound_lacks`.

    `rows` as `compensation` gives them: a fee counts towards a flat sum that is charged, which stands for it.
    """
    lacks_class = by_class(
        procedures, lambda law, debtor_class: debtor_class is None and needs_class(law, "fee"), pl.Boolean
    )
    rows = rows.with_columns(fee_code=_code(procedures), fee_lack=pl.when(lacks_class).then(pl.lit(CLASS_LACKS)))
    bounded = rows.filter(
        pl.col("fee_code").is_null(), by_class(procedures, lambda law, of: _bounds(law, of) is not None, pl.Boolean)
    )
    key = ["law_slot", "currency", "until_on", "fees_count"]
    asked = bounded.select(key).unique(maintain_order=True)
    found = [
        _known_bound(_fees_at(procedures, slot), currency, on, fees_count, series)
        for slot, currency, on, fees_count in asked.iter_rows()
    ]
    answers = pl.DataFrame(found, schema={"fee_bound_minor": pl.Int64, "fee_bound_lacks": pl.String}, orient="row")
    return (
        rows.join(asked.hstack(answers), on=key, how="left", maintain_order="left")
        # What is forbidden on this row, and allowed on another, asks for no rate.
        .with_columns(
            fee_bound_lacks=pl.coalesce("fee_lack", pl.when(pl.col("fee_code").is_null()).then("fee_bound_lacks"))
        )
        .drop("fee_lack")
    )


def _fees_at(procedures: Procedures, law_slot: int) -> Fees | None:
    """The bounds of a policy and a class, see `laws`."""
    law = procedures.policies[law_slot // len(CLASSES)].law
    return None if law is None else _bounds(law, CLASSES[law_slot % len(CLASSES)])


def _bounds(law: Law, debtor_class: DebtorClass | None) -> Fees | None:
    """The bounds that are amounts, where there are some."""
    fees = law.fees(debtor_class) if debtor_class else None
    return fees if fees and (fees.at_most or fees.at_most_series) else None


def _code(procedures: Procedures) -> pl.Expr:
    """Why the law allows no fee, the first reason of all; null where it allows one, and where it says nothing."""

    def of_fees(value: Callable[[Fees], object], dtype: type[pl.DataType]) -> pl.Expr:
        def of_class(law: Law, debtor_class: DebtorClass | None) -> object:
            fees = law.fees(debtor_class) if debtor_class else None
            return None if fees is None else value(fees)

        return by_class(procedures, of_class, dtype)

    count_max = of_fees(lambda fees: fees.count_max, pl.Int64)
    is_first = pl.col("last_notice_on").is_null() | (pl.col("last_notice_on") <= pl.col("due_on"))
    # Nobody owes a fee before being late.
    earliest_days = of_fees(lambda fees: max(fees.earliest_days or 0, 1), pl.Int32)
    too_early = pl.col("until_on") < plus_days(pl.col("due_on"), earliest_days)
    spacing_days = of_fees(lambda fees: fees.spacing_days, pl.Int32)
    too_near = pl.col("until_on") < plus_days(pl.col("last_fee_on"), spacing_days)
    notice_days = of_fees(lambda fees: fees.after_notice_days, pl.Int32)
    is_unwarned = notice_days.is_not_null() & (pl.col("fees_count") == 0) & ~is_warned(notice_days)
    return (
        pl.when(count_max == 0).then(pl.lit("fee_forbidden"))
        .when(pl.col("fees_count") >= count_max).then(pl.lit("fee_count"))
        .when(too_near).then(pl.lit("fee_spacing"))
        .when("takes_off_fees", "has_flat").then(pl.lit("fee_in_flat"))
        .when(too_early).then(pl.lit("fee_too_early"))
        .when(of_fees(lambda fees: fees.first_notice_free, pl.Boolean) & is_first).then(pl.lit("fee_first_notice"))
        .when(is_unwarned).then(pl.lit("fee_not_warned"))
    )  # fmt: skip


def _known_bound(
    fees: Fees | None, currency: str, on: date, fees_count: int, series: AllSeries
) -> tuple[int | None, str | None]:
    """The most that the next fee may be, in minor units, or the series that is asked in vain."""
    try:
        return (None if fees is None else fee_bound(fees, currency, on, fees_count, series)), None
    except RatesMissing as missing:
        return None, f"series:{missing.series}"


def fee_bound(fees: Fees, currency: str, on: date, fees_count: int, series: AllSeries) -> int | None:
    """Return the most that the next fee may be on a day after so many, in minor units; None without a bound.

    Errors: RatesMissing.
    """
    if fees.currency is None:
        return None
    if fees.at_most_series:
        most = Fraction(named(fees.at_most_series, series).at(on), 1_000_000) * Fraction(fees.share)
    elif fees.at_most:
        most = _nth(fees.at_most, fees_count)
    else:
        return None
    in_currency = most * exchange_rate(fees.currency, currency, on, series).rate
    return fraction_half_up(in_currency * 10 ** exponent(currency))


def _nth(at_most: tuple[Decimal, ...], fees_count: int) -> Fraction:
    return Fraction(at_most[min(fees_count, len(at_most) - 1)])
