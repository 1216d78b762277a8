"""Which days are closed: weekends and public holidays, by country and, where a country has them, by region.

A calendar is named by its country (`DE`), with its region (`DE-BY`), or WEEKENDS: Saturday and Sunday, no holidays.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Final

import holidays

WEEKENDS: Final = "weekends"
YEARS: Final = range(1900, 2200)  # outside them holidays are not computed, and weekends alone are closed
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@cache
def countries() -> Mapping[str, frozenset[str]]:
    """The countries whose holidays are known (ISO 3166, two letters), each with the codes of its regions."""
    known = holidays.list_supported_countries(include_aliases=False)
    return {country: frozenset(regions) for country, regions in known.items() if len(country) == len("DE")}


def calendar_of(country: str | None, region: str | None = None) -> str:
    """Name the calendar of a country and region; WEEKENDS without a country, or for one that is not known."""
    if country is None or country not in countries():
        return WEEKENDS
    return f"{country}-{region}" if region else country


def is_closed(on: date, calendar: str) -> bool:
    """Whether a day is a weekend or holiday."""
    if calendar == WEEKENDS or on.year not in YEARS:
        return on.weekday() >= _SATURDAY
    return on in _closed_in(on.year, calendar)


def next_open(on: date, calendar: str) -> date:
    """The first open day on or after a day; the last day there is where none follows."""
    while is_closed(on, calendar) and on < date.max:
        on += _DAY
    return on


def previous_open(on: date, calendar: str) -> date:
    """The last open day on or before a day; the first day there is where none precedes."""
    while is_closed(on, calendar) and on > date.min:
        on -= _DAY
    return on


def later(on: date, days: int, calendar: str | None) -> date:
    """A day so many days later, and then, with a calendar, the first open one; never beyond the last day there is."""
    moved = on + timedelta(days=min(days, (date.max - on).days))
    return moved if calendar is None else next_open(moved, calendar)


@lru_cache(maxsize=10_000)
def _closed_in(year: int, calendar: str) -> frozenset[date]:
    """The closed days of a year. Worked on alone: the library's own tables are filled while others look into them."""
    country, _, region = calendar.partition("-")
    table = holidays.country_holidays(country, subdiv=region or None, years=year, expand=False)
    days = (date(year, 1, 1) + number * _DAY for number in range((date(year, 12, 31) - date(year, 1, 1)).days + 1))
    return frozenset(day for day in days if not table.is_working_day(day))
