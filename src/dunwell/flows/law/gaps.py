"""Days of which nobody knows a rate: between what two say of a series, and between the rows of one file."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from holidays import financial_holidays

from dunwell.flows.law.uses import asked_series, is_exchange
from dunwell.sources.rates import RateFile

DAY: Final = timedelta(days=1)
UNQUOTED_MAX: Final = timedelta(days=10)  # beyond the longest time without an exchange rate, around Easter


def is_gap(name: str, until_on: date, first: date, *, silent: frozenset[date] = frozenset()) -> bool:
    """Whether days lie between of which nobody knows; the ECB quotes nothing on weekends and its holidays.

    `silent`: days of which a file says that there was no quotation either.
    """
    between = (first - until_on).days - 1
    if between <= 0:
        return False
    if not is_exchange(name) or first - until_on > UNQUOTED_MAX:
        return True
    closed = financial_holidays("XECB", years=range(until_on.year, first.year + 1))
    days = (until_on + DAY * (at + 1) for at in range(between))
    return any(day.weekday() < 5 and day not in closed and day not in silent for day in days)


def holes_in(file: RateFile) -> Iterator[tuple[date, date]]:
    """The days between its rows of which a file says nothing: first and last.

    Of an exchange rate, which moves every day, these are days without a row; a table of changes may leave out some in
    which nothing changed. Of a rate for half-years they are half-years, unless the file says until when it is whole.
    Other rates hold until they are changed.
    """
    for before, after in pairwise(file.days):
        until_on = _known_through(file, before, after)
        if after > until_on + DAY and is_gap(file.series, until_on, after, silent=file.silent):
            yield until_on + DAY, after - DAY


def without_old_holes(file: RateFile) -> RateFile:
    """Let a daily table of exchange rates begin after its last long hole: the ECB quoted no krona of Iceland for years.

    What it leaves out is not known then; a hole in what is new is found where the rest does not follow what is known.
    """
    if file.of_changes or not is_exchange(file.series):
        return file
    starts = [after for before, after in pairwise(file.days) if after - before > UNQUOTED_MAX]
    if not starts:
        return file
    first = starts[-1]
    holds = max((row for row in file.rows if row.from_on <= first), key=lambda row: row.from_on)
    rows = (replace(holds, from_on=first), *(row for row in file.rows if row.from_on > first))
    return replace(file, rows=rows, days=tuple(day for day in file.days if day >= first))


def _known_through(file: RateFile, day: date, following: date) -> date:
    """The last day on which the row of a day is known to hold, before the one that follows."""
    if is_exchange(file.series):
        is_near = following - day <= UNQUOTED_MAX
        return following - DAY if file.of_changes and is_near else day
    if file.says_until or not is_for_half_years(file.series):
        return following - DAY
    return min(end_of_half_year(day), following - DAY)


def is_for_half_years(name: str) -> bool:
    """Whether a series is a rate of interest that is asked for half-years alone."""
    asked = asked_series().get(name)
    return asked is not None and asked.is_rate and asked.by_half_years


def end_of_half_year(day: date) -> date:
    """The last day of a day's half-year."""
    return date(day.year, 6, 30) if day.month <= 6 else date(day.year, 12, 31)
