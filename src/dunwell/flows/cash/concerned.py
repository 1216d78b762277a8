"""Whose book an event may change besides that of its own account: items go to another payer by an import."""

from collections.abc import Iterable, Iterator

from django.db.models import Q

from dunwell.engine.events import Event, Paid, Reversed
from dunwell.records.models import Allocation, Item
from dunwell.records.pieces import in_pieces


def accounts_of_money(event: Event) -> set[int]:
    """Return the accounts of what a payment is applied to or was, and those of the waivable charges on it.

    What was paid of an item goes along with it to its new payer, and what was charged on it stays with the old one.
    Call it once no import can move items between accounts (`share`), and lock the payers of all of them at once.
    """
    if not isinstance(event, (Paid, Reversed)):
        return set()
    paid = Allocation.objects.filter(source_item=event.item_id).values_list("item_id", flat=True).distinct()
    named = event.applies_to if isinstance(event, Paid) else ()
    return set(_with_charges({*paid, *named}))


def _with_charges(item_ids: Iterable[int]) -> Iterator[int]:
    for ids in in_pieces(item_ids):
        yield from _accounts(Q(pk__in=ids))
        yield from _accounts(Q(parent__in=ids, waivable=True))


def _accounts(which: Q) -> Iterator[int]:
    found = Item.objects.filter(which).order_by().values_list("account_id", "parent__account_id").distinct()
    return (account for pair in found for account in pair if account is not None)
