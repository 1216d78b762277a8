"""Agree on an instalment plan, and take plans and promises back."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from dunwell.engine.events import Planned, PromiseEnded
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen, minor_of
from dunwell.flows.plausible import owed_items, require_day
from dunwell.records import bulk
from dunwell.records.models import Entity, InstalmentPlan, Promise


def plan(
    entity: Entity,
    account: str,
    *,
    items: Sequence[str],
    instalments: Sequence[tuple[str, date]],
    currency: str | None = None,
    note: str = "",
    on: date,
    by: str,
    at: datetime,
) -> int:
    """Take an agreement to pay these items by instalments, each an amount and its day; return the plan's number.

    The currency is the entity's unless given; the tolerance is the entity's. While it is kept its items are not dunned
    for what is to come; with the first instalment that is broken it ends. Errors: NotFound, Invalid.
    """
    about = account_called(entity, account)
    currency = currency or entity.currency
    require_day("a plan is made", on)
    for _amount, by_on in instalments:
        require_day("an instalment is for a day", by_on)
    found = owed_items(entity, about, items, currency=currency, what="a plan")
    with transaction.atomic():
        made = InstalmentPlan.objects.create(entity=entity, account=about, made_on=on, note=note)
        ids = bulk.allocate_ids(Promise, len(instalments)).to_list()
        each = [(id_, minor_of(amount, currency), by_on) for id_, (amount, by_on) in zip(ids, instalments, strict=True)]
        event = Planned(
            on=on,
            plan_id=made.pk,
            account_id=about.pk,
            currency=currency,
            item_ids=[item.pk for item in found],
            instalments=each,
            tolerance_days=entity.promise_tolerance_days,
        )
        detail = {
            "plan": made.pk,
            "currency": currency,
            "instalments": [{"amount_minor": minor, "by_on": by_on.isoformat()} for _id, minor, by_on in each],
            "items": list(items),
        }
        told = Told(what="plan.made", about=about, detail=detail, columns={"promises": {"note": note}})
        let_happen(entity, event, told, on=on, by=by, at=at)
    return made.pk


def end_promise(entity: Entity, number: int, *, reason: str, on: date, by: str, at: datetime) -> None:
    """Take a promise back, such as one noted in error: nobody is held to it from this day on.

    Errors: NotFound; Conflict for an instalment, or one that is kept or ended; Invalid without a reason.
    """
    promise = Promise.objects.filter(entity=entity, pk=number).select_related("account").first()
    if promise is None:
        raise NotFound(f"there is no promise {number} of {entity.code}")
    if promise.plan_id is not None:
        raise Conflict(f"promise {number} is an instalment of plan {promise.plan_id}: end the plan")
    _end([promise], "promise", number, reason=reason, on=on, by=by, at=at)


def end_plan(entity: Entity, number: int, *, reason: str, on: date, by: str, at: datetime) -> None:
    """Take a plan back, with all that is still to come of it: its items go on. Errors: as `end_promise`."""
    found = Promise.objects.filter(entity=entity, plan_id=number).select_related("account").order_by("by_on")
    if not (instalments := list(found)):
        raise NotFound(f"there is no plan {number} of {entity.code}")
    _end(instalments, "plan", number, reason=reason, on=on, by=by, at=at)


def _end(promises: Sequence[Promise], kind: str, number: int, *, reason: str, on: date, by: str, at: datetime) -> None:
    if not reason.strip():
        raise Invalid("say why: --reason TEXT")
    require_day("a promise ends", on)
    first = promises[0]
    if on < first.made_on:
        raise Invalid(f"{kind} {number} was made on {first.made_on}: it cannot end before")
    if not any(each.ended_on is None and each.paid_minor < each.amount_minor for each in promises):
        raise Conflict(f"{kind} {number} is kept or ended already")
    # What is kept of a plan ends too: a payment taken back later brings none of it back.
    standing = [each for each in promises if each.ended_on is None]
    told = Told(what=f"{kind}.ended", about=first.account, detail={kind: number, "reason": reason}, columns={})
    event = PromiseEnded(on=on, promise_ids=[each.pk for each in standing])
    let_happen(first.entity, event, told, on=on, by=by, at=at)
