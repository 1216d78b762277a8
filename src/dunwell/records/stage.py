"""A frame beside its table, from where one statement changes the table: its rows lie in a temporary twin.

The twin lives as long as the connection and is empty between transactions. Few rows need none: each statement brings
them along, under the twin's name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
from django.db import connection, models

from dunwell.records import wire
from dunwell.records.connect import is_postgresql
from dunwell.records.tables import columns_of, table_name


class BulkError(ValueError):
    """Rows that cannot be written as they are, with the table and the column or key."""


@dataclass(frozen=True, kw_only=True)
class Staged:
    """The rows that wait in the twin of a model's table, or come `along`, by the columns that were given."""

    model: type[models.Model]
    columns: Sequence[str]
    key: Sequence[str]
    along: Sequence[tuple[Any, ...]]

    @property
    def table(self) -> str:
        """The table itself, aliased `t` in every statement."""
        return f'"{table_name(self.model)}"'

    @property
    def twin(self) -> str:
        """The temporary table, aliased `s`."""
        return f'"stage_{table_name(self.model)}"'

    @property
    def same(self) -> str:
        """SQL: the row `s` is the row `t`."""
        return " AND ".join(f't."{name}" = s."{name}"' for name in self.key)

    def update(self, where: str = "", **set_to: str) -> list[int]:
        """Change the rows that are there, and return their first key; `set_to` is SQL beside or for staged values."""
        values = {name: f's."{name}"' for name in self.columns if name not in self.key} | set_to
        if not values:
            return self.present()
        listed = ", ".join(f'"{name}" = {sql}' for name, sql in values.items())
        narrowed = f"{self.same} AND {where}" if where else self.same
        returned = f'{"t." if is_postgresql() else ""}"{self.key[0]}"'
        return self.run(
            f"UPDATE {self.table} AS t SET {listed} FROM {self.twin} AS s WHERE {narrowed} RETURNING {returned}"
        )

    def present(self) -> list[int]:
        """Return the first key of the staged rows that are in the table."""
        return self.run(f'SELECT s."{self.key[0]}" FROM {self.twin} s JOIN {self.table} t ON {self.same}')

    def insert(self, where: str = "", *, contested: bool = False, **set_to: str) -> list[int]:
        """Add the rows that are not there, and return their first key.

        Columns not staged take `set_to` or the field's default. `contested`: other transactions may add the same
        rows; the first one does. Errors: BulkError for a column that is not staged and has neither.
        """
        given = {name: f's."{name}"' for name in self.columns} | set_to
        defaults = default_values(self.model, given)
        listed = ", ".join(f'"{name}"' for name in [*given, *defaults])
        values = ", ".join([*given.values(), *("%s" for _ in defaults)])
        absent = "TRUE" if contested else f"NOT EXISTS (SELECT 1 FROM {self.table} t WHERE {self.same})"
        # In order: so all rows are looked for before the first is added. PostgreSQL would look through an empty
        # table without its index, and through all that it has added by then for each row.
        order = ", ".join(f's."{name}"' for name in self.key)
        return self.run(
            f"INSERT INTO {self.table} ({listed}) SELECT {values} FROM {self.twin} AS s"
            f" WHERE {absent}{f' AND {where}' if where else ''} ORDER BY {order}"
            f'{" ON CONFLICT DO NOTHING" if contested else ""} RETURNING "{self.key[0]}"',
            list(defaults.values()),
        )

    def run(self, sql: str, params: Sequence[wire.Value] = ()) -> list[int]:
        """Execute a statement that names the twin, and return the first column of what it returns."""
        given = [value for row in self.along for value in row]
        with connection.cursor() as cursor:
            cursor.execute(f"{self._brought()}{sql}", [*given, *params] or None)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def _brought(self) -> str:
        """SQL that brings the rows along, shaped as the twin: what is not given is null."""
        if not self.along:
            return ""
        absent = [name for name in columns_of(self.model) if name not in self.columns]
        names = [*self.columns, *absent]
        first = rest = ["%s" for _ in self.columns] + ["NULL" for _ in absent]
        if is_postgresql():  # which learns the types from the first row
            types = _postgresql_types(self.model)
            first = [f"{mark}::{types[name]}" for mark, name in zip(rest, names, strict=True)]
        values = ", ".join(f"({', '.join(row)})" for row in [first, *[rest] * (len(self.along) - 1)])
        listed = ", ".join(f'"{name}"' for name in names)
        return f"WITH {self.twin} ({listed}) AS (VALUES {values}) "


@cache
def _postgresql_types(model: type[models.Model]) -> dict[str, str]:
    """The types of a model's columns, without their lengths: a cast would cut a text that the table has to refuse."""
    return {name: str(field.db_type(connection)).partition("(")[0] for name, field in columns_of(model).items()}


def stage(model: type[models.Model], frame: pl.DataFrame, key: Sequence[str]) -> Staged:
    """Lay `frame`, whose columns are the database's, into the twin of the model's table, in the caller's transaction.

    Errors: BulkError for an unknown column, a missing key column, or two rows of one key.
    """
    known = columns_of(model)
    if strange := [name for name in frame.columns if name not in known]:
        raise BulkError(f"{model.__name__}: no column is called {strange[0]!r}")
    if lacking := [name for name in key if name not in frame.columns]:
        raise BulkError(f"{model.__name__}: the key column {lacking[0]!r} is missing")
    if (double := frame[key].is_duplicated()).any():
        row = frame.filter(double).select(key).row(0, named=True)
        raise BulkError(f"{model.__name__}: two rows are given for {row}")
    if 0 < frame.height <= wire.ROWS_ALONG_MAX:
        return Staged(model=model, columns=frame.columns, key=key, along=wire.rows_of(frame))
    staged = Staged(model=model, columns=frame.columns, key=key, along=())
    with connection.cursor() as cursor:
        if is_postgresql():
            # Without the table's NOT NULL constraints, so that some of its columns are enough.
            made = f"ON COMMIT DELETE ROWS AS SELECT * FROM {staged.table} WITH NO DATA"
        else:
            made = f"AS SELECT * FROM {staged.table} WHERE 0"
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {staged.twin} {made}")
        cursor.execute(f"DELETE FROM {staged.twin}")
    wire.write(f"stage_{table_name(model)}", frame)
    return staged


def default_values(model: type[models.Model], given: Mapping[str, object] | Sequence[str]) -> dict[str, wire.Value]:
    """Return what the columns that are not `given` take: the database itself keeps no defaults.

    Errors: BulkError for a column that has none and may not be null.
    """
    values: dict[str, wire.Value] = {}
    for name, field in columns_of(model).items():
        if name in given or isinstance(field, models.AutoField) or (field.null and not field.has_default()):
            continue
        if not field.has_default():
            raise BulkError(f"{model.__name__}: the column {name!r} of a new row is missing")
        default = field.get_default()
        values[name] = (
            json.dumps(default) if isinstance(field, models.JSONField) else getattr(default, "value", default)
        )
    return values
