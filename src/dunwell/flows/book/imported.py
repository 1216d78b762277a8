"""The parts of an import that write: entities, attribute types, accounts with their contacts, and items."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.book import ATTRIBUTE_TYPES
from dunwell.flows.errors import Invalid
from dunwell.records import bulk, frames, lookup
from dunwell.records.models import Account, AttributeType, Contact, Entity, Item, Payment
from dunwell.records.stage import stage
from dunwell.sources.accounts import CONTACT, account_fields
from dunwell.sources.changes import Changes, account_changes, decoded, item_changes
from dunwell.sources.csv import LINE
from dunwell.sources.mapping import EntityDetails, Mapping
from dunwell.sources.problems import Problems

CONTACT_COLUMNS: Final = {"contact_id": "id", "contact": "name", "address": "address_lines"}
IDS: Final = ("account_id", "entity_id", "account")
NEVER_NULL: Final = {"name": "", "legal": False, "intercompany": False}
ITEM_COLUMNS: Final = (
    "entity_id", "account_id", "number", "kind", "currency", "issued_on", "due_on", "amount_minor", "open_minor",
    "source_open_minor", "closed_on",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Saved:
    """How many rows an import added, changed and left as they were."""

    added: int
    changed: int
    unchanged: int
    warnings: tuple[str, ...] = ()
    put_off: tuple[int, ...] = ()  # items that are due later now
    by_entity: dict[int, dict[str, int]] = field(default_factory=dict, repr=False)

    def of(self, entity_id: int, what: str = "items") -> dict[str, int]:
        """The counts of one entity, named for the audit."""
        own = self.by_entity.get(entity_id, {})
        return {f"{what}_{name}": own.get(name, 0) for name in ("added", "changed")}


def save_entities(items: pl.DataFrame, mapping: Mapping) -> tuple[list[Entity], int]:
    """Find the entities of a file, add the new ones, and lock them all: imports of one entity follow each other.

    A new one is as the mapping's `entities` says; without that its name is its code, its currency that of most items.
    """
    codes = items["entity"].unique(maintain_order=True).to_list()
    added = 0
    for code in codes:
        details = mapping.entities.get(code, EntityDetails())
        used = items.filter(pl.col("entity") == code)["currency"].cast(pl.String)
        defaults = {
            "name": details.name or code,
            "currency": details.currency or str(used.mode().min()),
            "country": details.country,
            "language": details.language,
            "time_zone": details.time_zone,
        }
        _entity, is_new = Entity.objects.get_or_create(code=code, defaults=defaults)
        added += is_new
    return list(Entity.objects.filter(code__in=codes).order_by("code").select_for_update(no_key=True)), added


def save_attribute_types(mapping: Mapping, source: str) -> None:
    """Declare the mapping's attributes. Errors: Invalid for one that is of another type already."""
    for name, attribute in mapping.attributes.items():
        known, _created = AttributeType.objects.get_or_create(
            subject=attribute.of, name=name, defaults={"type": attribute.type}
        )
        if known.type != attribute.type:
            raise Invalid(f"{source}: attributes.{name}: it is of type {known.type} in the book, not {attribute.type}")
        if other := AttributeType.objects.filter(name=name).exclude(type=attribute.type).first():
            raise Invalid(
                f"{source}: attributes.{name}: on {other.subject}s it is of type {other.type},"
                f" and policies know one attr_{name}: give this one another name"
            )


def save_accounts(accounts: pl.DataFrame, entities: list[Entity], mapping: Mapping) -> tuple[Saved, pl.DataFrame]:
    """Add and change accounts and their first contacts; return what was done, and `entity, account` by their ids."""
    codes = entity_codes(entities)
    accounts = accounts.join(codes, on="entity", maintain_order="left")
    entity_ids = [each.pk for each in entities]
    known = lookup.accounts_of(entity_ids)
    frames.lock_payers(known.join(accounts, on=["entity_id", "account"], how="semi")["account_id"])
    book = decoded(known, _types(mapping, "account"))
    told = account_fields(mapping, accounts.columns)
    changes = account_changes(accounts, book, [name for name in told if name not in CONTACT])
    added = changes.added.with_columns(account_id=bulk.allocate_ids(Account, changes.added.height))
    rows = added.select("account_id", "entity_id", "account", *(name for name in told if name not in CONTACT))
    texts = {name: value for name, value in NEVER_NULL.items() if name in rows.columns}
    filled = rows.with_columns(pl.col(name).fill_null(value) for name, value in texts.items())
    bulk.insert(Account, bulk.with_attributes(filled).rename({"account_id": "id", "account": "code"}))
    if not changes.changed.is_empty():
        bulk.save({"accounts": changes.changed.drop("entity_id")}, on=date.min)
    ids = pl.concat([book.select(IDS), added.select(IDS)]).join(codes, on="entity_id")
    if contact_fields := [name for name in told if name in CONTACT]:
        _save_contacts(accounts.join(ids, on=["entity_id", "entity", "account"]), entity_ids, contact_fields)
    return _saved(changes, added), ids


