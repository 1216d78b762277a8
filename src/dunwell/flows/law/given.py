"""Rates that somebody gives, held against what is known: what contradicts it, leaves a gap, or cannot be."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Final

from dunwell.engine.data import series_names
from dunwell.engine.law.series import Series
from dunwell.flows.law.gaps import DAY, holes_in, is_for_half_years, is_gap
from dunwell.flows.law.series import packaged_series
from dunwell.flows.law.uses import asked_series, is_exchange, is_known_name
from dunwell.sources.dates import YEAR_MIN
from dunwell.sources.rates import MILLIONTHS, RateFile, RateRow

AHEAD_MAX: Final = timedelta(days=366)  # a rate is decreed some weeks before it holds
FACTOR_MAX: Final = 10  # by which a sum of money changes at once: what is more is a misplaced point
STEP_MAX: Final = 25  # percent points by which a rate does
POINTS_MIN: Final = -20
POINTS_MAX: Final = 1000


@dataclass(frozen=True)
class Given:
    """What somebody says of a series, and in which file; in none where it was typed."""

    file: RateFile
    place: str = ""

    def at(self, line: int, message: str) -> str:
        """A problem with its place."""
        return f"{self.place}:{line}: {self.file.series}: {message}" if self.place else f"{self.file.series}: {message}"

    def line_of(self, day: date) -> int:
        """The line that says what holds on a day."""
        return next((row.line for row in reversed(self.file.rows) if row.from_on <= day), 1)


def problems_of(given: Given, known: Series | None, *, is_corrected: bool, at: datetime) -> Iterator[str]:
    """What keeps the rates of a series from being taken."""
    name, rows = given.file.series, given.file.rows
    if not is_known_name(name):
        near = get_close_matches(name, [*asked_series(), *series_names()], n=1)
        hint = f": do you mean {near[0]}?" if near else ": `dunwell rates list` shows the series that are asked for"
        yield given.at(1, f"no regime asks for a series of this name{hint}")
        return
    latest = at.date() + AHEAD_MAX
    if given.file.until_on > latest:
        yield given.at(rows[-1].line, f"nobody knows until {given.file.until_on}: {latest} is the last day to be said")
        return  # days at the end of the calendar have none after them
    yield from (given.at(row.line, said) for row in rows if (said := _bounds(name, row)))
    yield from _leaps(given, known)
    yield from _holes(given, known)
    if known:
        yield from _against(given, known, is_corrected=is_corrected)


def _bounds(name: str, row: RateRow) -> str:
    if row.from_on.year < YEAR_MIN:
        return f"{row.from_on} is before {YEAR_MIN}"
    asked = asked_series().get(name)
    if is_exchange(name) or (asked and not asked.is_rate):
        return (
            "" if row.value_millionths > 0 else f"{points(row.value_millionths)} is no value: sums of money are above 0"
        )
    if not POINTS_MIN * MILLIONTHS <= row.value_millionths <= POINTS_MAX * MILLIONTHS:
        between = f"{POINTS_MIN} and {POINTS_MAX}"
        return f"{points(row.value_millionths)} is no rate: percent points a year between {between} are"
    return ""


def _against(given: Given, known: Series, *, is_corrected: bool) -> Iterator[str]:
    """Where what is given contradicts what is known, or leaves days between of which nobody knows."""
    file = given.file
    first, until_on = file.rows[0].from_on, known.complete_until_on
    if is_gap(file.series, until_on, first):
        yield given.at(
            file.rows[0].line,
            f"what holds from {until_on + DAY} to {first - DAY} is not known: add that first, as `dunwell rates add"
            f" {file.series} {until_on + DAY} VALUE --until {first - DAY}`",
        )
    if known.days and file.until_on + DAY < known.days[0]:
        told = f"what holds from {file.until_on + DAY} to {known.days[0] - DAY} is not known: say that too"
        yield given.at(file.rows[-1].line, told)
    package_until = shipped_until(file.series)
    shown: set[int] = set()
    for day, said, holds in differences(file, known):
        line = given.line_of(day)
        if package_until and day <= package_until:
            told = f"it comes with Dunwell, until {package_until}, and is not changed here"
        elif is_corrected:
            continue
        else:
            told = "say why it was wrong with --correct TEXT, to change it"
        if line not in shown:
            shown.add(line)
            yield given.at(line, f"{points(said)} contradicts what is known of {day}, {points(holds)}: {told}")


def _holes(given: Given, known: Series | None) -> Iterator[str]:
    """Days between two rows of a file of which nobody knows; what is known of them already is no hole.

    A daily table is the central bank's own: of days before what is known, it quoted on those that it has.
    """
    whole = ", or say until when the file is whole, with --until" if is_for_half_years(given.file.series) else ""
    begins, ends = (known.days[0], known.complete_until_on) if known and known.days else (date.max, date.max)
    for first, last in holes_in(given.file):
        if last <= ends and (begins <= first or not given.file.of_changes):
            continue
        yield given.at(
            given.line_of(last + DAY),
            f"what holds from {first} to {last} is not known: add rows for it, also where nothing changed{whole}",
        )


def _leaps(given: Given, known: Series | None) -> Iterator[str]:
    """Values so far from the one before that they are typing errors, such as one with its point misplaced."""
    name, rows = given.file.series, given.file.rows
    asked = asked_series().get(name)
    is_money = is_exchange(name) or (asked is not None and not asked.is_rate)
    before = _before(known, rows[0].from_on)
    for row in rows:
        value = row.value_millionths
        if before is not None and (
            (is_money and not before <= value * FACTOR_MAX <= before * FACTOR_MAX**2)
            or (not is_money and abs(value - before) > STEP_MAX * MILLIONTHS)
        ):
            most = f"{FACTOR_MAX} times" if is_money else f"{STEP_MAX} percent points"
            yield given.at(
                row.line,
                f"{points(value)} of {row.from_on} is more than {most} off the value before, {points(before)}",
            )
        before = value


def _before(known: Series | None, day: date) -> int | None:
    """The value last known before a day; None where there is none."""
    position = bisect_left(known.days, day) if known else 0
    return known.values[position - 1] if known and position else None


def differences(file: RateFile, known: Series) -> Iterator[tuple[date, int, int]]:
    """The days from which on what is given differs from what is known: day, given, known."""
    said = step_of(file)
    first = max(file.rows[0].from_on, known.days[0]) if known.days else date.max
    last = min(file.until_on, known.complete_until_on)
    days = sorted({first, *said.days, *known.days})
    for day in (day for day in days if first <= day <= last):
        if said.at(day) != known.at(day):
            yield day, said.at(day), known.at(day)


def step_of(file: RateFile) -> Series:
    """What a file says, as a series."""
    days, values = [row.from_on for row in file.rows], [row.value_millionths for row in file.rows]
    return Series(file.series, file.until_on, tuple(days), tuple(values))


def shipped_until(name: str) -> date | None:
    """The last day of which Dunwell itself knows a series; None for one that does not come with it."""
    found = packaged_series({name})
    return found[name].series.complete_until_on if found else None


def points(value_millionths: int) -> str:
    """Write a value without the zeros at its end."""
    whole, rest = divmod(abs(value_millionths), MILLIONTHS)
    return f"{'-' if value_millionths < 0 else ''}{whole}.{rest:06d}".rstrip("0").rstrip(".")
