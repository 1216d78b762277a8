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

    `applied` is what of it went to which item. A promise with named items counts what went to them, one of another
    account with the same payer what went to its items; what is left counts towards the others of the account or its
    payer, earliest `by_on` first. Negative amounts: a payment taken back.
    """
    payer_of = dict(payers(book.accounts).iter_rows())
    family = [account for account, payer in payer_of.items() if payer == payer_of.get(account_id)]
    in_time = book.promises.filter(
        pl.col("account_id").is_in([account_id, *family]),
        pl.col("currency") == currency,
        pl.col("made_on") <= on,
        pl.col("by_on") + pl.duration(days="tolerance_days") >= on,
    ).sort("by_on", "promise_id")
    named: dict[int, set[int]] = {}
    for promise_id, item_id in book.promise_items.iter_rows():
        named.setdefault(promise_id, set()).add(item_id)
    items_of: dict[int, set[int]] = {}
    for item_id, owner in (
        book.items.filter(pl.col("item_id").is_in(list(applied))).select("item_id", "account_id").iter_rows()
    ):
        items_of.setdefault(owner, set()).add(item_id)
    sign = 1 if amount_minor > 0 else -1
    rest, counted, to_items = abs(amount_minor), [], {item: abs(part) for item, part in applied.items()}
    # Named promises first: what they take is not there for the others.
    for row in sorted(in_time.to_dicts(), key=lambda row: row["promise_id"] not in named):
        own = named.get(row["promise_id"])
        if own is None and row["account_id"] not in (account_id, payer_of.get(account_id)):
            own = items_of.get(row["account_id"], set())  # another's promise counts what was paid for it
        offered = rest if own is None else sum(to_items.get(item, 0) for item in own)
        room = row["amount_minor"] - row["paid_minor"] if sign > 0 else row["paid_minor"]
        part = min(offered, rest, room)
        rest -= part
        _use(to_items, own or set(), part)
        counted.append({"promise_id": row["promise_id"], "paid_minor": row["paid_minor"] + sign * part})
    return pl.DataFrame(counted, schema={"promise_id": pl.Int64, "paid_minor": pl.Int64})


def _use(to_items: dict[int, int], own: set[int], amount_minor: int) -> None:
    """Take an amount from what went to some items, so that no other promise counts it too."""
    for item_id in sorted(own & set(to_items)):
        part = min(to_items[item_id], amount_minor)
        to_items[item_id] -= part
        amount_minor -= part
