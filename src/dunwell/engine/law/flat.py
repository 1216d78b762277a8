"""The flat sum for recovery costs: by steps of the principal, converted where the statute names another currency."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

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
    Errors: RatesMissing for an exchange rate that no series gives; MoneyError for an unknown currency.
    """
    on = first_on if flat.exchange_on == "day" else due_on.replace(day=1) - DAY
    principal = Fraction(principal_minor, 10 ** exponent(currency))
    into_bounds = exchange_rate(currency, flat.steps_in or flat.currency, on, series, flat)
    amount = _of_steps(flat, principal * into_bounds.rate) if principal_minor > 0 else Fraction(0)
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


def flat_minor(
    flat: Flat,
    principal_minor: int,
    currency: str,
    *,
    first_on: date,
    due_on: date,
    series: AllSeries,
    fees_minor: int = 0,
) -> int:
    """Return the sum of `flat_sum` alone, in minor units of the claim's currency."""
    found = flat_sum(
        flat, principal_minor, currency, first_on=first_on, due_on=due_on, series=series, fees_minor=fees_minor
    )
    return found.minor


def converted(amount_minor: int, source: str, target: str, on: date, series: AllSeries) -> int:
    """Turn minor units of one currency into those of another at the ECB's rates of a day, rounded half-up.

    Errors: RatesMissing; MoneyError for an unknown currency.
    """
    rate = exchange_rate(source, target, on, series).rate
    return fraction_half_up(Fraction(amount_minor, 10 ** exponent(source)) * rate * 10 ** exponent(target))


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


def _of_steps(flat: Flat, principal: Fraction) -> Fraction:
    """What the steps give for a principal in the currency of their bounds, within the least and the most."""
    amount, shares = Fraction(0), Fraction(0)
    for number, step in enumerate(flat.steps):
        bound = Fraction(step.bound)
        reached = principal > bound if step.above is not None else principal >= bound
        if not reached:
            break
        if step.amount is not None:
            amount = Fraction(step.amount)
        if step.percent is not None:
            ends = [Fraction(flat.steps[number + 1].bound)] if number + 1 < len(flat.steps) else []
            shares += (min([principal, *ends]) - bound) * Fraction(step.percent) / 100
    total = amount + shares
    if flat.at_least is not None:
        total = max(total, Fraction(flat.at_least))
    return total if flat.at_most is None else min(total, Fraction(flat.at_most))
