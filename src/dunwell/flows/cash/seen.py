"""Apply what somebody has seen proposed for a line, or take back what it may be about, and nothing that came since."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from dunwell.flows.cash.applying import apply_match, line_locked, unapply
from dunwell.flows.cash.by_payer import OfPayer
from dunwell.flows.cash.payments import payments_of
from dunwell.flows.cash.returning import TakenBack, pair_locked, return_line
from dunwell.flows.cash.taking_back import Earlier, GoingBack
from dunwell.flows.runs.seen import require_seen, sign
from dunwell.records.models import BANK_LINE_WAITS, BankMatch, BankMatchPart, Entity


def sign_of_match(line_id: int) -> str:
    """The sign of what is proposed for a line: whose money it is, and how much of it is for which item of whom."""
    found = BankMatch.objects.filter(line__pk=line_id)
    match = found.values_list("step", "account", "applied_minor", "left_minor").first()
    parts = BankMatchPart.objects.filter(match__line__pk=line_id).order_by("item")
    columns = ("item", "item__account", "amount_minor", "discount_minor", "charges_minor", "difference_minor")
    return sign(match, list(parts.values_list(*columns)))


def apply_seen(entity: Entity, line_id: int, *, seen: str, by: str, at: datetime) -> list[OfPayer]:
    """Apply a line as its match said when somebody looked; return the payments.

    `seen`: the sign of what they saw. Errors: Changed where something else is proposed by now; those of `apply_match`.
    """
    with transaction.atomic():
        line_locked(entity, line_id)
        require_seen(seen, sign_of_match(line_id), f"Line {line_id}")
        return apply_match(entity, line_id, by=by, at=at)


def unapply_seen(
    entity: Entity, line_id: int, *, payments: Collection[int], reason: str, by: str, at: datetime
) -> None:
    """Take back what a line was applied to when somebody looked, as these payments, and nothing that came since.

    Errors: Changed where it is applied as others by now; those of `unapply`.
    """
    with transaction.atomic():
        line = line_locked(entity, line_id)
        if now := {payment.pk for payment in payments_of(line)}:
            require_seen(sign(sorted(payments)), sign(sorted(now)), f"Line {line_id}")
        unapply(entity, line_id, reason=reason, by=by, at=at)


def sign_of_earlier(earlier: Earlier | None) -> str:
    """The sign of what a line may take back: the earlier line or payment as it stands, and how certain it is."""
    return sign(earlier)


def return_seen(
    entity: Entity, line_id: int, *, of: int | None = None, payment: int | None = None, seen: str, by: str, at: datetime
) -> TakenBack:
    """Take back with a line what it was shown to be about.

    `seen`: the sign of what somebody saw. Errors: Changed where that stands otherwise by now; those of `return_line`.
    """
    with transaction.atomic():
        line, _ = pair_locked(entity, line_id, of)
        if line.state in BANK_LINE_WAITS:
            about = GoingBack(entity).about([line_id]).get(line_id)
            guesses = about.earlier if about else ()
            now = next((each for each in guesses if (each.line, each.payment) == (of, payment)), None)
            require_seen(seen, sign_of_earlier(now), f"Line {line_id}")
        return return_line(entity, line_id, of=of, payment=payment, by=by, at=at)
