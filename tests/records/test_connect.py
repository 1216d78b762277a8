"""One database at a time, set up as the records need it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from dunwell.config import ConfigError
from dunwell.records import connect, frames
from dunwell.records.models import Entity, Item
from tests.records import sample


def test_use_moves_to_another_database(db: str, tmp_path: Path) -> None:
    sample.entity()
    connect.use(f"sqlite:///{tmp_path}/second.sqlite3")
    connect.migrate()
    assert not Entity.objects.exists()
    connect.use(db)
    assert Entity.objects.get().code == "ACME"


def test_migrating_twice_is_once(db: str) -> None:
    sample.entity()
    connect.migrate()
    assert Entity.objects.get().code == "ACME"


def test_a_url_that_cannot_be_used_leaves_the_database(db: str) -> None:
    sample.entity()
    with pytest.raises(ConfigError):
        connect.use("mysql://host/db")
    assert Entity.objects.exists()


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    connect.use(f"sqlite:///{tmp_path}/new.sqlite3")
    connect.migrate()

    def pragma(name: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {name}")
            return cursor.fetchone()[0]

    assert {name: pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")} == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000,
    }  # fmt: skip


def test_reading_a_book_stops_no_writer(db: str) -> None:
    sample.save(sample.tables(sample.entity().id))
    with connect.snapshot():
        before = frames.account_book([1])
        write_elsewhere()
        assert frames.account_book([1]).items.equals(before.items)
    assert frames.account_book([1]).items["open_minor"].max() == 77


def write_elsewhere() -> None:
    """Another thread's connection changes the account's items and commits."""

    def write() -> None:
        try:
            Item.objects.filter(account_id=1).update(open_minor=77)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write).result(timeout=60)


def test_after_a_snapshot_transactions_take_their_lock_again(db: str) -> None:
    with connect.snapshot():
        Entity.objects.count()
    with connect.snapshot():
        Entity.objects.count()
    with transaction.atomic():
        sample.entity()
    assert Entity.objects.count() == 1


def test_postgresql_compiles_no_plans(postgresql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
