"""Payers who await the message that all is well: from the sending of a late stage until the message is posted."""

import polars as pl

from dunwell.engine.book import KEYS, Book, table
from dunwell.engine.events import Effects, Failed, Posted, Withdrawn

KEY = KEYS["closings"]


def reached(sent: pl.DataFrame) -> pl.DataFrame:
    """Rows of the book's `closings` for notices that left, on `last_notice_on`: of those to one payer the last counts.

    What was closed before is open again.
    """
    late = sent.filter(pl.col("closing") == "reached").sort("last_notice_on", "notice_id")
    last = late.unique(KEY, keep="last", maintain_order=True)
    rows = last.select(*KEY, "currency", reached_on="last_notice_on", is_open=pl.lit(value=True))
    return table("closings", rows).drop("notice_id")


def closed(_book: Book, event: Posted) -> Effects:
    """Close what the posted messages are about: nothing closes twice."""
    closing = event.notices.filter(pl.col("closing") == "closes")
    if closing.is_empty():
        return Effects()
    return Effects(changes={"closings": closing.select(*KEY, "notice_id", is_open=pl.lit(value=False))})


def opened_again(book: Book, event: Failed | Withdrawn) -> Effects:
    """Open again what a message would have closed that was taken back before it left."""
    is_gone = pl.col("notice_id").is_in(list(event.notice_ids)) & pl.col("state").is_in(["failed", "withdrawn"])
    gone = book.notices.filter(is_gone, pl.col("closing") == "closes")
    if gone.is_empty():
        return Effects()
    mine = book.closings.join(gone, on=[*KEY, "notice_id"], how="semi")
    return Effects(changes={"closings": mine.select(*KEY, is_open=pl.lit(value=True))})


def already_closed(notices: pl.DataFrame, closings: pl.DataFrame) -> pl.DataFrame:
    """Those of a plan's notices that close what is closed by now: another run was first."""
    closing = notices.filter(pl.col("closing") == "closes")
    return closing.join(closings.filter("is_open"), on=KEY, how="anti")
