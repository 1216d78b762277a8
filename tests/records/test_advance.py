"""What `advance` does to a book in memory, and what saving its effects does to the database, is the same."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from typing import cast

import polars as pl
import pytest
from django.db import transaction
from polars.testing import assert_frame_equal

from dunwell.engine import plan
from dunwell.engine.advance import advance
from dunwell.engine.book import KEYS, SCHEMAS, Book, Schema, table
from dunwell.engine.events import (
    AccountsChanged,
    Allocated,
    Delivered,
    Disputed,
    Event,
    Failed,
    Held,
    ItemsBooked,
    Paid,
    Posted,
    Promised,
    Released,
    Resolved,
    Reversed,
    Withdrawn,
)
from dunwell.records import bulk, frames
from dunwell.records.models import Entity, Notice, NoticeLine, Run
from tests.records.sample import NOON

pytestmark = pytest.mark.usefixtures("way")
D = [date(2026, 4, day) for day in range(1, 30)]


def invoices(entity_id: int) -> pl.DataFrame:
    rows = [
        {
            "item_id": 10 + i,
            "account_id": 1 + i % 2,
            "entity_id": entity_id,
            "number": f"A-{i}",
            "currency": "EUR",
            "issued_on": date(2026, 3, 1),
            "due_on": date(2026, 3, 10 + i),
            "amount_minor": 1000,
            "open_minor": 1000,
        }
        for i in range(6)
    ]
    return table("items", rows)


def posting(notice_id: int, item_ids: list[int], versions: list[int], *, on: date, entity_id: int) -> Posted:
    """A run's notice to payer 1, with a fee on its first item."""
    notice = {
        "notice_no": 1,
        "entity_id": entity_id,
        "payer_id": 1,
        "currency": "EUR",
        "policy": "p",
        "stage": "reminder",
        "level": 1,
        "repeats": 0,
        "anchored": False,
        "contact": True,
        "deadline_on": D[20],
        "total_minor": 1000,
        "closing": "reached",
    }
    lines = [
        {
            "notice_no": 1,
            "item_id": item,
            "role": "dunned",
            "amount_minor": 1000,
            "level": 1,
            "stage": "reminder",
            "level_before": 0,
            "repeats": 0,
            "repeats_before": 0,
            "version": version,
        }
        for item, version in zip(item_ids, versions, strict=True)
    ]
    charge = {
        "notice_no": 1,
        "item_id": item_ids[0],
        "account_id": 1,
        "currency": "EUR",
        "amount_minor": 500,
        "stage": "reminder",
        "charge_item_id": 1000 + notice_id,
        "number": f"F-{notice_id}",
    }
    extra: Schema = {"charge_item_id": pl.Int64, "number": pl.String}
    return Posted(
        notices=plan_rows("notices", [notice]).with_columns(
            notice_id=pl.lit(notice_id, dtype=pl.Int64), as_of=pl.lit(on)
        ),
        lines=plan_rows("lines", lines),
        charges=pl.DataFrame([charge], schema=plan.SCHEMAS["charges"] | extra),
    )


