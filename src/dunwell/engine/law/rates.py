"""Which rate of interest holds on which days, by the rule of a regime and the series it asks."""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from dunwell.engine.law.regime import RateRule
from dunwell.engine.law.series import AllSeries, Series, named

MILLIONTHS: Final = 1_000_000
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class RatePeriod:
    """One rate and the days on which it holds, both counted; in millionths of a percent point.

    `reference_millionths` is what the series says, before rounding and margin; None for a rate that asks none.
    """

    from_on: date
    until_on: date
    reference_millionths: int | None
    rate_millionths: int


def rate_periods(rule: RateRule, first_on: date, last_on: date, series: AllSeries) -> list[RatePeriod]:
    """Return the rates from the first day of a debt's interest to the last, in order and without a gap.

    Errors: RatesMissing for a day that the series does not know.
    """
    if last_on < first_on:
        return []
    if rule.mode != "floating":
        return [RatePeriod(first_on, last_on, *_rate(rule, first_on, series))]
    starts = sorted({first_on, *(day for day in _changes(rule, series) if first_on < day <= last_on)})
    ends = [*(day - DAY for day in starts[1:]), last_on]
    found: list[RatePeriod] = []
    for start, end in zip(starts, ends, strict=True):
        reference, rate = _rate(rule, start, series)
        if found and (found[-1].reference_millionths, found[-1].rate_millionths) == (reference, rate):
            found[-1] = RatePeriod(found[-1].from_on, end, reference, rate)
        else:
            found.append(RatePeriod(start, end, reference, rate))
    _series(rule, series).at(_asked(rule, last_on))
    return found


def half_year(day: date) -> date:
    """The first day of a day's half-year."""
    return date(day.year, 1 if day.month < 7 else 7, 1)


def anniversary(first_on: date, years: int) -> date:
    """The day on which a year of interest begins; what began on 29 February begins on 1 March in ordinary years."""
    year = first_on.year + years
    if (first_on.month, first_on.day) == (2, 29) and not isleap(year):
        return date(year, 3, 1)
    return first_on.replace(year=year)


def _asked(rule: RateRule, day: date) -> date:
    """Of which day the series is asked for the rate of a day."""
    if rule.snapshot == "day":
        return day
    start = half_year(day)
    return start if rule.snapshot == "half_year" else start - DAY


def _rate(rule: RateRule, day: date, series: AllSeries) -> tuple[int | None, int]:
    """The reference that holds for a day, and the rate with all that the rule adds, at least 0."""
    if rule.mode == "constant":
        return None, max(_millionths(rule.rate or Decimal(0)), 0)
    reference = _series(rule, series).at(_asked(rule, day))
    rounded = reference
    if rule.round_up_to:
        step = _millionths(rule.round_up_to)
        rounded = -(-reference // step) * step
    return reference, max(rounded + _millionths(rule.margin), 0)


def _changes(rule: RateRule, series: AllSeries) -> Iterator[date]:
    """The days on which the rate may change."""
    known = _series(rule, series)
    if rule.snapshot == "day":
        yield from known.days
        return
    for year in range(
        known.days[0].year if known.days else 1, min(known.complete_until_on.year, date.max.year - 1) + 2
    ):
        yield date(year, 1, 1)
        yield date(year, 7, 1)


def _series(rule: RateRule, series: AllSeries) -> Series:
    return named(rule.series or "", series)


def _millionths(points: Decimal) -> int:
    return int(points * MILLIONTHS)
