"""The accounts of a file: each once, whatever its rows say of it."""

from typing import Final

import polars as pl

from dunwell.sources import mapping as m
from dunwell.sources.problems import listed
from dunwell.sources.tables import LINE

ACCOUNT: Final = ["entity", "account"]
CONTACT: Final = ("contact", "email", "phone", "address")
PENDING_MIN: Final = 20_000


class Accounts:
    """Gathers the accounts of typed rows, in order of their first row.

    Of several values of one field the most frequent stays (ties: the first in the file); an empty one says nothing.
    What is held grows with the accounts and the values they have, not with the rows.
    """

    def __init__(self, mapping: m.Table) -> None:
        self.mapping = mapping
        self.fields: list[str] = []
        self._told: dict[str, _Tally] = {}
        self._first = _Tally(ACCOUNT)

    def add(self, rows: pl.DataFrame) -> None:
        """Take note of typed rows; those without an account are problems of their own."""
        whole = rows.filter(pl.all_horizontal(pl.col(ACCOUNT).is_not_null()))
        self.fields = self.fields or account_fields(self.mapping, rows.columns)
        self._first.add(whole)
        for field in self.fields:
            tally = self._told.setdefault(field, _Tally([*ACCOUNT, field]))
            tally.add(whole.filter(pl.col(field).is_not_null()))

    def frame(self) -> pl.DataFrame:
        """Return the accounts.

        Columns: line, entity, account, and of `m.ACCOUNT_TEXTS`, `m.ACCOUNT_FLAGS`, `customer_since_on`, CONTACT and
        the account's `attr_*` those that the mapping has.
        """
        accounts = self._first.counted().sort(LINE).select(LINE, *ACCOUNT)
        for field in self.fields:
            by_frequency = self._told[field].counted().sort("n", LINE, descending=[True, False])
            best = by_frequency.unique(ACCOUNT, keep="first", maintain_order=True)
            accounts = accounts.join(best.select(*ACCOUNT, field), on=ACCOUNT, how="left", maintain_order="left")
        return accounts

    def warnings(self) -> list[str]:
        """Say of which fields rows of one account differ."""
        return [warning for field in self.fields if (warning := self._warning(field))]

    def several_names(self) -> pl.DataFrame:
        """Return the accounts that have more than one name: line (the first), entity, account, text."""
        if "name" not in self.fields:
            return pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys([*ACCOUNT, "text"], pl.String)})
        counted = self._told["name"].counted().sort("n", LINE, descending=[True, False])
        several = counted.group_by(ACCOUNT, maintain_order=True).agg(pl.col(LINE).min(), names=pl.col("name"))
        found = several.filter(pl.col("names").list.len() > 1).sort(LINE).rechunk()
        text = pl.col("names").map_elements(lambda names: listed(names, 4), return_dtype=pl.String)
        return found.select(LINE, *ACCOUNT, text=pl.format("{}: {}", "account", text))

    def _warning(self, field: str) -> str:
        values = self._told[field].counted().group_by(ACCOUNT).agg(n=pl.len())
        several = int(values["n"].sum()) - values.height
        if not several:
            return ""
        worst = values.sort("n", *ACCOUNT, descending=[True, False, False])
        n = worst.filter(pl.col("n") > 1).height
        _entity, account, most = worst.row(0)
        return (
            f"{n:,} account{'' if n == 1 else 's'} with more than one {field.removeprefix('attr_')} ({several:,} too"
            f" many; {account} has {most}); the most frequent is kept"
        )


class _Tally:
    """Counts rows by what they say, batch by batch: `n`, and the first line."""

    def __init__(self, by: list[str]) -> None:
        self._by = by
        self._counted: pl.DataFrame | None = None
        self._pending: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Count the rows of a batch; the batches are brought together when they are as many as what is counted."""
        self._pending.append(rows.group_by(self._by).agg(n=pl.len(), line=pl.col(LINE).min()))
        held = 0 if self._counted is None else self._counted.height
        if sum(part.height for part in self._pending) > max(held, PENDING_MIN):
            self.counted()

    def counted(self) -> pl.DataFrame:
        """Return what is counted by now."""
        parts = [*([] if self._counted is None else [self._counted]), *self._pending]
        if self._pending:
            merged = pl.concat(parts)
            if len(parts) > 1:
                merged = merged.group_by(self._by).agg(pl.col("n").sum(), pl.col(LINE).min())
            self._counted, self._pending = merged, []
        if self._counted is None:
            raise AssertionError("something was counted")
        return self._counted


def account_fields(mapping: m.Table, columns: list[str]) -> list[str]:
    """The columns of typed rows that tell of the account."""
    own = [*m.ACCOUNT_TEXTS, *m.ACCOUNT_FLAGS, "customer_since_on", *CONTACT]
    own += [f"attr_{name}" for name, attribute in mapping.attributes.items() if attribute.of == "account"]
    return [name for name in own if name in columns]
