"""A process that works off what is due, and is killed before its n-th step: `python -m tests.flows.runs.killed`.

A step is a statement, a commit, or a file that gets its name. Killed is killed: SIGKILL, nothing is tidied up.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any


def main(at: datetime, kill_at: int) -> None:
    """Decide, post and deliver; print how many steps there were. `kill_at` 0: live to the end."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
    import django  # noqa: PLC0415  # the environment names the database

    django.setup()
    from django.db import connection  # noqa: PLC0415

    from dunwell.flows.runs.work import do, due  # noqa: PLC0415

    steps = count(1)
    taken = 0

    def step() -> None:
        nonlocal taken
        taken = next(steps)
        if taken == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Callable[..., Any], *told: Any) -> Any:  # noqa: ANN401  # whatever Django hands on
        step()
        return execute(*told)

    connection.ensure_connection()
    commit = connection._commit  # type: ignore[attr-defined]

    def committed() -> None:
        step()
        commit()
        step()

    connection._commit = committed  # type: ignore[attr-defined]
    sys.addaudithook(lambda event, _told: step() if event == "os.rename" else None)
    with connection.execute_wrapper(statement):
        while pieces := list(due(at)):
            for piece in pieces:
                do(piece, clock=lambda: at, by="worker")
    print(taken)  # noqa: T201


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]), int(sys.argv[2]))
