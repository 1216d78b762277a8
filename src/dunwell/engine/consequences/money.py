"""Invoices, credits and payments: what is open, what is under way, and which promises money keeps."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, KEYS, SCHEMAS, Book, BookError, shaped, table
from dunwell.engine.consequences.alerts import reversal
from dunwell.engine.consequences.appropriation import Target, going_first, named_by
from dunwell.engine.consequences.promises import Received, promises_with, promises_without
from dunwell.engine.consequences.refusals import only, require_amount
from dunwell.engine.events import Allocated, Effects, ItemsBooked, Paid, Payments, Reversed, Unallocated, payments_of
from dunwell.engine.steps.parties import payers


def items_booked(book: Book, event: ItemsBooked) -> Effects:
    """Book items. A last notice that comes along dates the last contact.

    A draft booked again becomes a claim, unless it is told to be one still: what else is not given of it stays, such as
    a dispute.
    """
    claims = event.items if "draft" in event.items.columns else event.items.with_columns(draft=pl.lit(value=False))
    items = shaped("items", claims, book.items)
    heard = contacts_seeded(items, book.accounts, book.payers)
    return Effects(changes={"items": items} | ({} if heard.is_empty() else {"payers": heard}))


def applied_again(book: Book, event: ItemsBooked) -> Effects:
    """Apply what was paid of drafts before they were booked again, and is under way to them, as far as it goes."""
    if book.allocations.is_empty():
        return Effects()
    before = book.allocations.join(event.items, on="item_id", how="semi")
    if before.is_empty():
        return Effects()
    moves = Moves(book, event.on)
    for item_id in before["item_id"].unique(maintain_order=True):
        moves.apply_again(item_id)
    return Effects(changes=moves.changes())


def credits_applied(book: Book, event: ItemsBooked) -> Effects:
    """Apply credits to the items they were given for, as far as both are open."""
    if not event.applies_to:
        return Effects()
    moves = Moves(book, event.on)
    for source_id, item_id in event.applies_to:
        moves.apply(source_id, Target(item_id), pending=False)
    return Effects(changes=moves.changes())


def payments_taken(book: Book, event: Paid | Payments) -> Effects:
    """Take money in, or note that it is announced; all of it is open until it is applied.

    Errors: BookError for an amount that is not above 0 or beyond the bound, an unknown currency, and a payment that has
    arrived before.
    """
    payments = payments_of(event)
    known = book.items.filter(pl.col("item_id").is_in([payment.item_id for payment in payments]))
    is_draft = dict(known.select("item_id", "draft").iter_rows())
    for payment in payments:
        require_amount("a payment", payment.amount_minor, payment.currency)
        if not is_draft.get(payment.item_id, True):
            raise BookError(f"the payment {payment.number or payment.item_id} is in the book already")
    return Effects(changes={"items": table("items", [_payment_row(payment) for payment in payments])})


def payments_applied(book: Book, event: Paid | Payments) -> Effects:
    """Apply a payment to its items, and to what of each goes first; what is left stays open as a credit of the account.

    Promises count what arrived. A charge that is named with a bound of its own is not paid out of its item's. Errors:
    BookError for an item that is named twice with a bound.
    """
    moves, promises = Moves(book, event.on), []
    pending = book.allocations.filter("pending")
    named = {payment.item_id: _named_items(book, payment, pending, moves) for payment in payments_of(event)}
    first = going_first(book, {item_id for each in named.values() for item_id in each})
    targets = {
        payment_id: [target for item_id in each for target in (*first.get(item_id, ()), Target(item_id))]
        for payment_id, each in named.items()
    }
    moves.know([*targets, *(target.item_id for each in targets.values() for target in each)])
    for payment in payments_of(event):
        before = len(moves.ledger)
        _apply(payment, targets[payment.item_id], moves)
        if not payment.pending:
            applied = {target.item_id: minor for _source, target, minor, waits in moves.ledger[before:] if not waits}
            received = Received(payment.account_id, payment.on, payment.amount_minor, applied)
            promises.append(promises_with(book, received, payment.currency))
    return Effects(changes=moves.changes() | ({"promises": pl.concat(promises)} if promises else {}))


def _named_items(book: Book, payment: Paid, pending: pl.DataFrame, moves: "Moves") -> Sequence[int]:
    """The items that a payment is for, in order; what was under way of it has arrived by now, or is announced anew."""
    if payment.at_most_minor and len(set(payment.applies_to)) < len(payment.applies_to):
        raise BookError("a payment names an item twice, with how much of it is for what")
    announced = _net(pending.filter(pl.col("source_item_id") == payment.item_id)) if pending.height else []
    for target, amount_minor in announced:
        moves.take_back(payment.item_id, target, amount_minor, pending=True)
    named = payment.applies_to or named_by([target for target, _amount in announced])
    return _oldest_due(book, payment) if payment.pending and not named else named


def _apply(payment: Paid, targets: Sequence[Target], moves: "Moves") -> None:
    left = dict(zip(payment.applies_to, payment.at_most_minor, strict=True)) if payment.at_most_minor else {}
    went_first = 0
    for target in targets:
        named_id = target.item_id if target.item_id in left else target.for_item_id or target.item_id
        part = moves.apply(payment.item_id, target, pending=payment.pending, at_most_minor=left.get(named_id))
        if named_id in left:
            left[named_id] -= part
            went_first += part if target.for_item_id == named_id else 0
    for target in targets:  # as much more than was said, where there is money, as went first out of what was said
        went_first -= moves.apply(payment.item_id, target, pending=payment.pending, at_most_minor=went_first)


def allocated(book: Book, event: Allocated) -> Effects:
    """Apply money or credit that is already there to an item."""
    if _row(book, event.source_item_id)["draft"]:
        raise BookError("money that is only announced cannot be allocated yet")
    moves = Moves(book, event.on)
    moves.apply(event.source_item_id, Target(event.item_id), pending=False, at_most_minor=event.amount_minor)
    return Effects(changes=moves.changes())


def unallocated(book: Book, event: Unallocated) -> Effects:
    """Take money or credit off an item: it is open again on both sides. Errors: BookError for more than was applied."""
    own = book.allocations.filter(~pl.col("pending"), source_item_id=event.source_item_id, item_id=event.item_id)
    standing = [(target, minor) for target, minor in _net(own) if minor > 0]
    if not 0 < event.amount_minor <= sum(minor for _target, minor in standing):
        source, item = _named(_row(book, event.source_item_id)), _named(_row(book, event.item_id))
        raise BookError(f"so much of {source} is not applied to {item}")
    moves, left = Moves(book, event.on), event.amount_minor
    for target, minor in standing:
        part = min(minor, left)
        if part:
            moves.take_back(event.source_item_id, target, part, pending=False)
        left -= part
    return Effects(changes=moves.changes())


def reversed_(book: Book, event: Reversed) -> Effects:
    """Take a payment back: what it had paid is open again, what it had announced is under way no longer."""
    payment = _row(book, event.item_id)
    if payment["kind"] not in CREDIT_KINDS:
        raise BookError(f"{_named(payment)} cannot be taken back: it is no money")
    own = book.allocations.filter(pl.col("source_item_id") == event.item_id)
    moves = Moves(book, event.on)
    for pending in (False, True):
        for target, amount_minor in _net(own.filter(pl.col("pending") == pending)):
            moves.take_back(event.item_id, target, amount_minor, pending=pending)
    if not moves.ledger and payment["open_minor"] == 0:
        return Effects()  # it has been taken back before
    moves.close(event.item_id)
    changes = moves.changes()
    if not payment["draft"]:
        changes |= {"promises": promises_without(book, payment)}
        if not event.is_correction:  # who only looks again at whose money it is has nothing to complain of
            changes |= {"alerts": reversal(payment, event.on)}
    return Effects(changes=changes)


class Moves:
    """Amounts moved between items by one event, gathered until they become changes."""

    def __init__(self, book: Book, on: date) -> None:
        self.book = book
        self.on = on
        self.rows: dict[int, dict[str, Any]] = {}
        self.ledger: list[tuple[int, Target, int, bool]] = []
        self.open_minor: dict[int, int] = {}
        self.in_flight_minor: dict[int, int] = {}
        self.under_way: dict[int, int] = {}  # of each payment, by the book and what is moved now

    def know(self, item_ids: Sequence[int]) -> None:
        """Look up many items at once, where one by one would take as long as there are items, each time."""
        found = self.book.items.filter(pl.col("item_id").is_in(list(item_ids)))
        for row in found.iter_rows(named=True):
            self._keep(row)

    def apply(self, source_id: int, target: Target, *, pending: bool, at_most_minor: int | None = None) -> int:
        """Move what both have open, no more, and say how much. What is only announced leaves the open amounts alone."""
        item_id = target.item_id
        self._require_fitting(source_id, item_id)
        have = self.open_minor[source_id] - (self._under_way(source_id) if pending else 0)
        want = self.open_minor[item_id] - (self.in_flight_minor[item_id] if pending else 0)
        part = max(min(have, want, have if at_most_minor is None else at_most_minor), 0)
        if part:
            self._move(source_id, target, part, pending=pending)
        return part

    def _under_way(self, source_id: int) -> int:
        """What of a payment is under way, by the ledger of the book and by what is moved now."""
        if source_id not in self.under_way:
            own = self.book.allocations.filter(pl.col("source_item_id") == source_id, "pending")
            now = sum(amount for source, _target, amount, pending in self.ledger if source == source_id and pending)
            self.under_way[source_id] = int(own["amount_minor"].sum()) + now
        return self.under_way[source_id]

    def _require_fitting(self, source_id: int, item_id: int) -> None:
        """Money goes from a credit or payment to a claim or charge in its currency. Errors: BookError."""
        source, item = self._load(source_id), self._load(item_id)
        if source["kind"] not in CREDIT_KINDS or item["kind"] in CREDIT_KINDS:
            raise BookError(f"{_named(source)} cannot be applied to {_named(item)}")
        if source["currency"] != item["currency"]:
            raise BookError(f"{_named(source)} is in {source['currency']}, {_named(item)} in {item['currency']}")

    def take_back(self, source_id: int, target: Target, amount_minor: int, *, pending: bool) -> None:
        """Undo an earlier application."""
        self._load(source_id)
        self._load(target.item_id)
        self._move(source_id, target, -amount_minor, pending=pending)

    def release(self, item_id: int) -> None:
        """Undo everything that was applied to an item, or is under way to it."""
        for source_id, target, pending, amount_minor in self._applied_to(item_id):
            self.take_back(source_id, target, amount_minor, pending=pending)

    def apply_again(self, item_id: int) -> None:
        """Apply what was applied to an item, or is under way to it, to what is open of it by now."""
        open_minor = self._load(item_id)["open_minor"]
        self.release(item_id)
        self.open_minor[item_id] = open_minor
        for source_id, target, pending, amount_minor in self._applied_to(item_id):
            self.apply(source_id, target, pending=pending, at_most_minor=amount_minor)

    def _applied_to(self, item_id: int) -> list[tuple[int, Target, bool, int]]:
        """The sources of what stands applied to an item by the book, what for, whether under way, and how much."""
        ledger = self.book.allocations.filter(pl.col("item_id") == item_id)
        key = ["source_item_id", "for_item_id", "pending"]
        net = ledger.group_by(key, maintain_order=True).agg(pl.col("amount_minor").sum())
        return [
            (source_id, Target(item_id, meant_for), pending, minor)
            for source_id, meant_for, pending, minor in net.iter_rows()
            if minor
        ]

    def close(self, item_id: int) -> None:
        """Leave nothing open of an item."""
        self._load(item_id)
        self.open_minor[item_id] = 0

    def changes(self) -> dict[str, pl.DataFrame]:
        """The amounts of every item that was moved, and the ledger's new rows."""
        items = {
            "item_id": list(self.open_minor),
            "open_minor": list(self.open_minor.values()),
            "in_flight_minor": [self.in_flight_minor[item] for item in self.open_minor],
        }
        ledger = [
            (source_id, target.item_id, minor, pending, self.on, target.for_item_id)
            for source_id, target, minor, pending in self.ledger
        ]
        return {
            "items": pl.DataFrame(items, schema=dict.fromkeys(items, pl.Int64)),
            "allocations": pl.DataFrame(ledger, schema=SCHEMAS["allocations"], orient="row"),
        }

    def _load(self, item_id: int) -> dict[str, Any]:
        if item_id not in self.rows:
            self._keep(_row(self.book, item_id))
        return self.rows[item_id]

    def _keep(self, row: dict[str, Any]) -> None:
        item_id = row["item_id"]
        if item_id not in self.rows:
            self.rows[item_id] = row
            self.open_minor[item_id], self.in_flight_minor[item_id] = row["open_minor"], row["in_flight_minor"]

    def _move(self, source_id: int, target: Target, amount_minor: int, *, pending: bool) -> None:
        item_id = target.item_id
        if pending:
            self.in_flight_minor[item_id] += amount_minor
            if source_id in self.under_way:
                self.under_way[source_id] += amount_minor
        else:
            self.open_minor[source_id] -= amount_minor
            self.open_minor[item_id] -= amount_minor
        self.ledger.append((source_id, target, amount_minor, pending))


