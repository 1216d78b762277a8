"""What is odd of an item but real: it is taken as it is, and a person should look at it."""

from typing import Final

import polars as pl

from dunwell.sources.tables import LINE

SEVERAL_NAMES: Final = "several_names"
TWO_KINDS: Final = "number_of_two_kinds"
# By the kind of the task that is opened, how a message speaks of it: `3 rows ...`.
ODD: Final = {
    "due_before_issue": "due before issue",
    "amount_of_zero": "with an amount of zero",
    TWO_KINDS: "with the number of another kind of item of the same account",
    SEVERAL_NAMES: "with an account of several names",
}


def oddities(items: pl.DataFrame) -> pl.DataFrame:
    """Find what is odd of typed rows: `line`, `odd` (a key of ODD), and `text`, which begins with the line."""
    early = pl.format("line {} (due {}, issued {})", LINE, "due_on", "issued_on")
    zero = pl.format("line {} ({})", LINE, "number")
    found = [
        items.filter(pl.col("due_on") < pl.col("issued_on")).select(LINE, odd=pl.lit("due_before_issue"), text=early),
        items.filter(pl.col("amount_minor") == 0).select(LINE, odd=pl.lit("amount_of_zero"), text=zero),
    ]
    return pl.concat(found)
