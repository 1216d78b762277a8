"""The history of an entity's book, read as frames of one instant."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.book import NOTICE_STATES
from dunwell.engine.history import RESPONSES, SCHEMAS, History, dated_moves, moves_of
from dunwell.engine.steps.parties import payers
from dunwell.records.connect import snapshot
from dunwell.records.frames import attributes, column_of, filled
from dunwell.records.tables import BOOK
from dunwell.records.wire import Column, Select, Value, read_select

ITEMS: Final = (
    "t.entity_id = {entity} AND NOT t.draft"
    " AND (t.closed_on IS NULL OR t.closed_on >= {since} OR t.issued_on >= {since})"
)
OF_ITEMS: Final = f"(SELECT t.id FROM records_item t WHERE {ITEMS})"
WANTED: Final = {
    "accounts": "t.entity_id = {entity}",
    "items": ITEMS,
    "notices": f"t.entity_id = {{entity}} AND t.state IN {NOTICE_STATES} AND t.as_of >= {{since}}",
    "lines": "t.role = 'dunned' AND t.notice_id IN (SELECT id FROM records_notice n WHERE n.entity_id = {entity}"
    f" AND n.state IN {NOTICE_STATES} AND n.as_of >= {{since}})",
    "promises": "t.entity_id = {entity} AND t.by_on >= {since}",
    "disputes": f"t.item_id IN {OF_ITEMS}",
}
# What less is open of an item, of a payment too: by which table, under which column, which rows of it.
LEDGERS: Final = (
    ("records_allocation", "item_id", "NOT t.pending"),
    ("records_allocation", "source_item_id", "NOT t.pending"),
    ("records_paidelsewhere", "item_id", "true"),
)
CREDITS: Final = "(SELECT c.id FROM records_item c WHERE c.entity_id = {entity} AND c.kind = 'credit')"
# Of these, what was no money.
CREDITED: Final = (
    "records_allocation",
    "item_id",
    f"NOT t.pending AND t.source_item_id IN {CREDITS}",
)
# What was heard of an account, by kind: its account and day, and from where.
HEARD: Final = {
    "promise": ("t.account_id", "t.made_on", "records_promise t"),
    "dispute": ("i.account_id", "t.opened_on", "records_dispute t JOIN records_item i ON i.id = t.item_id"),
    "contact": ("t.account_id", 't."on"', "records_notedcontact t"),
}


def history(entity_id: int, *, since: date) -> History:
    """Read what happened to an entity's items from `since` on: those open then or issued later, and their moves.

    Sorted by the ids. Errors: BookError for an attribute that is not of its type.
    """
    values: dict[str, Value] = {"entity": entity_id, "since": since.isoformat()}
    with snapshot():
        found = {name: _read(name, where, values) for name, where in WANTED.items()}
        ledger = pl.concat([_ledger(*each, values) for each in LEDGERS])
        credited = _ledger(*CREDITED, values)
        heard = pl.concat([_heard(kind, values) for kind in RESPONSES])
    pays = payers(found["accounts"]).select("account_id", "payer_id")
    responses = heard.join(pays, on="account_id").select(list(SCHEMAS["responses"])).unique()
    return History.of(
        since,
        **found,
        moves=moves_of(found["items"], ledger),
        credited=dated_moves(found["items"], credited).sort("item_id", "on"),
        responses=responses.sort(pl.all()),
    )


def _read(name: str, where: str, values: Mapping[str, Value]) -> pl.DataFrame:
    columns = [column_of(name, column, dtype) for column, dtype in SCHEMAS[name].items()]
    frame = _selected([*columns, *attributes().get(name, ())], f"{BOOK[name].name} t", where, values)
    return frame.sort(frame.columns[:2] if name == "lines" else frame.columns[0])


def _ledger(table: str, column: str, where: str, values: Mapping[str, Value]) -> pl.DataFrame:
    """What less was open of the items in one column of a ledger."""
    columns = [
        Column("item_id", f"t.{column}", pl.Int64()),
        Column("on", 't."on"', pl.Date()),
        Column("less_minor", "t.amount_minor", pl.Int64()),
    ]
    return _selected(columns, f"{table} t", f"{where} AND t.{column} IN {OF_ITEMS}", values)


def _heard(kind: str, values: Mapping[str, Value]) -> pl.DataFrame:
    account, on, source = HEARD[kind]
    columns = [Column("account_id", account, pl.Int64()), Column("on", on, pl.Date())]
    found = _selected(columns, source, f"t.entity_id = {{entity}} AND {on} >= {{since}}", values)
    return found.with_columns(response=pl.lit(kind, dtype=SCHEMAS["responses"]["response"]))


def _selected(columns: Sequence[Column], source: str, where: str, values: Mapping[str, Value]) -> pl.DataFrame:
    return read_select(Select(columns, *filled(f"FROM {source} WHERE {where}", values)))
