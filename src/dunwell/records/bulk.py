"""Frames into tables: rows added, ids drawn, and what `advance` says has changed saved, in bulk.

Everything happens in the caller's transaction; what needs one opens it where there is none.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl
from django.db import connection, models, transaction

from dunwell.engine.book import KEYS, SCHEMAS
from dunwell.records import wire
from dunwell.records.connect import is_postgresql
from dunwell.records.tables import BOOK, STATES, Table, columns_of


class BulkError(ValueError):
    """Rows that cannot be written as they are, with the table and the column or key."""


def insert(model: type[models.Model], frame: pl.DataFrame) -> None:
    """Add the rows of `frame` to the table of `model`; its columns are the database's (`account_id`, not `account`).

    Columns not given take the field's default. JSON columns hold JSON text, instants are in UTC.
    Errors: BulkError for an unknown or missing column; Django's IntegrityError for what the table refuses.
    """
    fields = columns_of(model)
    if strange := [name for name in frame.columns if name not in fields]:
        raise BulkError(f"{model.__name__}: no column is called {strange[0]!r}")
    if not frame.is_empty():
        with transaction.atomic():
            wire.write(model._meta.db_table, _with_defaults(model, frame))  # noqa: SLF001  # Django's documented API


def _with_defaults(model: type[models.Model], frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that have a default and are not in `frame`: the database itself keeps none."""
    filled = {}
    for name, field in columns_of(model).items():
        if name in frame.columns or isinstance(field, models.AutoField):
            continue
        if field.has_default():
            default = field.get_default()
            filled[name] = pl.lit(json.dumps(default) if isinstance(field, models.JSONField) else default)
        elif not field.null:
            raise BulkError(f"{model.__name__}: the column {name!r} is missing")
    return frame.with_columns(**filled)


def allocate_ids(model: type[models.Model], n: int) -> pl.Series:
    """Draw `n` ids for rows of `model`, ascending; nobody else gets them, in this transaction or any other.

    On SQLite call it inside the transaction that uses them.
    """
    table = model._meta.db_table  # noqa: SLF001  # Django's documented API
    with transaction.atomic(), connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, n])
            return pl.Series("id", [row[0] for row in cursor.fetchall()], dtype=pl.Int64)
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        last = row[0] if row else 0
        if row:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last + n, table])
        else:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last + n])
        return pl.Series("id", range(last + 1, last + n + 1), dtype=pl.Int64)
