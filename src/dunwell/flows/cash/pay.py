"""Take a payment in, and take one back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from django.db import transaction

from dunwell.engine.events import Paid, Reversed
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen, minor_of
from dunwell.flows.plausible import owed_items, require_past
from dunwell.records import bulk
from dunwell.records.models import Allocation, Entity, Item, Payment, PaymentState

ID_CHARS_MAX: Final = 200


def pay(
    entity: Entity,
    account: str,
    *,
    amount: str,
    currency: str | None = None,
    items: Sequence[str] = (),
    external_id: str | None = None,
    on: date,
    by: str,
    at: datetime,
) -> int:
    """Apply money that an account paid to items of it, in their order; return the payment's number.

    What is left, or all of it without items, is a credit of the account. `external_id`: what the bank calls it; the
    same again is refused, so that no payment counts twice. Errors: NotFound; Invalid, also for a day yet to come;
    Conflict for one that is there.
    """
    about = account_called(entity, account)
    require_past("a payment has arrived", on, entity, at)
    external_id = _usable(external_id)
    currency = currency or entity.currency
    amount_minor = minor_of(amount, currency)
    item_ids = [item.pk for item in owed_items(entity, about, items, currency=currency, what="a payment")]
    with transaction.atomic():
        if external_id:
            _require_new(entity, external_id)
        payment_id = int(bulk.allocate_ids(Item, 1)[0])
        event = Paid(
            on=on,
            item_id=payment_id,
            account_id=about.pk,
            entity_id=entity.pk,
            currency=currency,
            amount_minor=amount_minor,
            number=external_id,
            applies_to=item_ids,
        )
        detail = {"payment": payment_id, "amount_minor": amount_minor, "currency": currency, "items": list(items)}
        told = Told(what="payment.received", about=about, detail=detail, columns={})
        let_happen(entity, event, told, on=on, by=by, at=at)
        Payment.objects.create(item_id=payment_id, entity=entity, received_on=on, external_id=external_id)
    return payment_id


def take_back(entity: Entity, payment_id: int, *, reason: str, on: date, by: str, at: datetime) -> None:
    """Take a payment back, as a bank does: what it had paid is open again.

    Errors: NotFound; Conflict when it has been, or is of a bank line; Invalid without a reason, or for a day before it
    or yet to come.
    """
    if not reason.strip():
        raise Invalid("say why: a payment is taken back for a reason")
    require_past("a payment is taken back", on, entity, at)
    with transaction.atomic():
        found = _standing(entity, payment_id)
        if found.received_on and on < found.received_on:
            raise Invalid(
                f"payment {payment_id} arrived on {found.received_on}: it cannot be taken back on {on}, before that"
            )
        told = Told(
            what="payment.reversed",
            about=found.item.account,
            detail={"payment": payment_id, "items": _paid_by(payment_id), "reason": reason},
            columns={},
        )
        let_happen(entity, Reversed(on=on, item_id=payment_id), told, on=on, by=by, at=at)
        Payment.objects.filter(pk=payment_id).update(state=PaymentState.REVERSED)


def _standing(entity: Entity, payment_id: int) -> Payment:
    """A payment that no line had brought, and that nobody else takes back meanwhile: locked before any payer is.

    Errors: NotFound; Conflict when it has been taken back, or is of a bank line.
    """
    locked = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("item__account")
    found = locked.filter(entity=entity, pk=payment_id).first()
    if found is None:
        raise NotFound(f"there is no payment {payment_id} of {entity.code}")
    if found.state == PaymentState.REVERSED:
        raise Conflict(f"payment {payment_id} has been taken back")
    if found.line_id:  # what was granted beside it, and the line, go back with it there
        raise Conflict(
            f"payment {payment_id} is of bank line {found.line_id}: "
            f"take that back with `dunwell cash unapply {found.line_id}`"
        )
    return found


def _require_new(entity: Entity, external_id: str) -> None:
    Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)  # of two at once, the second sees the first
    if Payment.objects.filter(entity=entity, external_id=external_id).exists():
        raise Conflict(f"the payment {external_id} is in the book of {entity.code} already")


def _usable(external_id: str | None) -> str:
    """Return what the bank calls a payment, or nothing where nobody says. Errors: Invalid."""
    if external_id is not None and not 0 < len(external_id.strip()) <= ID_CHARS_MAX:
        raise Invalid(f"say what the bank calls the payment in 1 to {ID_CHARS_MAX} characters, or leave it out")
    return external_id or ""


def _paid_by(payment_id: int) -> list[str]:
    """The numbers of the items that a payment was applied to."""
    applied = Allocation.objects.filter(source_item=payment_id).values("item")
    return list(Item.objects.filter(pk__in=applied).order_by("pk").values_list("number", flat=True))
