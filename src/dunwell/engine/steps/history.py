"""What was charged on items before, and what was paid of them: all that the law asks of an item's past."""

import polars as pl

from dunwell.engine.book import Book

PAST: pl.Schema = pl.Schema(
    {
        "item_id": pl.Int64,
        "charged_until_on": pl.Date,  # the last day of interest that is charged
        "has_flat": pl.Boolean,
        "fees_count": pl.Int64,
        "fees_minor": pl.Int64,
        "last_fee_on": pl.Date,
    }
)


def charged_before(book: Book, item_ids: pl.Series) -> pl.DataFrame:
    """Sum up the charges on these items that stand: PAST, one row an item that has some."""
    stands = pl.col("reversed_on").is_null() & pl.col("item_id").is_in(item_ids.implode())
    is_fee = pl.col("charge") == "fee"
    return (
        book.charges.filter(stands)
        .group_by("item_id")
        .agg(
            charged_until_on=pl.col("until_on").filter(pl.col("charge") == "interest").max(),
            has_flat=(pl.col("charge") == "compensation").any(),
            fees_count=is_fee.sum().cast(pl.Int64),
            fees_minor=pl.col("amount_minor").filter(is_fee).sum(),
            last_fee_on=pl.coalesce("sent_on", "posted_on").filter(is_fee).max(),
        )
    )


def paid(book: Book, item_ids: pl.Series) -> pl.DataFrame:
    """What came to these items and went again, here and elsewhere: `item_id`, `on`, `amount_minor` (gone: below 0)."""
    columns = ["item_id", "on", "amount_minor"]
    is_mine = pl.col("item_id").is_in(item_ids.implode())
    return pl.concat(
        [
            book.allocations.filter(is_mine, ~pl.col("pending")).select(columns),
            book.elsewhere.filter(is_mine).select(columns),
        ]
    )
