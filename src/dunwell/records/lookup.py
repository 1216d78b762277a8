"""What is kept of the accounts and items that a file names: for imports, which know them by number and not by id."""

import json
from collections.abc import Sequence
from typing import Final

import polars as pl
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from dunwell.engine.book import DEBTOR_CLASSES, Currency, Kind
from dunwell.records.connect import is_postgresql
from dunwell.records.models import Item
from dunwell.records.wire import Column, listed, read

ACCOUNTS: Final = {
    "account_id": ("t.id", pl.Int64()),
    "entity_id": ("t.entity_id", pl.Int32()),
    "account": ("t.code", pl.String()),
    "name": ("t.name", pl.String()),
    "segment": ("t.segment", pl.String()),
    "country": ("t.country", pl.String()),
    "language": ("t.language", pl.String()),
    "time_zone": ("t.time_zone", pl.String()),
    "debtor_class": ("t.debtor_class", pl.Enum(DEBTOR_CLASSES)),
    "customer_since_on": ("t.customer_since_on", pl.Date()),
    "legal": ("t.legal", pl.Boolean()),
    "intercompany": ("t.intercompany", pl.Boolean()),
    "max_stage": ("t.max_stage", pl.String()),
    "attributes": ("CAST(t.attributes AS TEXT)", pl.String()),
}
CONTACTS: Final = {
    "contact_id": ("t.id", pl.Int64()),
    "account_id": ("t.account_id", pl.Int64()),
    "contact": ("t.name", pl.String()),
    "email": ("t.email", pl.String()),
    "phone": ("t.phone", pl.String()),
    "address": ("t.address_lines", pl.String()),
}
# Money that Dunwell itself applied to the item, or out of it where it is a credit.
APPLIED: Final = (
    "(SELECT coalesce(sum(a.amount_minor), 0) FROM records_allocation a WHERE a.item_id = t.id AND NOT a.pending)"
    " + (SELECT coalesce(sum(a.amount_minor), 0) FROM records_allocation a"
    " WHERE a.source_item_id = t.id AND NOT a.pending)"
)
# What Dunwell's payments for the item paid first of what was charged on it: to its source, it is paid of the item.
ON_CHARGES: Final = (
    "(SELECT coalesce(sum(a.amount_minor), 0) FROM records_allocation a WHERE a.for_item_id = t.id AND NOT a.pending)"
)
ITEMS: Final = {
    "item_id": ("t.id", pl.Int64()),
    "account_id": ("t.account_id", pl.Int64()),
    "entity_id": ("t.entity_id", pl.Int32()),
    "number": ("t.number", pl.String()),
    "kind": ("t.kind", Kind),
    "currency": ("t.currency", Currency),
    "issued_on": ("t.issued_on", pl.Date()),
    "due_on": ("t.due_on", pl.Date()),
    "amount_minor": ("t.amount_minor", pl.Int64()),
    "open_minor": ("t.open_minor", pl.Int64()),
    "applied_minor": (APPLIED, pl.Int64()),
    "on_charges_minor": (ON_CHARGES, pl.Int64()),
    "source_open_minor": ("t.source_open_minor", pl.Int64()),
    "item_max_stage": ("t.max_stage", pl.String()),
    "interest_from_on": ("t.interest_from_on", pl.Date()),
    "discount_minor": ("t.discount_minor", pl.Int64()),
    "discount_until_on": ("t.discount_until_on", pl.Date()),
    "pending_notice_id": ("s.pending_notice_id", pl.Int64()),
    "attributes": ("CAST(t.attributes AS TEXT)", pl.String()),
}
# What a whole export would name: not what Dunwell itself has charged, or taken in from a bank.
NAMED_BY_SOURCES: Final = (
    f"t.closed_on IS NULL AND t.open_minor > {ON_CHARGES} AND NOT t.draft AND t.parent_id IS NULL"
    " AND NOT (t.number = '')"
    " AND NOT EXISTS (SELECT 1 FROM records_payment p WHERE p.item_id = t.id AND NOT (p.external_id = ''))"
)
OPEN: Final = {
    "item_id": ("t.id", pl.Int64()),
    "account_id": ("t.account_id", pl.Int64()),
    "entity_id": ("t.entity_id", pl.Int32()),
    "kind": ("t.kind", Kind),
    "currency": ("t.currency", Currency),
    "open_minor": (f"t.open_minor - {ON_CHARGES}", pl.Int64()),  # as its source would say
    "on_charges_minor": (ON_CHARGES, pl.Int64()),
}
TOTALS: Final = {
    "entity_id": pl.Int32(),
    "currency": Currency,
    "kind": Kind,
    "items": pl.Int64(),
    "open_minor": pl.Int64(),
}


