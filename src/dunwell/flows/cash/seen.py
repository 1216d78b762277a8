"""Do with a line what somebody has seen of it, and nothing that came since."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from dunwell.flows.cash.applying import SET_ASIDE, apply_match, line_locked, set_aside, unapply
from dunwell.flows.cash.by_payer import OfPayer
from dunwell.flows.cash.payments import payments_of
from dunwell.flows.cash.returning import RETURNED, TakenBack, Undone, return_line, unreturn
from dunwell.flows.cash.taking_back import Earlier, GoingBack
from dunwell.flows.runs.seen import require_seen, sign
from dunwell.records.models import (
    BANK_LINE_WAITS,
    AuditEvent,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Entity,
)


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

    def check(line: BankLine) -> None:
        if line.state not in BANK_LINE_WAITS:
            return  # said already
        about = GoingBack(entity).about([line_id]).get(line_id)
        guesses = about.earlier if about else ()
        now = next((each for each in guesses if (each.line, each.payment) == (of, payment)), None)
        require_seen(seen, sign_of_earlier(now), f"Line {line_id}")

    return return_line(entity, line_id, of=of, payment=payment, check=check, by=by, at=at)


def sign_of_end(line_id: int) -> str:
    """The sign of how a line came to wait no more: set aside, taken back, or taking another back."""
    pair = Q(subject_id=line_id) | Q(subject_id__in=BankLine.objects.filter(returns__pk=line_id).values("pk"))
    told = AuditEvent.objects.filter(pair, subject_type="bankline", action__in=(SET_ASIDE, RETURNED))
    return sign(told.aggregate(last=Max("pk"))["last"])


def unreturn_seen(entity: Entity, line_id: int, *, seen: str, by: str, at: datetime) -> Undone:
    """Let a line and the one that it takes back wait again, as they stood when somebody looked.

    `seen`: the sign of what they saw. Errors: Changed where another return stands by now; those of `unreturn`.
    """
    return unreturn(entity, line_id, check=lambda _line: _require_end(seen, line_id), by=by, at=at)


def take_up_seen(entity: Entity, line_id: int, *, seen: str, reason: str, by: str, at: datetime) -> None:
    """Let a line wait again that was set aside, as it was when somebody looked.

    `seen`: the sign of what they saw. Errors: Changed where it was set aside anew; those of `set_aside`.
    """
    with transaction.atomic():
        if line_locked(entity, line_id).state == BankLineState.SET_ASIDE:
            _require_end(seen, line_id)
        set_aside(entity, line_id, reason=reason, back=True, by=by, at=at)


def _require_end(seen: str, line_id: int) -> None:
    require_seen(seen, sign_of_end(line_id), f"Line {line_id}")