def _save_contacts(accounts: pl.DataFrame, entity_ids: list[int], fields: list[str]) -> None:
    """Keep what the file says of how to reach its accounts in each account's first contact."""
    told = accounts.filter(pl.any_horizontal(pl.col(fields).is_not_null())).select("account_id", *fields)
    both = told.join(lookup.first_contacts_of(entity_ids), on="account_id", how="left", suffix="_book")
    filled = both.with_columns(pl.coalesce(name, f"{name}_book").fill_null("") for name in fields)
    is_new = pl.col("contact_id").is_null()
    new = filled.filter(is_new).select("account_id", *fields)
    bulk.insert(Contact, new.rename(CONTACT_COLUMNS, strict=False))
    differs = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_book") for name in fields)
    changed = filled.filter(~is_new & differs).select("contact_id", *fields)
    if not changed.is_empty():
        stage(Contact, changed.rename(CONTACT_COLUMNS, strict=False), ["id"]).update()


def save_items(items: pl.DataFrame, mapping: Mapping, problems: Problems, *, on: date) -> Saved:
    """Add and change items that have their `entity_id` and `account_id`. Errors: SourceError."""
    attributes = [f"attr_{name}" for name, attribute in mapping.attributes.items() if attribute.of == "item"]
    types = _types(mapping, "item")
    found = [lookup.items_numbered(key[0], rows["number"]) for key, rows in items.group_by("entity_id")]
    changes = item_changes(items, decoded(pl.concat(found), types), mapping, problems)
    problems.refuse()
    _insert_items(changes.added.sort("account_id", LINE), attributes, on=on)
    if not changes.changed.is_empty():
        bulk.save({"items": changes.changed.drop(LINE, "entity_id")}, on=on)
    if not changes.told.is_empty():
        stage(Item, changes.told.rename({"item_id": "id"}), ["id"]).update()
    return _saved(changes, changes.added)


def _insert_items(added: pl.DataFrame, attributes: list[str], *, on: date) -> None:
    """Add items of level 0 in order of their account; those of which nothing is open are closed."""
    settled = pl.when(pl.col("open_minor") == 0).then(pl.lit(on))
    rows = added.with_columns(item_id=bulk.allocate_ids(Item, added.height), closed_on=settled)
    own = rows.select(*ITEM_COLUMNS, *attributes, id="item_id")
    bulk.insert(Item, bulk.with_attributes(own))
    money = rows.filter(pl.col("kind") == "payment")
    received = pl.coalesce("issued_on", pl.lit(on))
    bulk.insert(Payment, money.select("item_id", "entity_id", received_on=received))


def entity_codes(entities: list[Entity]) -> pl.DataFrame:
    """The entities as a frame of `entity_id, entity`."""
    rows = [(each.pk, each.code) for each in entities]
    return pl.DataFrame(rows, {"entity_id": pl.Int32, "entity": pl.String}, orient="row")


def _types(mapping: Mapping, subject: str) -> dict[str, pl.DataType]:
    return {name: ATTRIBUTE_TYPES[each.type] for name, each in mapping.attributes.items() if each.of == subject}


def _saved(changes: Changes, added: pl.DataFrame) -> Saved:
    by_entity: dict[int, dict[str, int]] = {}
    for name, rows in {"added": added, "changed": changes.changed}.items():
        for entity_id, n in rows.group_by("entity_id").len().iter_rows():
            by_entity.setdefault(entity_id, {})[name] = n
    return Saved(
        added=added.height,
        changed=changes.changed.height,
        unchanged=changes.unchanged,
        warnings=changes.warnings,
        put_off=changes.put_off,
        by_entity=by_entity,
    )
