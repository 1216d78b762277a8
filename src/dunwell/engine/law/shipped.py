"""The reference and exchange rates that come with Dunwell, and how a file of rates is read."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

from dunwell.engine.data import series_names, series_text
from dunwell.engine.law.series import Series

HEAD: Final = ("title", "source", "complete_until")
COLUMNS: Final = "from,value"
VALUE_MAX: Final = Decimal(10**9)  # in millionths it still is far from the end of Int64
MILLIONTHS_EXPONENT: Final = 6


class SeriesError(ValueError):
    """A file of rates that cannot be taken, with the series and the line."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"series {name}, line {line}: {message}")
        self.series = name
        self.line = line


@dataclass(frozen=True)
class SeriesFile:
    """A series, what it is and who publishes it."""

    title: str
    source: str
    series: Series


def read_series(name: str, text: str) -> SeriesFile:
    """Read `# title: ..`, `# source: ..`, `# complete_until: ..`, then `from,value` and rows in order of their days.

    Values are percent points, or units of a currency. Errors: SeriesError with the line.
    """
    lines = text.splitlines()
    head = _head(name, lines)
    first = len(head) + 1
    if first > len(lines) or lines[first - 1].strip() != COLUMNS:
        raise SeriesError(name, first, f"the line {COLUMNS!r} is missing")
    days: list[date] = []
    values: list[int] = []
    for number, line in enumerate(lines[first:], first + 1):
        day, value = _row(name, number, line)
        if days and day <= days[-1]:
            raise SeriesError(name, number, f"{day} does not come after {days[-1]}")
        days.append(day)
        values.append(value)
    until_on = _day(name, list(head).index("complete_until") + 1, head["complete_until"])
    if not days:
        raise SeriesError(name, first, "there are no rates")
    if until_on < days[-1]:
        raise SeriesError(name, len(lines), f"it is complete until {until_on}, and says what holds on {days[-1]}")
    return SeriesFile(head["title"], head["source"], Series(name, until_on, tuple(days), tuple(values)))


@cache
def shipped_file(name: str) -> SeriesFile:
    """Return a series that comes with Dunwell, and its source. Errors: KeyError; SeriesError for a damaged file."""
    return read_series(name, series_text(name))


def shipped_series(name: str) -> Series:
    """Return a series that comes with Dunwell. Errors: KeyError for another; SeriesError for a damaged file."""
    return shipped_file(name).series


def all_shipped() -> dict[str, Series]:
    """Return every series that comes with Dunwell, by name."""
    return {name: shipped_series(name) for name in series_names()}


def _head(name: str, lines: list[str]) -> dict[str, str]:
    """The lines before the table, in their order; each key of HEAD once."""
    head: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.startswith("#"):
            break
        key, colon, value = line[1:].partition(":")
        if not colon or key.strip() not in HEAD or key.strip() in head or not value.strip():
            raise SeriesError(name, number, f"`# key: value` is wanted, once for each of {', '.join(HEAD)}")
        head[key.strip()] = value.strip()
    missing = [key for key in HEAD if key not in head]
    if missing:
        raise SeriesError(name, len(head) + 1, f"the line `# {missing[0]}: ...` is missing")
    return head


def _row(name: str, number: int, line: str) -> tuple[date, int]:
    day, comma, value = line.partition(",")
    if not comma:
        raise SeriesError(name, number, f"{line[:40]!r} is no row of {COLUMNS}")
    return _day(name, number, day), _millionths(name, number, value)


def _day(name: str, number: int, text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise SeriesError(name, number, f"{text[:40]!r} is no date such as 2026-01-31") from None
    if len(text.strip()) != len("2026-01-31"):  # Python also reads 20260131 and 2026-W05-6
        raise SeriesError(name, number, f"{text[:40]!r} is no date such as 2026-01-31")
    return day


def _millionths(name: str, number: int, text: str) -> int:
    plain = text.strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise SeriesError(name, number, f"{text[:40]!r} is not a number") from None
    if not plain.isascii() or "_" in plain or not value.is_finite() or abs(value) > VALUE_MAX:
        raise SeriesError(name, number, f"{text[:40]!r} is not a number that a rate can have")
    millionths = value.scaleb(MILLIONTHS_EXPONENT)
    if millionths != millionths.to_integral_value():
        raise SeriesError(name, number, f"{text[:40]!r} has more than {MILLIONTHS_EXPONENT} decimals")
    return int(millionths)
