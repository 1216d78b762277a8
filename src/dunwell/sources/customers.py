"""A table of accounts, read and checked: who the customers are and how they are reached, or every problem."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dunwell.sources.accounts import Accounts
from dunwell.sources.fields import Fields
from dunwell.sources.mapping import AccountMapping
from dunwell.sources.problems import Problems
from dunwell.sources.rows import Rows
from dunwell.sources.tables import Progress


@dataclass(frozen=True, kw_only=True)
class AccountFile:
    """What a file says: `accounts` and `several_names` as in `sources.items.ItemFile`; `rows` were read."""

    accounts: pl.DataFrame
    several_names: pl.DataFrame
    rows: int
    left_out: int
    warnings: tuple[str, ...]


def read_accounts(path: Path, mapping: AccountMapping, progress: Progress | None = None) -> AccountFile:
    """Read a table as `mapping` says, all or nothing, in batches. Errors: SourceError with every problem; OSError."""
    problems = Problems(path.name)
    fields = Fields(mapping, problems)
    accounts = Accounts(mapping)
    rows = Rows(path, mapping, problems, progress)
    for batch in rows:
        accounts.add(fields.typed(fields.texts(batch)))
    problems.refuse()
    return AccountFile(
        accounts=accounts.frame(),
        several_names=accounts.several_names(),
        rows=rows.read,
        left_out=rows.read - rows.kept,
        warnings=(*accounts.warnings(), *fields.warnings()),
    )
