"""Apply a bank line to items, as the ladder or a person says, and take that back."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from django.db import transaction

from dunwell.cash.names import plain_iban
from dunwell.engine.events import ItemsBooked, Paid, Reversed
from dunwell.flows.cash.concerned import accounts_of_items
from dunwell.flows.cash.holding import let_go
from dunwell.flows.entities import account_called, local_day
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.happening import Told, let_happen
from dunwell.flows.plausible import owed_items, require_past
from dunwell.flows.runs.explain import item_called
from dunwell.records import audit, bulk, frames
from dunwell.records.connect import share
from dunwell.records.models import (
    BANK_LINE_WAITS,
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
CERTAIN = "apply"


def apply_match(entity: Entity, line_id: int, *, by_itself: bool = False, by: str, at: datetime) -> int:
    """Apply a line as its match says; return the payment's number.

    A person may apply what is only proposed, and who pays from the line's IBAN is learned then; `by_itself` takes what
    is certain enough alone. Waiting notices follow in the same transaction. Errors: NotFound; Conflict for one that is
    applied, or without a match, or whose items have less open by now, or that is for several payers or sets a credit
    off.
    """
    with transaction.atomic():
        line = _line(entity, line_id, at)
        match = BankMatch.objects.filter(line=line).select_related("account").first()
        if match is None:
            raise Conflict(f"nothing was found for line {line_id}: say for which items it is, or whose account")
        if by_itself and match.outcome != CERTAIN:
            raise Conflict(f"line {line_id} is only proposed by now")
        parts, about = _parts_locked(entity, match), _whose(match)
        for part in parts:
            if part.amount_minor < 0:
                raise Conflict(
                    f"line {line_id} sets {part.item.number} off, which is not done yet: "
                    "apply it with the items of your choice"
                )
            if part.item.open_minor < part.amount_minor + granted_minor(part):
                raise Conflict(f"less is open of {part.item.number} than line {line_id} was matched with")
        if not by_itself:
            _learn(entity, line, about, by=by, at=at)
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
        numbers = list(dict.fromkeys(items))
        about = account_called(entity, account) if account else _debtor_of(entity, numbers)
        _lock(entity, {item_called(entity, number).pk for number in numbers}, about)
        owed = owed_items(entity, about, numbers, currency=line.currency, what="a payment")
        BankMatch.objects.filter(line=line).delete()
        left, parts = line.amount_minor, []
        match = BankMatch(
            entity=entity, line=line, step=PERSON, outcome=CERTAIN, confidence_permille=1000, account=about, why=PERSON,
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
        _learn(entity, line, about, by=by, at=at)
        return _apply(entity, line, match, parts, by=by, at=at)


def unapply(entity: Entity, line_id: int, *, reason: str, by: str, at: datetime) -> None:
    """Take back what a line was applied to; the line waits again, and is not applied by itself any more.

    Who was learned to pay from its IBAN is forgotten. Errors: NotFound; Conflict; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: money is taken back from items for a reason")
    with transaction.atomic():
        line = line_locked(entity, line_id)
        match = BankMatch.objects.filter(line=line).select_related("payment__account").first()
        if match is None or match.payment is None:
            raise Conflict(f"line {line_id} is not applied")
        take_money_back(entity, line, match, reason=reason, on=local_day(entity, at), by=by, at=at)
        for known in line.known_payers.select_related("account"):
            forget_payer(known, by=by, at=at)
        line.state, line.taken_back = BankLineState.OPEN, True
        line.save(update_fields=["state", "taken_back"])


def take_money_back(
    entity: Entity, line: BankLine, match: BankMatch, *, reason: str, on: date, by: str, at: datetime
) -> None:
    """Take back the payment that a line was applied as, and what was granted beside it, in the caller's transaction.

    The match is forgotten; what becomes of the line is the caller's to say. Errors: Conflict for one not applied.
    """
    payment = match.payment
    if payment is None:
        raise Conflict(f"line {line.pk} is not applied")
    for credit in Item.objects.filter(bank_match_part__match=match).select_related("account"):
        told = Told(what="difference.taken_back", about=credit, columns={}, detail={"line": line.pk})
        let_happen(entity, Reversed(on=on, item_id=credit.pk), told, on=on, by=by, at=at)
    told = Told(
        what="payment.unapplied", about=payment.account, columns={},
        detail={"payment": payment.pk, "line": line.pk, "reason": reason},
    )  # fmt: skip
    let_happen(entity, Reversed(on=on, item_id=payment.pk), told, on=on, by=by, at=at)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.REVERSED)
    match.delete()


