"""Import a file of accounts: who the customers are and how they are reached, with or without anything they owe."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import polars as pl
from django.db import transaction

from dunwell.flows.book import odd
from dunwell.flows.book.imported import Saved, save_accounts, save_attribute_types, save_entities
from dunwell.flows.book.tables import read_from, read_table, refusing
from dunwell.flows.errors import Invalid
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.proposal import book_changed
from dunwell.records import audit
from dunwell.sources.customers import read_accounts
from dunwell.sources.mapping import AccountMapping
from dunwell.sources.problems import Problems


@dataclass(frozen=True, kw_only=True)
class AccountsReport:
    """What an import did to accounts. `rows` were read, `left_out` by the mapping's `only`; `digest` is a SHA-256.

    `tasks`: how many it opened.
    """

    file: str
    digest: str
    rows: int
    left_out: int
    entities_added: int
    accounts: Saved
    tasks: int
    warnings: tuple[str, ...]


def import_accounts(
    path: Path, mapping_path: Path, *, by: str, at: datetime, on: date, progress: Progress = untold
) -> AccountsReport:
    """Bring the book to what a table of accounts says; the same file again changes nothing.

    A field that is empty says nothing, and accounts that the file does not name stay. A proposal that nobody has posted
    is superseded where something changed; what is posted goes where it was addressed. Errors: as of `import_items`.
    """
    mapping = read_from(mapping_path)
    if not isinstance(mapping, AccountMapping):
        raise Invalid(f"{mapping_path.name} is of items, and these are accounts: say `rows: accounts`")
    read, digest = read_table(path, partial(read_accounts, path, mapping), progress)
    progress("writing accounts")
    problems = Problems(path.name)
    with refusing(path), transaction.atomic():
        rows = read.accounts.group_by("entity", maintain_order=True).agg(rows=pl.len())
        entities, added = save_entities(rows.with_columns(currency=pl.lit("")), read.accounts, mapping, problems)
        save_attribute_types(mapping, mapping_path.name)
        accounts, ids, touched = save_accounts(read.accounts, entities, mapping, problems)
        tasks = odd.open_tasks(odd.of_names(read.several_names, ids, touched), file=path.name, on=on)
        for entity in entities:
            counts = accounts.of(entity.pk, "accounts")
            detail = {"file": path.name, "digest": digest, "rows": read.rows, **counts}
            audit.record(by, "accounts.imported", entity, at=at, entity_id=entity.pk, **detail)
            if any(counts.values()):
                book_changed(entity, "accounts were changed by an import")
    return AccountsReport(
        file=path.name,
        digest=digest,
        rows=read.rows,
        left_out=read.left_out,
        entities_added=added,
        accounts=accounts,
        tasks=tasks,
        warnings=read.warnings,
    )
