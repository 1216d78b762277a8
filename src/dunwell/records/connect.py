"""The one database connection: which database it is, its tables, and a consistent view of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from dunwell.config import django_database
from dunwell.records import migrations

SQLITE_VERSION_MIN: Final = (3, 35)  # RETURNING
RECORDS: Final = "records"
SIGN_IN: Final = "auth"  # Django's name for the tables of those who sign in
MAKING_LOCK: Final = 6_401_837  # a number of our own, among a database's advisory locks


class WrongReleaseError(RuntimeError):
    """The database was made by another release of Dunwell, with what to do."""


class DatabaseTooOldError(RuntimeError):
    """The SQLite library lacks what the records need, with both versions."""


def is_postgresql() -> bool:
    """Tell whether the current database is PostgreSQL; otherwise it is SQLite."""
    return bool(connection.vendor == "postgresql")


def use(url: str) -> None:
    """Point the process at the database `url`, closing this thread's connection to the one before.

    Errors: ConfigError for a URL that cannot be used.
    """
    database = django_database(url)
    connections[DEFAULT_DB_ALIAS].close()
    del connections[DEFAULT_DB_ALIAS]
    settings.DATABASES[DEFAULT_DB_ALIAS] = database
    connections.settings = connections.configure_settings(dict(settings.DATABASES))


def share(model: type[models.Model], pk: int) -> None:
    """Let nobody lock a row until the transaction ends, save those who share it as well.

    On SQLite the transaction already excludes every other writer.
    """
    if is_postgresql():
        table = connection.ops.quote_name(model._meta.db_table)  # Django's documented API
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR SHARE", [pk])


def analyze(model: type[models.Model]) -> None:
    """Let PostgreSQL look at a table into which much was written at once: it plans by what it knows of it."""
    if is_postgresql():
        table = connection.ops.quote_name(model._meta.db_table)  # Django's documented API
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {table}")


def migrate() -> None:
    """Bring the tables of the current database to this release. Errors: DatabaseTooOldError."""
    if not is_postgresql():
        version = connection.get_database_version()
        if version < SQLITE_VERSION_MIN:
            here, least = (".".join(map(str, v)) for v in (version, SQLITE_VERSION_MIN))
            raise DatabaseTooOldError(f"SQLite {here} is older than {least}; use a newer Python, or PostgreSQL")
    call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other process make or upgrade this book meanwhile: who comes second waits.

    By a lock of the server on PostgreSQL, and of the book's folder on SQLite. Errors: OSError.
    """
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MAKING_LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MAKING_LOCK])
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@cache
def _newest_migration() -> str:
    """The last migration of this release: the folder is read once, and asked of before every step of a worker."""
    return max(name for _loader, name, _is_package in iter_modules(migrations.__path__))


def require_this_release() -> None:
    """Errors: WrongReleaseError, where the tables are those of an older or a newer release."""
    there = MigrationRecorder(connection).applied_migrations()
    newest_there = max((name for app, name in there if app == RECORDS), default="")
    newest_here = _newest_migration()
    if newest_there > newest_here:
        raise WrongReleaseError(
            f"the database is of a newer release of Dunwell ({newest_there}) than this one ({newest_here}): upgrade it"
        )
    if newest_there < newest_here:
        raise WrongReleaseError(
            f"the database is of an older release of Dunwell ({newest_there or 'empty'}) than this one ({newest_here}):"
            " bring it up to date with `dunwell init`"
        )
    if not any(app == SIGN_IN for app, _name in there):
        raise WrongReleaseError(
            "the database is of an older release of Dunwell, without sign-in: bring it up to date with `dunwell init`"
        )


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything inside as of one instant; within a transaction already begun, that transaction's view.

    For reading only: it takes no lock, so that a long read stops no writer.
    """
    if connection.in_atomic_block:
        yield
    elif is_postgresql():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        connection.ensure_connection()
        wrapper: Any = connection  # SQLite's, which alone has modes
        mode = wrapper.transaction_mode
        try:
            wrapper.transaction_mode = "DEFERRED"
            with transaction.atomic():
                yield
        finally:
            wrapper.transaction_mode = mode
