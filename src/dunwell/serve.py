"""Puts the doors together: one worker in this process, or several in processes of their own, looked after."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Final

from dunwell.cli.doors import EXIT_RELEASE
from dunwell.flows.errors import Conflict
from dunwell.records import connect
from dunwell.worker.alone import work_alone
from dunwell.worker.hands import Hands
from dunwell.worker.queued import QueueWorker

LOOK_SECONDS: Final = 0.2
RESTART_SECONDS_MAX: Final = 60.0
STEADY_SECONDS: Final = 60.0  # who has lived so long is started again at once

log = logging.getLogger("dunwell")


def work(*, clock: Callable[[], datetime], once: bool) -> str:
    """Be a worker until a signal says stop, or `once`, until nothing is due.

    Returns why not, where the database is of another release.
    """
    hands = Hands(clock=clock, by=f"worker {socket.gethostname()}:{os.getpid()}", once=once)
    try:
        QueueWorker(hands).work() if connect.is_postgresql() else work_alone(hands)
    except connect.WrongReleaseError as error:
        return str(error)
    return ""


def log_to_terminal() -> None:
    """Say on stderr what is done; of the queue's own messages only what is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


def supervise(processes: int) -> None:
    """Keep some workers running, each a process of its own, until a signal says stop; one that ends is started again.

    A worker that refuses to run, such as one of another release, ends all. Errors: Conflict, then.
    """
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    children = [Child() for _ in range(processes)]
    try:
        while not stopping and not any(child.refuses for child in children):
            for child in children:
                child.keep_alive(time.monotonic())
            time.sleep(LOOK_SECONDS)
    finally:
        running = [child.process for child in children if child.process is not None]
        for process in running:
            process.terminate()
        for process in running:  # each finishes what it is doing
            process.wait()
    if any(child.refuses for child in children):
        raise Conflict("a worker refuses to run; it has said why")


class Child:
    """A worker in a process of its own."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.start_at = 0.0
        self.wait_seconds = 1.0
        self.refuses = False

    def keep_alive(self, now: float) -> None:
        """Start the process, again if it has ended: sooner the longer it lived. `now`: seconds of a steady clock."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self.refuses = code == EXIT_RELEASE
            self.wait_seconds = (
                1.0 if now - self.started > STEADY_SECONDS else min(self.wait_seconds * 2, RESTART_SECONDS_MAX)
            )
            log.error("a worker ended with %s; starting another in %.0f s", code, self.wait_seconds)
            self.process, self.start_at = None, now + self.wait_seconds
        if self.process is None and now >= self.start_at and not self.refuses:
            self.process = subprocess.Popen([sys.executable, "-m", "dunwell", "worker"])
            self.started = now
