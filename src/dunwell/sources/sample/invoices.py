"""The sample book's items: invoices as their customers' habits leave them, credits, and money that came in."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from dunwell.sources.sample import words as w
from dunwell.sources.sample.customers import Customer

# Days from the due date to `as_of` that an open invoice of each habit has: none is due for longer than the second.
DUE: Final = {"prompt": (-38, 4), "slow": (-32, 24), "very_late": (-30, 80), "never": (-30, 150)}
TERMS: Final = {"business": (14, 30, 30, 45, 60), "consumer": (14, 14, 21), "public": (30, 30, 45)}
WEIGHTS: Final = {"key": 22, "smb": 6, "consumer": 2}
# Of a thousand items.
CREDITS, PARTIAL, SETTLED, UNALLOCATED, PENDING = 15, 14, 20, 6, 6
NUMBERS: Final = {"NORD": ("R", "G"), "ALBION": ("INV-", "CN-")}


@dataclass
class Row:
    """An item, and whose it is."""

    customer: Customer
    issued_on: date
    due_on: date | None
    columns: dict[str, object]

    @property
    def item_id(self) -> int:
        """The item's id within the sample."""
        return int(str(self.columns["item_id"]))

    @property
    def amount_minor(self) -> int:
        """What the item was made out for."""
        return int(str(self.columns["amount_minor"]))

    @property
    def open_minor(self) -> int:
        """What is open of it."""
        return int(str(self.columns["open_minor"]))

    @property
    def is_claim(self) -> bool:
        """An invoice, which can be dunned."""
        return self.columns["kind"] == "invoice"


@dataclass
class Items:
    """Items with the money applied to them."""

    rows: list[Row] = field(default_factory=list)
    payments: list[dict[str, object]] = field(default_factory=list)
    allocations: list[dict[str, object]] = field(default_factory=list)


