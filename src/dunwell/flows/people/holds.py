"""Hold an account or an item, and release it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from dunwell.engine.events import Event, Held, Released
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_all_happen
from dunwell.flows.plausible import require_day
from dunwell.flows.runs.explain import item_called
from dunwell.records import bulk
from dunwell.records.models import Account, Entity, Hold, Item


@dataclass(frozen=True)
class NewHold:
    """What is to be held, through which day if any, and why."""

    about: Account | Item
    until: date | None
    reason: str


def hold(
    entity: Entity,
    *,
    account: str | None = None,
    item: str | None = None,
    until: date | None = None,
    reason: str,
    on: date,
    by: str,
    at: datetime,
) -> int:
    """Send nothing about an account, and all it pays for, or about an item, through `until`; return the hold's number.

    Errors: NotFound; Invalid without a reason, for both or neither of account and item, or a day that is over.
    """
    if (account is None) == (item is None):
        raise Invalid("say what to hold: an account or an item")
    if not reason.strip():
        raise Invalid("say why: a hold has a reason")
    require_day("a hold begins", on)
    if until is not None:
        require_day("a hold ends", until)
    if until is not None and until < on:
        raise Invalid(f"a hold from {on} cannot last until {until}, which is over")
    about = account_called(entity, account) if account is not None else item_called(entity, str(item))
    return place(entity, [NewHold(about, until, reason)], on=on, by=by, at=at)[0]


def place(entity: Entity, new: Sequence[NewHold], *, on: date, by: str, at: datetime) -> list[int]:
    """Place holds together, all or none, that begin on one day; return their numbers, as given."""
    with transaction.atomic():
        hold_ids = bulk.allocate_ids(Hold, len(new)).to_list()
        happening = [_placing(each, hold_id, on) for each, hold_id in zip(new, hold_ids, strict=True)]
        let_all_happen(entity, happening, on=on, by=by, at=at)
    return hold_ids


def _placing(new: NewHold, hold_id: int, on: date) -> tuple[Event, Told]:
    is_item = isinstance(new.about, Item)
    event = Held(
        on=on, hold_id=hold_id, account_id=None if is_item else new.about.pk,
        item_id=new.about.pk if is_item else None, until_on=new.until,
    )  # fmt: skip
    detail = {"hold": hold_id, "until": new.until and new.until.isoformat(), "reason": new.reason}
    columns = {"holds": {"hold_id": hold_id, "reason": new.reason}}
    return event, Told(what="hold.placed", about=new.about, detail=detail, columns=columns)


def release(entity: Entity, hold_id: int, *, on: date, by: str, at: datetime) -> None:
    """End a hold: free from `on`. Errors: NotFound; Conflict for one that has been released."""
    found = Hold.objects.filter(entity=entity, pk=hold_id).select_related("account", "item").first()
    if found is None:
        raise NotFound(f"there is no hold {hold_id} of {entity.code}")
    if found.released_on is not None:
        raise Conflict(f"hold {hold_id} was released on {found.released_on}")
    require_day("a hold is released", on)
    end(entity, [found], on=on, by=by, at=at)


def end(entity: Entity, holds: Sequence[Hold], *, on: date, by: str, at: datetime) -> None:
    """End holds together, all or none, with their `account` and `item` at hand; none of them is released yet."""
    happening: list[tuple[Event, Told]] = [
        (
            Released(on=on, hold_id=each.pk),
            Told(what="hold.released", about=about, detail={"hold": each.pk}, columns={}),
        )
        for each in holds
        if (about := each.account or each.item)
    ]
    let_all_happen(entity, happening, on=on, by=by, at=at)
