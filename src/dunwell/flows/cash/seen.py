"""Apply what somebody has seen proposed for a line, and nothing that was proposed since."""

from datetime import datetime

from django.db import transaction

from dunwell.flows.cash.applying import apply_match, line_locked
from dunwell.flows.runs.seen import require_seen, sign
from dunwell.records.models import BankMatch, BankMatchPart, Entity


def sign_of_match(line_id: int) -> str:
    """The sign of what is proposed for a line: whose money it is, and how much of it is for which item."""
    match = BankMatch.objects.filter(line=line_id).values_list("step", "account", "applied_minor", "left_minor").first()
    parts = BankMatchPart.objects.filter(match=line_id).order_by("item")
    columns = ("item", "amount_minor", "discount_minor", "charges_minor", "difference_minor")
    return sign(match, list(parts.values_list(*columns)))


def apply_seen(entity: Entity, line_id: int, *, seen: str, by: str, at: datetime) -> int:
    """Apply a line as its match said when somebody looked; return the payment's number.

    `seen`: the sign of what they saw. Errors: Changed where something else is proposed by now; those of `apply_match`.
    """
    with transaction.atomic():
        line_locked(entity, line_id)
        require_seen(seen, sign_of_match(line_id), f"Line {line_id}")
        return apply_match(entity, line_id, by=by, at=at)
