"""What was granted beside money, and taken back, as the journal has it: from the credits of the book, and the trail."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from django.db.models import Q

from dunwell.engine.journal import Movement
from dunwell.records.models import Allocation, AuditEvent, Entity, Item
from dunwell.records.pieces import in_pieces

# What the audit trail calls each kind. The parts of a match tell it, too, until its money is taken back and they go.
TOLD: Final = {"discount": "discount_minor", "bank_charges": "charges_minor", "difference": "difference_minor"}


def grants(entity: Entity, from_on: date, to_on: date) -> Iterator[Movement]:
    """What was granted, and taken back, at least in these days: each kind by itself.

    It is granted on the day of its bank line, and taken back on that from which on its item is owed again.
    """
    credits_ = {credit.number: credit for credit in _credits(entity, from_on, to_on)}
    if not credits_:
        return
    back_on = _taken_back_on(credits_.values())
    told = AuditEvent.objects.filter(action="difference.granted", entity=entity).order_by("pk")
    for item, detail in told.values_list("subject_label", "detail").iterator(chunk_size=10_000):
        credit = credits_.get(detail["credit"])
        if credit and credit.issued_on:
            yield from _movements(credit, item, detail, credit.issued_on, back_on.get(credit.pk))


def _movements(
    credit: Item, item: str, detail: dict[str, int], granted_on: date, taken_back_on: date | None
) -> Iterator[Movement]:
    for kind, name in TOLD.items():
        amount_minor = detail[name]
        if amount_minor:
            granted = Movement(
                on=granted_on, what="granted", document_id=credit.pk, document=credit.number, charge=kind,
                account=credit.account.code, item=item, notice_id=None, currency=credit.currency,
                amount_minor=amount_minor,
            )  # fmt: skip
            yield granted
            if taken_back_on:
                yield replace(granted, on=taken_back_on, what="taken_back")


def _credits(entity: Entity, from_on: date, to_on: date) -> Iterator[Item]:
    """Credits that came into the book or went out of it in these days, those of what was granted among them."""
    days = (from_on, to_on)
    mine = Item.objects.filter(entity=entity, kind="credit")
    went = Allocation.objects.filter(on__range=days, amount_minor__lt=0, source_item__entity=entity)
    ids = set(mine.filter(Q(issued_on__range=days) | Q(closed_on__range=days)).values_list("pk", flat=True))
    ids |= set(went.filter(source_item__kind="credit").values_list("source_item", flat=True))
    for some in in_pieces(ids):
        yield from mine.filter(pk__in=some).select_related("account")


def _taken_back_on(credits_: Iterable[Item]) -> dict[int, date]:
    """The days on which credits of what was granted were taken back, by the credit.

    What was applied of one is taken off its item then, and what was not is closed.
    """
    found: dict[int, date] = {}
    closed = {credit.pk: credit.closed_on for credit in credits_}
    for some in in_pieces(closed):
        told = AuditEvent.objects.filter(action="difference.taken_back", subject_type="item", subject_id__in=some)
        ids = list(told.values_list("subject_id", flat=True))
        went = Allocation.objects.filter(source_item__in=ids, amount_minor__lt=0).order_by("pk")
        last = dict(went.values_list("source_item", "on"))
        found |= {pk: max(filter(None, (last.get(pk), closed[pk]))) for pk in ids if pk}
    return found
