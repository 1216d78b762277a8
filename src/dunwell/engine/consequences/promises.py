"""Which promises a payment keeps."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.parties import payers


def promises_after(
    book: Book, account_id: int, currency: str, amount_minor: int, applied: Mapping[int, int], *, on: date
) -> pl.DataFrame:
    """Count money received on `on` towards the promises it was in time for: `promise_id`, `paid_minor`.

    `applied` is what of it went to which item. A promise with named items counts what went to them; what is left counts
    towards the others of the account or its payer, earliest `by_on` first. Negative amounts: a payment taken back.
    """
    family = payers(book.accounts).filter(pl.col("account_id") == account_id)["payer_id"].to_list()
    in_time = book.promises.filter(
        pl.col("account_id").is_in([account_id, *family]),
        pl.col("currency") == currency,
        pl.col("made_on") <= on,
        pl.col("by_on") + pl.duration(days="tolerance_days") >= on,
    ).sort("by_on", "promise_id")
    named: dict[int, set[int]] = {}
    for promise_id, item_id in book.promise_items.iter_rows():
        named.setdefault(promise_id, set()).add(item_id)
    rest, counted = amount_minor, []
    to_items = dict(applied)
    # Named promises first: what they take is not there for the others.
    for row in sorted(in_time.to_dicts(), key=lambda row: row["promise_id"] not in named):
        own = named.get(row["promise_id"])
        offered = rest if own is None else sum(part for item, part in to_items.items() if item in own)
        room = row["amount_minor"] - row["paid_minor"] if amount_minor > 0 else row["paid_minor"]
        part = min(abs(offered), room) * (1 if amount_minor > 0 else -1)
        rest -= part
        if own is not None:
            _use(to_items, own, part)
        counted.append({"promise_id": row["promise_id"], "paid_minor": row["paid_minor"] + part})
    return pl.DataFrame(counted, schema={"promise_id": pl.Int64, "paid_minor": pl.Int64})


def _use(to_items: dict[int, int], own: set[int], amount_minor: int) -> None:
    for item_id in own & set(to_items):
        part = (
            max(min(to_items[item_id], amount_minor), 0)
            if amount_minor > 0
            else min(max(to_items[item_id], amount_minor), 0)
        )
        to_items[item_id] -= part
        amount_minor -= part
