"""A worker of a book on PostgreSQL: takes its work from the queue that it shares with the others."""

import os
import signal
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from dunwell.flows.runs import work
from dunwell.flows.runs.work import Piece
from dunwell.records import chain, connect, queue
from dunwell.records.connect import WrongReleaseError
from dunwell.worker.hands import Hands, log

LOOK_CRON: Final = "* * * * *"  # how often one of the workers looks for what nobody put into the queue
HEARTBEAT_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 30.0  # whoever has not been heard of for so long is gone
CLOCKS_DIFFER_MAX: Final = timedelta(minutes=5)
WAIT_SECONDS_MAX: Final = 60.0


class QueueWorker:
    """Takes pieces from the queue, and puts in what follows."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self.wrong_release: WrongReleaseError | None = None

    def work(self) -> None:
        """Work until a signal says stop, or `once`. A database that goes away is waited for.

        Errors: WrongReleaseError, such as after an upgrade.
        """
        connect.require_this_release()
        wait_seconds = 1.0
        while True:
            try:
                self.look()
                self._work_off()
            except Exception as error:  # noqa: BLE001  # whatever the queue raises when the database goes away
                log.error("%s; trying again in %.0f s", str(error).strip() or type(error).__name__, wait_seconds)
                time.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, WAIT_SECONDS_MAX)
                close_old_connections()
            else:
                break
        if self.wrong_release is not None:
            raise self.wrong_release

    def look(self) -> None:
        """Put what is due into the queue, and seal the audit trail."""
        now = self.hands.clock()
        if abs(difference := queue.clock_difference(now)) > CLOCKS_DIFFER_MAX:
            log.error("this machine's clock is %s off the database's: nothing is begun until they agree", difference)
            return
        self._put(work.due(now))
        chain.seal()

    def _work_off(self) -> None:
        from procrastinate.contrib.django.db_cleanup import DjangoApp  # noqa: PLC0415  # installed on PostgreSQL only
        from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415

        app = DjangoApp(connector=DjangoConnector().get_worker_connector())
        app.task(name=queue.TASK)(self._do)
        look = app.task(name="dunwell.look", queueing_lock="look", pass_context=True)(self._look_around)
        app.periodic(cron=LOOK_CRON)(look)
        app.run_worker(
            wait=not self.hands.once,
            delete_jobs="always",
            name=self.hands.by,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=SILENT_SECONDS,
        )

    def _do(self, **told: Any) -> None:  # noqa: ANN401  # JSON
        try:
            connect.require_this_release()
        except WrongReleaseError as error:  # the piece stays due; a worker of the right release finds it
            self.wrong_release = error
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._put(self.hands.do(Piece(**told)))

    async def _look_around(self, context: Any, timestamp: int) -> None:  # noqa: ANN401, ARG002  # as it is called
        jobs = context.app.job_manager
        for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
            log.warning("the worker of %r is gone: it is done again", job.lock)
            await jobs.retry_job(job)
        await sync_to_async(self.look)()

    def _put(self, pieces: Iterable[Piece]) -> None:
        queue.put(piece._asdict() for piece in pieces)
