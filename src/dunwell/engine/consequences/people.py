"""Accounts and what people say: holds, disputes and promises."""

from collections import Counter
from typing import Final

import polars as pl

from dunwell.engine.book import Book, BookError, shaped, table
from dunwell.engine.consequences.refusals import only, require_amount
from dunwell.engine.events import AccountsChanged, Disputed, Effects, Held, Planned, Promised, Released, Resolved

TOLERANCE_DAYS_MAX: Final = 365


def accounts_changed(book: Book, event: AccountsChanged) -> Effects:
    """Open accounts and change others; a new attribute becomes a column of the book."""
    return Effects(changes={"accounts": shaped("accounts", event.accounts, book.accounts)})


def held(book: Book, event: Held) -> Effects:
    """Start a hold on an account or an item. Errors: BookError for one that is not in the book, both or none."""
    if (event.account_id is None) == (event.item_id is None):
        raise BookError("a hold is on an account or on an item")
    if event.account_id is not None:
        only(book.accounts, "account_id", event.account_id)
    if event.item_id is not None:
        only(book.items, "item_id", event.item_id)
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
    row = only(book.holds, "hold_id", event.hold_id)
    return Effects(changes={"holds": row.with_columns(released_on=pl.lit(event.on))})


def disputed(book: Book, event: Disputed) -> Effects:
    """Open a dispute; without an amount it is over the whole item, whatever that amounts to later.

    Errors: BookError for an item that is not in the book, and an amount that is not above 0 or beyond the bound.
    """
    item = only(book.items, "item_id", event.item_id)
    if event.amount_minor is not None:
        require_amount("a dispute", event.amount_minor, item["currency"].item())
    row: dict[str, object] = {
        "dispute_id": event.dispute_id,
        "item_id": event.item_id,
        "amount_minor": event.amount_minor,
        "opened_on": event.on,
    }
    return _with_disputed(book, table("disputes", [row]))


def resolved(book: Book, event: Resolved) -> Effects:
    """Close a dispute, one way or another; a credit for it is an event of its own."""
    row = only(book.disputes, "dispute_id", event.dispute_id)
    return _with_disputed(book, row.with_columns(resolved_on=pl.lit(event.on)))


def _with_disputed(book: Book, dispute: pl.DataFrame) -> Effects:
    """Keep the item's `disputed_minor` equal to the sum of its open disputes; one over all of it counts its amount."""
    item_id = dispute["item_id"].item()
    others = book.disputes.filter(pl.col("item_id") == item_id, pl.col("dispute_id") != dispute["dispute_id"].item())
    still_open = pl.concat([others, dispute]).filter(pl.col("resolved_on").is_null())
    amount_minor = only(book.items, "item_id", item_id)["amount_minor"].item()
    item = pl.DataFrame(
        {"item_id": [item_id], "disputed_minor": [still_open["amount_minor"].fill_null(amount_minor).sum()]},
        schema={"item_id": pl.Int64, "disputed_minor": pl.Int64},
    )
    return Effects(changes={"disputes": dispute, "items": item})


def promised(book: Book, event: Promised) -> Effects:
    """Take a promise to pay, for named items or for the oldest due first.

    Errors: BookError for an account or item that is not in the book, an unknown currency or another than an item's, an
    amount that is not above 0 or beyond the bound, a day that is over, a tolerance that is no number of days, and an
    item that is named twice.
    """
    require_promisable(book, event, "a promise")
    require_amount("a promise", event.amount_minor, event.currency)
    if event.by_on < event.on:
        raise BookError(f"a promise made on {event.on} cannot be for {event.by_on}, which is over")
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


def require_promisable(book: Book, event: Promised | Planned, what: str) -> None:
    """Refuse what neither a promise nor a plan (`what`) can be about.

    Errors: BookError for a tolerance that is no number of days, an account or item that is not in the book, an item in
    another currency, and one that is named twice.
    """
    if not 0 <= event.tolerance_days <= TOLERANCE_DAYS_MAX:
        raise BookError(f"{what} has a tolerance of 0 to {TOLERANCE_DAYS_MAX} days, not {event.tolerance_days}")
    only(book.accounts, "account_id", event.account_id)
    for item_id, times in Counter(event.item_ids).items():
        item = only(book.items, "item_id", item_id).row(0, named=True)
        name = item["number"] or item_id
        if item["currency"] != event.currency:
            raise BookError(f"{what} in {event.currency} cannot be for {name}, which is in {item['currency']}")
        if times > 1:
            raise BookError(f"{what} names {name} twice")
