"""How often payers have heard from us in the last seven days: what a policy's `contact.per_7_days` is held against."""

from typing import Final

import polars as pl

from dunwell.engine.book import KEYS, Book

DAYS: Final = 7
PAYER: Final = KEYS["payers"]


def ledger(book: Book) -> pl.DataFrame:
    """The contacts of payers: `entity_id`, `payer_id`, `notice_id` (null: noted by a person), and `on`.

    A notice that is posted and has not left has no day: it may leave on any. One that leaves over no channel is none,
    nor is one that says nothing is overdue any more.
    """
    is_sent = pl.col("state") == "sent"
    asks = pl.col("closing").ne_missing(pl.lit("closes"))
    stands = book.notices.filter(is_sent | (pl.col("state") == "posted"), pl.col("channels") != "", asks)
    noted = book.contacts.select(*PAYER, "on", notice_id=pl.lit(None, dtype=pl.Int64))
    sent_on = pl.when(is_sent).then("sent_on")
    return pl.concat([stands.select(*PAYER, "notice_id", on=sent_on), noted.select(*PAYER, "notice_id", "on")])


def used(contacts: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    """Count each payer's `contacts` of the seven days that end on `as_of`: `entity_id`, `payer_id`, `used`."""
    since = as_of.cast(pl.Int32) - pl.col("on").cast(pl.Int32)
    return contacts.filter(since.is_between(0, DAYS - 1).fill_null(value=True)).group_by(PAYER).agg(used=pl.len())
