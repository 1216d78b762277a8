"""What stands in the way of dunning an item, and how much of it is left."""

from collections import defaultdict, deque

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.parties import promise_over_on


def hold(rows: pl.LazyFrame, book: Book) -> pl.LazyFrame:
    """Add `on_hold`: the item, its account or its payer is held. The holds of `book` are those in force."""
    items = book.holds["item_id"].drop_nulls()
    if items.is_empty():
        return rows.with_columns(on_hold=pl.col("held"))
    return rows.with_columns(on_hold=pl.col("held") | pl.col("item_id").is_in(items.implode()))


def dispute(rows: pl.LazyFrame, book: Book) -> pl.LazyFrame:
    """Let an open dispute without an amount be over all of its item, whatever that has come to since."""
    disputes = book.disputes.filter(pl.col("amount_minor").is_null(), pl.col("resolved_on").is_null())
    if disputes.is_empty():
        return rows
    is_all = pl.col("item_id").is_in(disputes["item_id"].implode()) & pl.col("problem").is_null()
    all_of_it = pl.max_horizontal("disputed_minor", "amount_minor", "open_minor")
    return rows.with_columns(disputed_minor=pl.when(is_all).then(all_of_it).otherwise("disputed_minor"))


def promise(rows: pl.DataFrame, book: Book, known: pl.DataFrame, *, as_of: pl.Expr) -> pl.DataFrame:
    """Add `promised_minor`: what promises not yet over (with their tolerance) cover of each claim.

    A promise covers items of its account's payer only. Those with named items cover these; then those of an account
    that another pays for cover its items; then those of a payer cover all it pays for. Each goes to the oldest due
    first, up to what is still unpaid of it.
    """
    unpaid = pl.col("amount_minor") - pl.col("paid_minor")
    active = (
        book.promises.filter(pl.col("made_on") <= as_of, promise_over_on() >= as_of, unpaid > 0)
        .join(known, on="account_id")
        .select("promise_id", "account_id", "payer_id", "currency", unpaid_minor=unpaid)
    )
    if active.is_empty():
        return rows.with_columns(promised_minor=pl.lit(0, dtype=pl.Int64))
    promised = _covered(active, book.promise_items, _promisable(rows, active, book.promise_items))
    return rows.join(promised, on="item_id", how="left", maintain_order="left").with_columns(
        pl.col("promised_minor").fill_null(0)
    )


def _promisable(rows: pl.DataFrame, active: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """The claims that a promise could cover, oldest due first, with what is left of each."""
    accounts = active["account_id"].implode()
    left = pl.col("open_minor") - pl.col("disputed_minor") - pl.col("in_flight_minor")
    touched = (
        pl.col("account_id").is_in(accounts)
        | pl.col("payer_id").is_in(accounts)
        | pl.col("item_id").is_in(named["item_id"].implode())
    )
    claims = rows.filter(pl.col("is_claim") & (left > 0) & touched)
    return claims.select("item_id", "account_id", "payer_id", "currency", "due_on", left_minor=left).sort(
        "due_on", "item_id"
    )


def _covered(active: pl.DataFrame, named: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Hand each promise's money out, in the order of `promise`: `item_id`, `promised_minor`."""
    left: dict[int, int] = dict(claims.select("item_id", "left_minor").iter_rows())
    place = {item: at for at, item in enumerate(left)}
    owed_by = {row[0]: row[1:] for row in claims.select("item_id", "payer_id", "currency").iter_rows()}
    queues: dict[tuple[str, int, str], deque[int]] = defaultdict(deque)
    for item, account, payer, currency in claims.select("item_id", "account_id", "payer_id", "currency").iter_rows():
        queues["account", account, currency].append(item)
        queues["payer", payer, currency].append(item)
    items_of: dict[int, list[int]] = defaultdict(list)
    for promise_id, item in named.iter_rows():
        items_of[promise_id].append(item)
    promised: dict[int, int] = defaultdict(int)

    def hand_out(amount: int, queue: deque[int]) -> None:
        while amount > 0 and queue:
            part = min(amount, left[queue[0]])
            left[queue[0]] -= part
            promised[queue[0]] += part
            amount -= part
            if not left[queue[0]]:
                queue.popleft()

    unnamed = []
    for promise_id, account, payer, currency, amount in active.sort("promise_id").iter_rows():
        if promise_id not in items_of:
            scope = "payer" if ("payer", account, currency) in queues else "account"
            unnamed.append((scope, queues[scope, account, currency], amount))
            continue
        own = (item for item in items_of[promise_id] if owed_by.get(item) == (payer, currency))
        hand_out(amount, deque(sorted(own, key=place.__getitem__)))
    for _scope, queue, amount in sorted(unnamed, key=lambda each: each[0]):  # accounts before payers
        hand_out(amount, queue)
    return pl.DataFrame(
        {"item_id": list(promised), "promised_minor": list(promised.values())},
        schema={"item_id": pl.Int64, "promised_minor": pl.Int64},
    )


def left_to_dun(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Cut disputed, in-flight and promised parts at what is open, and add what they leave (`left_minor`)."""
    rows = rows.with_columns(disputed_part=pl.min_horizontal("disputed_minor", "open_minor"))
    after_dispute = pl.col("open_minor") - pl.col("disputed_part")
    rows = rows.with_columns(in_flight_part=pl.min_horizontal("in_flight_minor", after_dispute))
    after_flight = after_dispute - pl.col("in_flight_part")
    return rows.with_columns(left_minor=after_flight - pl.min_horizontal("promised_minor", after_flight))
