"""The two databases to measure on, each new and empty."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import psycopg
from tests import postgres

if TYPE_CHECKING:
    from dunwell.records.wire import Select


@contextlib.contextmanager
def both() -> Iterator[dict[str, str]]:
    """URLs by name; PostgreSQL is left out, with a line that says so, where it is not installed."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dunwell-bench-"))
        os.environ["DUNWELL_HOME"] = folder  # archives and messages go with it
        urls = {"sqlite": f"sqlite:///{folder}/dunwell.sqlite3"}
        if postgres.programs():
            server = stack.enter_context(postgres.cluster(**postgres.CAREFUL))
            with psycopg.connect(server.url(), autocommit=True) as admin:
                admin.execute("CREATE DATABASE dunwell")
            urls["postgresql"] = server.url("dunwell")
        else:
            print("NO POSTGRESQL: initdb was not found; measured on SQLite alone")
        yield urls


def open_database(url: str) -> None:
    """Set Django up in this process, on `url`."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
    os.environ["DUNWELL_DATABASE_URL"] = url
    import django

    django.setup()


def filled(url: str, n: int) -> Callable[[], object]:
    """Prepare to make the tables and fill them with `n` items; the entity's id is 1."""
    open_database(url)
    from bench import fill
    from dunwell.records import connect

    connect.migrate()
    return lambda: fill.company(n)


def dropped(selects: "Iterable[Select]") -> None:
    """Run statements, PostgreSQL's by COPY, and drop every row as it comes."""
    from django.db import connection

    from dunwell.records.connect import is_postgresql

    with connection.cursor() as cursor:
        for select in selects:
            statement = f"SELECT {', '.join(column.sql for column in select.columns)} {select.tail}"
            if is_postgresql():
                with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)", list(select.params)) as rows:
                    for _row in rows:
                        pass
            else:
                cursor.execute(statement, list(select.params))
                while cursor.fetchmany(10_000):
                    pass
