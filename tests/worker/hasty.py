"""A worker that looks, and is missed, after a second instead of a minute: `python -m tests.worker.hasty`."""

import sys
from datetime import timedelta

import django

django.setup()

from dunwell import serve  # noqa: E402  # after Django is set up
from dunwell.cli import clock  # noqa: E402
from dunwell.flows.runs import deliver  # noqa: E402
from dunwell.records import queue  # noqa: E402
from dunwell.worker import queued  # noqa: E402

if __name__ == "__main__":
    deliver.LEASE = timedelta(seconds=2)  # type: ignore[misc]
    queued.LOOK_SECONDS = 1.0  # type: ignore[misc]
    queued.HEARTBEAT_SECONDS = 0.3  # type: ignore[misc]
    queue.SILENT = timedelta(seconds=1.5)  # type: ignore[misc]
    queue.UNDER_WAY = timedelta(seconds=3)  # type: ignore[misc]
    queued.WAIT_SECONDS_MAX = 1.0  # type: ignore[misc]
    serve.log_to_terminal()
    sys.exit(serve.work(clock=clock.now, once=False) or 0)