def set_aside(entity: Entity, line_id: int, *, reason: str, back: bool = False, by: str, at: datetime) -> None:
    """Set a line aside that is none of ours, or let it wait again (`back`).

    Errors: NotFound; Conflict for one that does not wait, or is not set aside; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: a line is set aside for a reason, and comes back for one")
    with transaction.atomic():
        line = line_locked(entity, line_id)
        if back and line.state != BankLineState.SET_ASIDE:
            raise Conflict(f"line {line_id} is not set aside")
        if not back:
            _require_waiting(line)
        BankMatch.objects.filter(line=line).delete()
        line.state = BankLineState.OPEN if back else BankLineState.SET_ASIDE
        line.save(update_fields=["state"])
        let_go(entity, line, by=by, at=at)
        what = "line.taken_up" if back else "line.set_aside"
        audit.record(by, what, line, at=at, entity_id=entity.pk, reason=reason)


def line_locked(entity: Entity, line_id: int) -> BankLine:
    """A line that nobody else moves meanwhile. Errors: NotFound."""
    line = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk=line_id).first()
    if line is None:
        raise NotFound(f"there is no bank line {line_id} of {entity.code}")
    return line


def _require_waiting(line: BankLine) -> None:
    """Refuse a line that is applied, or set aside. Errors: Conflict."""
    if line.state not in BANK_LINE_WAITS:
        raise Conflict(f"line {line.pk} is {line.get_state_display().lower()} already")


def _line(entity: Entity, line_id: int, at: datetime) -> BankLine:
    """A line that waits, locked. Errors: NotFound; Conflict; Invalid for money that went out."""
    line = line_locked(entity, line_id)
    _require_waiting(line)
    if line.amount_minor <= 0 or line.is_reversal:
        raise Invalid(f"line {line_id} is no money that came in")
    require_past(f"line {line_id} is applied", line.booked_on, entity, at)
    return line


def _apply(
    entity: Entity, line: BankLine, match: BankMatch, parts: Sequence[BankMatchPart], *, by: str, at: datetime
) -> int:
    about = _whose(match)
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
    told = Told(what="payment.received", about=about, detail=detail, columns={})
    let_happen(entity, event, told, on=line.booked_on, by=by, at=at)
    Payment.objects.create(
        item_id=payment_id, entity=entity, received_on=line.booked_on, reference=line.reference or line.text
    )
    match.payment_id = payment_id
    match.save(update_fields=["payment"])
    line.state = BankLineState.APPLIED
    line.save(update_fields=["state"])
    let_go(entity, line, by=by, at=at)
    for part in parts:
        if granted_minor(part):
            _grant(entity, line, part, by=by, at=at)
    return payment_id


def _grant(entity: Entity, line: BankLine, part: BankMatchPart, *, by: str, at: datetime) -> None:
    """Take off an item what its payer may keep: a discount, charges of banks, a difference too small to write about."""
    credit_id, item = int(bulk.allocate_ids(Item, 1)[0]), part.item
    number, amount_minor = f"BL{line.pk}-{credit_id}", granted_minor(part)
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
    """The account of the first of some items. Errors: Invalid without one, or for several of that number; NotFound."""
    if not items:
        raise Invalid("say for which items the money is, or whose account it is for")
    return item_called(entity, items[0]).account


def _whose(match: BankMatch) -> Account:
    """The account whose money a line is. Errors: Conflict where it is for several, or nobody knows."""
    if match.account is not None:
        return match.account
    if match.parts.exists():
        raise Conflict(
            f"line {match.line_id} is for items of several payers: "
            "say it with the items of one of them; what they do not need stays as a credit there"
        )
    raise Conflict(f"nobody knows whose money line {match.line_id} is: say it with the items, or the account")


def _parts_locked(entity: Entity, match: BankMatch) -> list[BankMatchPart]:
    """What a line is for, as it is open now, and nobody else moves meanwhile."""
    parts = match.parts.select_related("item").order_by("pk")
    _lock(entity, set(parts.values_list("item_id", flat=True)), match.account)
    return list(parts.all())


def _lock(entity: Entity, item_ids: set[int], account: Account | None) -> None:
    """Let nobody else move what these items and this account owe, until the transaction ends."""
    share(Entity, entity.pk)  # an import may be moving items between accounts
    frames.lock_payers(accounts_of_items(item_ids) | ({account.pk} if account else set()))


def _learn(entity: Entity, line: BankLine, account: Account, *, by: str, at: datetime) -> None:
    """Remember who pays from the line's IBAN."""
    if not line.party_iban:
        return
    value = pl.select(plain_iban(pl.lit(line.party_iban))).item()
    _known, is_new = KnownPayer.objects.get_or_create(
        entity=entity, kind="iban", value=value, account=account,
        defaults={"since_on": local_day(entity, at), "line": line},
    )  # fmt: skip
    if is_new:
        audit.record(by, "payer.learned", account, at=at, entity_id=entity.pk, kind="iban", value=value, line=line.pk)


def forget_payer(known: KnownPayer, *, by: str, at: datetime) -> None:
    """Forget that somebody pays from somewhere, in the caller's transaction."""
    detail = {"kind": known.kind, "value": known.value}
    audit.record(by, "payer.forgotten", known.account, at=at, entity_id=known.entity_id, **detail)
    known.delete()
