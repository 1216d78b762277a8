"""What banks said, to look at."""

from dataclasses import dataclass
from datetime import date

from dunwell.flows.errors import Invalid
from dunwell.records.models import BankAccount, BankLine, BankLineState, Entity


@dataclass(frozen=True, kw_only=True)
class ShownAccount:
    """A bank account; `balance_minor` is what its last statement that says so ends with, of the day `until_on`."""

    entity: str
    account: str
    currency: str
    name: str
    lines: int
    until_on: date | None
    balance_minor: int | None


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A movement: signed minor units, who it came from or went to, and what they wrote."""

    line: int
    entity: str
    account: str
    booked_on: date
    amount_minor: int
    currency: str
    party: str
    reference: str
    text: str
    state: str


@dataclass(frozen=True, kw_only=True)
class FoundLines:
    """The first lines of those asked for, newest day first, and how many more there are."""

    lines: tuple[ShownLine, ...]
    more: int


def bank_accounts(entity: Entity | None = None) -> list[ShownAccount]:
    """List the bank accounts of an entity, or of all."""
    found = BankAccount.objects.select_related("entity").order_by("entity__code", "number")
    return [_account(each) for each in (found.filter(entity=entity) if entity else found)]


def bank_lines(entity: Entity | None = None, *, state: str | None = None, most: int) -> FoundLines:
    """List what banks booked on the accounts of an entity, or of all. Errors: Invalid for an unknown state."""
    if state is not None and state not in BankLineState.values:
        raise Invalid(f"{state!r} is no state of a line; there are {', '.join(BankLineState.values)}")
    found = BankLine.objects.all()
    found = found.filter(entity=entity) if entity else found
    found = found.filter(state=state) if state else found
    count = found.count()
    shown = found.select_related("entity", "account").order_by("-booked_on", "-pk")[:most]
    return FoundLines(lines=tuple(map(_line, shown)), more=max(count - most, 0))


def _account(account: BankAccount) -> ShownAccount:
    last = account.statements.filter(closing_minor__isnull=False, to_on__isnull=False).order_by("to_on", "pk").last()
    return ShownAccount(
        entity=account.entity.code, account=account.number, currency=account.currency, name=account.name,
        lines=BankLine.objects.filter(account=account).count(), until_on=last.to_on if last else None,
        balance_minor=last.closing_minor if last else None,
    )  # fmt: skip


def _line(line: BankLine) -> ShownLine:
    return ShownLine(
        line=line.pk, entity=line.entity.code, account=line.account.number, booked_on=line.booked_on,
        amount_minor=line.amount_minor, currency=line.currency, party=line.party_name, reference=line.reference,
        text=line.text, state=line.state,
    )  # fmt: skip
