"""Numbers for the groups that rows fall into: a number is summed and looked up by in a fraction of the time of keys."""

from typing import Final

import polars as pl

from dunwell.engine.money import CURRENCIES
from dunwell.engine.steps.rows import is_one

PARTY: Final = ("entity_id", "payer_id", "currency")
KINDS_MAX: Final = 16  # of currencies, and policies under them, for which every payer is given a place


def group_numbers(rows: pl.DataFrame, *, by_policy: bool = False) -> tuple[pl.Series, int]:
    """The number, from 0, of each row's entity, payer and currency, and policy if asked; and below what they all are.

    `rows` come in order of their payer; asked by policy, each has one.
    """
    kind = rows["currency"].to_physical().fill_null(len(CURRENCIES)).cast(pl.UInt32)
    if by_policy:
        kind = kind + rows["policy_ix"] * (len(CURRENCIES) + 1)
    used = kind.unique()
    if not is_one(rows["entity_id"]) or len(used) > KINDS_MAX:
        # Of several creditors, as in stories, the rows of a group may lie apart.
        keys = [*PARTY, *(["policy_ix"] if by_policy else [])]
        return rows.select(pl.struct(keys).rank("dense") - 1).to_series(), rows.height
    last = used.max()
    numbers = pl.int_range(len(used), dtype=pl.UInt32, eager=True)
    table = pl.zeros(last + 1 if isinstance(last, int) else 0, pl.UInt32, eager=True).scatter(used, numbers)
    return rows["payer_id"].rle_id() * len(used) + table.gather(kind), rows.height * len(used)


def of_group(found: pl.DataFrame, name: str, group: pl.Series, count: int) -> pl.Series:
    """Lay what is `found` of each `group` beside its rows; 0 where nothing is. A third of the time of a join."""
    return pl.zeros(count, found[name].dtype, eager=True).scatter(found["group"], found[name]).gather(group).alias(name)