def accounts_of(entity_ids: Sequence[int]) -> pl.DataFrame:
    """Read every account of these entities, with its custom attributes as JSON text: the columns of ACCOUNTS."""
    return read(
        _columns(ACCOUNTS), f"FROM records_account t WHERE t.entity_id IN {_texts()}", [json.dumps(_words(entity_ids))]
    )


def first_contacts_of(entity_ids: Sequence[int]) -> pl.DataFrame:
    """Read the first contact of every account of these entities that has one: the columns of CONTACTS."""
    first = (
        "SELECT min(c.id) FROM records_contact c JOIN records_account a ON a.id = c.account_id"
        f" WHERE a.entity_id IN {_texts()} GROUP BY c.account_id"
    )
    return read(_columns(CONTACTS), f"FROM records_contact t WHERE t.id IN ({first})", [json.dumps(_words(entity_ids))])


def items_numbered(entity_id: int, numbers: pl.Series) -> pl.DataFrame:
    """Read the items of an entity that have one of these numbers, settled ones too: the columns of ITEMS.

    `applied_minor` is what Dunwell's own allocations have applied to the item, or out of it, `on_charges_minor` what
    was paid for it and went first to what was charged on it.
    """
    tail = (
        "FROM records_item t LEFT JOIN records_itemstate s ON s.item_id = t.id"
        f" WHERE t.entity_id = %s AND NOT (t.number = '') AND t.number IN {_texts(is_text=True)}"
    )
    return read(_columns(ITEMS), tail, [entity_id, json.dumps(numbers.unique().to_list())])


def came_settled(item_ids: Sequence[int]) -> pl.DataFrame:
    """Read when claims were settled that came settled, and of which no ledger tells: item_id, amount_minor, on."""
    ids, value = listed(item_ids)
    columns = [
        Column("item_id", "t.id", pl.Int64()),
        Column("amount_minor", "t.amount_minor - t.open_minor", pl.Int64()),
        Column("on", "t.closed_on", pl.Date()),
    ]
    tail = (
        f"FROM {ids} JOIN records_item t ON t.id = listed.id"
        " WHERE t.closed_on IS NOT NULL AND t.kind NOT IN ('credit', 'payment')"
        " AND NOT EXISTS (SELECT 1 FROM records_allocation a WHERE a.item_id = t.id)"
        " AND NOT EXISTS (SELECT 1 FROM records_paidelsewhere p WHERE p.item_id = t.id)"
    )
    return read(columns, tail, [value])


def open_items_of(entity_ids: Sequence[int], kinds: Sequence[str]) -> pl.DataFrame:
    """Read the open items of these kinds that sources name: the columns of OPEN, of claims and credits alike.

    `open_minor` is what a source would say that is open, `on_charges_minor` what more is open here.
    """
    return read(_columns(OPEN), *_named_by_sources(entity_ids, kinds))


def named_totals(entity_ids: Sequence[int], kinds: Sequence[str]) -> pl.DataFrame:
    """Count and sum the open items of these kinds that sources name, as these would: the columns of TOTALS."""
    return _totals(*_named_by_sources(entity_ids, kinds))