def make_items(rng: random.Random, customers: list[Customer], n: int, as_of: date) -> Items:
    """Make `n` items: invoices by each customer's habit, then credits and payments upon them."""
    made = Items()
    moves = [n * share // 1000 for share in (CREDITS, PARTIAL, SETTLED, UNALLOCATED, PENDING)]
    buyers = rng.choices(customers, [WEIGHTS[each.segment] for each in customers], k=n - sum(moves))
    for buyer in buyers:
        _invoice(rng, made, buyer, as_of)
    # Each has one of these things happen to it, an overdue one rather than another.
    overdue = [row for row in made.rows if row.due_on and row.due_on < as_of]
    later = [row for row in made.rows if not (row.due_on and row.due_on < as_of)]
    targets = [*rng.sample(overdue, len(overdue)), *rng.sample(later, len(later))]
    makers = (_credit, _part_payment, _full_payment, _unallocated, _pending)
    turns = [maker for maker, count in zip(makers, moves, strict=True) for _ in range(count)]
    rng.shuffle(turns)
    for maker, target in zip(turns, targets, strict=False):
        maker(rng, made, target, as_of)
    return made


def _add(
    made: Items, customer: Customer, kind: str, number: str, *, issued_on: date, due_on: date | None, amount: int
) -> Row:
    columns: dict[str, object] = {
        "item_id": len(made.rows) + 1,
        "account_id": customer.account_id,
        "entity_id": customer.entity_id,
        "number": number,
        "kind": kind,
        "currency": customer.currency,
        "issued_on": issued_on,
        "due_on": due_on,
        "amount_minor": amount,
        "open_minor": amount,
        "disputed_minor": 0,
        "in_flight_minor": 0,
        "draft": False,
        "attr_contract": None,
        "closed_on": None,
    }
    row = Row(customer, issued_on, due_on, columns)
    made.rows.append(row)
    return row


def _amount(rng: random.Random, customer: Customer) -> int:
    """Draw an amount in minor units: many small ones, few large ones, and some in round figures."""
    top = {"key": 5, "smb": 4, "consumer": 3}[customer.segment]
    size = 10 ** rng.randint(3, top)
    amount = rng.randint(size, size * 9)
    return amount // 100 * 100 if rng.random() < 0.25 else amount


def _invoice(rng: random.Random, made: Items, customer: Customer, as_of: date) -> None:
    soonest, latest = DUE[customer.habit]
    # The later, the rarer: of two draws the earlier one.
    late = (
        min(rng.randint(soonest, latest), rng.randint(soonest, latest))
        if rng.random() < 0.6
        else rng.randint(soonest, latest)
    )
    due_on = as_of - timedelta(days=late)
    terms = rng.choice(TERMS[customer.debtor_class])
    issued_on = min(due_on - timedelta(days=terms), as_of)
    prefix = NUMBERS[customer.entity][0]
    number = f"{prefix}{issued_on.year}{len(made.rows) + 1:06d}"
    row = _add(made, customer, "invoice", number, issued_on=issued_on, due_on=due_on, amount=_amount(rng, customer))
    if customer.debtor_class == "business" and rng.random() < 0.4:
        row.columns["attr_contract"] = f"V-{rng.randint(min(2019, as_of.year), as_of.year)}-{rng.randint(1, 80):03d}"


def _credit(rng: random.Random, made: Items, target: Row, as_of: date) -> None:
    """A credit note of a part of an invoice, not yet netted."""
    issued_on = max(target.issued_on, as_of - timedelta(days=rng.randint(1, 40)))
    prefix = NUMBERS[target.customer.entity][1]
    number = f"{prefix}{issued_on.year}{len(made.rows) + 1:06d}"
    amount = max(1, target.amount_minor * rng.randint(5, 60) // 100)
    _add(made, target.customer, "credit", number, issued_on=issued_on, due_on=issued_on, amount=amount)


def _part_payment(rng: random.Random, made: Items, target: Row, as_of: date) -> None:
    _pay(rng, made, target, target.open_minor * rng.randint(20, 80) // 100, as_of)


def _full_payment(rng: random.Random, made: Items, target: Row, as_of: date) -> None:
    _pay(rng, made, target, target.open_minor, as_of)


def _pay(rng: random.Random, made: Items, target: Row, amount: int, as_of: date) -> None:
    """Money that came in and was applied."""
    on = max(target.issued_on, as_of - timedelta(days=rng.randint(1, 20)))
    paid = _money(made, target, amount, on, rng)
    paid.columns |= {"open_minor": 0, "closed_on": on}
    target.columns["open_minor"] = target.open_minor - amount
    if not target.open_minor:
        target.columns["closed_on"] = on
    _allocate(made, paid, target, amount, on, pending=False)


def _unallocated(rng: random.Random, made: Items, target: Row, as_of: date) -> None:
    """Money that nobody has applied yet."""
    on = as_of - timedelta(days=rng.randint(0, 9))
    _money(made, target, max(1, target.amount_minor * rng.randint(10, 110) // 100), on, rng)


def _pending(rng: random.Random, made: Items, target: Row, as_of: date) -> None:
    """Money announced, by a direct debit or a transfer under way."""
    amount = target.open_minor if rng.random() < 0.7 else target.open_minor * rng.randint(30, 80) // 100
    on = as_of - timedelta(days=rng.randint(0, 3))
    announced = _money(made, target, amount, on, rng)
    announced.columns["draft"] = True
    made.payments[-1] |= {"state": "pending", "received_on": None}
    target.columns["in_flight_minor"] = amount
    _allocate(made, announced, target, amount, on, pending=True)


def _money(made: Items, target: Row, amount: int, on: date, rng: random.Random) -> Row:
    row = _add(made, target.customer, "payment", "", issued_on=on, due_on=None, amount=amount)
    made.payments.append({
        "item_id": row.item_id, "entity_id": target.customer.entity_id, "state": "received", "received_on": on,
        "external_id": f"SAMPLE-{row.item_id:06d}", "reference": rng.choice(w.PAYMENT_TEXTS),
    })  # fmt: skip
    return row


def _allocate(made: Items, source: Row, target: Row, amount: int, on: date, *, pending: bool) -> None:
    row = {
        "source_item_id": source.item_id,
        "item_id": target.item_id,
        "amount_minor": amount,
        "pending": pending,
        "on": on,
    }
    made.allocations.append(row)
