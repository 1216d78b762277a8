"""Apply a bank line to items, as the ladder or a person says, and take that back."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from django.db import transaction

from dunwell.cash.names import plain_iban
from dunwell.engine.events import ItemsBooked, Paid, Reversed
from dunwell.flows.entities import account_called, local_day
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen
from dunwell.flows.plausible import owed_items, require_past
from dunwell.records import bulk
from dunwell.records.models import (
    Account,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Entity,
    Item,
    KnownPayer,
    Payment,
    PaymentState,
)

PERSON = "person"


def apply_match(entity: Entity, line_id: int, *, by: str, at: datetime) -> int:
    """Apply a line as its match says; return the payment's number.

    Waiting notices follow in the same transaction. Errors: NotFound; Conflict for one that is applied, or without a
    match, or whose items have less open by now.
    """
    with transaction.atomic():
        line = _line(entity, line_id, at)
        match = BankMatch.objects.filter(line=line).select_related("account").first()
        if match is None:
            raise Conflict(f"nothing was found for line {line_id}: say for which items it is, or whose account")
        parts = list(match.parts.select_related("item").order_by("pk"))
        for part in parts:
            if part.item.open_minor < abs(part.amount_minor) + granted_minor(part):
                raise Conflict(f"less is open of {part.item.number} than line {line_id} was matched with")
        return _apply(entity, line, match, parts, by=by, at=at)


def apply_to(
    entity: Entity, line_id: int, *, account: str | None = None, items: Sequence[str] = (), by: str, at: datetime
) -> int:
    """Apply a line as a person says: to items of an account, in their order, or to the account; return the payment.

    What the items do not need stays as a credit. Who pays from the line's IBAN is learned. Errors: NotFound; Conflict;
    Invalid for items of several payers or another currency.
    """
    with transaction.atomic():
        line = _line(entity, line_id, at)
        about = account_called(entity, account) if account else _debtor_of(entity, items)
        owed = owed_items(entity, about, items, currency=line.currency, what="a payment")
        BankMatch.objects.filter(line=line).delete()
        left, parts = line.amount_minor, []
        match = BankMatch(
            entity=entity, line=line, step=PERSON, outcome="apply", confidence_permille=1000, account=about, why=PERSON,
            applied_minor=0, left_minor=0,
        )  # fmt: skip
        for item in owed:
            amount = min(left, item.open_minor)
            left -= amount
            if amount:
                parts.append(BankMatchPart(entity=entity, match=match, item=item, amount_minor=amount))
        match.applied_minor, match.left_minor = line.amount_minor - left, left
        match.save()
        BankMatchPart.objects.bulk_create(parts)
        _learn(entity, line, about, at)
        return _apply(entity, line, match, parts, by=by, at=at)


def unapply(entity: Entity, line_id: int, *, reason: str, by: str, at: datetime) -> None:
    """Take back what a line was applied to; the line waits again.

    Errors: NotFound; Conflict; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: money is taken back from items for a reason")
    with transaction.atomic():
        line = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk=line_id).first()
        match = BankMatch.objects.filter(line=line).select_related("payment__account").first() if line else None
        if line is None:
            raise NotFound(f"there is no bank line {line_id} of {entity.code}")
        if match is None or match.payment is None:
            raise Conflict(f"line {line_id} is not applied")
        payment, today = match.payment, local_day(entity, at)
        for credit in Item.objects.filter(bank_match_part__match=match).select_related("account"):
            told = Told(what="difference.taken_back", about=credit, columns={}, detail={"line": line.pk})
            let_happen(entity, Reversed(on=today, item_id=credit.pk), told, on=today, by=by, at=at)
        told = Told(
            what="payment.unapplied", about=payment.account, columns={},
            detail={"payment": payment.pk, "line": line.pk, "reason": reason},
        )  # fmt: skip
        let_happen(entity, Reversed(on=today, item_id=payment.pk), told, on=today, by=by, at=at)
        Payment.objects.filter(pk=payment.pk).update(state=PaymentState.REVERSED)
        match.delete()
        line.state = BankLineState.OPEN
        line.save(update_fields=["state"])


