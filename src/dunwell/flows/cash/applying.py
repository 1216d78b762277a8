"""Apply a bank line to items, as the ladder or a person says, and take that back."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from django.db import transaction

from dunwell.cash.names import plain_iban
from dunwell.engine.events import Paid, Reversed
from dunwell.flows.entities import account_called, local_day
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen
from dunwell.flows.plausible import owed_items
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
        line = _line(entity, line_id)
        match = BankMatch.objects.filter(line=line).select_related("account").first()
        if match is None or match.account is None:
            raise Conflict(f"nobody knows whose money line {line_id} is: say it with the items, or the account")
        parts = list(match.parts.select_related("item").order_by("pk"))
        for part in parts:
            granted = part.discount_minor + part.charges_minor + part.difference_minor
            if part.item.open_minor < abs(part.amount_minor) + granted:
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
        line = _line(entity, line_id)
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
    """Take back what a line was applied to; the line waits again. Errors: NotFound; Conflict; Invalid without a reason."""
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
        told = Told(
            what="payment.unapplied", about=payment.account, columns={},
            detail={"payment": payment.pk, "line": line.pk, "reason": reason},
        )  # fmt: skip
        let_happen(entity, Reversed(on=today, item_id=payment.pk), told, on=today, by=by, at=at)
        Payment.objects.filter(pk=payment.pk).update(state=PaymentState.REVERSED)
        match.delete()
        line.state = BankLineState.OPEN
        line.save(update_fields=["state"])


def _line(entity: Entity, line_id: int) -> BankLine:
    """A line that waits, locked. Errors: NotFound; Conflict; Invalid for money that went out."""
    line = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk=line_id).first()
    if line is None:
        raise NotFound(f"there is no bank line {line_id} of {entity.code}")
    if line.state not in (BankLineState.OPEN, BankLineState.PROPOSED):
        raise Conflict(f"line {line_id} is {line.get_state_display().lower()} already")
    if line.amount_minor <= 0 or line.is_reversal:
        raise Invalid(f"line {line_id} is no money that came in")
    return line


def _apply(
    entity: Entity, line: BankLine, match: BankMatch, parts: Sequence[BankMatchPart], *, by: str, at: datetime
) -> int:
    about = match.account
    if about is None:
        raise Conflict(f"nobody knows whose money line {line.pk} is")
    if any(
        part.amount_minor < 0 or part.discount_minor or part.charges_minor or part.difference_minor for part in parts
    ):
        raise Conflict(
            f"line {line.pk} needs a credit or a discount set off first: apply it with the items of your choice"
        )
    payment_id = int(bulk.allocate_ids(Item, 1)[0])
    event = Paid(
        on=line.booked_on, item_id=payment_id, account_id=about.pk, entity_id=entity.pk, currency=line.currency,
        amount_minor=line.amount_minor, applies_to=[part.item_id for part in parts],
        at_most_minor=[part.amount_minor for part in parts],
    )  # fmt: skip
    detail = {
        "payment": payment_id, "line": line.pk, "amount_minor": line.amount_minor, "currency": line.currency,
        "items": [part.item.number for part in parts], "step": match.step, "why": match.why,
        "confidence_permille": match.confidence_permille,
    }  # fmt: skip
    let_happen(
        entity,
        event,
        Told(what="payment.received", about=about, detail=detail, columns={}),
        on=line.booked_on,
        by=by,
        at=at,
    )
    Payment.objects.create(
        item_id=payment_id, entity=entity, received_on=line.booked_on, reference=line.reference or line.text
    )
    match.payment_id = payment_id
    match.save(update_fields=["payment"])
    line.state = BankLineState.APPLIED
    line.save(update_fields=["state"])
    return payment_id


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
