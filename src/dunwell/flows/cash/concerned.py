"""Whose book an event may change besides that of its own account: items go to another payer by an import."""

from dunwell.engine.events import Event, Paid, Reversed
from dunwell.flows.errors import Invalid
from dunwell.records import frames
from dunwell.records.models import Allocation, Item
from dunwell.records.pieces import in_pieces


def accounts_of_money(event: Event) -> set[int]:
    """Return the accounts of what a payment is applied to or was, and those of the waivable charges on it.

    What was paid of an item goes along with it to its new payer, and what was charged on it stays with the old one.
    Call it once no import can move items between accounts (`share`), and lock the payers of all of them at once.
    Errors: Invalid for a payment that names what another payer owes by now.
    """
    if not isinstance(event, (Paid, Reversed)):
        return set()
    named = set(event.applies_to) if isinstance(event, Paid) else set()
    if isinstance(event, Paid):
        _require_own(named, event.account_id)
    paid = Allocation.objects.filter(source_item=event.item_id).values_list("item_id", flat=True).distinct()
    return accounts_of_items({*paid, *named})


def accounts_of_items(item_ids: set[int]) -> set[int]:
    """Return the accounts of items, and of the waivable charges on them: whose payers to lock before money moves."""
    return {account for ids in in_pieces(item_ids) for account in (*_accounts(ids), *_accounts_of_fees(ids))}


def _require_own(item_ids: set[int], account_id: int) -> None:
    """Refuse items that have come to another payer since somebody named them. Errors: Invalid."""
    others = {account for ids in in_pieces(item_ids) for account in _accounts(ids)} - {account_id}
    if others and not others <= set(frames.family([account_id])):
        raise Invalid("one of the items named is of another payer by now")


def _accounts(item_ids: list[int]) -> set[int]:
    return set(Item.objects.filter(pk__in=item_ids).order_by().values_list("account_id", flat=True).distinct())


def _accounts_of_fees(item_ids: list[int]) -> set[int]:
    """The accounts of the waivable charges on items, and of the items that those among them were charged on."""
    on_them = Item.objects.filter(parent__in=item_ids, waivable=True).order_by()
    charged_on = Item.objects.filter(charges__in=item_ids, charges__waivable=True).order_by()
    return {account for found in (on_them, charged_on) for account in found.values_list("account_id", flat=True)}
