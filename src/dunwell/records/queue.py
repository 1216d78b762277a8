"""The queue of work on PostgreSQL, kept by Procrastinate: jobs commit with the rows they concern.

On SQLite there is none: the one worker there looks for work itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from dunwell.records.connect import is_postgresql

TASK: Final = "dunwell.work"
ALIVE: Final = timedelta(seconds=30)  # how long ago a worker may have been heard of


def put(pieces: Iterable[Mapping[str, str | int]]) -> None:
    """Hand pieces of work to the workers, each once however often it is put before one takes it.

    Two workers never have the same piece at the same time. On SQLite nothing is to be done.
    """
    if not is_postgresql():
        return
    from procrastinate import App  # noqa: PLC0415  # half a second of imports that SQLite need not wait for
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415
    from procrastinate.exceptions import AlreadyEnqueued  # noqa: PLC0415

    app = App(connector=DjangoConnector())
    for piece in pieces:
        name = " ".join(map(str, piece.values()))
        job = app.configure_task(TASK, lock=name, queueing_lock=name)
        try:
            with transaction.atomic():
                job.defer(**piece)
        except AlreadyEnqueued:
            continue


def workers_alive(now: datetime) -> int:
    """How many workers of this database have been heard of lately. On SQLite nobody knows: 0."""
    if not is_postgresql():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > %s", [now - ALIVE])
        return int(cursor.fetchone()[0])


def clock_difference(now: datetime) -> timedelta:
    """How far `now` is before the database's clock; on SQLite there is no other clock."""
    if not is_postgresql():
        return timedelta()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant - now
