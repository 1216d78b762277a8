"""The queue of work on PostgreSQL, kept by Procrastinate: jobs commit with the rows they concern.

On SQLite there is none: the one worker there looks for work itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from dunwell.records.connect import is_postgresql

TASK: Final = "dunwell.work"
UNDER_WAY: Final = timedelta(minutes=10)  # how long a piece that somebody has taken is not put again
SILENT: Final = timedelta(seconds=30)  # whoever has not been heard of for so long is gone


def put(pieces: Iterable[Mapping[str, str | int]]) -> None:
    """Hand pieces of work to the workers: each waits once, and not while somebody is at it.

    A piece can still be done twice, so that doing it again must do no harm. On SQLite nothing is to be done.
    """
    pieces = list(pieces)
    if not pieces or not is_postgresql():
        return
    taken = _under_way()
    from procrastinate import App  # noqa: PLC0415  # half a second of imports that SQLite need not wait for
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415  # as above
    from procrastinate.exceptions import AlreadyEnqueued  # noqa: PLC0415  # as above

    app = App(connector=DjangoConnector())
    for piece in pieces:
        name = " ".join(map(str, piece.values()))
        if name in taken:
            continue
        job = app.configure_task(TASK, queueing_lock=name)
        try:
            with transaction.atomic():
                job.defer(**piece)
        except AlreadyEnqueued:
            continue


def _under_way() -> set[str]:
    """The pieces that somebody has taken lately. One taken for longer may hang, or its end may not have been noted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.queueing_lock FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id"
            " WHERE j.status = 'doing' AND e.type = 'started' AND e.at > clock_timestamp() - make_interval(secs => %s)",
            [UNDER_WAY.total_seconds()],
        )
        return {name for (name,) in cursor.fetchall()}


def workers_alive() -> set[int]:
    """The workers of this database that have been heard of lately. On SQLite nobody knows: none."""
    if not is_postgresql():
        return set()
    with connection.cursor() as cursor:
        alive = (
            "SELECT id FROM procrastinate_workers WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %s)"
        )
        cursor.execute(alive, [SILENT.total_seconds()])
        return {worker_id for (worker_id,) in cursor.fetchall()}


def clock_difference(now: datetime) -> timedelta:
    """How far `now` is before the database's clock; on SQLite there is no other clock."""
    if not is_postgresql():
        return timedelta()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant - now
