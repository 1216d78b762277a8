"""Take a promise to pay."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from dunwell.engine.events import Promised
from dunwell.flows.entities import account_called
from dunwell.flows.happening import Told, let_happen, minor_of
from dunwell.flows.plausible import owed_items, require_day
from dunwell.records import bulk
from dunwell.records.models import Entity, Promise


def promise(
    entity: Entity,
    account: str,
    *,
    amount: str,
    currency: str | None = None,
    by_on: date,
    items: Sequence[str] = (),
    note: str = "",
    on: date,
    by: str,
    at: datetime,
) -> int:
    """Take an account's promise to pay an amount by a day; return its number. Without items: for the oldest due first.

    The currency is the entity's unless given; the tolerance is the entity's. Errors: NotFound, Invalid.
    """
    about = account_called(entity, account)
    currency = currency or entity.currency
    amount_minor = minor_of(amount, currency)
    require_day("a promise is made", on)
    require_day("a promise is for a day", by_on)
    item_ids = [item.pk for item in owed_items(entity, about, items, currency=currency, what="a promise")]
    with transaction.atomic():
        promise_id = int(bulk.allocate_ids(Promise, 1)[0])
        event = Promised(
            on=on,
            promise_id=promise_id,
            account_id=about.pk,
            currency=currency,
            amount_minor=amount_minor,
            by_on=by_on,
            tolerance_days=entity.promise_tolerance_days,
            item_ids=item_ids,
        )
        detail = {
            "promise": promise_id,
            "amount_minor": amount_minor,
            "currency": currency,
            "by_on": by_on.isoformat(),
            "items": list(items),
        }
        told = Told(what="promise.made", about=about, detail=detail, columns={"promises": {"note": note}})
        let_happen(entity, event, told, on=on, by=by, at=at)
    return promise_id