def plan_rows(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    full = [{column: row.get(column) for column in plan.SCHEMAS[name]} for row in rows]
    return pl.DataFrame(full, schema=plan.SCHEMAS[name])


def date_of(event: Event) -> date:
    return cast("date", event.notices["as_of"].item()) if isinstance(event, Posted) else event.on


def propose(event: Posted, entity_id: int) -> None:
    """Keep the proposal's rows, as a run would before it is posted."""
    run = Run.objects.create(
        entity_id=entity_id, as_of=date_of(event), state="posted", proposed_at=NOON, proposed_by="test"
    )
    notices = event.notices.with_columns(run_id=run.pk).rename({"notice_id": "id", "notice_no": "number"})
    notices = notices.with_columns(pl.col("charges_minor", "fee_minor", "due_minor", "approvals").fill_null(0))
    bulk.insert(Notice, notices.with_columns(pl.col("channels").fill_null("")))
    notice_ids = event.notices.select("notice_no", "notice_id")
    bulk.insert(NoticeLine, event.lines.join(notice_ids, on="notice_no").drop("notice_no"))


def both(entity_id: int, steps: Iterable[Event]) -> Book:
    """Fold the events in memory and in the database; after each, both must say the same."""
    memory = Book.of(entities=[{"entity_id": entity_id, "entity": "ACME"}])
    for event in steps:
        memory, _effects = advance(memory, [event])
        with transaction.atomic():
            accounts = frames.lock_payers([1, 2, 3])
            if isinstance(event, Posted):
                propose(event, entity_id)
            _book, effects = advance(frames.account_book(accounts), [event])
            for effect in effects:
                bulk.save(effect.changes, on=date_of(event))
        assert_same(frames.account_book([1, 2, 3]), memory, type(event).__name__)
    return memory


def assert_same(found: Book, wanted: Book, after: str) -> None:
    for name in (field.name for field in fields(Book)):
        order = KEYS.get(name, list(SCHEMAS[name]))
        left, right = (getattr(book, name).sort(order) for book in (found, wanted))
        if name == "accounts":
            left, right = left.drop("channels"), right.drop("channels")
        try:
            assert_frame_equal(left, right, check_column_order=False)
        except AssertionError as error:
            raise AssertionError(f"{name} after {after}: {error}") from error


def test_a_year_in_the_life_of_two_accounts(db: str) -> None:
    e = int(Entity.objects.create(code="ACME", name="Acme", currency="EUR").id)
    accounts = table("accounts", [{"account_id": a, "entity_id": e, "account": f"A{a}"} for a in (1, 2)])
    child = pl.DataFrame({"account_id": [2], "parent_id": [1], "segment": ["smb"]})
    credit = table(
        "items",
        [
            {
                "item_id": 40,
                "account_id": 1,
                "entity_id": e,
                "number": "C-1",
                "kind": "credit",
                "currency": "EUR",
                "amount_minor": 1500,
                "open_minor": 1500,
            }
        ],
    )

    def paid(item_id: int, amount_minor: int, *applies_to: int, on: date, pending: bool = False) -> Paid:
        return Paid(
            on=on,
            item_id=item_id,
            account_id=1,
            entity_id=e,
            currency="EUR",
            amount_minor=amount_minor,
            applies_to=applies_to,
            pending=pending,
        )

    memory = both(
        e,
        [
            AccountsChanged(on=D[0], accounts=accounts),
            AccountsChanged(on=D[0], accounts=child),
            ItemsBooked(on=D[0], items=invoices(e)),
            ItemsBooked(on=D[1], items=credit, applies_to=[(40, 10)]),
            Allocated(on=D[1], source_item_id=40, item_id=11, amount_minor=300),
            Held(on=D[2], hold_id=1, account_id=2, until_on=D[9]),
            Held(on=D[2], hold_id=2, item_id=12),
            Released(on=D[3], hold_id=2),
            Disputed(on=D[3], dispute_id=1, item_id=12, amount_minor=100),
            Disputed(on=D[3], dispute_id=2, item_id=12),
            Resolved(on=D[4], dispute_id=1),
            Promised(on=D[4], promise_id=1, account_id=1, currency="EUR", amount_minor=800, by_on=D[13], item_ids=[11]),
            Promised(on=D[4], promise_id=2, account_id=1, currency="EUR", amount_minor=700, by_on=D[12]),
            paid(50, 900, 11, 12, on=D[5]),
            paid(51, 400, 13, on=D[5], pending=True),
            paid(51, 400, on=D[6]),
            paid(52, 400, on=D[6], pending=True),
            Reversed(on=D[7], item_id=52),
            posting(1, [12, 13], [0, 0], on=D[7], entity_id=e),
            Delivered(on=D[8], notice_ids=[1]),
            posting(2, [14, 15], [0, 0], on=D[9], entity_id=e),
            Failed(on=D[10], notice_ids=[2]),
            posting(3, [14, 15], [2, 2], on=D[11], entity_id=e),
            Withdrawn(on=D[12], notice_ids=[3], reason="settled"),
            Reversed(on=D[13], item_id=50),
        ],
    )
    assert memory.notices["state"].to_list() == ["sent", "failed", "withdrawn"]
    again = {"promise_id": 1, "amount_minor": 800, "paid_minor": 0, "promised_minor": None}  # it had come to 700
    assert memory.promises.filter(promise_id=1).select(*again).to_dicts() == [again]
    bound = NoticeLine.objects.filter(binding=True).order_by("item").values_list("notice", "item", "version")
    assert list(bound) == [(1, 12, 0), (1, 13, 0)]


def test_a_run_reads_what_was_saved(db: str) -> None:
    e = int(Entity.objects.create(code="ACME", name="Acme", currency="EUR").id)
    accounts = table("accounts", [{"account_id": a, "entity_id": e, "account": f"A{a}"} for a in (1, 2)])
    paid = Paid(on=D[2], item_id=50, account_id=1, entity_id=e, currency="EUR", amount_minor=1000, applies_to=[10])
    memory = both(e, [AccountsChanged(on=D[0], accounts=accounts), ItemsBooked(on=D[0], items=invoices(e)), paid])
    found = frames.book(e, as_of=D[3])
    still_open = memory.items.filter(pl.col("open_minor") > 0).sort("account_id", "item_id")
    assert_frame_equal(found.items, still_open)
