"""Load the sample book, to try Dunwell on."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl
from django.db import models, transaction

from dunwell.engine.book import STATE
from dunwell.flows.errors import Conflict
from dunwell.records import audit, bulk
from dunwell.records import models as m
from dunwell.records.tables import BOOK
from dunwell.sources.sample.book import ATTRIBUTES, ENTITIES, Sample, sample_book

# Which columns hold an id, and of which table.
IDS: Final[dict[str, type[models.Model]]] = {
    "entity_id": m.Entity,
    "account_id": m.Account,
    "parent_id": m.Account,
    "payer_id": m.Account,
    "item_id": m.Item,
    "source_item_id": m.Item,
    "anchor_item_id": m.Item,
    "hold_id": m.Hold,
    "dispute_id": m.Dispute,
    "promise_id": m.Promise,
}
OWN_KEYS: Final = {
    m.Entity: "entities", m.Account: "accounts", m.Item: "items", m.Hold: "holds", m.Dispute: "disputes",
    m.Promise: "promises",
}  # fmt: skip


@dataclass(frozen=True)
class LoadedSample:
    """What the sample put into the book."""

    entities: tuple[str, ...]
    accounts: int
    items: int


def load_sample(
    *, seed: int, as_of: date, by: str, at: datetime, accounts: int = 2000, items: int = 12000
) -> LoadedSample:
    """Write the sample book as of a date, in one transaction. Errors: Conflict where its entities are there already."""
    sample = sample_book(seed=seed, as_of=as_of, accounts=accounts, items=items)
    codes = tuple(str(entity["entity"]) for entity in ENTITIES)
    with transaction.atomic():
        if present := sorted(m.Entity.objects.filter(code__in=codes).values_list("code", flat=True)):
            raise Conflict(f"the book has {', '.join(present)} already: load the sample into a book of its own")
        for subject, types in ATTRIBUTES.items():
            for name, kind in types.items():
                m.AttributeType.objects.get_or_create(subject=subject, name=name, defaults={"type": kind})
        _insert(sample)
        for entity in m.Entity.objects.filter(code__in=codes).order_by("code"):
            audit.record(by, "sample.loaded", entity, at=at, entity_id=entity.pk, seed=seed, as_of=as_of.isoformat())
    return LoadedSample(codes, sample.tables["accounts"].height, sample.tables["items"].height)


def _insert(sample: Sample) -> None:
    """Write every table with ids drawn for it, those first that others point to."""
    drawn = {model: bulk.allocate_ids(model, sample.tables[name].height) for model, name in OWN_KEYS.items()}
    tables = {name: _with_ids(rows, drawn) for name, rows in sample.tables.items()}
    states = tables["items"].filter(pl.col("version") > 0).select("item_id", *STATE)
    tables["items"] = tables["items"].drop(*STATE)
    tables["accounts"] = tables["accounts"].drop("channels")
    entity_of = dict(tables["accounts"].select("account_id", "entity_id").iter_rows())
    entity_of_item = dict(tables["items"].select("item_id", "entity_id").iter_rows())
    for name in ("holds", "disputes", "promises"):
        of_item = pl.col("item_id").replace_strict(entity_of_item, default=None) if name != "promises" else pl.lit(None)
        of_account = (
            pl.col("account_id").replace_strict(entity_of, default=None) if name != "disputes" else pl.lit(None)
        )
        tables[name] = tables[name].with_columns(entity_id=pl.coalesce(of_account, of_item).cast(pl.Int32))
    for name, rows in tables.items():
        bulk.insert(BOOK[name].model, bulk.with_attributes(rows).rename(BOOK[name].columns, strict=False))
    bulk.insert(m.ItemState, states)
    bulk.insert(m.Contact, _with_ids(sample.contacts, drawn))
    bulk.insert(m.Payment, _with_ids(sample.payments, drawn))


def _with_ids(rows: pl.DataFrame, drawn: dict[type[models.Model], pl.Series]) -> pl.DataFrame:
    """Put the drawn id in place of each id of the sample: the first for 1, and so on."""
    replaced = {}
    for name, model in IDS.items():
        if name in rows.columns:
            places = rows[name].cast(pl.Int64) - 1
            replaced[name] = drawn[model].gather(places).cast(rows.schema[name]).alias(name)
    return rows.with_columns(**replaced)
