"""One bank line whole: what its bank says, what is proposed or was paid, what was done with it, what it could pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import F, Q

from dunwell.engine.book import CREDIT_KINDS
from dunwell.records import frames, lookup
from dunwell.records.models import (
    Account,
    AuditEvent,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Item,
    Payment,
    PaymentState,
)
from dunwell.records.views.cash import GuessRow, guesses_of, next_waiting

ITEMS_SHOWN: Final = 100
EVENTS_SHOWN: Final = 50
PARTS_SHOWN: Final = 200
NUMBERS_MAX: Final = 100  # typed by a person


@dataclass(frozen=True)
class PartRow:
    """How much of a line is for an item, and what is granted beside the money."""

    item: str
    account_id: int
    account: str
    due_on: date | None
    open_minor: int
    amount_minor: int
    discount_minor: int
    charges_minor: int
    difference_minor: int

    @property
    def lacks(self) -> bool:
        """Whether less is open by now than was found."""
        return self.open_minor < self.amount_minor + self.discount_minor + self.charges_minor + self.difference_minor


@dataclass(frozen=True)
class PaidRow:
    """A payment that a line is applied as; `open_minor`: what of it is on account by now."""

    id: int
    account_id: int
    account: str
    name: str
    amount_minor: int
    open_minor: int


@dataclass(frozen=True)
class EventRow:
    """What somebody did with a line; `detail` as in the audit."""

    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class BankLinePage:
    """A line with its statement and account, and what was found: `match` where somebody or something has said so.

    `guesses` leave out what is proposed. `account` is whose money it is, `payments` are one of each payer of the items;
    `returned_by` is the line that takes it back.
    """

    line: BankLine
    match: BankMatch | None
    account: Account | None
    parts: list[PartRow]
    payments: list[PaidRow]
    guesses: tuple[GuessRow, ...]
    events: list[EventRow]
    returned_by: int | None
    next: int | None

    @property
    def waits(self) -> bool:
        """Whether nobody has applied it, set it aside or taken it back."""
        return self.line.state in {"open", "proposed"}

    @property
    def came_in(self) -> bool:
        """Whether it is money that can be applied."""
        return self.line.amount_minor > 0 and not self.line.is_reversal


@dataclass(frozen=True)
class OpenItem:
    """What money can be for."""

    number: str
    account: str
    kind: str
    due_on: date | None
    open_minor: int
    disputed_minor: int


@dataclass(frozen=True)
class OpenItems:
    """The first open items of a payer in the order in which they fall due, and how many more there are."""

    items: list[OpenItem]
    more: int


def line(entity_id: int, line_id: int, *, back: Sequence[int] = ()) -> BankLinePage | None:
    """A line of an entity by its number; `back`: the lines that wait and take others back, the largest first."""
    beside = ("statement", "account", "match__account", "returned_by", "advice", "hold__account")
    lines = BankLine.objects.select_related(*beside)
    found = lines.filter(entity_id=entity_id, pk=line_id).first()
    if found is None:
        return None
    match: BankMatch | None = getattr(found, "match", None)
    returned_by: BankLine | None = getattr(found, "returned_by", None)
    parts, account = _parts(match), match.account if match else None
    proposed = (account.pk if account else None, sorted(part.item for part in parts))
    guesses = guesses_of([match])[found.pk] if match else ()
    return BankLinePage(
        line=found, match=match, account=account, parts=parts, payments=_payments(found), events=_events(found),
        guesses=tuple(each for each in guesses if (each.account_id, sorted(each.items)) != proposed),
        returned_by=returned_by.pk if returned_by else None, next=next_waiting(entity_id, found, back=back),
    )  # fmt: skip


def left_of(entity_id: int, line_id: int) -> tuple[int, str]:
    """How much of a line that is applied stays on the account, in minor units, and its currency."""
    applied = BankMatch.objects.filter(entity=entity_id, line=line_id, line__state=BankLineState.APPLIED)
    return applied.values_list("left_minor", "line__currency").get()


def account_of(entity_id: int, code: str) -> Account | None:
    """An account of an entity by its code."""
    return Account.objects.filter(entity_id=entity_id, code=code).first() if code else None


def open_items(account_id: int, currency: str) -> OpenItems:
    """What a payer, and those it pays for, owe in a currency."""
    owed = Item.objects.filter(
        account__in=frames.family([account_id]), closed_on=None, open_minor__gt=0, draft=False, currency=currency
    ).exclude(kind__in=CREDIT_KINDS)
    first = owed.select_related("account").order_by(F("due_on").asc(nulls_last=True), "pk")
    some = [_open(item) for item in first[: ITEMS_SHOWN + 1]]
    return OpenItems(some[:ITEMS_SHOWN], owed.count() - ITEMS_SHOWN if len(some) > ITEMS_SHOWN else 0)


def open_of(entity_id: int, numbers: Sequence[str], currency: str) -> dict[str, OpenItem]:
    """What is open in a currency of the items of these numbers, whoever owes them: of the first 100."""
    found = {}
    for number in numbers[:NUMBERS_MAX]:
        owed = lookup.numbered(entity_id, number).exclude(kind__in=CREDIT_KINDS).select_related("account")
        item = owed.filter(currency=currency, open_minor__gt=0).first()
        if item:
            found[number] = _open(item)
    return found


def family_of(account_id: int) -> set[str]:
    """The codes of an account and of all that share its payer: what they owe is paid together."""
    return set(Account.objects.filter(pk__in=frames.family([account_id])).values_list("code", flat=True))


def _open(item: Item) -> OpenItem:
    return OpenItem(item.number, item.account.code, item.kind, item.due_on, item.open_minor, item.disputed_minor)


def _parts(match: BankMatch | None) -> list[PartRow]:
    found = BankMatchPart.objects.filter(match=match).select_related("item__account").order_by("pk")[:PARTS_SHOWN]
    return [
        PartRow(
            item=each.item.number, account_id=each.item.account_id, account=each.item.account.code,
            due_on=each.item.due_on, open_minor=each.item.open_minor, amount_minor=each.amount_minor,
            discount_minor=each.discount_minor, charges_minor=each.charges_minor,
            difference_minor=each.difference_minor,
        )
        for each in (found if match else ())
    ]  # fmt: skip


def _payments(of: BankLine) -> list[PaidRow]:
    """The payments that a line is applied as: one of each payer."""
    standing = Payment.objects.filter(line=of, state=PaymentState.RECEIVED).select_related("item__account")
    return [
        PaidRow(
            id=each.pk, account_id=each.item.account_id, account=each.item.account.code, name=each.item.account.name,
            amount_minor=each.item.amount_minor, open_minor=each.item.open_minor,
        )
        for each in standing.order_by("pk")
    ]  # fmt: skip


def _events(of: BankLine) -> list[EventRow]:
    """What was done with a line, the first first.

    What it was applied to is told of the accounts: of those that have, or had, a payment of it, or are known by it.
    """
    paid = Payment.objects.filter(line=of).order_by()
    accounts = set(paid.values_list("item__account", flat=True).distinct())
    accounts |= set(of.known_payers.order_by().values_list("account", flat=True))
    returned_by: BankLine | None = getattr(of, "returned_by", None)
    ours = Q(subject_id=of.pk)
    if returned_by:
        ours |= Q(subject_id=returned_by.pk, action="line.returned")
    own = AuditEvent.objects.filter(ours, subject_type="bankline")
    told = AuditEvent.objects.filter(subject_type="account", subject_id__in=accounts, detail__line=of.pk)
    some = sorted([*own.order_by("-pk")[:EVENTS_SHOWN], *told.order_by("-pk")[:EVENTS_SHOWN]], key=lambda each: each.pk)
    return [EventRow(each.at, each.actor, each.action, each.detail) for each in some[-EVENTS_SHOWN:]]
