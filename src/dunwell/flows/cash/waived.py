"""Fees that are written off when their item is settled, or owed again with it: on record, and after imports too."""

from datetime import date, datetime

import polars as pl
from django.db.models import Q

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.events import Recounted
from dunwell.records import audit, bulk, frames
from dunwell.records.models import Entity, Item
from dunwell.records.pieces import in_pieces


def record_waived(entity: Entity, before: Book, after: Book, *, by: str, at: datetime) -> None:
    """Put on record what was written off of fees, or is owed again, between two states of a book."""
    was, now = (
        dict(book.items.filter("waivable").select("item_id", "waived_minor").iter_rows()) for book in (before, after)
    )
    changed = {item_id: minor - was.get(item_id, 0) for item_id, minor in now.items() if minor != was.get(item_id, 0)}
    charges = Item.objects.select_related("parent").order_by("pk")
    for charge in (each for some in in_pieces(changed) for each in charges.filter(pk__in=some)):
        minor = changed[charge.pk]
        detail = {"amount_minor": abs(minor), "currency": charge.currency}
        detail["items"] = [charge.parent.number] if charge.parent else []
        what = "charge.waived" if minor > 0 else "charge.owed_again"
        audit.record(by, what, charge, at=at, entity_id=entity.pk, **detail)


def waive_after_import(entity: Entity, *, on: date, by: str, at: datetime) -> set[int]:
    """Let the fees of an entity follow what an import said is open of their items; return those that did.

    An import writes many items at once, past the events of a single one. A fee follows its item also when that has come
    to another payer, who does not owe what was charged before.
    """
    settled = Q(parent__open_minor=0, open_minor__gt=0, in_flight_minor=0)
    open_again = Q(parent__open_minor__gt=0, waived_minor__gt=0)
    fees = Item.objects.filter(settled | open_again, entity=entity, waivable=True)
    found = list(fees.values_list("pk", "parent_id", "account_id", "parent__account_id"))
    if not found:
        return set()
    accounts = {account for _fee, _item, *both in found for account in both}
    book = frames.account_book(frames.lock_payers(accounts))
    parents = pl.Series([item for _fee, item, *_accounts in found]).unique()
    after, effects = advance(book, [Recounted(on=on, item_ids=parents.to_list())])
    for effect in effects:
        bulk.save(effect.changes, on=on)
    record_waived(entity, book, after, by=by, at=at)
    return {fee for fee, *_rest in found}
