"""What is odd of an item but real: it is taken as it is, and a person should look at it."""

from typing import Final

import polars as pl

from dunwell.sources.tables import LINE

SEVERAL_NAMES: Final = "several_names"
TWO_KINDS: Final = "number_of_two_kinds"
# By the kind of the task that is opened, what it is about and how a message speaks of it.
ODD: Final = {
    "due_before_issue": ("row", "due before issue"),
    "amount_of_zero": ("row", "with an amount of zero"),
    TWO_KINDS: ("row", "with the number of another kind of item of the same account"),
    SEVERAL_NAMES: ("account", "with more than one name"),
}


def counted(n: int, odd: str) -> str:
    """Say how many there are of a sort of oddity: `3 rows due before issue`."""
    noun, what = ODD[odd]
    return f"{n:,} {noun}{'' if n == 1 else 's'} {what}"


def oddities(items: pl.DataFrame) -> pl.DataFrame:
    """Find what is odd of typed rows: `line`, `odd` (a key of ODD), and `text`, which begins with the line."""
    early = pl.format("line {} (due {}, issued {})", LINE, "due_on", "issued_on")
    zero = pl.format("line {} ({})", LINE, "number")
    is_early, is_zero = pl.col("due_on") < pl.col("issued_on"), pl.col("amount_minor") == 0
    found = [
        items.filter(is_early).rechunk().select(LINE, odd=pl.lit("due_before_issue"), text=early),
        items.filter(is_zero).rechunk().select(LINE, odd=pl.lit("amount_of_zero"), text=zero),
    ]
    return pl.concat(found)
