"""What is paid where Dunwell does not see the money: less is open, and promises count it as they count a payment."""

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Book, table
from dunwell.engine.consequences.promises import PAID, Received, promises_with
from dunwell.engine.events import Effects, PaidElsewhere


def less_open(book: Book, event: PaidElsewhere) -> Effects:
    """Lower what is open of the items, at most to nothing, and note by how much: it bears no interest any more."""
    left = pl.max_horizontal(pl.col("open_minor") - pl.col("less_minor"), 0)
    lowered = event.items.join(book.items, on="item_id", maintain_order="left")
    ledger = lowered.filter(~pl.col("kind").is_in(CREDIT_KINDS)).select(
        "item_id", amount_minor=pl.col("open_minor") - left, on=_day(event)
    )
    return Effects(
        changes={
            "items": lowered.select("item_id", open_minor=left),
            "elsewhere": table("elsewhere", ledger.filter(pl.col("amount_minor") != 0)),
        }
    )


def promises_kept(book: Book, event: PaidElsewhere) -> Effects:
    """Count for each account what was paid towards the promises it was in time for, as one payment a currency."""
    if book.promises.is_empty():
        return Effects()
    before = dict(book.promises.select("promise_id", "paid_minor").iter_rows())
    paid = event.items.join(book.items, on="item_id", maintain_order="left").with_columns(paid_on=_day(event))
    for (account_id, currency, on), items in paid.sort("paid_on", maintain_order=True).group_by(
        "account_id", "currency", "paid_on", maintain_order=True
    ):
        applied = dict(items.select("item_id", "less_minor").iter_rows())
        received = Received(int(account_id), on, sum(applied.values()), applied)
        book = book.merged({"promises": promises_with(book, received, str(currency))})
    after = book.promises.select(list(PAID)).rows()
    changed = [row for row in after if row[1] != before[row[0]]]
    return Effects(changes={"promises": pl.DataFrame(changed, schema=PAID, orient="row")})


def _day(event: PaidElsewhere) -> pl.Expr:
    return pl.col("on") if "on" in event.items.columns else pl.lit(event.on)
