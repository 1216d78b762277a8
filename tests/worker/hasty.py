"""A worker that looks, and is missed, after a second instead of a minute: `python -m tests.worker.hasty`."""

import sys
from datetime import timedelta
from unittest.mock import patch

import django

django.setup()

from dunwell import serve  # after Django is set up
from dunwell.cli import clock
from dunwell.flows.runs import deliver
from dunwell.records import queue
from dunwell.worker import queued

if __name__ == "__main__":
    serve.log_to_terminal()
    with (
        patch.object(deliver, "LEASE", timedelta(seconds=2)),
        patch.multiple(queue, SILENT=timedelta(seconds=1.5), UNDER_WAY=timedelta(seconds=3)),
        patch.multiple(queued, LOOK_SECONDS=1.0, HEARTBEAT_SECONDS=0.3, WAIT_SECONDS_MAX=1.0),
    ):
        sys.exit(serve.work(clock=clock.now, once=False) or 0)
