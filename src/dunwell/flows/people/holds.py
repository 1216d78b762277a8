"""Hold an account or an item, and release it."""

from datetime import date, datetime

from django.db import transaction

from dunwell.engine.events import Held, Released
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen
from dunwell.flows.plausible import require_day
from dunwell.flows.runs.explain import item_called
from dunwell.records import bulk
from dunwell.records.models import Entity, Hold


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
    with transaction.atomic():
        hold_id = int(bulk.allocate_ids(Hold, 1)[0])
        event = Held(
            on=on,
            hold_id=hold_id,
            account_id=about.pk if account is not None else None,
            item_id=about.pk if account is None else None,
            until_on=until,
        )
        detail = {"hold": hold_id, "until": until and until.isoformat(), "reason": reason}
        told = Told(what="hold.placed", about=about, detail=detail, columns={"holds": {"reason": reason}})
        let_happen(entity, event, told, on=on, by=by, at=at)
    return hold_id


def release(entity: Entity, hold_id: int, *, on: date, by: str, at: datetime) -> None:
    """End a hold: free from `on`. Errors: NotFound; Conflict for one that has been released."""
    found = Hold.objects.filter(entity=entity, pk=hold_id).select_related("account", "item").first()
    about = (found.account or found.item) if found else None
    if found is None or about is None:
        raise NotFound(f"there is no hold {hold_id} of {entity.code}")
    if found.released_on is not None:
        raise Conflict(f"hold {hold_id} was released on {found.released_on}")
    require_day("a hold is released", on)
    told = Told(what="hold.released", about=about, detail={"hold": hold_id}, columns={})
    let_happen(entity, Released(on=on, hold_id=hold_id), told, on=on, by=by, at=at)
