"""What came in of an entity, in figures: what waits, what was applied, bank accounts, and payments of one account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Case, Count, OuterRef, Q, Subquery, Sum, Value, When

from dunwell.engine.calendars import calendar_of, is_closed
from dunwell.records.models import CAME_IN, BankAccount, BankLine, BankStatement, Entity, Item, Payment, PaymentState
from dunwell.records.views.cash import BACK_MAX, WAITS

LATE_DAYS: Final = 3
APPLIED_DAYS: Final = 30
PAYMENTS_SHOWN: Final = 10
ACCOUNTS_SHOWN: Final = 50


@dataclass(frozen=True)
class Sums:
    """Lines of one currency: how many wait and their sum, and what was applied lately, by itself and by people.

    `back`: how many wait besides by which banks take money back, or a booking of their own.
    """

    currency: str
    waiting: int = 0
    waiting_minor: int = 0
    back: int = 0
    back_minor: int = 0
    by_itself: int = 0
    by_itself_minor: int = 0
    by_people: int = 0
    by_people_minor: int = 0

    @property
    def applied_minor(self) -> int:
        """What was applied lately, either way."""
        return self.by_itself_minor + self.by_people_minor


@dataclass(frozen=True)
class BankAccountRow:
    """A bank account with what its last statement that says so ends with; `is_late`: a newer one should be there."""

    number: str
    name: str
    currency: str
    until_on: date | None
    balance_minor: int | None
    is_late: bool


@dataclass(frozen=True)
class PaymentRow:
    """A payment of an account; `line`: the bank line that it came in with, where there is one."""

    id: int
    received_on: date | None
    amount_minor: int
    open_minor: int
    currency: str
    state: str
    line: int | None


def sums(entity_id: int, *, on: date, back: Sequence[int] = ()) -> list[Sums]:
    """What waits, and what was applied in the 30 days before, by currency.

    `back`: the lines that wait and take others back, the largest first. By itself counts what was certain, and
    which no person has said yes to, or chosen the items of.
    """
    found: dict[str, dict[str, int]] = {}
    waits = BankLine.objects.filter(WAITS, CAME_IN, entity_id=entity_id).order_by().values("currency")
    for row in waits.annotate(n=Count("pk"), minor=Sum("amount_minor")):
        found.setdefault(row["currency"], {}).update(waiting=row["n"], waiting_minor=row["minor"])
    if back:
        goes = BankLine.objects.filter(pk__in=back[:BACK_MAX]).order_by().values("currency")
        for row in goes.annotate(n=Count("pk"), minor=Sum("amount_minor")):
            found.setdefault(row["currency"], {}).update(back=row["n"], back_minor=row["minor"])
    since = on - timedelta(days=APPLIED_DAYS)
    paid = Item.objects.filter(
        entity_id=entity_id, issued_on__gte=since, kind="payment", payment__state=PaymentState.RECEIVED,
        payment__line__isnull=False,
    )  # fmt: skip
    match = "payment__line__match__"
    is_itself = Q(**{f"{match}outcome": "apply"}) & ~Q(**{f"{match}step": "person"})
    itself = Case(When(is_itself, then=Value(1)), default=Value(0))
    lines, minor = Count("payment__line", distinct=True), Sum("amount_minor")
    for row in paid.order_by().values("currency", itself=itself).annotate(n=lines, minor=minor):
        name = "by_itself" if row["itself"] else "by_people"
        found.setdefault(row["currency"], {}).update({name: row["n"], f"{name}_minor": row["minor"]})
    return [Sums(currency, **found[currency]) for currency in sorted(found)]


def waiting(entity_id: int) -> int:
    """How many lines wait that money came in with."""
    return BankLine.objects.filter(WAITS, CAME_IN, entity_id=entity_id).count()


def bank_accounts(entity_id: int, *, on: date) -> list[BankAccountRow]:
    """The bank accounts of an entity, by number; late are those without a word of the last three working days."""
    told = BankStatement.objects.filter(account=OuterRef("pk"), closing_minor__isnull=False, to_on__isnull=False)
    last = told.order_by("-to_on", "-pk")
    found = BankAccount.objects.filter(entity_id=entity_id).order_by("number")
    found = found.annotate(
        until_on=Subquery(last.values("to_on")[:1]), balance_minor=Subquery(last.values("closing_minor")[:1])
    )
    country = Entity.objects.values_list("country", flat=True).get(pk=entity_id)
    calendar = calendar_of(country or None)
    return [
        BankAccountRow(
            number=each.number, name=each.name, currency=each.currency, until_on=each.until_on,
            balance_minor=each.balance_minor, is_late=_is_late(each.until_on, on, calendar),
        )
        for each in found[:ACCOUNTS_SHOWN]
    ]  # fmt: skip


def payments(account_id: int) -> list[PaymentRow]:
    """The latest payments of an account, those taken back too."""
    found = Payment.objects.filter(item__account=account_id).select_related("item")
    rows = found.order_by("-received_on", "-pk")[:PAYMENTS_SHOWN]
    return [
        PaymentRow(
            id=each.pk, received_on=each.received_on, amount_minor=each.item.amount_minor,
            open_minor=each.item.open_minor, currency=each.item.currency, state=each.state, line=each.line_id,
        )
        for each in rows
    ]  # fmt: skip


def _is_late(until_on: date | None, on: date, calendar: str) -> bool:
    """Whether more than three working days lie between the last day of a statement and today."""
    if until_on is None:
        return True
    days, day = 0, until_on + timedelta(days=1)
    while day < on and days <= LATE_DAYS:
        days += not is_closed(day, calendar)
        day += timedelta(days=1)
    return days > LATE_DAYS
