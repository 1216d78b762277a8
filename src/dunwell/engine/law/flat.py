"""The flat sum for recovery costs: by steps of the principal, converted where the statute names another currency."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from dunwell.engine.law.regime import Flat
from dunwell.engine.law.series import AllSeries, named
from dunwell.engine.money import exponent, fraction_half_up

EURO: Final = "EUR"
MILLION: Final = 1_000_000
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Exchange:
    """How one currency became another: units of `target` for 1 of `source`, of which day, by which series."""

    source: str
    target: str
    on: date
    rate: Fraction
    series: tuple[str, ...]


@dataclass(frozen=True)
class FlatSum:
    """A flat sum in minor units of the claim's currency, and how it came about.

    `amount` is what the statute says in its own currency; `fees_minor` is what of it was charged as fees before.
    """

    minor: int
    currency: str
    amount: Decimal
    amount_currency: str
    exchange: Exchange | None
    fees_minor: int
    source: str


class Sum(NamedTuple):
    """From a principal `bound` on, or only `above` it, a sum is `constant` + `share` x principal, in whole units."""

    bound: Fraction
    above: bool
    constant: Fraction
    share: Fraction


def flat_sum(
    flat: Flat,
    principal_minor: int,
    currency: str,
    *,
    first_on: date,
    due_on: date,
    series: AllSeries,
    fees_minor: int = 0,
) -> FlatSum:
    """Work out the flat sum of a claim by its principal on `first_on`, the first day of interest.

    `fees_minor`: fees charged on the item by then; they count only under `less_fees`. A claim of nothing has none.
    Errors: RatesMissing for a sum or an exchange rate that no series gives; MoneyError for an unknown currency.
    """
    on = first_on if flat.exchange_on == "day" else due_on.replace(day=1) - DAY
    principal = Fraction(principal_minor, 10 ** exponent(currency))
    into_bounds = exchange_rate(currency, flat.steps_in or flat.currency, on, series, flat)
    in_bounds = principal * into_bounds.rate
    amount = _of_principal(flat, in_bounds, on, series) if principal_minor > 0 else Fraction(0)
    exchange = exchange_rate(flat.currency, currency, on, series, flat)
    minor = fraction_half_up(amount * exchange.rate * 10 ** exponent(currency))
    credited = min(minor, fees_minor) if flat.less_fees else 0
    return FlatSum(
        minor - credited,
        currency,
        Decimal(amount.numerator) / Decimal(amount.denominator),
        flat.currency,
        exchange if exchange.series else None,
        credited,
        flat.source,
    )


def exchange_rate(source: str, target: str, on: date, series: AllSeries, flat: Flat | None = None) -> Exchange:
    """Return how many units of `target` are 1 of `source` on a day.

    The ECB gives units per euro, a flat sum perhaps a series of its own into the currency of its steps.
    Errors: RatesMissing.
    """
    if source == target:
        return Exchange(source, target, on, Fraction(1), ())
    if flat and flat.exchange and target == flat.steps_in:
        if source == flat.currency:
            return Exchange(
                source, target, on, Fraction(named(flat.exchange, series).at(on), MILLION), (flat.exchange,)
            )
        first = exchange_rate(source, flat.currency, on, series)
        then = exchange_rate(flat.currency, target, on, series, flat)
        return Exchange(source, target, on, first.rate * then.rate, first.series + then.series)
    per_euro = [_per_euro(currency, on, series) for currency in (source, target)]
    names = tuple(euro_series(currency) for currency in (source, target) if currency != EURO)
    return Exchange(source, target, on, per_euro[1] / per_euro[0], names)


def euro_series(currency: str) -> str:
    """The name of the series of a currency's units per euro."""
    return f"ecb-eur-{currency.lower()}"


def _per_euro(currency: str, on: date, series: AllSeries) -> Fraction:
    exponent(currency)  # an unknown currency is no missing series
    return Fraction(1) if currency == EURO else Fraction(named(euro_series(currency), series).at(on), MILLION)


def sums_of(flat: Flat, on: date, series: AllSeries) -> list[Sum]:
    """The flat sum by its principal, before the least and the most of it, on a day; the first from a principal of 0 on.

    Errors: RatesMissing.
    """
    if flat.amount_series:
        amount = Fraction(named(flat.amount_series, series).at(on), MILLION)
        return [Sum(Fraction(0), above=False, constant=amount, share=Fraction(0))]
    found = []
    amount, below, shares = Fraction(0), Fraction(0), Fraction(0)  # shares: of the steps that are full
    for step, before in zip(flat.steps, [None, *flat.steps], strict=False):
        bound = Fraction(step.bound)
        if before is not None:
            shares += (bound - below) * Fraction(before.percent or 0) / 100
        below = bound
        amount = amount if step.amount is None else Fraction(step.amount)
        share = Fraction(step.percent or 0) / 100
        found.append(Sum(bound, above=step.above is not None, constant=amount + shares - share * bound, share=share))
    return found


def _of_principal(flat: Flat, principal: Fraction, on: date, series: AllSeries) -> Fraction:
    """The sum for a principal above 0 in the currency of the bounds, within the least and the most."""
    reached = [
        each
        for each in sums_of(flat, on, series)
        if principal > each.bound or (principal == each.bound and not each.above)
    ]
    total = reached[-1].constant + reached[-1].share * principal
    if flat.at_least is not None:
        total = max(total, Fraction(flat.at_least))
    return total if flat.at_most is None else min(total, Fraction(flat.at_most))
