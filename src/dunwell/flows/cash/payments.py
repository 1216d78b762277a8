"""Make payments of bank lines, and take them back: with what is granted beside the money, and the credits set off."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

import polars as pl

from dunwell.cash.setting_off import SetOff, set_off
from dunwell.engine.events import Allocated, Event, ItemsBooked, Paid, Reversed, Unallocated
from dunwell.flows.cash.exceptions import answered
from dunwell.flows.cash.holding import let_go
from dunwell.flows.errors import Conflict
from dunwell.flows.happening import Told, let_all_happen
from dunwell.records import bulk
from dunwell.records.models import (
    Account,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Entity,
    Item,
    Payment,
    PaymentState,
)


@dataclass(frozen=True)
class Application:
    """A line with the account whose money it is, and what of it is for which item; `parts` with their items."""

    line: BankLine
    match: BankMatch
    about: Account
    parts: Sequence[BankMatchPart]


def make_payments(entity: Entity, applications: Sequence[Application], *, by: str, at: datetime) -> list[int]:
    """Apply lines, in the caller's transaction, in the order of their days; return the payments' numbers, as given.

    Their matches say then what was applied of each, and what is left: costs may have gone first.
    The lines are locked, and the payers of all items and of what the lines hold back. Errors: Invalid for what the book
    refuses.
    """
    payment_ids = bulk.allocate_ids(Item, len(applications)).to_list()
    for application, payment_id in zip(applications, payment_ids, strict=True):
        application.match.payment_id = payment_id
    granted = [part for each in applications for part in each.parts if granted_minor(part)]
    for part, credit_id in zip(granted, bulk.allocate_ids(Item, len(granted)).to_list(), strict=True):
        part.credit_id = credit_id
    in_order = sorted(applications, key=lambda each: (each.line.booked_on, each.line.pk))
    for on, each_of_day in groupby(in_order, key=lambda each: each.line.booked_on):
        of_day = list(each_of_day)
        happening = [each for happens in (_set_offs, _payments, _grants) for each in happens(entity, of_day)]
        let_all_happen(entity, happening, on=on, by=by, at=at)
    line_ids = [each.line.pk for each in applications]
    Payment.objects.bulk_create(
        Payment(
            item_id=payment_id, entity=entity, received_on=each.line.booked_on,
            reference=each.line.reference or each.line.text,
        )
        for each, payment_id in zip(applications, payment_ids, strict=True)
    )  # fmt: skip
    left = Item.objects.filter(pk__in=payment_ids).in_bulk()
    for each, payment_id in zip(applications, payment_ids, strict=True):
        each.match.left_minor = left[payment_id].open_minor
        each.match.applied_minor = each.line.amount_minor - each.match.left_minor
    matches = [each.match for each in applications]
    matched = {
        "line_id": line_ids, "payment_id": payment_ids,
        "applied_minor": [match.applied_minor for match in matches],
        "left_minor": [match.left_minor for match in matches],
    }  # fmt: skip
    bulk.change(BankMatch, pl.DataFrame(matched, schema=dict.fromkeys(matched, pl.Int64)), "line_id")
    given = {"id": [part.pk for part in granted], "credit_id": [part.credit_id for part in granted]}
    bulk.change(BankMatchPart, pl.DataFrame(given, schema=dict.fromkeys(given, pl.Int64)), "id")
    BankLine.objects.filter(pk__in=line_ids).update(state=BankLineState.APPLIED)
    answered(line_ids, by=by, at=at)
    for each in applications:
        let_go(entity, each.line, by=by, at=at)
    return payment_ids


def take_money_back(
    entity: Entity, line: BankLine, match: BankMatch, *, reason: str, is_correction: bool, on: date, by: str,
    at: datetime,
) -> None:  # fmt: skip
    """Take back the payment that a line was applied as, with what was granted and set off, in the caller's transaction.

    `is_correction`: a person looks again at whose money it is; else its bank took the money itself. The match is
    forgotten; what becomes of the line is the caller's to say. Errors: Conflict for one not applied.
    """
    payment = match.payment
    if payment is None:
        raise Conflict(f"line {line.pk} is not applied")
    detail = {"payment": payment.pk, "line": line.pk, "reason": reason}
    parts = list(match.parts.select_related("item", "credit__account").order_by("pk"))
    happening: list[tuple[Event, Told]] = []
    for credit in (part.credit for part in parts if part.credit):
        told = Told(what="difference.taken_back", about=credit, columns={}, detail={"line": line.pk})
        happening.append((Reversed(on=on, item_id=credit.pk, is_correction=is_correction), told))
    what = "payment.unapplied" if is_correction else "payment.reversed"
    told = Told(what=what, about=payment.account, columns={}, detail=detail)
    happening.append((Reversed(on=on, item_id=payment.pk, is_correction=is_correction), told))
    for each in _set_off(parts):
        event = Unallocated(on=on, source_item_id=each.credit_id, item_id=each.item_id, amount_minor=each.amount_minor)
        happening.append((event, _told_of(each, parts, line, "credit.set_off_taken_back")))
    let_all_happen(entity, happening, on=on, by=by, at=at)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.REVERSED)
    match.delete()


def granted_minor(part: BankMatchPart) -> int:
    """What is granted of an item beside the money."""
    return part.discount_minor + part.charges_minor + part.difference_minor


def _set_offs(_entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    for application in applications:
        for each in _set_off(application.parts):
            event = Allocated(
                on=application.line.booked_on, source_item_id=each.credit_id, item_id=each.item_id,
                amount_minor=each.amount_minor,
            )  # fmt: skip
            yield event, _told_of(each, application.parts, application.line, "credit.set_off")


def _payments(entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    return (_paid(entity, application) for application in applications)


def _grants(entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    for application in applications:
        yield from (_granted(entity, application.line, part) for part in application.parts if part.credit_id)


def _paid(entity: Entity, application: Application) -> tuple[Event, Told]:
    line, match, about = application.line, application.match, application.about
    set_off_minor: Counter[int] = Counter()
    for each in _set_off(application.parts):
        set_off_minor[each.item_id] += each.amount_minor
    paid = [(part.item, part.amount_minor - set_off_minor[part.item_id]) for part in application.parts]
    paid = [(item, minor) for item, minor in paid if minor > 0]
    event = Paid(
        on=line.booked_on, item_id=int(match.payment_id or 0), account_id=about.pk, entity_id=entity.pk,
        currency=line.currency, amount_minor=line.amount_minor, applies_to=[item.pk for item, _minor in paid],
        at_most_minor=[minor for _item, minor in paid],
    )  # fmt: skip
    detail = {
        "payment": match.payment_id, "line": line.pk, "amount_minor": line.amount_minor, "currency": line.currency,
        "items": [item.number for item, _minor in paid], "step": match.step, "why": match.why,
        "confidence_permille": match.confidence_permille,
    }  # fmt: skip
    return event, Told(what="payment.received", about=about, detail=detail, columns={})


def _granted(entity: Entity, line: BankLine, part: BankMatchPart) -> tuple[Event, Told]:
    """Take off an item what its payer may keep: a discount, charges of banks, a difference too small to write about."""
    item, amount_minor, number = part.item, granted_minor(part), f"BL{line.pk}-{part.credit_id}"
    row = {
        "item_id": part.credit_id, "account_id": item.account_id, "entity_id": entity.pk, "number": number,
        "kind": "credit", "currency": line.currency, "issued_on": line.booked_on, "due_on": line.booked_on,
        "amount_minor": amount_minor, "open_minor": amount_minor,
    }  # fmt: skip
    event = ItemsBooked(on=line.booked_on, items=pl.DataFrame([row]), applies_to=[(int(part.credit_id or 0), item.pk)])
    detail = {
        "line": line.pk, "credit": number, "currency": line.currency, "discount_minor": part.discount_minor,
        "charges_minor": part.charges_minor, "difference_minor": part.difference_minor,
    }  # fmt: skip
    return event, Told(what="difference.granted", about=item, detail=detail, columns={})


def _set_off(parts: Sequence[BankMatchPart]) -> list[SetOff]:
    return set_off((part.item_id, part.amount_minor) for part in parts)


def _told_of(each: SetOff, parts: Sequence[BankMatchPart], line: BankLine, what: str) -> Told:
    item = {part.item_id: part.item for part in parts}
    detail = {
        "line": line.pk, "item": item[each.item_id].number, "amount_minor": each.amount_minor,
        "currency": line.currency,
    }  # fmt: skip
    return Told(what=what, about=item[each.credit_id], detail=detail, columns={})
