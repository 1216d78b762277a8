"""A small book to let things happen in: accounts, items and runs by their numbers, amounts in cents of EUR."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.events import Allocated, Effects, Event, ItemsBooked, Paid, Posted, Promised, Unallocated
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy

D = [date(2026, 4, 1), *(date(2026, 4, day) for day in range(1, 31))]  # D[3]: the third of April
CHILD, PARENT, OTHER = 1, 2, 3  # the first two: one payer


def policy(more: str = "") -> Policy:
    """Three stages, the second with a fee, and what else is given."""
    return parse_policy(
        f"""
policy: p
min_gap_days: 3
{more}
stages:
  - {{stage: one, days_past_due: 1, deadline_days: 10, send: [email]}}
  - {{stage: two, days_past_due: 8, deadline_days: 5, fee: {{EUR: 5.00}}, send: [email]}}
  - {{stage: three, days_past_due: 15, send: [email]}}
""",
        "p.yaml",
    )


def promise(promise_id: int, amount_minor: int, *items: int, by: date = D[20], account: int = CHILD) -> Promised:
    """A promise of the first of the month, with two days of tolerance."""
    return Promised(
        on=D[1], promise_id=promise_id, account_id=account, currency="EUR", amount_minor=amount_minor, by_on=by,
        tolerance_days=2, item_ids=items,
    )  # fmt: skip


class Town:
    """A book that advances; what happened is returned and kept in `effects`."""

    def __init__(self) -> None:
        accounts = [
            {"account_id": CHILD, "entity_id": 1, "account": "CHILD", "parent_id": PARENT, "channels": 1},
            {"account_id": PARENT, "entity_id": 1, "account": "PARENT", "channels": 1},
            {"account_id": OTHER, "entity_id": 1, "account": "OTHER", "channels": 1},
        ]
        self.book = Book.of(entities=[{"entity_id": 1, "entity": "ACME"}], accounts=accounts)
        self.effects: tuple[Effects, ...] = ()

    def let(self, *events: Event) -> "Town":
        """Let events happen."""
        self.book, self.effects = advance(self.book, events)
        return self

    def invoice(
        self,
        item_id: int,
        amount_minor: int,
        *,
        due: date = D[1],
        account: int = CHILD,
        applies_to: Sequence[tuple[int, int]] = (),
        **more: object,
    ) -> "Town":
        """Book an invoice, or another kind of item."""
        row: dict[str, object] = {
            "item_id": item_id, "account_id": account, "entity_id": 1, "number": f"A-{item_id}", "kind": "invoice",
            "currency": "EUR", "issued_on": D[1], "due_on": due, "amount_minor": amount_minor,
            "open_minor": amount_minor,
        }  # fmt: skip
        return self.let(ItemsBooked(on=D[1], items=pl.DataFrame([row | more]), applies_to=applies_to))

    def pay(self, item_id: int, amount_minor: int, *applies_to: int, account: int = CHILD, **more: Any) -> "Town":
        """Take money in."""
        event: dict[str, Any] = {"on": D[2], "entity_id": 1, "currency": "EUR"} | more
        return self.let(
            Paid(item_id=item_id, account_id=account, amount_minor=amount_minor, applies_to=applies_to, **event)
        )

    def allocate(self, source: int, item_id: int, amount_minor: int) -> "Town":
        """Apply what is there."""
        return self.let(Allocated(on=D[3], source_item_id=source, item_id=item_id, amount_minor=amount_minor))

    def unallocate(self, source: int, item_id: int, amount_minor: int) -> "Town":
        """Take off an item what was applied to it."""
        return self.let(Unallocated(on=D[4], source_item_id=source, item_id=item_id, amount_minor=amount_minor))

    def post(self, on: date, first_id: int = 1, procedure: Policy | None = None) -> Plan:
        """Decide and post all of it; notices are numbered from `first_id`, fees from 100 x that."""
        plan = self.decided(on, procedure)
        self.bind(plan, on, first_id)
        return plan

    def decided(self, on: date, procedure: Policy | None = None) -> Plan:
        """Decide, and post nothing."""
        return decide(self.book, [procedure or policy()], on)

    def bind(self, plan: Plan, on: date, first_id: int) -> "Town":
        """Post a plan; notices are numbered from `first_id`, fees from 100 x that."""
        notice_id = pl.col("notice_no").cast(pl.Int64) + first_id - 1
        notices = plan.notices.with_columns(notice_id=notice_id, as_of=pl.lit(on))
        ids = range(first_id * 100, first_id * 100 + plan.charges.height)
        charges = plan.charges.with_columns(
            charge_item_id=pl.Series(list(ids), dtype=pl.Int64),
            number=pl.Series([f"F-{number}" for number in ids], dtype=pl.String),
        )
        return self.let(Posted(notices=notices, lines=plan.lines, charges=charges, anchors=plan.anchors))

    def item(self, item_id: int) -> dict[str, Any]:
        """An item's row."""
        return self.book.items.filter(pl.col("item_id") == item_id).row(0, named=True)

    def open(self, *item_ids: int) -> list[int]:
        """What is open of items."""
        return [self.item(item_id)["open_minor"] for item_id in item_ids]

    def heard_on(self, payer: int = PARENT) -> date | None:
        """When a payer last heard from us."""
        rows = self.book.payers.filter(pl.col("payer_id") == payer)["last_contact_on"].to_list()
        return rows[0] if rows else None


def state(book: Book) -> dict[str, list[dict[str, Any]]]:
    """What notices leave behind: the dunning state of items and groups, contacts, and what is open; no versions."""
    items = ["item_id", "level", "stage", "last_notice_on", "last_deadline_on", "pending_notice_id", "open_minor"]
    groups = ["payer_id", "level", "stage", "last_notice_on", "last_deadline_on", "pending_notice_id"]
    return {
        "items": book.items.filter(pl.col("kind") != "charge").sort("item_id").select(items).to_dicts(),
        "groups": book.anchors.filter(pl.col("level") > 0).sort("payer_id").select(groups).to_dicts(),
        "contacts": book.payers.filter(pl.col("last_contact_on").is_not_null()).sort("payer_id").to_dicts(),
        "fees": book.items.filter(pl.col("kind") == "charge", pl.col("open_minor") > 0).to_dicts(),
    }
