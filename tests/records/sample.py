"""A small book with every table, and in it everything that a wire could spoil."""

from datetime import UTC, date, datetime

import polars as pl
import psycopg
from django.db import transaction

from dunwell.engine.book import Book, table
from dunwell.records import bulk
from dunwell.records.models import Account, AttributeType, Dispute, Entity, Hold, Item, Notice, Promise, Run

DAY = date(2026, 4, 1)
LAST = date(2026, 4, 9)
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
ODD = [
    'a "quoted" word',
    "comma, semicolon; tab\t",
    "two\nlines\r\n",
    "Ünïcödé 漢字 🧾",
    "",
    "NULL",
    "\\N",
    " ",
    "'",
    "%s",
]
ATTRIBUTES = {
    "item": {"contract": "text", "dunning_code": "integer", "weight": "number", "vip": "boolean", "promised": "date"},
    "account": {"region": "text"},
}


def entity(code: str = "ACME") -> Entity:
    """An entity, and the attribute types if they are not there yet."""
    for subject, types in ATTRIBUTES.items():
        for name, kind in types.items():
            AttributeType.objects.get_or_create(subject=subject, name=name, type=kind)
    return Entity.objects.create(code=code, name=code, currency="EUR")


def tables(entity_id: int, code: str = "ACME") -> dict[str, pl.DataFrame]:
    """Rows of every table of the book, with ids that say what they are."""
    rows: dict[str, list[dict[str, object]]] = {
        "accounts": _accounts(entity_id),
        "items": _items(entity_id),
        "payers": [
            {"entity_id": entity_id, "payer_id": 1, "last_contact_on": DAY},
            {"entity_id": entity_id, "payer_id": 2, "last_contact_on": None},
        ],
        "anchors": [
            {
                "entity_id": entity_id,
                "payer_id": 1,
                "currency": "EUR",
                "policy": ODD[0],
                "anchor_item_id": 101,
                "level": 2,
                "stage": ODD[1],
                "last_notice_on": DAY,
                "last_deadline_on": None,
                "version": 3,
            },
        ],
        "holds": [
            {"hold_id": 1, "account_id": 1, "from_on": DAY},
            {"hold_id": 2, "item_id": 102, "from_on": DAY, "until_on": LAST, "released_on": date(2026, 4, 3)},
        ],
        "disputes": [
            {"dispute_id": 1, "item_id": 101, "amount_minor": 50, "opened_on": DAY},
            {"dispute_id": 2, "item_id": 102, "amount_minor": None, "opened_on": DAY, "resolved_on": DAY},
        ],
        "promises": [
            {
                "promise_id": 1,
                "account_id": 1,
                "currency": "EUR",
                "amount_minor": 500,
                "paid_minor": 20,
                "made_on": DAY,
                "by_on": date(2026, 4, 20),
                "tolerance_days": 3,
            },
        ],
        "promise_items": [{"promise_id": 1, "item_id": 101}, {"promise_id": 1, "item_id": 102}],
        "allocations": [
            {"source_item_id": 109, "item_id": 101, "amount_minor": 70, "pending": False, "on": DAY},
            {"source_item_id": 109, "item_id": 101, "amount_minor": -70, "pending": True, "on": date(2026, 4, 2)},
        ],
        "elsewhere": [
            {"item_id": 101, "amount_minor": 30, "on": LAST},
            {"item_id": 101, "amount_minor": -30, "on": LAST},
            {"item_id": 102, "amount_minor": 5, "on": LAST},
        ],
        "charges": [
            {
                "charge_item_id": 108,
                "notice_id": 1,
                "item_id": 101,
                "account_id": 1,
                "currency": "EUR",
                "charge": "interest",
                "stage": ODD[0],
                "amount_minor": 5,
                "posted_on": DAY,
                "sent_on": DAY,  # as its notice says
                "until_on": LAST,
                "first": True,
                "reversed_on": None,
            },
            {
                "charge_item_id": 107,
                "notice_id": 1,
                "item_id": 101,
                "account_id": 1,
                "currency": "EUR",
                "stage": ODD[0],
                "amount_minor": 9,
                "posted_on": DAY,
                "sent_on": DAY,  # as its notice says
                "reversed_on": LAST,
            },
        ],
        "notices": [
            {
                "notice_id": 1,
                "entity_id": entity_id,
                "payer_id": 1,
                "currency": "EUR",
                "policy": "standard",
                "stage": "s",
                "level": 1,
                "anchored": True,
                "contact": False,
                "as_of": DAY,
                "deadline_on": DAY,
                "total_minor": 1000,
                "state": "sent",
                "reason": None,
                "sent_on": DAY,
                "contact_before_on": DAY,
                "level_before": 1,
                "stage_before": "r",
                "deadline_before_on": DAY,
            },
            {
                "notice_id": 2,
                "entity_id": entity_id,
                "payer_id": 2,
                "currency": "JPY",
                "policy": "standard",
                "stage": "s",
                "level": 1,
                "anchored": False,
                "contact": True,
                "as_of": DAY,
                "total_minor": 1,
                "state": "withdrawn",
                "reason": ODD[2],
            },
        ],
        "lines": [
            {
                "notice_id": 1,
                "item_id": 101,
                "role": "dunned",
                "amount_minor": 1000,
                "level": 2,
                "stage": ODD[3],
                "level_before": 1,
                "stage_before": "",
                "deadline_before_on": DAY,
            },
            {"notice_id": 1, "item_id": 108, "role": "charge", "amount_minor": 5},
        ],
        "closings": [
            {
                "entity_id": entity_id,
                "payer_id": 1,
                "policy": ODD[1],
                "currency": "EUR",
                "reached_on": DAY,
                "is_open": True,
                "notice_id": 1,
            }
        ],
        "alerts": [
            {
                "entity_id": entity_id,
                "account_id": 1,
                "policy": ODD[1],
                "event": "risk_above",
                "subject_id": 1,
                "measure": "0.7",
                "since_on": DAY,
                "acted_on": DAY,
            },
            {
                "entity_id": entity_id,
                "account_id": 50,
                "event": "payment_reversed",
                "subject_id": 109,
                "since_on": DAY,
            },
        ],
    }
    made = {name: table(name, pl.DataFrame(r, infer_schema_length=None)) for name, r in rows.items()}
    return {"entities": table("entities", [{"entity_id": entity_id, "entity": code}])} | made


