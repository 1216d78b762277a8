"""Payments that people noted and no bank line had brought, and which of them a bank may be taking back."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Q

from dunwell.cash.returns import DAYS_NEAR, GUESSES_MAX
from dunwell.records.models import BankLine, Payment, PaymentState

PAYMENTS_MAX: Final = 20_000  # so many are looked at, the latest
CALLED: Final = ("end_to_end_ref", "bank_ref", "entry_ref", "reference", "mandate_ref")


@dataclass(frozen=True, slots=True)
class Noted:
    """A payment as somebody noted it: whose, of which day, and what it is called."""

    payment: int
    received_on: date
    external_id: str
    amount_minor: int
    currency: str
    account: str


def noted_like(lines: Sequence[BankLine], amounts: Mapping[int, Collection[int]]) -> dict[int, list[Noted]]:
    """The payments that lines may take back, by line: called by its references, or of one of its `amounts`, by line.

    The latest first, and no more of each line than are guessed.
    """
    if not lines:
        return {}
    called = {line.pk: {getattr(line, name) for name in CALLED} - {""} for line in lines}
    wanted = _Noted(_received(lines, set().union(*called.values()), set().union(*amounts.values())))
    return {line.pk: wanted.like(line, called[line.pk], amounts[line.pk]) for line in lines}


def _received(lines: Sequence[BankLine], called: Collection[str], amounts_minor: Collection[int]) -> list[Noted]:
    """The payments of names or amounts, the latest first."""
    days = [line.booked_on for line in lines]
    near = Q(received_on__gte=min(days) - timedelta(days=DAYS_NEAR))
    like = Q(external_id__in=called) | near & Q(item__amount_minor__in=amounts_minor)
    found = Payment.objects.filter(
        like, entity=lines[0].entity_id, state=PaymentState.RECEIVED, received_on__lte=max(days),
        line=None,
    )  # fmt: skip
    columns = ("pk", "received_on", "external_id", "item__amount_minor", "item__currency", "item__account__code")
    return [Noted(*row) for row in found.order_by("-received_on", "-pk").values_list(*columns)[:PAYMENTS_MAX]]


class _Noted:
    """Payments by what they are called, and by currency and amount: no line is held against all of them."""

    def __init__(self, payments: Sequence[Noted]) -> None:
        self._called: dict[str, list[Noted]] = defaultdict(list)
        self._of_amount: dict[tuple[str, int], list[Noted]] = defaultdict(list)
        for each in payments:
            self._called[each.external_id].append(each)
            self._of_amount[each.currency, each.amount_minor].append(each)

    def like(self, line: BankLine, called: Collection[str], amounts_minor: Collection[int]) -> list[Noted]:
        """The latest payments that a line may take back: no later than itself, and in its currency."""
        named = [
            each
            for name in called
            for each in self._called.get(name, ())
            if each.currency == line.currency and each.received_on <= line.booked_on
        ]
        near = [each for minor in amounts_minor for each in self._near(line, minor)]
        latest = sorted({*named, *near}, key=_latest_first)
        return latest[:GUESSES_MAX]

    def _near(self, line: BankLine, minor: int) -> list[Noted]:
        """The latest payments of an amount, of the days before a line in which any may be returned."""
        payments = self._of_amount.get((line.currency, minor), [])
        first = bisect_left(payments, -line.booked_on.toordinal(), key=lambda each: -each.received_on.toordinal())
        since = line.booked_on - timedelta(days=DAYS_NEAR)
        return [each for each in payments[first : first + GUESSES_MAX] if each.received_on >= since]


def _latest_first(each: Noted) -> tuple[int, int]:
    return (-each.received_on.toordinal(), -each.payment)
