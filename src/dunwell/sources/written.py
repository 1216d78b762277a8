"""Cells that have a type of their own, written as the mapping says texts are written: so all files are read alike."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from dunwell.sources.dates import pattern_of
from dunwell.sources.mapping import Layout

DIGITS: Final = 15  # what a float surely keeps, and Excel shows
KEYS: Final = ("number", "account")


@dataclass(frozen=True)
class Writing:
    """How dates and decimals are written in texts: `dates` as strptime codes.

    `keys`: the columns that tell items and accounts apart, in which no digit may be lost.
    """

    dates: str
    decimal: str
    keys: frozenset[str]

    @classmethod
    def by(cls, mapping: Layout) -> "Writing":
        """The way that `mapping` reads without doubt: its first date format, its decimal sign."""
        sources = [mapping.source(field) for field in KEYS]
        keys = frozenset(source.column for source in sources if source is not None and source.column)
        return cls(pattern_of(mapping.dates[0])[0], mapping.decimal, keys)

    def of(self, name: str) -> "Writing":
        """The way of a column: keys have a point, however amounts are written."""
        return replace(self, decimal=".") if name in self.keys else self

    def day(self, day: date) -> str:
        """Write a date; `strftime` of the C library does not fill up early years."""
        return day.strftime(self.dates.replace("%Y", f"{day.year:04}"))

    def number(self, value: float) -> str:
        """Write a number with at most DIGITS digits, without an exponent where it is not huge or tiny."""
        text = f"{value:.{DIGITS}g}"
        if "e" in text and abs(value) < 10**18:
            text = f"{value:.18f}".rstrip("0").rstrip(".")
        return text.replace(".", self.decimal)