def _accounts(entity_id: int) -> list[dict[str, object]]:
    full = {
        "account_id": 1,
        "account": "MEYER",
        "parent_id": None,
        "segment": "smb",
        "country": "DE",
        "language": "de",
        "debtor_class": "business",
        "risk": 0.1 + 0.2,
        "credit_limit_minor": -(10**12),
        "customer_since_on": date(1999, 12, 31),
        "legal": True,
        "intercompany": True,
        "attr_region": ODD[0],
    }
    bare = [{"account_id": 2 + i, "account": f"{i}{text}", "segment": text} for i, text in enumerate(ODD)]
    child = {"account_id": 50, "account": "CHILD", "parent_id": 1, "attr_region": ""}
    return [{"entity_id": entity_id, **row} for row in (full, *bare, child)]


def _items(entity_id: int) -> list[dict[str, object]]:
    first = {
        "item_id": 101,
        "account_id": 1,
        "number": "A-17",
        "kind": "invoice",
        "currency": "EUR",
        "issued_on": DAY,
        "due_on": DAY,
        "amount_minor": 10**12,
        "open_minor": 1000,
        "disputed_minor": 50,
        "in_flight_minor": 20,
        "level": 2,
        "stage": ODD[4],
        "last_notice_on": DAY,
        "last_deadline_on": DAY,
        "pending_notice_id": 1,
        "version": 7,
        "attr_contract": ODD[2],
        "attr_dunning_code": -(2**53),
        "attr_weight": 0.1 + 0.2,
        "attr_vip": True,
        "attr_promised": DAY,
        "interest_from_on": LAST,
    }
    second = {
        "item_id": 102,
        "account_id": 1,
        "number": "A-18",
        "kind": "instalment",
        "currency": "KWD",
        "amount_minor": 5,
        "open_minor": 0,
        "attr_contract": "",
        "attr_vip": False,
    }
    charge = {
        "item_id": 108,
        "account_id": 1,
        "number": "F-1",
        "kind": "charge",
        "currency": "EUR",
        "amount_minor": 5,
        "open_minor": 5,
        "parent_item_id": 101,
    }
    taken_back = charge | {"item_id": 107, "number": "F-0", "amount_minor": 9, "open_minor": 0}
    payment = {
        "item_id": 109,
        "account_id": 50,
        "number": "",
        "kind": "payment",
        "currency": "EUR",
        "amount_minor": 70,
        "open_minor": 70,
        "draft": True,
    }
    odd = [
        {
            "item_id": 110 + i,
            "account_id": 2 + i,
            "number": text,
            "kind": "credit",
            "currency": "EUR",
            "amount_minor": 1,
            "open_minor": 1,
            "attr_contract": text,
        }
        for i, text in enumerate(ODD)
    ]
    return [{"entity_id": entity_id, **row} for row in (first, second, charge, taken_back, payment, *odd)]


def save(book: dict[str, pl.DataFrame], *, on: date = DAY) -> None:
    """Keep a sample, in one transaction, with a run for its notices."""
    rows = dict(book)
    with transaction.atomic():
        if "notices" in rows:
            entity_id = rows["notices"]["entity_id"][0]
            run = Run.objects.create(entity_id=entity_id, as_of=on, state="done", proposed_at=NOON, proposed_by="test")
            rows["notices"] = rows["notices"].with_columns(run_id=run.pk, number="notice_id")
        bulk.save(rows, on=on)
        for model in (Account, Item, Hold, Dispute, Promise, Notice):
            bulk.allocate_ids(model, 200)  # past the ids chosen here


def as_book(rows: dict[str, pl.DataFrame]) -> Book:
    """The same rows as the engine holds them."""
    return Book.of(**rows)


def second_connection(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """Somebody else in the same PostgreSQL database, who commits at once."""
    return psycopg.connect(url, autocommit=True)