def _line(entity: Entity, line_id: int, at: datetime) -> BankLine:
    """A line that waits, locked. Errors: NotFound; Conflict; Invalid for money that went out."""
    line = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk=line_id).first()
    if line is None:
        raise NotFound(f"there is no bank line {line_id} of {entity.code}")
    if line.state not in (BankLineState.OPEN, BankLineState.PROPOSED):
        raise Conflict(f"line {line_id} is {line.get_state_display().lower()} already")
    if line.amount_minor <= 0 or line.is_reversal:
        raise Invalid(f"line {line_id} is no money that came in")
    require_past(f"line {line_id} is applied", line.booked_on, entity, at)
    return line


def _apply(
    entity: Entity, line: BankLine, match: BankMatch, parts: Sequence[BankMatchPart], *, by: str, at: datetime
) -> int:
    about = match.account
    if about is None:
        raise Conflict(f"nobody knows whose money line {line.pk} is: say it with the items, or the account")
    owed, left = [part for part in parts if part.amount_minor > 0], line.amount_minor
    at_most = []
    for part in owed:  # a credit that the payer set off stays open beside what it was set off against, and nets it
        at_most.append(min(part.amount_minor, left))
        left -= at_most[-1]
    payment_id = int(bulk.allocate_ids(Item, 1)[0])
    event = Paid(
        on=line.booked_on, item_id=payment_id, account_id=about.pk, entity_id=entity.pk, currency=line.currency,
        amount_minor=line.amount_minor, applies_to=[part.item_id for part in owed], at_most_minor=at_most,
    )  # fmt: skip
    detail = {
        "payment": payment_id, "line": line.pk, "amount_minor": line.amount_minor, "currency": line.currency,
        "items": [part.item.number for part in parts], "step": match.step, "why": match.why,
        "confidence_permille": match.confidence_permille,
    }  # fmt: skip
    told = Told(what="payment.received", about=about, detail=detail, columns={})
    let_happen(entity, event, told, on=line.booked_on, by=by, at=at)
    Payment.objects.create(
        item_id=payment_id, entity=entity, received_on=line.booked_on, reference=line.reference or line.text
    )
    match.payment_id = payment_id
    match.save(update_fields=["payment"])
    line.state = BankLineState.APPLIED
    line.save(update_fields=["state"])
    for part in owed:
        if granted_minor(part):
            _grant(entity, line, part, by=by, at=at)
    return payment_id


def _grant(entity: Entity, line: BankLine, part: BankMatchPart, *, by: str, at: datetime) -> None:
    """Take off an item what its payer may keep: a discount, charges of banks, a difference too small to write about."""
    credit_id, item = int(bulk.allocate_ids(Item, 1)[0]), part.item
    number, amount_minor = f"BL{line.pk}-{item.pk}", granted_minor(part)
    row = {
        "item_id": credit_id, "account_id": item.account_id, "entity_id": entity.pk, "number": number,
        "kind": "credit", "currency": line.currency, "issued_on": line.booked_on, "due_on": line.booked_on,
        "amount_minor": amount_minor, "open_minor": amount_minor,
    }  # fmt: skip
    event = ItemsBooked(on=line.booked_on, items=pl.DataFrame([row]), applies_to=[(credit_id, item.pk)])
    detail = {
        "line": line.pk, "credit": number, "currency": line.currency, "discount_minor": part.discount_minor,
        "charges_minor": part.charges_minor, "difference_minor": part.difference_minor,
    }  # fmt: skip
    told = Told(what="difference.granted", about=item, detail=detail, columns={})
    let_happen(entity, event, told, on=line.booked_on, by=by, at=at)
    part.credit_id = credit_id
    part.save(update_fields=["credit"])


def granted_minor(part: BankMatchPart) -> int:
    """What is granted of an item beside the money."""
    return part.discount_minor + part.charges_minor + part.difference_minor


def _debtor_of(entity: Entity, items: Sequence[str]) -> Account:
    """The account of the first of some items. Errors: Invalid without one; NotFound."""
    if not items:
        raise Invalid("say for which items the money is, or whose account it is for")
    found = Item.objects.filter(entity=entity, number=items[0]).select_related("account").first()
    if found is None:
        raise NotFound(f"there is no item {items[0]} of {entity.code}")
    return found.account


def _learn(entity: Entity, line: BankLine, account: Account, at: datetime) -> None:
    """Remember who pays from the line's IBAN."""
    if line.party_iban:
        value = pl.select(plain_iban(pl.lit(line.party_iban))).item()
        KnownPayer.objects.get_or_create(
            entity=entity, kind="iban", value=value, account=account, defaults={"since_on": local_day(entity, at)}
        )
