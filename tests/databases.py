"""Fresh databases, copied from one that was migrated once. Importing this sets Django up."""

import atexit
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import django
import psycopg
from django.db import connections

from tests.postgres import url_of

# A test that forgets its database must not find one.
os.environ["DUNWELL_DATABASE_URL"] = "sqlite:////nowhere/a-test-without-its-database.sqlite3"
os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
django.setup()

from dunwell.records import connect  # noqa: E402  # after Django is set up

TEMPLATE = "dunwell_template"
MIGRATE = "import django; django.setup(); from dunwell.records.connect import migrate; migrate()"
_numbers = itertools.count(1)


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """A copy of the migrated file, in `folder`."""
    path = folder / "dunwell.sqlite3"
    shutil.copyfile(_sqlite_template(), path)
    with _current(f"sqlite:///{path}") as url:
        yield url


@contextlib.contextmanager
def postgresql(port: int) -> Iterator[str]:
    """A copy of the migrated database, dropped at the end."""
    _postgresql_template(port)
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with _admin(port) as admin:
        # With little to log, copying files is faster; before PostgreSQL 15 there was no other way.
        strategy = "STRATEGY FILE_COPY" if admin.info.server_version >= 150_000 else ""
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" {strategy}')
        try:
            with _current(url_of(port, name)) as url:
                yield url
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _current(url: str) -> Iterator[str]:
    connect.use(url)
    try:
        yield url
    finally:
        connections.close_all()


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dunwell-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.sqlite3"
    with _current(f"sqlite:///{path}"):
        connect.migrate()
    return path


@cache
def _postgresql_template(port: int) -> None:
    """Made by the first process that needs it; the others wait for the lock."""
    with _admin(port) as admin:
        admin.execute("SELECT pg_advisory_lock(1)")
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone() is None:
            admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
            # In a process of its own: only one that starts on PostgreSQL knows of the queue's tables.
            subprocess.run(
                [sys.executable, "-c", MIGRATE],
                env={**os.environ, "DUNWELL_DATABASE_URL": url_of(port, TEMPLATE)}, check=True,
            )  # fmt: skip


def _admin(port: int) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url_of(port, "postgres"), autocommit=True)
