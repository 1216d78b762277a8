"""Whose book events may change besides those of their own accounts: items go to another payer by an import."""

from collections.abc import Iterable, Sequence

import polars as pl

from dunwell.engine.events import Allocated, Event, Paid, Reversed, Unallocated
from dunwell.engine.steps.parties import payers
from dunwell.flows.errors import Invalid
from dunwell.records import frames
from dunwell.records.models import Account, Allocation, Item
from dunwell.records.pieces import in_pieces


def accounts_of_money(events: Sequence[Event]) -> set[int]:
    """Return the accounts of what money is applied to or was, and those of the waivable charges on it.

    What was paid of an item goes along with it to its new payer, and what was charged on it stays with the old one.
    Call it once no import can move items between accounts (`share`), and lock the payers of all of them at once.
    Errors: Invalid for a payment or a credit for what another payer owes by now.
    """
    named = {item_id for event in events if isinstance(event, Paid) for item_id in event.applies_to}
    set_off = [event for event in events if isinstance(event, Allocated)]
    _require_own(events, account_of(named | {each for it in set_off for each in (it.source_item_id, it.item_id)}))
    sources = {event.item_id for event in events if isinstance(event, (Paid, Reversed))}
    paid = Allocation.objects.order_by().values_list("item_id", flat=True).distinct()
    moved = {item_id for ids in in_pieces(sources) for item_id in paid.filter(source_item__in=ids)}
    moves = [event for event in events if isinstance(event, (Allocated, Unallocated))]
    moved.update(item_id for event in moves for item_id in (event.source_item_id, event.item_id))
    return accounts_of_items(moved | named)


def accounts_of_items(item_ids: Iterable[int]) -> set[int]:
    """Return the accounts of items, and of the waivable charges on them: whose payers to lock before money moves."""
    pieces = list(in_pieces(item_ids))
    return {account for ids in pieces for account in (*account_of(ids).values(), *_accounts_of_fees(ids))}


def account_of(item_ids: Iterable[int]) -> dict[int, int]:
    """The account of each of these items."""
    items = Item.objects.order_by().values_list("pk", "account_id")
    return {item_id: account for ids in in_pieces(item_ids) for item_id, account in items.filter(pk__in=ids)}


def payer_of(account_ids: Iterable[int]) -> dict[int, int]:
    """Who pays for each of some accounts: the end of its parents, or itself."""
    parent_of: dict[int, int | None] = {}
    asked = set(account_ids)
    while asked:
        rows = Account.objects.order_by().values_list("pk", "parent")
        found = {pk: parent for ids in in_pieces(asked) for pk, parent in rows.filter(pk__in=ids)}
        parent_of |= found
        asked = {parent for parent in found.values() if parent is not None} - parent_of.keys()
    accounts = pl.DataFrame(
        list(parent_of.items()), schema={"account_id": pl.Int64, "parent_id": pl.Int64}, orient="row"
    )
    return {account: account if payer is None else payer for account, payer in payers(accounts).iter_rows()}


def _require_own(events: Iterable[Event], owner_of: dict[int, int]) -> None:
    """Refuse money and credits for items of another payer, to whom one may have come meanwhile. Errors: Invalid."""
    for event in events:
        match event:
            case Paid():
                accounts = {event.account_id, *(owner_of.get(each, event.account_id) for each in event.applies_to)}
            case Allocated():
                accounts = {owner_of[event.source_item_id], owner_of[event.item_id]}
            case _:
                continue
        if len(accounts) > 1 and not accounts <= set(frames.family([min(accounts)])):
            raise Invalid("one of the items named is of another payer by now")


def _accounts_of_fees(item_ids: list[int]) -> set[int]:
    """The accounts of the waivable charges on items, and of the items that those among them were charged on."""
    on_them = Item.objects.filter(parent__in=item_ids, waivable=True).order_by()
    charged_on = Item.objects.filter(charges__in=item_ids, charges__waivable=True).order_by()
    return {account for found in (on_them, charged_on) for account in found.values_list("account_id", flat=True)}
