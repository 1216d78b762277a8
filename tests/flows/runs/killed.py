"""A process that works off what is due, and whose n-th step goes wrong: `python -m tests.flows.runs.killed`.

A step is a statement that writes, a commit, or a file or folder of the book's that is made, written, named or removed:
whoever is killed while he reads leaves what the step before has left. Killed is killed: SIGKILL, nothing is tidied up.
`full`: from that step on the disk of the database is full, and the process goes on as it can.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

ON_FILES: Final = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link"}
READS: Final = re.compile(r"\s*(SELECT|WITH RECURSIVE|PRAGMA|EXPLAIN)\b")
FULL: Final = "database or disk is full"
WRITING: Final = os.O_WRONLY | os.O_RDWR


class Steps:
    """Counts the steps of this process, and lets one go wrong. `wrong_at` 0: none."""

    def __init__(self, wrong_at: int, how: str) -> None:
        from django.db import connection  # Django is set up by now

        self.wrong_at, self.how = wrong_at, how
        self.taken = 0
        connection.ensure_connection()
        database: Any = connection
        self.commit, database._commit = database._commit, self.committed
        sys.addaudithook(self.on_file)

    def step(self) -> None:
        self.taken += 1
        if self.how == "killed" and self.taken == self.wrong_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, execute: Callable[..., Any], *told: Any) -> object:
        from django.db import OperationalError

        if READS.match(str(told[0])):
            return execute(*told)
        self.step()
        if self.how == "full" and 0 < self.wrong_at <= self.taken:
            raise OperationalError(FULL)  # as databases say it: a test must not fill the machine's disk
        return execute(*told)

    def committed(self) -> None:
        self.step()
        self.commit()
        self.step()

    def on_file(self, event: str, told: tuple[Any, ...]) -> None:
        is_write = event in ON_FILES or (event == "open" and isinstance(told[2], int) and told[2] & WRITING)
        if is_write and str(told[0]).startswith(os.environ["DUNWELL_HOME"]):
            self.step()


def main(at: datetime, wrong_at: int, how: str) -> None:
    """Decide, post and deliver; print how many steps there were."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
    import django  # the environment names the database

    django.setup()
    from django.db import connection

    steps = Steps(wrong_at, how)
    with connection.execute_wrapper(steps.statement):
        work_off(at)
    print(steps.taken)


def work_off(at: datetime) -> None:
    """Do what is due at an instant, until nothing is."""
    from dunwell.flows.runs.work import do, due  # Django is set up by now

    while pieces := list(due(at)):
        for piece in pieces:
            do(piece, clock=lambda: at, by="worker")


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
