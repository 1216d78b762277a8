"""What is other in a book than in an earlier state of it: of many events, each row once."""

from typing import NamedTuple

import polars as pl

from dunwell.engine.book import KEYS, SCHEMAS, Book

_WAS = "_was"


class Changes(NamedTuple):
    """Rows by table: those that changed, with their key and the columns that did in any of them, and those added."""

    changed: dict[str, pl.DataFrame]
    added: dict[str, pl.DataFrame]


def changes(before: Book, after: Book) -> Changes:
    """Lay two states of a book side by side; `after` is `before` with what events did to it."""
    changed, added = {}, {}
    for name in SCHEMAS:
        was, now = getattr(before, name), getattr(after, name)
        if was is now:
            continue
        key = KEYS.get(name)
        if key is None:  # a ledger: rows are added to its end
            added[name] = now.slice(was.height)
            continue
        new = now.join(was, on=key, how="anti", nulls_equal=True)
        added[name] = new.select(column for column in new if column.name in key or column.null_count() < new.height)
        changed[name] = _changed(was, now, key)
    return Changes(_filled(changed), _filled(added))


def _changed(was: pl.DataFrame, now: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    others = [name for name in now.columns if name not in key]
    unknown = [pl.lit(None, dtype=now.schema[name]).alias(name) for name in others if name not in was.columns]
    both = now.join(was.with_columns(unknown), on=key, suffix=_WAS, nulls_equal=True)
    differ = both.select(pl.col(name).ne_missing(pl.col(name + _WAS)) for name in others)
    moved = [name for name in others if differ[name].any()]
    if not moved:
        return now.clear()
    return both.filter(differ.select(pl.any_horizontal(moved)).to_series()).select(*key, *moved)


def _filled(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: rows for name, rows in tables.items() if not rows.is_empty()}
