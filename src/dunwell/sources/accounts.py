"""The accounts of a file of items: each once, whatever its rows say of it."""

from typing import Final

import polars as pl

from dunwell.sources import mapping as m
from dunwell.sources.csv import LINE
from dunwell.sources.fields import Fields

ACCOUNT: Final = ["entity", "account"]
CONTACT: Final = ("contact", "email", "phone", "address")


def accounts_of(items: pl.DataFrame, fields: Fields) -> tuple[pl.DataFrame, list[str]]:
    """Gather the accounts of typed rows, in order of their first row, and warn where rows differ.

    Of several values of one field the most frequent stays (ties: the first in the file); an empty one says nothing.
    Columns: line, entity, account, and of `m.ACCOUNT_TEXTS`, `m.ACCOUNT_FLAGS`, `customer_since_on`, CONTACT and
    the account's `attr_*` those that the mapping has.
    """
    accounts = items.group_by(ACCOUNT, maintain_order=True).agg(pl.col(LINE).min()).select(LINE, *ACCOUNT)
    warnings = []
    for field in account_fields(fields.mapping, items.columns):
        told = (
            items.filter(pl.col(field).is_not_null())
            .group_by(*ACCOUNT, field)
            .agg(n=pl.len(), first=pl.col(LINE).min())
        )
        best = told.sort("n", "first", descending=[True, False]).unique(ACCOUNT, keep="first", maintain_order=True)
        if several := told.height - best.height:
            warnings.append(_warning(told, field, several))
        accounts = accounts.join(best.select(*ACCOUNT, field), on=ACCOUNT, how="left", maintain_order="left")
    return accounts, warnings


def account_fields(mapping: m.Mapping, columns: list[str]) -> list[str]:
    """The columns of typed rows that tell of the account."""
    own = [*m.ACCOUNT_TEXTS, *m.ACCOUNT_FLAGS, "customer_since_on", *CONTACT]
    own += [f"attr_{name}" for name, attribute in mapping.attributes.items() if attribute.of == "account"]
    return [name for name in own if name in columns]


def _warning(told: pl.DataFrame, field: str, several: int) -> str:
    worst = told.group_by(ACCOUNT).agg(n=pl.len()).sort("n", *ACCOUNT, descending=[True, False, False])
    n = worst.filter(pl.col("n") > 1).height
    _entity, account, most = worst.row(0)
    return (
        f"{n:,} account{'' if n == 1 else 's'} with more than one {field.removeprefix('attr_')} ({several:,} too many;"
        f" {account} has {most}); the most frequent is kept"
    )
