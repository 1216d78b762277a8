"""Reference rates and exchange rates: which value holds on a day, and until when that is known."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import polars as pl

from dunwell.engine.book import Book


class RatesMissing(ValueError):
    """A rate is asked for that no series gives; `series` names it."""

    def __init__(self, series: str, message: str) -> None:
        super().__init__(message)
        self.series = series


@dataclass(frozen=True)
class Series:
    """Values that hold from a day on, in order of their days: millionths of a percent point, or of a unit of currency.

    What holds after `complete_until_on` is not known, and is never taken to go on as before.
    """

    name: str
    complete_until_on: date
    days: tuple[date, ...]
    values: tuple[int, ...]

    def at(self, on: date) -> int:
        """Return the value that holds on a day. Errors: RatesMissing before the first day, and after the last known."""
        if on > self.complete_until_on:
            raise RatesMissing(
                self.name,
                f"the series {self.name} is known until {self.complete_until_on}, and {on} is asked for:"
                f" `dunwell rates add {self.name} ...` adds what came since",
            )
        position = bisect_right(self.days, on)
        if not position:
            begins = f"begins on {self.days[0]}" if self.days else "is empty"
            raise RatesMissing(self.name, f"the series {self.name} {begins}, and {on} is asked for")
        return self.values[position - 1]


AllSeries: TypeAlias = Mapping[str, Series]


def named(name: str, series: AllSeries) -> Series:
    """Return a series by its name. Errors: RatesMissing where there is none."""
    if name not in series:
        raise RatesMissing(name, f"the series {name} is not there: `dunwell rates import` brings it in")
    return series[name]


def series_of(book: Book) -> dict[str, Series]:
    """Return the series that a book carries, by name."""
    ends = dict(book.series.select("series", "complete_until_on").iter_rows())
    found = {}
    for (name,), rows in book.rates.sort("series", "from_on").group_by("series", maintain_order=True):
        found[str(name)] = Series(
            str(name), ends[name], tuple(rows["from_on"].to_list()), tuple(rows["value_millionths"].to_list())
        )
    return found


def tables(series: AllSeries) -> dict[str, pl.DataFrame]:
    """Return series as the book's tables `series` and `rates`."""
    named = sorted(series.values(), key=lambda each: each.name)
    rows = [(each.name, day, value) for each in named for day, value in zip(each.days, each.values, strict=True)]
    return {
        "series": pl.DataFrame(
            [(each.name, each.complete_until_on) for each in named],
            schema={"series": pl.String, "complete_until_on": pl.Date},
            orient="row",
        ),
        "rates": pl.DataFrame(
            rows, schema={"series": pl.String, "from_on": pl.Date, "value_millionths": pl.Int64}, orient="row"
        ),
    }