def numbers_of(item_ids: Sequence[int]) -> pl.DataFrame:
    """Read what some items are called: item_id, number."""
    ids, value = listed(item_ids)
    columns = [Column("item_id", "t.id", pl.Int64()), Column("number", "t.number", pl.String())]
    return read(columns, f"FROM {ids} JOIN records_item t ON t.id = listed.id", [value])


def parents_of(entity_ids: Sequence[int]) -> pl.DataFrame:
    """Read for which accounts of these entities another one pays: account_id, parent_id."""
    columns = [Column("account_id", "t.id", pl.Int64()), Column("parent_id", "t.parent_id", pl.Int64())]
    tail = f"FROM records_account t WHERE t.parent_id IS NOT NULL AND t.entity_id IN {_texts()}"
    return read(columns, tail, [json.dumps(_words(entity_ids))])


def numbered(entity_id: int, number: str) -> QuerySet[Item]:
    """The items of an entity that have a number, settled ones too: one a kind at most."""
    # The condition is that of the index, word for word: as a parameter, SQLite would not know it.
    sql = "SELECT id FROM records_item t WHERE t.entity_id = %s AND t.number = %s AND NOT (t.number = '')"
    return Item.objects.filter(pk__in=RawSQL(sql, [entity_id, number]))  # noqa: S611  # constant but for its parameters


def charges_numbered(entity_id: int, numbers: pl.Series) -> list[str]:
    """Those of these numbers that charges of an entity have, settled ones too."""
    tail = (
        "FROM records_item t WHERE t.entity_id = %s AND t.kind = 'charge'"
        f" AND NOT (t.number = '') AND t.number IN {_texts(is_text=True)}"
    )
    found = read([Column("number", "t.number", pl.String())], tail, [entity_id, json.dumps(numbers.to_list())])
    return found["number"].to_list()


def open_totals(entity_ids: Sequence[int]) -> pl.DataFrame:
    """Count and sum what is open, as sources would: the columns of TOTALS, one row per entity, currency and kind."""
    where = f"t.entity_id IN {_texts()} AND t.closed_on IS NULL AND t.open_minor > {ON_CHARGES}"
    return _totals(f"FROM records_item t WHERE {where}", [json.dumps(_words(entity_ids))])


def _totals(tail: str, params: Sequence[str]) -> pl.DataFrame:
    sql = ("t.entity_id", "t.currency", "t.kind", "count(*)", f"sum(t.open_minor - {ON_CHARGES})")
    columns = [Column(name, each, dtype) for each, (name, dtype) in zip(sql, TOTALS.items(), strict=True)]
    return read(columns, f"{tail} GROUP BY {', '.join(sql[:3])}", params)


def _named_by_sources(entity_ids: Sequence[int], kinds: Sequence[str]) -> tuple[str, list[str]]:
    of_kinds = f"t.kind IN {_texts(is_text=True)}"
    tail = f"FROM records_item t WHERE t.entity_id IN {_texts()} AND {of_kinds} AND {NAMED_BY_SOURCES}"
    return tail, [json.dumps(_words(entity_ids)), json.dumps(list(kinds))]


def _columns(described: dict[str, tuple[str, pl.DataType]]) -> list[Column]:
    return [Column(name, sql, dtype) for name, (sql, dtype) in described.items()]


def _words(ids: Sequence[int]) -> list[str]:
    return [str(each) for each in ids]


def _texts(*, is_text: bool = False) -> str:
    """SQL for the set of texts, or of numbers, in one parameter: a JSON list of texts."""
    if is_postgresql():
        return f"(SELECT {'value' if is_text else 'value::int'} FROM json_array_elements_text(%s::json))"
    return f"(SELECT {'value' if is_text else 'CAST(value AS INTEGER)'} FROM json_each(%s))"
