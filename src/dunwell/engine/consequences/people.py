"""Accounts and what people say: holds, disputes and promises."""

import polars as pl

from dunwell.engine.book import Book, BookError, table
from dunwell.engine.events import AccountsChanged, Disputed, Effects, Held, Promised, Released, Resolved


def accounts_changed(book: Book, event: AccountsChanged) -> Effects:
    """Open accounts and change others; a new attribute becomes a column of the book."""
    new = event.accounts.join(book.accounts, on="account_id", how="anti")
    if new.is_empty():
        return Effects(changes={"accounts": event.accounts})
    known = event.accounts.join(new, on="account_id", how="anti")
    others = [name for name in book.accounts.columns if name not in known.columns]
    changed = known.join(book.accounts.select("account_id", *others), on="account_id")
    return Effects(
        changes={"accounts": pl.concat([table("accounts", new), table("accounts", changed)], how="diagonal")}
    )


def held(_book: Book, event: Held) -> Effects:
    """Start a hold on an account or an item."""
    if (event.account_id is None) == (event.item_id is None):
        raise BookError("a hold is on an account or on an item")
    row: dict[str, object] = {
        "hold_id": event.hold_id,
        "account_id": event.account_id,
        "item_id": event.item_id,
        "from_on": event.on,
        "until_on": event.until_on,
    }
    return Effects(changes={"holds": table("holds", [row])})


def released(book: Book, event: Released) -> Effects:
    """End a hold: free from the event's date on."""
    row = _only(book.holds, "hold_id", event.hold_id)
    return Effects(changes={"holds": row.with_columns(released_on=pl.lit(event.on))})


def disputed(book: Book, event: Disputed) -> Effects:
    """Open a dispute; without an amount it is over the whole item, however much of it is open."""
    item = _only(book.items, "item_id", event.item_id)
    amount = item["amount_minor"].item() if event.amount_minor is None else event.amount_minor
    row: dict[str, object] = {
        "dispute_id": event.dispute_id,
        "item_id": event.item_id,
        "amount_minor": amount,
        "opened_on": event.on,
    }
    return _with_disputed(book, table("disputes", [row]))


def resolved(book: Book, event: Resolved) -> Effects:
    """Close a dispute, one way or another; a credit for it is an event of its own."""
    row = _only(book.disputes, "dispute_id", event.dispute_id)
    return _with_disputed(book, row.with_columns(resolved_on=pl.lit(event.on)))


def _with_disputed(book: Book, dispute: pl.DataFrame) -> Effects:
    """Keep the item's `disputed_minor` equal to the sum of its open disputes."""
    item_id = dispute["item_id"].item()
    others = book.disputes.filter(pl.col("item_id") == item_id, pl.col("dispute_id") != dispute["dispute_id"].item())
    still_open = pl.concat([others, dispute]).filter(pl.col("resolved_on").is_null())
    item = pl.DataFrame(
        {"item_id": [item_id], "disputed_minor": [still_open["amount_minor"].sum()]},
        schema={"item_id": pl.Int64, "disputed_minor": pl.Int64},
    )
    return Effects(changes={"disputes": dispute, "items": item})


def promised(_book: Book, event: Promised) -> Effects:
    """Take a promise to pay, for named items or for the oldest due first."""
    row: dict[str, object] = {
        "promise_id": event.promise_id,
        "account_id": event.account_id,
        "currency": event.currency,
        "amount_minor": event.amount_minor,
        "made_on": event.on,
        "by_on": event.by_on,
        "tolerance_days": event.tolerance_days,
    }
    named: list[dict[str, object]] = [{"promise_id": event.promise_id, "item_id": item} for item in event.item_ids]
    return Effects(changes={"promises": table("promises", [row]), "promise_items": table("promise_items", named)})


def _only(frame: pl.DataFrame, key: str, value: int) -> pl.DataFrame:
    row = frame.filter(pl.col(key) == value)
    if row.is_empty():
        raise BookError(f"there is no {key.removesuffix('_id')} {value} in the book")
    return row
