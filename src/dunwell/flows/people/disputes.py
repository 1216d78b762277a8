"""Open a dispute over an item, and resolve it."""

from datetime import date, datetime

from django.db import transaction

from dunwell.engine.events import Disputed, Resolved
from dunwell.engine.money import format_minor
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen, minor_of
from dunwell.flows.plausible import require_day
from dunwell.flows.runs.explain import item_called
from dunwell.records import bulk
from dunwell.records.models import Dispute, Entity


def dispute(
    entity: Entity, item: str, *, amount: str | None = None, reason: str, on: date, by: str, at: datetime
) -> int:
    """Note that a debtor disputes an item, or an amount of it in its currency; return the dispute's number.

    Errors: NotFound; Invalid without a reason, or for an amount that is none or more than the item's.
    """
    if not reason.strip():
        raise Invalid("say why: a dispute has a reason")
    about = item_called(entity, item)
    require_day("a dispute begins", on)
    amount_minor = None if amount is None else minor_of(amount, about.currency)
    if amount_minor is not None and about.amount_minor is not None and amount_minor > about.amount_minor:
        most = format_minor(about.amount_minor, about.currency)
        raise Invalid(f"{item} is of {most}: no more than that can be disputed")
    with transaction.atomic():
        dispute_id = int(bulk.allocate_ids(Dispute, 1)[0])
        event = Disputed(on=on, dispute_id=dispute_id, item_id=about.pk, amount_minor=amount_minor)
        detail = {"dispute": dispute_id, "amount_minor": amount_minor, "reason": reason}
        told = Told(what="dispute.opened", about=about, detail=detail, columns={"disputes": {"reason": reason}})
        let_happen(entity, event, told, on=on, by=by, at=at)
    return dispute_id


def resolve(entity: Entity, dispute_id: int, *, on: date, by: str, at: datetime) -> None:
    """Close a dispute, one way or another. Errors: NotFound; Conflict for one that is resolved."""
    found = Dispute.objects.filter(entity=entity, pk=dispute_id).select_related("item").first()
    if found is None:
        raise NotFound(f"there is no dispute {dispute_id} of {entity.code}")
    if found.resolved_on is not None:
        raise Conflict(f"dispute {dispute_id} was resolved on {found.resolved_on}")
    require_day("a dispute is resolved", on)
    told = Told(what="dispute.resolved", about=found.item, detail={"dispute": dispute_id}, columns={})
    let_happen(entity, Resolved(on=on, dispute_id=dispute_id), told, on=on, by=by, at=at)
