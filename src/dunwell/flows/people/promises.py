"""Take a promise to pay, and say what has become of promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import transaction

from dunwell.engine.book import Book
from dunwell.engine.events import Promised
from dunwell.engine.promising import promise_states
from dunwell.flows.entities import account_called
from dunwell.flows.happening import Told, let_happen, minor_of
from dunwell.flows.plausible import owed_items, require_day
from dunwell.records import bulk
from dunwell.records.models import Entity, Promise


@dataclass(frozen=True)
class PromiseLine:
    """A promise in a list, or an instalment (`plan` is its plan's number); amounts in minor units."""

    promise: int
    plan: int | None
    account: str
    currency: str
    amount_minor: int
    paid_minor: int
    made_on: date
    by_on: date
    tolerance_days: int
    items: list[str]
    state: str
    note: str


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


def promises(entity: Entity, account: str | None = None, *, on: date, most: int) -> list[PromiseLine]:
    """List the promises of an entity or of one account as they stand on a date, the latest day first.

    Errors: NotFound for an account that is not in the book.
    """
    found = Promise.objects.filter(entity=entity).select_related("account").prefetch_related("items__item")
    if account is not None:
        found = found.filter(account=account_called(entity, account))
    some = list(found.order_by("-by_on", "-pk")[:most])
    columns = ("amount_minor", "paid_minor", "by_on", "tolerance_days", "ended_on")
    rows = [{"promise_id": each.pk, **{name: getattr(each, name) for name in columns}} for each in some]
    states = promise_states(Book.of(promises=pl.DataFrame(rows, infer_schema_length=None) if rows else []), pl.lit(on))
    state_of = dict(states.iter_rows())
    return [
        PromiseLine(
            promise=each.pk,
            plan=each.plan_id,
            account=each.account.code,
            currency=each.currency,
            amount_minor=each.amount_minor,
            paid_minor=each.paid_minor,
            made_on=each.made_on,
            by_on=each.by_on,
            tolerance_days=each.tolerance_days,
            items=[link.item.number for link in each.items.all()],
            state=state_of[each.pk],
            note=each.note,
        )
        for each in some
    ]
