"""The parts of an import that write whom items are of: entities, attribute types, accounts with their contacts."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Self

import polars as pl

from dunwell.engine.book import ATTRIBUTE_TYPES
from dunwell.engine.documents import hint
from dunwell.flows.errors import Invalid
from dunwell.records import bulk, frames, lookup
from dunwell.records.models import Account, AttributeType, Contact, Entity
from dunwell.records.stage import stage
from dunwell.sources.accounts import CONTACT, account_fields
from dunwell.sources.changes import Changes, account_changes, decoded
from dunwell.sources.items import ItemFile, nothing_in
from dunwell.sources.mapping import EntityDetails, Mapping
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE

CONTACT_COLUMNS: Final = {"contact_id": "id", "contact": "name", "address": "address_lines"}
IDS: Final = ("account_id", "entity_id", "account")
NEVER_NULL: Final = {"name": "", "legal": False, "intercompany": False}


@dataclass(frozen=True, kw_only=True)
class Saved:
    """How many rows an import added, changed and left as they were."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    by_entity: dict[int, dict[str, int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of_changes(cls, changes: Changes) -> Self:
        """Count the rows that were added and changed."""
        by_entity: dict[int, dict[str, int]] = {}
        for name, rows in {"added": changes.added, "changed": changes.changed}.items():
            for entity_id, n in rows.group_by("entity_id").len().iter_rows():
                by_entity.setdefault(entity_id, {})[name] = n
        return cls(
            added=changes.added.height,
            changed=changes.changed.height,
            unchanged=changes.unchanged,
            by_entity=by_entity,
        )

    def __add__(self, other: "Saved") -> "Saved":
        by_entity = {pk: dict(counts) for pk, counts in self.by_entity.items()}
        for pk, counts in other.by_entity.items():
            own = by_entity.setdefault(pk, {})
            for name, n in counts.items():
                own[name] = own.get(name, 0) + n
        return Saved(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            by_entity=by_entity,
        )

    def of(self, entity_id: int, what: str = "items") -> dict[str, int]:
        """The counts of one entity, named for the audit."""
        own = self.by_entity.get(entity_id, {})
        return {f"{what}_{name}": own.get(name, 0) for name in ("added", "changed")}


def save_entities(read: ItemFile, mapping: Mapping, problems: Problems) -> tuple[list[Entity], int]:
    """Find the entities of a file, add the new ones, and lock them all: imports of one entity follow each other.

    A new one is as the mapping's `entities` says; without that its name is its code, its currency that of most items.
    Errors: SourceError where the mapping refuses new ones, or no row tells of one.
    """
    codes = read.entities["entity"].to_list()
    if mapping.unknown_entities == "refuse":
        known = [*Entity.objects.values_list("code", flat=True), *mapping.entities]
        strange = read.accounts.filter(~pl.col("entity").is_in(known)).group_by("entity").agg(pl.col(LINE).min())
        problems.add_rows(
            strange.select(LINE, "entity"),
            mapping.label("entity"),
            lambda code: f"there is no entity {shown(code)} in the book{hint(code, known)}, and the mapping adds none",
        )
        problems.refuse()
    if not read.parts.height and not Entity.objects.filter(code__in=codes).exists():
        problems.add(mapping.header, "", nothing_in(read.rows, mapping))
        problems.refuse()
    added = 0
    for code, _rows, currency in read.entities.iter_rows():
        details = mapping.entities.get(code, EntityDetails())
        defaults = {
            "name": details.name or code,
            "currency": details.currency or currency,
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


def save_accounts(
    accounts: pl.DataFrame, entities: list[Entity], mapping: Mapping, problems: Problems
) -> tuple[Saved, pl.DataFrame, pl.Series]:
    """Add and change accounts and their first contacts.

    Returns what was done, `entity, account` by their ids, and the ids of the accounts that are new or changed.
    Errors: SourceError where the mapping refuses new ones.
    """
    codes = entity_codes(entities)
    accounts = accounts.join(codes, on="entity", maintain_order="left")
    entity_ids = [each.pk for each in entities]
    known = lookup.accounts_of(entity_ids)
    # What vanished may be of any account.
    concerned = known.join(accounts, on=["entity_id", "account"], how="semi") if mapping.vanished == "keep" else known
    frames.lock_payers(concerned["account_id"])
    book = decoded(known, attribute_types(mapping, "account"))
    told = account_fields(mapping, accounts.columns)
    changes = account_changes(accounts, book, [name for name in told if name not in CONTACT])
    if mapping.unknown_accounts == "refuse":
        _refuse(changes.added, mapping, problems)
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
    return Saved.of_changes(changes), ids, pl.concat([added["account_id"], changes.changed["account_id"]])


def _refuse(unknown: pl.DataFrame, mapping: Mapping, problems: Problems) -> None:
    problems.add_rows(
        unknown.select(LINE, "account", "entity"),
        mapping.label("account"),
        lambda account, entity: f"{entity} has no account {shown(account)} in the book, and the mapping adds none",
    )
    problems.refuse()


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


def entity_codes(entities: list[Entity]) -> pl.DataFrame:
    """The entities as a frame of `entity_id, entity`."""
    rows = [(each.pk, each.code) for each in entities]
    return pl.DataFrame(rows, {"entity_id": pl.Int32, "entity": pl.String}, orient="row")


def attribute_types(mapping: Mapping, subject: str) -> dict[str, pl.DataType]:
    """The types of the mapping's custom attributes of accounts, or of items."""
    return {name: ATTRIBUTE_TYPES[each.type] for name, each in mapping.attributes.items() if each.of == subject}
