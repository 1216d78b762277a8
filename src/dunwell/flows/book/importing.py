"""Import a file of items: all of it in one transaction, or nothing and every reason why."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import polars as pl
from django.db import transaction
from django.db.models import Q

from dunwell.engine.documents import DocumentError
from dunwell.flows.book.imported import (
    Saved,
    entity_codes,
    save_accounts,
    save_attribute_types,
    save_entities,
    save_items,
)
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.lastlook import STILL_HERE, look_again
from dunwell.flows.runs.proposal import book_changed
from dunwell.records import audit, frames, lookup
from dunwell.records.models import Entity, NoticeLine, NoticeState
from dunwell.sources.items import GROUP, ItemFile, read_items
from dunwell.sources.mapping import Mapping, read_mapping
from dunwell.sources.problems import Problems, SourceError


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
class ImportReport:
    """What an import did. `rows` were read, `left_out` by the mapping's `only`; `digest` is the file's SHA-256."""

    file: str
    digest: str
    rows: int
    left_out: int
    entities_added: int
    accounts: Saved
    items: Saved
    totals: tuple[ControlTotal, ...]
    warnings: tuple[str, ...]


def import_items(
    path: Path, mapping_path: Path, *, by: str, at: datetime, on: date, progress: Progress = untold
) -> ImportReport:
    """Bring the book to what a CSV of items says; the same file again changes nothing.

    Items are known by entity, number and kind, accounts by entity and number. New items are open, at level 0.
    Changed amounts, open amounts, dates and attributes are taken over; rows that say what the book says are not
    written. Levels, holds, disputes and promises are never touched, and items that the file does not name stay.
    A proposal that nobody has posted is superseded where something changed. Money that Dunwell applied itself stays
    applied: see `sources.changes.item_changes`. An account's email, phone and
    address are those of its first contact. `on` closes what has nothing open any more; `at` is the audit's instant.

    Errors: NotFound for a file that is not there; Invalid with up to 50 problems, each with line and column.
    """
    mapping = _mapping(mapping_path)
    read, digest = _read(path, mapping, progress)
    try:
        with transaction.atomic():
            progress("writing accounts")
            entities, entities_added = save_entities(read.items, mapping)
            save_attribute_types(mapping, mapping_path.name)
            accounts, ids = save_accounts(read.accounts, entities, mapping)
            placed = read.items.join(ids, on=["entity", "account"], maintain_order="left")
            progress("writing items")
            items = save_items(placed, mapping, Problems(path.name), on=on)
            _audit(entities, read, accounts, items, by=by, at=at, file=path.name, digest=digest)
            totals = _totals(read.totals, entities)
            for entity in entities:
                if any((accounts.of(entity.pk, "accounts") | items.of(entity.pk)).values()):
                    book_changed(entity, "the book was changed by an import")
                _put_off(entity, items.put_off, by=by, at=at)
    except SourceError as error:
        raise refusal(path, error) from None
    return ImportReport(
        file=path.name,
        digest=digest,
        rows=read.rows,
        left_out=read.left_out,
        entities_added=entities_added,
        accounts=accounts,
        items=items,
        totals=totals,
        warnings=(*read.warnings, *items.warnings),
    )


def _put_off(entity: Entity, item_ids: Sequence[int], *, by: str, at: datetime) -> None:
    """Take items that are due later now off the notices that wait to be sent."""
    moved = set(item_ids)
    waiting = Q(notice__state=NoticeState.POSTED) | Q(notice__deliveries__state__in=STILL_HERE)
    lines = NoticeLine.objects.filter(waiting, notice__entity=entity).values_list("item", "notice__payer").distinct()
    if payers := {payer for item, payer in lines if item in moved} if moved else set():
        today = local_day(entity, at)
        book = frames.account_book(frames.lock_payers(payers))
        look_again(entity, book, on=today, by=by, at=at, moved=moved)


def _audit(
    entities: list[Entity],
    read: ItemFile,
    accounts: Saved,
    items: Saved,
    *,
    by: str,
    at: datetime,
    file: str,
    digest: str,
) -> None:
    """Tell, for each entity, what an import changed, also when that is nothing: its data are fresh."""
    rows = dict(read.items.group_by("entity").len().iter_rows())
    for entity in entities:
        counts = items.of(entity.pk) | accounts.of(entity.pk, "accounts")
        audit.record(
            by,
            "items.imported",
            entity,
            at=at,
            entity_id=entity.pk,
            file=file,
            digest=digest,
            rows=rows[entity.code],
            **counts,
        )


def _mapping(path: Path) -> Mapping:
    try:
        return read_mapping(path.read_text(encoding="utf-8"), path.name)
    except DocumentError as error:
        raise Invalid("the mapping cannot be taken", [str(each) for each in error.problems]) from None
    except UnicodeDecodeError:
        raise Invalid(f"{path.name} is not UTF-8") from None
    except OSError as error:
        raise NotFound(f"the mapping {path} cannot be read: {error.strerror}") from None


def _read(path: Path, mapping: Mapping, progress: Progress) -> tuple[ItemFile, str]:
    try:
        progress(f"reading {path.name}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return read_items(path, mapping, partial(progress, f"reading {path.name}")), digest
    except SourceError as error:
        raise refusal(path, error) from None
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from None


def refusal(path: Path, error: SourceError) -> Invalid:
    """Say that a file was refused, with its problems."""
    count = f"{error.count:,} problem{'' if error.count == 1 else 's'}"
    more = error.count - len(error.problems)
    rest = [f"and {more:,} more"] if more else []
    return Invalid(f"{path.name}: {count}; nothing was written", [*map(str, error.problems), *rest])


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
