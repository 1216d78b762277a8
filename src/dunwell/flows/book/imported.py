"""The parts of an import that write whom items are of: entities, attribute types, accounts with their contacts."""

from dataclasses import dataclass, field, replace
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
from dunwell.sources.mapping import EntityDetails, Table
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


def save_entities(
    entities: pl.DataFrame, accounts: pl.DataFrame, mapping: Table, problems: Problems
) -> tuple[list[Entity], int]:
    """Find the entities of a file, add the new ones, and lock them all: imports of one entity follow each other.

    `entities`: entity, rows, and currency, which is empty where nothing in the file is in one. A new one is as the
    mapping's `entities` says; without that its name is its code, its currency that of most items.
    Errors: SourceError where the mapping refuses new ones, or nothing tells the currency of one.
    """
    codes = entities["entity"].to_list()
    known = [*Entity.objects.values_list("code", flat=True), *mapping.entities]
    if mapping.unknown_entities == "refuse":
        refused, why = [code for code in codes if code not in known], "the mapping adds none"
    else:
        telling = [*known, *entities.filter(pl.col("currency") != "")["entity"]]
        refused, why = [code for code in codes if code not in telling], "nothing tells its currency: see `entities`"
    first = accounts.filter(pl.col("entity").is_in(refused)).group_by("entity").agg(pl.col(LINE).min())
    problems.add_rows(
        first.select(LINE, "entity"),
        mapping.label("entity"),
        lambda code: f"there is no entity {shown(code)} in the book{hint(code, known)}, and {why}",
    )
    problems.refuse()
    added = 0
    for code, _rows, currency in entities.iter_rows():
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


def save_attribute_types(mapping: Table, source: str) -> None:
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
    accounts: pl.DataFrame, entities: list[Entity], mapping: Table, problems: Problems, *, locks_all: bool = False
) -> tuple[Saved, pl.DataFrame, pl.Series]:
    """Add and change accounts and their first contacts. `locks_all`: also the accounts that the file does not name.

    Returns what was done, `entity, account` by their ids, and the ids of the accounts that are new or changed
    themselves, not in how they are reached.
    Errors: SourceError where the mapping refuses new ones.
    """
    codes = entity_codes(entities)
    accounts = accounts.join(codes, on="entity", maintain_order="left")
    entity_ids = [each.pk for each in entities]
    known = lookup.accounts_of(entity_ids)
    concerned = known if locks_all else known.join(accounts, on=["entity_id", "account"], how="semi")
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
    changed = changes.changed.select("account_id", "entity_id")
    if contact_fields := [name for name in told if name in CONTACT]:
        reached = _save_contacts(accounts.join(ids, on=["entity_id", "entity", "account"]), entity_ids, contact_fields)
        others = reached.join(pl.concat([added, changed], how="diagonal"), on="account_id", how="anti")
        changed = pl.concat([changed, others])
    counted = replace(changes, changed=changed, unchanged=accounts.height - added.height - changed.height)
    return Saved.of_changes(counted), ids, pl.concat([added["account_id"], changes.changed["account_id"]])


def _refuse(unknown: pl.DataFrame, mapping: Table, problems: Problems) -> None:
    problems.add_rows(
        unknown.select(LINE, "account", "entity"),
        mapping.label("account"),
        lambda account, entity: f"{entity} has no account {shown(account)} in the book, and the mapping adds none",
    )
    problems.refuse()


def _save_contacts(accounts: pl.DataFrame, entity_ids: list[int], fields: list[str]) -> pl.DataFrame:
    """Keep what the file says of how to reach its accounts in each account's first contact.

    Returns `account_id` and `entity_id` of those of which it says something new.
    """
    told = accounts.filter(pl.any_horizontal(pl.col(fields).is_not_null())).select("account_id", "entity_id", *fields)
    both = told.join(lookup.first_contacts_of(entity_ids), on="account_id", how="left", suffix="_book")
    filled = both.with_columns(pl.coalesce(name, f"{name}_book").fill_null("") for name in fields)
    is_new = pl.col("contact_id").is_null()
    differs = is_new | pl.any_horizontal(pl.col(name) != pl.col(f"{name}_book") for name in fields)
    new, changed = filled.filter(is_new), filled.filter(~is_new & differs)
    bulk.insert(Contact, new.select("account_id", *fields).rename(CONTACT_COLUMNS, strict=False))
    if not changed.is_empty():
        stage(Contact, changed.select("contact_id", *fields).rename(CONTACT_COLUMNS, strict=False), ["id"]).update()
    return pl.concat([new, changed]).select("account_id", "entity_id")


def entity_codes(entities: list[Entity]) -> pl.DataFrame:
    """The entities as a frame of `entity_id, entity`."""
    rows = [(each.pk, each.code) for each in entities]
    return pl.DataFrame(rows, {"entity_id": pl.Int32, "entity": pl.String}, orient="row")


def attribute_types(mapping: Table, subject: str) -> dict[str, pl.DataType]:
    """The types of the mapping's custom attributes of accounts, or of items."""
    return {name: ATTRIBUTE_TYPES[each.type] for name, each in mapping.attributes.items() if each.of == subject}
