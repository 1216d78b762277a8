"""What has become of promises: open, kept, kept in part, broken, or ended."""

from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.parties import is_ended, is_kept, promise_over_on

PROMISE_STATES: Final = ("open", "kept", "partly_kept", "broken", "ended")


def promise_states(book: Book, as_of: pl.Expr) -> pl.DataFrame:
    """Say of each promise, and each instalment, how it stands on a date: `promise_id`, `state` (PROMISE_STATES).

    Money keeps it through `by_on` and the days of tolerance. `partly_kept` and `broken` are the unkept ones, of which
    `account_broken_promises` counts a plan once.
    """
    state = (
        pl.when(is_kept()).then(pl.lit("kept"))
        .when(is_ended(as_of)).then(pl.lit("ended"))
        .when(promise_over_on() >= as_of).then(pl.lit("open"))
        .when(pl.col("paid_minor") > 0).then(pl.lit("partly_kept"))
        .otherwise(pl.lit("broken"))
    )  # fmt: skip
    return book.promises.select("promise_id", state=state.cast(pl.Enum(PROMISE_STATES)))
