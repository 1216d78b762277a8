"""What stands in the way of dunning an item, and how much of it is left."""

from collections import defaultdict, deque
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.parties import broken_promises, is_ended, promise_over_on
from dunwell.engine.steps.rows import collected

COVERED: Final = ("planned_minor", "promised_minor")


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
    """Add `planned_minor` and `promised_minor`: what instalment plans and promises not yet over cover of each claim.

    A promise covers items of its account's payer only. Plans cover the items they name, while none of their instalments
    is broken; then promises with named items cover these; then those of an account that another pays for cover its
    items; then those of a payer cover all it pays for. Each goes to the oldest due first, up to what is still unpaid.
    """
    active = _active(book, as_of).join(known.select("account_id", "payer_id"), on="account_id")
    if active.is_empty():
        return rows.with_columns(pl.lit(0, dtype=pl.Int64).alias(name) for name in COVERED)
    covered = _covered(active, book.promise_items, _promisable(rows, active, book.promise_items))
    return rows.join(covered, on="item_id", how="left", maintain_order="left").with_columns(
        pl.col(COVERED).fill_null(0)
    )


def _active(book: Book, as_of: pl.Expr) -> pl.DataFrame:
    """The promises that cover something, and the plans, each as one: `unpaid_minor` of each."""
    unpaid = pl.col("amount_minor") - pl.col("paid_minor")
    made = book.promises.filter(pl.col("made_on") <= as_of, ~is_ended(as_of), unpaid > 0)
    if made.is_empty():
        return made.with_columns(unpaid_minor=unpaid)
    promises = made.filter(pl.col("plan_id").is_null(), promise_over_on() >= as_of).with_columns(unpaid_minor=unpaid)
    broken = broken_promises(book, as_of).select("plan_id").pipe(collected)
    plans = made.join(broken, on="plan_id", how="anti").filter(pl.col("plan_id").is_not_null())
    standing = plans.sort("promise_id").group_by("plan_id", maintain_order=True)
    each = standing.agg(pl.all().exclude("plan_id").first(), unpaid_minor=unpaid.sum())
    return pl.concat([promises, each.select(promises.columns)])


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
    """Hand each plan's and promise's money out, in the order of `promise`: `item_id` and COVERED."""
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
    covered: dict[str, dict[int, int]] = {name: defaultdict(int) for name in COVERED}

    def hand_out(amount: int, queue: deque[int], to: str = "promised_minor") -> None:
        while amount > 0 and queue:
            part = min(amount, left[queue[0]])
            left[queue[0]] -= part
            covered[to][queue[0]] += part
            amount -= part
            if not left[queue[0]]:
                queue.popleft()

    unnamed = []
    in_order = active.sort("plan_id", "promise_id", nulls_last=True)
    asked = in_order.select("promise_id", "plan_id", "account_id", "payer_id", "currency", "unpaid_minor")
    for promise_id, plan_id, account, payer, currency, amount in asked.iter_rows():
        if promise_id not in items_of:
            scope = "payer" if ("payer", account, currency) in queues else "account"
            unnamed.append((scope, queues[scope, account, currency], amount))
            continue
        own = (item for item in items_of[promise_id] if owed_by.get(item) == (payer, currency))
        to = "promised_minor" if plan_id is None else "planned_minor"
        hand_out(amount, deque(sorted(own, key=place.__getitem__)), to)
    for _scope, queue, amount in sorted(unnamed, key=lambda each: each[0]):  # accounts before payers
        hand_out(amount, queue)
    items = sorted({item for of_items in covered.values() for item in of_items})
    given = {name: [of_items.get(item, 0) for item in items] for name, of_items in covered.items()}
    return pl.DataFrame({"item_id": items, **given}, schema=dict.fromkeys(("item_id", *COVERED), pl.Int64))


def left_to_dun(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Cut disputed, in-flight, planned and promised parts at what is open, and add what they leave (`left_minor`)."""
    rows = rows.with_columns(disputed_part=pl.min_horizontal("disputed_minor", "open_minor"))
    after_dispute = pl.col("open_minor") - pl.col("disputed_part")
    rows = rows.with_columns(in_flight_part=pl.min_horizontal("in_flight_minor", after_dispute))
    after_flight = after_dispute - pl.col("in_flight_part")
    covered = pl.col("planned_minor") + pl.col("promised_minor")
    return rows.with_columns(left_minor=after_flight - pl.min_horizontal(covered, after_flight))
