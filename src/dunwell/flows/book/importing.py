"""Import a file of items: all of it in one transaction, or nothing and every reason why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import polars as pl
from django.db import transaction
from django.db.models import Q

from dunwell.flows import policies
from dunwell.flows.book import odd, vanished
from dunwell.flows.book.customers import AccountsReport, import_accounts
from dunwell.flows.book.elsewhere import Elsewhere
from dunwell.flows.book.imported import Saved, entity_codes, save_accounts, save_attribute_types, save_entities
from dunwell.flows.book.items import ItemsWriter
from dunwell.flows.book.tables import read_from, read_table, refusing
from dunwell.flows.book.vanished import Export, Vanished
from dunwell.flows.cash.waived import waive_after_import
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.lastlook import STILL_HERE, look_again
from dunwell.flows.runs.proposal import book_changed
from dunwell.records import audit, frames, lookup
from dunwell.records.models import Entity, NoticeLine, NoticeState
from dunwell.sources.items import GROUP, ItemFile, read_items
from dunwell.sources.mapping import ItemMapping
from dunwell.sources.problems import Problems
from dunwell.sources.rows import nothing_in


@dataclass(frozen=True, kw_only=True)
class ControlTotal:
    """What is open of one entity, currency and kind: in the file, and in the book after the import.

    `rounding` is what rounding added to the file's amounts, in units of the currency. The book also holds
    what the file does not name.
    """

    entity: str
    currency: str
    kind: str
    file_items: int
    file_minor: int
    book_items: int
    book_minor: int
    rounding: Decimal


@dataclass(frozen=True, kw_only=True)
class ImportReport(AccountsReport):
    """What an import of items did. `vanished`: None where the mapping keeps what a file does not name."""

    items: Saved
    vanished: Vanished | None
    totals: tuple[ControlTotal, ...]


def import_file(
    path: Path,
    mapping_path: Path,
    *,
    by: str,
    at: datetime,
    on: date,
    force: bool = False,
    progress: Progress = untold,
) -> AccountsReport:
    """Bring the book to what a table of items, or of accounts, says: its mapping tells which it is."""
    if isinstance(read_from(mapping_path), ItemMapping):
        return import_items(path, mapping_path, by=by, at=at, on=on, force=force, progress=progress)
    if force:
        raise Invalid(
            "--force is about open items that a file does not name, and this one is of accounts: leave it out"
        )
    return import_accounts(path, mapping_path, by=by, at=at, on=on, progress=progress)


def import_items(
    path: Path,
    mapping_path: Path,
    *,
    by: str,
    at: datetime,
    on: date,
    force: bool = False,
    progress: Progress = untold,
) -> ImportReport:
    """Bring the book to what a table of items says; the same file again changes nothing.

    Items are known by entity, number and kind, accounts by entity and number. New items are open, at level 0 unless the
    mapping seeds them. Changed amounts, open amounts, dates and attributes are taken over; rows that say what the book
    says are not written. Levels, holds, disputes and promises are never touched, and items that the file does not name
    stay, unless the mapping says that they are `vanished`.
    A proposal that nobody has posted is superseded where something changed. Money that Dunwell applied itself stays
    applied: see `sources.changes.item_changes`. An account's email, phone and
    address are those of its first contact. `on` closes what has nothing open any more; `at` is the audit's instant.
    `force` takes a file as it is although it does not name more than half of what is open, or turns its sign.

    Errors: NotFound for a file that is not there; Invalid with up to 50 problems, each with line and column.
    """
    mapping = read_from(mapping_path)
    if not isinstance(mapping, ItemMapping):
        raise Invalid(f"{mapping_path.name} is of accounts, and these are items")
    read, digest = read_table(path, partial(read_items, path, mapping), progress)
    with refusing(path), transaction.atomic():
        importing = _Importing(read, mapping, Problems(path.name), digest=digest, by=by, at=at, on=on)
        return importing.write(mapping_path.name, force=force, progress=progress)


class _Importing:
    """One file on its way into the book, within a transaction."""

    def __init__(
        self, read: ItemFile, mapping: ItemMapping, problems: Problems, *, digest: str, by: str, at: datetime, on: date
    ) -> None:
        self.read = read
        self.mapping = mapping
        self.problems = problems
        self.digest = digest
        self.by = by
        self.at = at
        self.on = on

    def write(self, mapping_name: str, *, force: bool, progress: Progress) -> ImportReport:
        """Write everything, and tell what was done. Errors: SourceError; Invalid."""
        read, mapping = self.read, self.mapping
        progress("writing accounts")
        self._require_something()
        entities, entities_added = save_entities(read.entities, read.accounts, mapping, self.problems)
        pks = [entity.pk for entity in entities]
        save_attribute_types(mapping, mapping_name)
        kinds = sorted({*mapping.kinds, *read.totals["kind"].cast(pl.String)})
        before = lookup.named_totals(pks, kinds)
        accounts, ids, touched = save_accounts(
            read.accounts, entities, mapping, self.problems, locks_all=mapping.vanished != "keep"
        )
        elsewhere = Elsewhere(entities, on=self.on, by=self.by, at=self.at)
        writer = ItemsWriter(mapping, self.problems, stages=self._stages(entities), elsewhere=elsewhere, on=self.on)
        progress("writing items")
        done = 0
        for part in read.parts:
            writer.write(part.join(ids, on=["entity", "account"], maintain_order="left"))
            done += part.height
            if done < read.parts.height:
                progress("writing items", done, read.parts.height)
        self.problems.refuse()
        writer.seed_contacts(ids, pks)
        less = {item_id for ids in writer.lowered for item_id in ids}
        export = Export(
            file=self.problems.source, digest=self.digest, kinds=kinds, named=pl.concat(writer.named), before=before
        )
        turned, warning = self._turn(entities, writer, elsewhere, export, force=force)
        gone, settled = self._vanish(entities, elsewhere, export, force=force)
        settled |= turned
        elsewhere.keep()
        found = [odd.of_names(read.several_names, ids, touched), odd.of_items(read, writer, ids)]
        tasks = odd.open_tasks(pl.concat(found), file=self.problems.source, on=self.on)
        self._audit(entities, accounts, writer.saved, gone)
        for entity in entities:
            changed = accounts.of(entity.pk, "accounts") | writer.saved.of(entity.pk)
            if any(changed.values()) or settled:
                book_changed(entity, "the book was changed by an import")
            waived = waive_after_import(entity, on=self.on, by=self.by, at=self.at)
            _look_again(entity, writer.put_off, less | settled | waived, by=self.by, at=self.at)
        return ImportReport(
            file=self.problems.source,
            digest=self.digest,
            rows=read.rows,
            left_out=read.left_out,
            entities_added=entities_added,
            accounts=accounts,
            items=writer.saved,
            vanished=gone,
            tasks=tasks,
            totals=_totals(read.totals, entities),
            warnings=(*read.warnings, *writer.warnings(), *warning),
        )

    def _require_something(self) -> None:
        """Refuse a file without items of an entity that the book does not have. Errors: SourceError."""
        codes = self.read.entities["entity"].to_list()
        if not self.read.parts.height and not Entity.objects.filter(code__in=codes).exists():
            self.problems.add(self.mapping.header, "", nothing_in(self.read.rows, self.mapping))
            self.problems.refuse()

    def _stages(self, entities: list[Entity]) -> dict[int, dict[str, int]]:
        """The stages that an item can be at, by entity, with their level: that of the first policy that has them."""
        if self.mapping.stage is None:
            return {}
        found: dict[int, dict[str, int]] = {}
        for entity in entities:
            in_force = policies.parsed(policies.versions_in_force(entity))
            levels = found.setdefault(entity.pk, {})
            for policy in sorted(in_force, key=lambda each: each.priority):
                for level, each in enumerate(policy.stages, 1):
                    levels.setdefault(each.stage, level)
        return found

    def _turn(
        self, entities: list[Entity], writer: ItemsWriter, elsewhere: Elsewhere, export: Export, *, force: bool
    ) -> tuple[set[int], list[str]]:
        """Settle what turned from a claim into a credit, or back; return its ids, and a warning. Errors: Invalid."""
        turned = pl.concat(writer.turned).join(export.named.to_frame("item_id"), on="item_id", how="anti")
        if not force:
            vanished.require_signs(turned, entities, export)
        warning = vanished.turn(turned, entities, export, elsewhere, by=self.by, at=self.at)
        return set(turned["item_id"]), warning

    def _vanish(
        self, entities: list[Entity], elsewhere: Elsewhere, export: Export, *, force: bool
    ) -> tuple[Vanished | None, set[int]]:
        """Settle or show what a whole export does not name; return the ids of what was settled. Errors: Invalid."""
        if self.mapping.vanished == "keep":
            return None, set()
        found = vanished.find(entities, export)
        if not force:
            vanished.require_whole(found, entities, export)
        if self.mapping.vanished == "flag":
            return vanished.flag(found, entities, export, by=self.by, at=self.at, on=self.on), set()
        done = vanished.settle(found, entities, export, elsewhere, by=self.by, at=self.at, on=self.on)
        return done, set(found["item_id"])

    def _audit(self, entities: list[Entity], accounts: Saved, items: Saved, gone: Vanished | None) -> None:
        """Tell, for each entity, what an import changed, also when that is nothing: its data are fresh."""
        rows = dict(self.read.entities.select("entity", "rows").iter_rows())
        for entity in entities:
            counts = items.of(entity.pk) | accounts.of(entity.pk, "accounts")
            if gone:
                counts["items_vanished"] = gone.by_entity.get(entity.pk, 0)
            audit.record(
                self.by,
                "items.imported",
                entity,
                at=self.at,
                entity_id=entity.pk,
                file=self.problems.source,
                digest=self.digest,
                rows=rows[entity.code],
                **counts,
            )


def _look_again(entity: Entity, put_off: Sequence[int], less: Collection[int], *, by: str, at: datetime) -> None:
    """Take items that are due later now, or of which less is open, off the notices that wait to be sent."""
    moved = set(put_off)
    touched = moved | set(less)
    if not touched:
        return
    waiting = Q(notice__state=NoticeState.POSTED) | Q(notice__deliveries__state__in=STILL_HERE)
    lines = NoticeLine.objects.filter(waiting, notice__entity=entity).values_list("item", "notice__payer").distinct()
    if payers := {payer for item, payer in lines if item in touched}:
        today = local_day(entity, at)
        book = frames.account_book(frames.lock_payers(payers))
        look_again(entity, book, on=today, by=by, at=at, moved=moved)


def _totals(file: pl.DataFrame, entities: list[Entity]) -> tuple[ControlTotal, ...]:
    book = lookup.open_totals([each.pk for each in entities]).join(entity_codes(entities), on="entity_id")
    both = file.join(book, on=GROUP, how="full", coalesce=True, suffix="_book").sort(pl.col(GROUP).cast(pl.String))
    filled = both.with_columns(pl.selectors.numeric().fill_null(0))
    return tuple(
        ControlTotal(
            entity=row["entity"],
            currency=row["currency"],
            kind=row["kind"],
            file_items=row["items"],
            file_minor=row["open_minor"],
            book_items=row["items_book"],
            book_minor=row["open_minor_book"],
            rounding=Decimal(row["rounding"]).normalize(),
        )
        for row in filled.to_dicts()
    )
