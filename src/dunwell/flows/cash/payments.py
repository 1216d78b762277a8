"""Make payments of bank lines, and take them back: with what is granted beside the money, and the credits set off."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

import polars as pl

from dunwell.cash.setting_off import SetOff, set_off
from dunwell.engine.consequences.appropriation import going_first
from dunwell.engine.events import Allocated, Event, ItemsBooked, Paid, Reversed, Unallocated
from dunwell.flows.cash.by_payer import OfPayer
from dunwell.flows.cash.exceptions import answered
from dunwell.flows.cash.holding import let_go
from dunwell.flows.errors import Conflict
from dunwell.flows.happening import Told, let_all_happen
from dunwell.records import bulk, frames
from dunwell.records.models import (
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Charge,
    Entity,
    Item,
    Payment,
    PaymentState,
)
from dunwell.records.pieces import in_pieces


@dataclass(frozen=True)
class Application:
    """A line with the payments that it becomes: what of it is whose, and for which item."""

    line: BankLine
    match: BankMatch
    payments: list[OfPayer]

    @property
    def parts(self) -> list[BankMatchPart]:
        """What of the line is for which item, whoever pays it."""
        return [part for each in self.payments for part in each.parts]


def make_payments(entity: Entity, applications: Sequence[Application], *, by: str, at: datetime) -> None:
    """Apply lines, in the caller's transaction, in the order of their days: their payments are numbered then.

    Their matches say then what was applied of each, and what is left: costs may have gone first. What is granted closes
    its item, or nothing is granted of it.
    The lines are locked, and the payers of all items and of what the lines hold back. Errors: Invalid for what the book
    refuses.
    """
    _number(applications)
    in_order = sorted(applications, key=lambda each: (each.line.booked_on, each.line.pk))
    for on, each_of_day in groupby(in_order, key=lambda each: each.line.booked_on):
        of_day = list(each_of_day)
        _grant_what_closes(of_day)
        happening = [each for happens in (_set_offs, _payments, _grants) for each in happens(entity, of_day)]
        let_all_happen(entity, happening, on=on, by=by, at=at)
    line_ids = [each.line.pk for each in applications]
    _keep_payments(entity, applications)
    BankLine.objects.filter(pk__in=line_ids).update(state=BankLineState.APPLIED)
    answered(line_ids, by=by, at=at)
    for each in applications:
        let_go(entity, each.line, by=by, at=at)


def _number(applications: Iterable[Application]) -> None:
    """Draw the numbers of the payments, and of what is granted beside them."""
    payments = [payment for each in applications for payment in each.payments]
    for payment, payment_id in zip(payments, bulk.allocate_ids(Item, len(payments)).to_list(), strict=True):
        payment.payment_id = payment_id
        for part in payment.parts:
            part.payment_id = payment_id
    granted = [part for payment in payments for part in payment.parts if granted_minor(part)]
    for part, credit_id in zip(granted, bulk.allocate_ids(Item, len(granted)).to_list(), strict=True):
        part.credit_id = credit_id


def _grant_what_closes(applications: Sequence[Application]) -> None:
    """Let nothing be granted of items that stay open: costs go first, or more is open by now than was matched."""
    parts = [part for each in applications for part in each.parts]
    granted = [part for part in parts if part.credit_id]
    if not granted:
        return
    wanted: Counter[int] = Counter()
    for part in parts:
        wanted[part.item_id] += part.amount_minor + granted_minor(part)
    stays_open = _with_costs_first([part.item for part in granted], wanted)
    for some in in_pieces({part.item_id for part in granted}):
        is_open = Item.objects.filter(pk__in=some).values_list("pk", "open_minor")
        stays_open |= {item_id for item_id, open_minor in is_open if open_minor > wanted[item_id]}
    nothing = {"discount_minor": 0, "charges_minor": 0, "difference_minor": 0}
    for part in (each for each in granted if each.item_id in stays_open):
        BankMatchPart.objects.filter(pk=part.pk).update(**nothing)
        part.credit_id, part.discount_minor, part.charges_minor, part.difference_minor = None, 0, 0, 0


def _with_costs_first(items: Sequence[Item], wanted: Counter[int]) -> set[int]:
    """Those of some items to whose costs money goes first, beyond what lines say of these (`wanted`, by the item)."""
    charged: set[int] = set()
    for some in in_pieces({item.pk for item in items}):
        owed = Charge.objects.filter(item__in=some, first=True, reversed_on=None, charge_item__open_minor__gt=0)
        charged |= set(owed.values_list("item", flat=True))
    if not charged:
        return charged
    book = frames.account_book({item.account_id for item in items if item.pk in charged})
    open_minor = dict(book.items.select("item_id", "open_minor").iter_rows())
    first = going_first(book, charged)
    return {
        item_id
        for item_id, targets in first.items()
        if any(open_minor[each.item_id] > wanted[each.item_id] for each in targets)
    }


def _keep_payments(entity: Entity, applications: Sequence[Application]) -> None:
    """Keep the payments with their lines, what they left in the matches, and whose they are in the parts."""
    Payment.objects.bulk_create(
        Payment(
            item_id=payment.payment_id, entity=entity, line=each.line, received_on=each.line.booked_on,
            reference=each.line.reference or each.line.text,
        )
        for each in applications
        for payment in each.payments
    )  # fmt: skip
    ids = [payment.payment_id for each in applications for payment in each.payments]
    left = dict(Item.objects.filter(pk__in=ids).values_list("pk", "open_minor"))
    for each in applications:
        each.match.left_minor = sum(left[payment.payment_id] for payment in each.payments)
        each.match.applied_minor = each.line.amount_minor - each.match.left_minor
    matched = {
        "line_id": [each.line.pk for each in applications],
        "applied_minor": [each.match.applied_minor for each in applications],
        "left_minor": [each.match.left_minor for each in applications],
    }
    bulk.change(BankMatch, pl.DataFrame(matched, schema=dict.fromkeys(matched, pl.Int64)), "line_id")
    parts = [part for each in applications for part in each.parts]
    given = {name: [getattr(part, name) for part in parts] for name in ("id", "payment_id", "credit_id")}
    bulk.change(BankMatchPart, pl.DataFrame(given, schema=dict.fromkeys(given, pl.Int64)), "id")


def take_money_back(
    entity: Entity, line: BankLine, match: BankMatch, *, reason: str, is_correction: bool, on: date, by: str,
    at: datetime,
) -> None:  # fmt: skip
    """Take back a line's payments, with what was granted and set off, in the caller's transaction.

    `is_correction`: a person looks again at whose money it is; else its bank took the money itself. The match is
    forgotten; what becomes of the line is the caller's to say. Errors: Conflict for one not applied.
    """
    payments = payments_of(line)
    if not payments:
        raise Conflict(f"line {line.pk} is not applied")
    parts = list(match.parts.select_related("item", "credit__account").order_by("pk"))
    happening: list[tuple[Event, Told]] = []
    for credit in (part.credit for part in parts if part.credit):
        told = Told(what="difference.taken_back", about=credit, columns={}, detail={"line": line.pk})
        happening.append((Reversed(on=on, item_id=credit.pk, is_correction=is_correction), told))
    what = "payment.unapplied" if is_correction else "payment.reversed"
    for payment in payments:
        detail = {"payment": payment.pk, "line": line.pk, "reason": reason}
        told = Told(what=what, about=payment.item.account, columns={}, detail=detail)
        happening.append((Reversed(on=on, item_id=payment.pk, is_correction=is_correction), told))
    for payment in payments:
        own = [part for part in parts if part.payment_id == payment.pk]
        for each in _set_off(own):
            event = Unallocated(
                on=on, source_item_id=each.credit_id, item_id=each.item_id, amount_minor=each.amount_minor
            )
            happening.append((event, _told_of(each, own, line, "credit.set_off_taken_back")))
    let_all_happen(entity, happening, on=on, by=by, at=at)
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(state=PaymentState.REVERSED)
    match.delete()


def payments_of(line: BankLine) -> list[Payment]:
    """The payments that a line is applied as, with their accounts: one of each payer; none for a line that is not."""
    standing = Payment.objects.filter(line=line, state=PaymentState.RECEIVED)
    return list(standing.select_related("item__account").order_by("pk"))


def granted_minor(part: BankMatchPart) -> int:
    """What is granted of an item beside the money."""
    return part.discount_minor + part.charges_minor + part.difference_minor


def _set_offs(_entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    for application in applications:
        for payment in application.payments:
            for each in _set_off(payment.parts):
                event = Allocated(
                    on=application.line.booked_on, source_item_id=each.credit_id, item_id=each.item_id,
                    amount_minor=each.amount_minor,
                )  # fmt: skip
                yield event, _told_of(each, payment.parts, application.line, "credit.set_off")


def _payments(entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    for application in applications:
        yield from (_paid(entity, application, payment) for payment in application.payments)


def _grants(entity: Entity, applications: Iterable[Application]) -> Iterator[tuple[Event, Told]]:
    for application in applications:
        yield from (_granted(entity, application.line, part) for part in application.parts if part.credit_id)


def _paid(entity: Entity, application: Application, payment: OfPayer) -> tuple[Event, Told]:
    line, match = application.line, application.match
    set_off_minor: Counter[int] = Counter()
    for each in _set_off(payment.parts):
        set_off_minor[each.item_id] += each.amount_minor
    paid = [(part.item, part.amount_minor - set_off_minor[part.item_id]) for part in payment.parts]
    paid = [(item, minor) for item, minor in paid if minor > 0]
    event = Paid(
        on=line.booked_on, item_id=payment.payment_id, account_id=payment.about.pk, entity_id=entity.pk,
        currency=line.currency, amount_minor=payment.amount_minor, applies_to=[item.pk for item, _minor in paid],
        at_most_minor=[minor for _item, minor in paid],
    )  # fmt: skip
    detail = {
        "payment": payment.payment_id, "line": line.pk, "amount_minor": payment.amount_minor,
        "currency": line.currency, "items": [item.number for item, _minor in paid], "step": match.step,
        "why": match.why, "confidence_permille": match.confidence_permille,
    }  # fmt: skip
    return event, Told(what="payment.received", about=payment.about, detail=detail, columns={})


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
