"""Files of rates: a table of days and values, as Dunwell keeps them or as central banks publish them."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from dunwell.engine.law.flat import euro_series
from dunwell.engine.law.shipped import HEAD, VALUE_MAX
from dunwell.engine.money import CURRENCIES
from dunwell.sources.dates import YEAR_MAX, YEAR_MIN
from dunwell.sources.problems import Problems, shown

BYTES_MAX: Final = 20_000_000
MILLIONTHS: Final = 1_000_000
NOT_QUOTED: Final = {"", "n/a", "-", "."}  # what stands in a central bank's file where a day has no value
BANK_OF_ENGLAND: Final = "boe-bank-rate"
DAYS: Final = {"from", "date", "observation_date", "date changed", "time_period", "time period"}
FORMATS: Final = ("%Y-%m-%d", "%d %b %y", "%d %b %Y", "%d %B %Y")  # "18 Dec 25" is the Bank of England's
WRITTEN: Final = "a date is written as 2026-01-31"


@dataclass(frozen=True)
class RateRow:
    """A value in millionths that holds from a day on, and the line that says so."""

    line: int
    from_on: date
    value_millionths: int


@dataclass(frozen=True)
class RateFile:
    """What a file says of one series, in order of days; `until_on`: the last day of which it knows.

    `series` is empty where the file does not say it. Where nobody `says_until`, it is the last row's day. `rows` are
    those that change something, `days` those of all rows; a table `of_changes` may leave out days without one. On
    `silent` days it says that there was no value.
    """

    series: str
    title: str
    source: str
    until_on: date
    rows: tuple[RateRow, ...]
    says_until: bool = True
    days: tuple[date, ...] = ()
    silent: frozenset[date] = frozenset()
    of_changes: bool = True


def read_rates(path: Path, *, series: str | None = None, until_on: date | None = None) -> list[RateFile]:
    """Read every series of a file: `from,value`, days and values of a central bank, or the ECB's table of currencies.

    `series`: the name of its only series; else the file's own name, or what its columns say. Rows may stand oldest or
    newest first. Errors: SourceError, with line and what to do of every row that cannot be taken; OSError.
    """
    problems = Problems(path.name)
    found = list(_Table(path, problems).series(series, until_on))
    problems.refuse()
    return found


def value_millionths(text: str) -> int | str:
    """Read a value with at most six decimals; or why it is none."""
    plain = text.strip().removesuffix("%").strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return f"{shown(text)} is no number: decimals stand after a point"
    if not value.is_finite() or not plain.isascii() or "_" in plain or abs(value) > VALUE_MAX:
        return f"{shown(text)} is no rate: at most {VALUE_MAX:,}"
    millionths = value * MILLIONTHS
    return int(millionths) if millionths == int(millionths) else f"{shown(text)} has more than six decimals"


class _Table:
    """The lines of a file: what stands above its table, the columns, and the rows with their lines."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self.path, self.problems = path, problems
        self.head: dict[str, str] = {}
        self.columns: list[str] = []
        self.rows: list[tuple[int, list[str]]] = []
        text = self._text()
        if text is not None:
            self._read(text)

    def series(self, name: str | None, until_on: date | None) -> Iterator[RateFile]:
        """Every series of the table."""
        if not self.columns:
            return
        chosen = [at for at, column in enumerate(self.columns) if at and column and column.lower() not in DAYS]
        currencies = [at for at in chosen if self.columns[at] in CURRENCIES]
        if len(chosen) > 1 and not currencies:
            said = "several columns of values, which are no currencies: keep the days and one column"
            self.problems.add(self.first, "", said)
            return
        for at in currencies or chosen:
            called = euro_series(self.columns[at]) if currencies else self._name(name)
            if not currencies or name in {None, called}:
                yield from self._one(called, at, until_on)

    def _name(self, name: str | None) -> str:
        if name is None and self.columns[0].lower() == "date changed":
            return BANK_OF_ENGLAND
        return name or re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")

    def _one(self, name: str, at: int, until_on: date | None) -> Iterator[RateFile]:
        rows = [row for line, cells in self.rows if (row := self._row(line, cells, at))]
        falling = sum(1 if row.from_on < before.from_on else -1 for before, row in pairwise(rows))
        if falling > 0:  # newest first, as central banks like it
            rows.reverse()
        for before, row in pairwise(rows):
            if row.from_on == before.from_on:
                self.problems.add(row.line, "", f"{row.from_on} stands here twice: keep one of lines {before.line} and"
                                  f" {row.line}")  # fmt: skip
            elif row.from_on < before.from_on:
                told = f"{row.from_on} does not follow {before.from_on}: rows stand in order of days"
                self.problems.add(row.line, "", told)
        if not rows:
            self.problems.add(self.first, self.columns[at], f"there is no rate of {name}")
            return
        said = until_on or self._until()
        end = said or rows[-1].from_on
        if end < rows[-1].from_on:
            told = f"it is said to be known until {end}, and says what holds on {rows[-1].from_on}"
            self.problems.add(rows[-1].line, "", told)
        yield RateFile(
            name,
            self.head.get("title", ""),
            self.head.get("source", ""),
            end,
            _changes(rows),
            says_until=said is not None,
            days=tuple(row.from_on for row in rows),
            silent=self._silent(at) if self.columns[0] != "from" else frozenset(),
            of_changes=self.columns[0] == "from",
        )

    def _silent(self, at: int) -> frozenset[date]:
        """The days on which a table has no value in a column."""
        cells = (cells for _line, cells in self.rows if len(cells) <= at or cells[at].strip().lower() in NOT_QUOTED)
        return frozenset(day for row in cells if (day := _day(row[0])))

    def _until(self) -> date | None:
        text = self.head.get("complete_until")
        day = _day(text) if text else None
        if text and not day:
            self.problems.add(1, "complete_until", f"{shown(text)} is no date of the calendar: {WRITTEN}")
        return day

    def _row(self, line: int, cells: Sequence[str], at: int) -> RateRow | None:
        text = cells[at] if at < len(cells) else ""
        if self.columns[0] != "from" and text.strip().lower() in NOT_QUOTED:
            return None
        day = _day(cells[0])
        if day is None:
            told = f"{shown(cells[0])} is no date of the calendar between {YEAR_MIN} and {YEAR_MAX}: {WRITTEN}"
            self.problems.add(line, self.columns[0], told)
        value = value_millionths(text)
        if isinstance(value, str):
            self.problems.add(line, self.columns[at], value)
        return RateRow(line, day, value) if day and not isinstance(value, str) else None

    def _text(self) -> str | None:
        with self.path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            self.problems.add(1, "", f"it is larger than {BYTES_MAX:,} bytes: no file of rates is")
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            self.problems.add(line, "", f"it is not UTF-8 (byte {error.start + 1}): save it as UTF-8")
            return None

    def _read(self, text: str) -> None:
        lines = text.splitlines()
        above = 0
        while above < len(lines) and (not lines[above].strip() or lines[above].startswith("#")):
            self._above(above + 1, lines[above])
            above += 1
        reader = csv.reader(lines[above:])
        self.first = above + 1
        try:
            columns = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            self.problems.add(self.first, "", f"it is no table of days and rates: {error}")
            return
        if len(columns) < 2 or columns[0].lower() not in DAYS:  # a day and a value
            self.problems.add(self.first, "", "the table begins with the line `from,value`, a day and its rate")
            return
        self.columns = columns
        try:
            for cells in reader:
                line = above + reader.line_num
                if any(cell.strip() for cell in cells):
                    self.rows.append((line, cells))
        except csv.Error as error:
            self.problems.add(above + reader.line_num, "", f"it is no table of days and rates: {error}")

    def _above(self, line: int, text: str) -> None:
        key, colon, value = text.lstrip("#").partition(":")
        if colon and key.strip() in HEAD:
            if key.strip() in self.head:
                self.problems.add(line, key.strip(), "it stands here twice: keep one")
            self.head[key.strip()] = value.strip()


def _changes(rows: Sequence[RateRow]) -> tuple[RateRow, ...]:
    """The rows that change something: daily files repeat what holds."""
    before: list[int | None] = [None, *(row.value_millionths for row in rows)]
    return tuple(row for value, row in zip(before, rows, strict=False) if value != row.value_millionths)


@lru_cache(maxsize=20_000)  # a table of currencies has every day thirty times
def _day(text: str) -> date | None:
    """Read a day as central banks write it; None for what is none of the calendar."""
    plain = text.strip()
    for form in FORMATS:
        try:
            day = datetime.strptime(plain, form).date()  # noqa: DTZ007  # a date has no time zone
        except ValueError:
            continue
        is_whole = "-" not in form or len(plain) == len("2026-01-31")
        return day if YEAR_MIN <= day.year <= YEAR_MAX and is_whole else None
    return None
