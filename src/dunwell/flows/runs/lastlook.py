"""The last look before sending: what was paid, held, disputed or promised since the run is not asked for."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.plan import BIT
from dunwell.engine.policy.model import Policy

# What may have come up since the decision; the notice itself, pending, is no reason.
STANDING_IN_THE_WAY: Final = (
    "settled",
    "intercompany",
    "legal",
    "on_hold",
    "disputed",
    "promised",
    "payment_in_flight",
    "covered_by_credit",
)


def overtaken(book: Book, policies: list[Policy], notice_ids: Iterable[int], *, as_of: date) -> dict[int, str]:
    """Say which of these waiting notices ask for what is no longer owed, each with the reason.

    `book` holds everything of their payers. A notice is overtaken as a whole: the next run decides its items anew.
    """
    decisions = decide(book, policies, as_of).decisions.select("item_id", "reasons", "dunnable_minor", "open_minor")
    asked = book.lines.filter(pl.col("notice_id").is_in(list(notice_ids)), pl.col("role") != "fee")
    now = asked.join(decisions, on="item_id", how="left")
    # A charge has nothing dunnable of its own; it is asked for as long as it is open.
    left = pl.when(pl.col("role") == "charge").then("open_minor").otherwise("dunnable_minor")
    reason = pl.lit(None, dtype=pl.String)
    for name in reversed(STANDING_IN_THE_WAY):
        reason = pl.when(pl.col("reasons") & BIT[name] != 0).then(pl.lit(name)).otherwise(reason)
    changed = now.with_columns(
        reason=pl.coalesce(
            reason, pl.when((left < pl.col("amount_minor")).fill_null(value=True)).then(pl.lit("less is owed"))
        )
    ).drop_nulls("reason")
    return dict(changed.sort("item_id").unique("notice_id", keep="first").select("notice_id", "reason").iter_rows())
