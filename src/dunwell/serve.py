"""Puts the doors together: the console or a worker in this process, or each in one of its own, looked after."""

import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import FrameType
from typing import Final

from dunwell.cli.doors import EXIT_CONFLICT, EXIT_RELEASE
from dunwell.flows.errors import Conflict
from dunwell.records import connect
from dunwell.worker.alone import work_alone
from dunwell.worker.hands import Hands

LOOK_SECONDS: Final = 0.2
RESTART_SECONDS_MAX: Final = 60.0
STEADY_SECONDS: Final = 60.0  # who has lived so long is started again at once
WEB_THREADS: Final = 4
REFUSALS: Final = (EXIT_RELEASE, EXIT_CONFLICT)  # starting it again would change nothing

log = logging.getLogger("dunwell")


def work(*, clock: Callable[[], datetime], once: bool) -> str:
    """Be a worker until a signal says stop, or `once`, until nothing is due.

    Returns why not, where the database is of another release.
    """
    hands = Hands(clock=clock, by=f"worker {socket.gethostname()}:{os.getpid()}", once=once)
    try:
        if connect.is_postgresql():
            from dunwell.worker.queued import QueueWorker  # noqa: PLC0415  # half a second that SQLite need not wait

            QueueWorker(hands).work()
        else:
            work_alone(hands)
    except connect.WrongReleaseError as error:
        return str(error)
    return ""


def log_to_terminal() -> None:
    """Say on stderr what is done; of the queue's own messages only what is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


def unfit() -> str:
    """Why the database cannot be worked with, where it is of another release."""
    try:
        connect.require_this_release()
    except connect.WrongReleaseError as error:
        return str(error)
    return ""


def require_free(host: str, port: int) -> None:
    """Errors: Conflict, where nobody can listen at an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
            tried.listen()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Conflict(
            f"the console cannot be served on {host}, port {port}: {reason}; choose another by --port"
        ) from None


def serve_web(host: str, port: int) -> None:
    """Serve the console until a signal says stop, in a process that is spawned: Polars hangs after a fork."""
    from granian.constants import Interfaces  # noqa: PLC0415  # workers need none of it
    from granian.server import Server  # noqa: PLC0415  # as above

    multiprocessing.set_start_method("spawn")
    Server(
        "dunwell.web.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=WEB_THREADS,
        respawn_failed_workers=True,
        websockets=False,
        workers_kill_timeout=10,
    ).serve()


def supervise(commands: Sequence[Sequence[str]]) -> None:
    """Keep `dunwell` running with these words, each a process of its own, until a signal says stop.

    One that ends is started again; one that refuses to run, such as a worker of another release, ends all. Errors:
    Conflict, then.
    """
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    children = [Child(words) for words in commands]
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
    if refusing := [child.words[0] for child in children if child.refuses]:
        raise Conflict(f"the {refusing[0]} refuses to run; it has said why")


class Child:
    """A worker, or the console, in a process of its own."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.start_at = 0.0
        self.wait_seconds = 1.0
        self.refuses = False

    def keep_alive(self, now: float) -> None:
        """Start the process, again if it has ended: sooner the longer it lived. `now`: seconds of a steady clock."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self.refuses = code in REFUSALS
            self.wait_seconds = (
                1.0 if now - self.started > STEADY_SECONDS else min(self.wait_seconds * 2, RESTART_SECONDS_MAX)
            )
            log.error("the %s ended with %s; starting another in %.0f s", self.words[0], code, self.wait_seconds)
            self.process, self.start_at = None, now + self.wait_seconds
        if self.process is None and now >= self.start_at and not self.refuses:
            self.process = subprocess.Popen([sys.executable, "-m", "dunwell", *self.words])  # noqa: S603  # our own words
            self.started = now
