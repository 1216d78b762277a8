"""Frames into tables: rows added, ids drawn, and what `advance` says has changed saved, in bulk.

Everything happens in the caller's transaction; what needs one opens it where there is none.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl
from django.db import connection, models, transaction

from dunwell.engine.book import KEYS, STATE
from dunwell.records import wire
from dunwell.records.connect import is_postgresql
from dunwell.records.models import ItemState, NoticeState
from dunwell.records.stage import BulkError, Staged, default_values, stage
from dunwell.records.tables import BOOK, columns_of, table_name

ATTRIBUTE: Final = "attr_"
# A state equal to this is not kept: the item was never noticed.
STATE_KEPT: Final = (
    "(coalesce(s.level, 0) <> 0 OR coalesce(s.version, 0) <> 0 OR s.stage IS NOT NULL OR s.last_notice_on IS NOT NULL"
    " OR s.last_deadline_on IS NOT NULL OR s.pending_notice_id IS NOT NULL)"
)


def insert(model: type[models.Model], frame: pl.DataFrame) -> None:
    """Add the rows of `frame` to the table of `model`; its columns are the database's, such as `account_id`.

    Columns not given take the field's default. JSON columns hold JSON text, instants are aware.
    Errors: BulkError for an unknown or missing column; Django's IntegrityError for what the table refuses.
    """
    if strange := [name for name in frame.columns if name not in columns_of(model)]:
        raise BulkError(f"{model.__name__}: no column is called {strange[0]!r}")
    defaults = {name: pl.lit(value) for name, value in default_values(model, frame.columns).items()}
    if not frame.is_empty():
        with transaction.atomic(savepoint=False):
            wire.write(table_name(model), frame.with_columns(**defaults))


def change(model: type[models.Model], frame: pl.DataFrame, key: str) -> None:
    """Change the rows of the table of `model` that `frame` names by `key`, in its other columns."""
    if not frame.is_empty():
        with transaction.atomic(savepoint=False):
            stage(model, frame, [key]).update()


def allocate_ids(model: type[models.Model], n: int) -> pl.Series:
    """Draw `n` ids for rows of `model`, ascending; no other row gets them, whoever adds it.

    On SQLite call it inside the transaction that uses them. Gaps are possible on PostgreSQL.
    """
    table = table_name(model)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if is_postgresql():
            drawn = "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) FROM generate_series(1, %s)"
            cursor.execute(drawn, [table, n])
            return pl.Series("id", [row[0] for row in cursor.fetchall()], dtype=pl.Int64)
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        last = row[0] if row else 0
        if row is None:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 0)", [table])
        cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last + n, table])
        return pl.Series("id", range(last + 1, last + n + 1), dtype=pl.Int64)


def save(changes: Mapping[str, pl.DataFrame], *, on: date) -> None:
    """Keep what `advance` says has changed: rows by book table, as in `Effects.changes`.

    Rows of a keyed table change the columns they have and stay as they are in the others; a row that is
    new needs all without a default. Ledgers are added to. A column of the database's own, such as a
    dispute's `reason`, may be among them. An item with nothing open any more is closed `on` that date.
    Errors: BulkError for an unknown table, an unknown or missing column, two rows of one key.
    """
    if strange := set(changes) - set(BOOK):
        raise BulkError(f"a book has no table {sorted(strange)[0]!r}")
    with transaction.atomic(savepoint=False):
        # Notices last: their lines bind by the state they have then.
        for name in sorted(changes, key=lambda name: name == "notices"):
            if not changes[name].is_empty():
                _save_table(name, changes[name], on)


def compare_and_set(states: pl.DataFrame) -> pl.DataFrame:
    """Set the state of items that are still at the `version` given, and raise it by one.

    `states`: item_id, version (as decided upon), and the columns of `engine.book.STATE` to set. Returns the
    `item_id` of the others, which are left alone. An item never noticed is at version 0. Of two
    transactions that compete for an item, the second waits for the first and loses.
    """
    won: list[int] = []
    if not states.is_empty():
        with transaction.atomic(savepoint=False):
            staged = stage(ItemState, states, ["item_id"])
            won = staged.update("t.version = s.version", version="s.version + 1")
            if len(won) < states.height:
                won += staged.insert("s.version = 0", contested=True, version="s.version + 1")
    winners = pl.DataFrame({"item_id": won}, schema={"item_id": pl.Int64})
    return states.select(pl.col("item_id").cast(pl.Int64)).join(winners, on="item_id", how="anti")


def with_attributes(frame: pl.DataFrame) -> pl.DataFrame:
    """Fold the columns `attr_*` into one column `attributes` of JSON text."""
    names = [name for name in frame.columns if name.startswith(ATTRIBUTE)]
    if not names:
        return frame
    folded = pl.struct(pl.col(name).alias(name.removeprefix(ATTRIBUTE)) for name in names).struct.json_encode()
    return frame.with_columns(attributes=folded).drop(names)


def _save_table(name: str, rows: pl.DataFrame, on: date) -> None:
    table = BOOK[name]
    frame = with_attributes(rows)
    states = [column for column in frame.columns if column in STATE] if name == "items" else []
    kept = [column for column in frame.columns if column not in table.computed and column not in states]
    own = frame.select(pl.col(column).alias(table.column(column)) for column in kept)
    if name not in KEYS:
        insert(table.model, own)
        return
    if table.computed & set(frame.columns) and set(kept) <= set(KEYS[name]):
        return  # nothing has changed but what is computed
    staged = stage(table.model, own, [table.column(column) for column in KEYS[name]])
    _upsert(staged, own.height, table.entity)
    if states:
        _save_states(frame[["item_id", *states]])
    if name == "items":
        _close(staged, on)
    if name == "notices":
        _bind(staged)


def _upsert(staged: Staged, n: int, entity: str) -> None:
    """Change the rows that are there and add the others; attributes not given stay, a null takes one away."""
    changed, added = {}, {}
    if "attributes" in staged.columns:
        changed["attributes"] = _merged("t.attributes")
        added["attributes"] = _merged("NULL")
    if "role" in staged.columns:  # a line that duns no more binds no more
        changed["binding"] = "(t.binding AND s.role = 'dunned')"
    if entity and "entity_id" not in staged.columns:
        added["entity_id"] = entity
    if len(staged.update(**changed)) < n:
        staged.insert(contested=False, **added)


def _merged(before: str) -> str:
    """SQL for the attributes of `s` laid over those `before`, without nulls; none at all is null."""
    if is_postgresql():
        laid = f"jsonb_strip_nulls(coalesce({before}, '{{}}'::jsonb) || coalesce(s.attributes, '{{}}'::jsonb))"
        return f"nullif({laid}, '{{}}'::jsonb)"
    return f"nullif(json_patch(coalesce({before}, '{{}}'), coalesce(s.attributes, '{{}}')), '{{}}')"


def _save_states(states: pl.DataFrame) -> None:
    staged = stage(ItemState, states, ["item_id"])
    if len(staged.update()) < states.height:
        staged.insert(STATE_KEPT)


def _close(items: Staged, on: date) -> None:
    """Close the staged items that have nothing open and nothing under way, open the others again."""
    settled = "(t.open_minor = 0 AND t.in_flight_minor = 0)"
    # Not by UPDATE FROM: SQLite would look through the whole table to filter it, for two rows too.
    items.run(
        f"UPDATE {items.table} AS t SET closed_on = CASE WHEN {settled} THEN coalesce(t.closed_on, %s) END"
        f" WHERE t.id IN (SELECT id FROM {items.twin}) AND (t.closed_on IS NULL) = {settled}",
        [on.isoformat()],
    )


def _bind(notices: Staged) -> None:
    """Let the dunned lines of the staged notices bind while their notice is posted or sent."""
    binds = (
        "(t.role = 'dunned' AND t.version IS NOT NULL AND EXISTS (SELECT 1 FROM records_notice n"
        f" WHERE n.id = t.notice_id AND n.state IN ('{NoticeState.POSTED}', '{NoticeState.SENT}')))"
    )
    notices.run(
        f"UPDATE records_noticeline AS t SET binding = {binds}"
        f" WHERE t.notice_id IN (SELECT id FROM {notices.twin}) AND t.binding <> {binds}"
    )
