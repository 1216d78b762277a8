"""A worker of a book on PostgreSQL: takes its work from the queue that it shares with the others."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections
from procrastinate import App
from procrastinate.contrib.django.db_cleanup import close_db_connections
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker

from dunwell.flows.runs.work import Piece
from dunwell.records import chain, connect, queue
from dunwell.records.connect import WrongReleaseError
from dunwell.worker.hands import Hands, log

LOOK_SECONDS: Final = 60.0  # how often a worker looks for what nobody put into the queue
HEARTBEAT_SECONDS: Final = 10.0
CLOCKS_DIFFER_MAX: Final = timedelta(minutes=5)
POOL_SECONDS: Final = 5.0  # how long a statement of the queue waits for a connection
WAIT_SECONDS_MAX: Final = 60.0


class QueueWorker:
    """Takes pieces from the queue, and puts in what follows."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self.wrong_release: WrongReleaseError | None = None
        self.is_stopped = False

    def work(self) -> None:
        """Work until a signal says stop, or `once`. A database that goes away is waited for.

        Errors: WrongReleaseError, such as after an upgrade.
        """
        wait_seconds = 1.0
        while not self.is_stopped:
            started = time.monotonic()
            try:
                connect.require_this_release()
                self.look()
                asyncio.run(self._work_off())
                if self.hands.once:
                    break
            except WrongReleaseError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever the queue raises when the database goes away
                if time.monotonic() - started > WAIT_SECONDS_MAX:
                    wait_seconds = 1.0
                told = str(error).strip() or type(error).__name__
                is_known = isinstance(error, DatabaseError | OSError)
                log.error("%s; trying again in %.0f s", told, wait_seconds, exc_info=not is_known)
                time.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, WAIT_SECONDS_MAX)
                close_old_connections()
        if self.wrong_release is not None:
            raise self.wrong_release

    def look(self) -> None:
        """Put what is due into the queue, and seal the audit trail."""
        now = self.hands.clock()
        if abs(difference := queue.clock_difference(now)) > CLOCKS_DIFFER_MAX:
            log.error("this machine's clock is %s off the database's: nothing is begun until they agree", difference)
            return
        self._put(self.hands.due())
        chain.seal()

    async def _work_off(self) -> None:
        """Work, and look for work every LOOK_SECONDS. Errors: whatever the database raises; nobody works any more."""
        app = App(connector=PsycopgConnector(kwargs=connector_params(), timeout=POOL_SECONDS))
        app.task(name=queue.TASK)(self._do)
        async with app.open_async():
            worker = Worker(
                app,
                name=self.hands.by,
                wait=not self.hands.once,
                delete_jobs="always",
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=queue.SILENT.total_seconds(),
                task_middleware=[close_db_connections],
                install_signal_handlers=False,  # else one that stopped for want of a database would pass for told to
            )

            def stop() -> None:
                self.is_stopped = True
                worker.stop()

            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop)
            working = asyncio.create_task(worker.run())
            try:
                while not (await asyncio.wait({working}, timeout=LOOK_SECONDS))[0]:
                    await self._look_around(app.job_manager, worker.worker_id)
            finally:
                worker.stop()
                await working

    async def _look_around(self, jobs: JobManager, worker_id: int | None) -> None:
        """Let go what the dead had taken, and look. Errors: ConnectionError where we pass for dead ourselves."""
        for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=queue.SILENT.total_seconds()):
            log.warning("the worker that had taken %r is gone: others take it", job.queueing_lock)
            with suppress(ConnectorException):  # another worker has let it go already
                await jobs.finish_job(job, Status.FAILED, delete_job=True)  # what it did not do is still due
        await sync_to_async(self._look_alive)(worker_id)

    def _look_alive(self, worker_id: int | None) -> None:
        try:
            if worker_id not in queue.workers_alive():
                raise ConnectionError("the database has not heard of this worker for a while")
            self.look()
        finally:
            close_old_connections()

    def _do(self, **told: Any) -> None:  # JSON
        try:
            connect.require_this_release()
        except WrongReleaseError as error:  # the piece stays due; a worker of the right release finds it
            self.wrong_release = error
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._put(self.hands.do(Piece(**told)))

    def _put(self, pieces: Iterable[Piece]) -> None:
        queue.put(piece._asdict() for piece in pieces)
