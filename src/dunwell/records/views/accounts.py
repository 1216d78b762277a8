"""Accounts in a list, and one with how it is reached and who pays for it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import F, Q, Sum

from dunwell.records.models import Account, Charge, Contact, Hold, Promise

ACCOUNTS_SHOWN: Final = 50
CONTACTS_SHOWN: Final = 10


@dataclass(frozen=True)
class AccountRow:
    """An account in a list."""

    id: int
    code: str
    name: str
    country: str
    language: str
    segment: str


@dataclass(frozen=True)
class AccountList:
    """One page of accounts; `after`: the code behind which the next one begins, if there is one."""

    accounts: list[AccountRow]
    after: str | None


@dataclass(frozen=True)
class ChargedSum:
    """What was charged of one kind in one currency, and what of it is still open."""

    charge: str
    currency: str
    amount_minor: int
    open_minor: int


@dataclass(frozen=True)
class AccountPage:
    """An account: how it is reached, who pays for it, what stands in the way of dunning it, what was charged to it."""

    account: AccountRow
    legal: bool
    intercompany: bool
    parent: AccountRow | None
    contacts: list[Contact]
    holds: list[Hold]
    promises: list[Promise]
    charged: list[ChargedSum]
    debtor_class: str


def accounts(entity_id: int, search: str = "", *, after: str = "") -> AccountList:
    """The accounts of an entity by code, or those whose code begins so, or whose name has it."""
    found = Account.objects.filter(entity_id=entity_id, code__gt=after).order_by("code")
    if search:
        found = found.filter(Q(code__istartswith=search) | Q(name__icontains=search))
    some = [_row(account) for account in found[: ACCOUNTS_SHOWN + 1]]
    more = some[ACCOUNTS_SHOWN - 1].code if len(some) > ACCOUNTS_SHOWN else None
    return AccountList(some[:ACCOUNTS_SHOWN], more)


def account(entity_id: int, account_id: int, *, on: date) -> AccountPage | None:
    """An account of an entity as it stands on a date."""
    found = Account.objects.select_related("parent").filter(entity_id=entity_id, pk=account_id).first()
    if found is None:
        return None
    in_force = Q(released_on=None) | Q(released_on__gt=on)
    lasts = Q(until_on=None) | Q(until_on__gte=on)
    holds = Hold.objects.filter(in_force, lasts, account=found, from_on__lte=on)
    holds = holds.select_related("bank_line").order_by("pk")
    not_ended = Q(ended_on=None) | Q(ended_on__gt=on)
    unpaid = Promise.objects.filter(not_ended, account=found, paid_minor__lt=F("amount_minor"))
    return AccountPage(
        account=_row(found),
        legal=found.legal,
        intercompany=found.intercompany,
        parent=_row(found.parent) if found.parent else None,
        contacts=list(Contact.objects.filter(account=found).order_by("pk")[:CONTACTS_SHOWN]),
        holds=list(holds[:CONTACTS_SHOWN]),
        charged=_charged(found.pk),
        debtor_class=found.debtor_class or "",
        promises=[each for each in unpaid.order_by("by_on") if _lasts(each, on)][:CONTACTS_SHOWN],
    )


def _charged(account_id: int) -> list[ChargedSum]:
    """The charges that stand, by kind and currency."""
    stand = Charge.objects.filter(account_id=account_id, reversed_on=None, charge_item__isnull=False)
    sums = stand.values("charge", "currency").annotate(amount=Sum("amount_minor"), open=Sum("charge_item__open_minor"))
    return [
        ChargedSum(each["charge"], each["currency"], each["amount"], each["open"])
        for each in sums.order_by("currency", "charge")
    ]


def _lasts(promise: Promise, on: date) -> bool:
    return promise.by_on + timedelta(days=promise.tolerance_days) >= on


def _row(found: Account) -> AccountRow:
    texts = (found.name, found.country or "", found.language or "", found.segment or "")
    return AccountRow(found.pk, found.code, *texts)