def contacts_seeded(items: pl.DataFrame, accounts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Items that come with a last notice: their payer heard from us then, unless it was before the due date.

    `items`: entity_id, account_id, due_on, last_notice_on. `accounts` and `known`, what is kept of the payers, are the
    book's. Returns rows of the book's `payers`.
    """
    noticed = items.filter(pl.col("last_notice_on") > pl.col("due_on"))
    heard = noticed.join(payers(accounts), on="account_id").group_by(KEYS["payers"]).agg(pl.col("last_notice_on").max())
    latest = pl.max_horizontal("last_notice_on", "last_contact_on")
    before = heard.join(known, on=KEYS["payers"], how="left")
    return before.select(*KEYS["payers"], last_contact_on=latest)


def _payment_row(event: Paid) -> dict[str, object]:
    return {
        "item_id": event.item_id,
        "account_id": event.account_id,
        "entity_id": event.entity_id,
        "number": event.number,
        "kind": "payment",
        "currency": event.currency,
        "issued_on": event.on,
        "amount_minor": event.amount_minor,
        "open_minor": event.amount_minor,
        "draft": event.pending,
    }


def _oldest_due(book: Book, event: Paid) -> Sequence[int]:
    claims = book.items.filter(
        pl.col("account_id") == event.account_id,
        pl.col("currency") == event.currency,
        pl.col("kind").is_in(["invoice", "instalment"]),
        ~pl.col("draft"),
        pl.col("open_minor") > 0,
    )
    return claims.sort("due_on", "item_id")["item_id"].to_list()


def _net(allocations: pl.DataFrame) -> list[tuple[Target, int]]:
    """What stands applied per item, in the order it was first applied; rows taken back cancel out."""
    net: dict[Target, int] = {}
    for item_id, meant_for, amount_minor in allocations.select("item_id", "for_item_id", "amount_minor").iter_rows():
        target = Target(item_id, meant_for)
        net[target] = net.get(target, 0) + amount_minor
    return [(target, amount_minor) for target, amount_minor in net.items() if amount_minor]


def _named(item: dict[str, Any]) -> str:
    """What a message calls an item."""
    return f"{item['kind']} {item['number'] or item['item_id']}"


def _row(book: Book, item_id: int) -> dict[str, Any]:
    return only(book.items, "item_id", item_id).row(0, named=True)
