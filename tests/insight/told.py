"""Histories as people tell them: what was issued, what was paid and what was said, by day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dunwell.engine.history import History

Row = dict[str, Any]
ITEM: Row = {"account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR"}
NOTICE: Row = {
    "entity_id": 1, "payer_id": 1, "currency": "EUR", "policy": "standard", "stage": "reminder", "level": 1,
    "contact": True, "state": "sent", "channels": "email",
}  # fmt: skip
BEGINS = "2025-01-01"


def day(text: str) -> date:
    return date.fromisoformat(text)


def item(item_id: int, amount: int, issued: str | None, due: str | None, **more: Any) -> Row:
    return ITEM | {
        "item_id": item_id, "amount_minor": amount, "issued_on": issued and day(issued), "due_on": due and day(due),
    } | more  # fmt: skip


def move(item_id: int, on: str, less: int) -> Row:
    return {"item_id": item_id, "on": day(on), "less_minor": less}


def notice(notice_id: int, sent: str | None, **more: Any) -> Row:
    on = sent and day(sent)
    return NOTICE | {"notice_id": notice_id, "as_of": on, "sent_on": on} | more


def line(notice_id: int, item_id: int, amount: int) -> Row:
    return {"notice_id": notice_id, "item_id": item_id, "amount_minor": amount}


def promise(promise_id: int, amount: int, paid: int, by: str, **more: Any) -> Row:
    return {
        "promise_id": promise_id, "account_id": 1, "currency": "EUR", "amount_minor": amount, "paid_minor": paid,
        "made_on": day(BEGINS), "by_on": day(by), "tolerance_days": 0,
    } | more  # fmt: skip


def told(begins: str = BEGINS, **tables: Sequence[Row]) -> History:
    """A history of these rows; every account that something names is there, unless told of."""
    given = {name: list(rows) for name, rows in tables.items()}
    named = {row["account_id"] for name in ("items", "promises") for row in given.get(name, [])}
    named |= {row["payer_id"] for name in ("notices", "responses") for row in given.get(name, [])}
    known = {row["account_id"]: row for row in given.pop("accounts", [])}
    accounts = [
        {"account_id": each, "entity_id": 1, "intercompany": False} | known.get(each, {})
        for each in sorted(named | set(known))
    ]
    paid: dict[int, int] = {}
    for row in given.get("moves", []):
        paid[row["item_id"]] = paid.get(row["item_id"], 0) + row["less_minor"]
    for row in given.get("items", []):
        row.setdefault("open_minor", row["amount_minor"] - paid.get(row["item_id"], 0))
    return History.of(day(begins), accounts=accounts, **given)


def only(frame: pl.DataFrame) -> Row:
    """The one row of a frame."""
    (row,) = frame.to_dicts()
    return row
