"""A town in which real workers work, at the present day."""

from tests import databases  # isort: skip  # sets Django up

import os
import signal
import socket
import subprocess
import sys
import time as clock
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest

from dunwell.cli.clock import now
from dunwell.flows.audit.verify import verify_chain
from dunwell.flows.runs.replay import replay_run
from dunwell.flows.runs.work import start_run
from dunwell.records.models import Delivery, ItemState, Run
from tests.cli.shell import dunwell
from tests.flows.town import Town, at_home

assert databases
SECONDS_MAX = 40
TODAY = now().date()  # real workers go by the real clock


class WorkTown(Town):
    """A town, and the worker processes of its book."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url
        self.processes: list[subprocess.Popen[str]] = []

    def debtors(self, n: int, days_late: int = 5) -> None:
        """So many debtors, each with one item that is late."""
        self.many(n, due=(TODAY - timedelta(days=days_late)).isoformat())

    def begin(self, *, posts: bool = True) -> Run:
        """Hand a run over to the workers, now."""
        return start_run(self.entity, as_of=TODAY, posts=posts, by="anna", at=now())

    def every_day(self, *, posts: bool = True) -> None:
        """Let a run begin from midnight on."""
        self.entity.run_at, self.entity.run_posts = time(0), posts
        self.entity.save()

    def work(self, *words: str) -> "subprocess.Popen[str]":
        """Start a process: `dunwell WORDS`, or without words a hasty worker."""
        command = ["-m", "dunwell", *words] if words else ["-m", "tests.worker.hasty"]
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "DUNWELL_DATABASE_URL": self.url, "DUNWELL_HOME": str(self.folder)},
            cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def once(self) -> str:
        """Let a worker do what is due; return what it said."""
        own = {name: text for name, text in os.environ.items() if name.startswith("DUNWELL_")}
        env = {**own, "DUNWELL_DATABASE_URL": self.url, "DUNWELL_HOME": str(self.folder)}
        answer = dunwell("worker", "--once", cwd=self.folder, env=env)
        assert answer.code == 0, answer.err
        return answer.err

    def wait_for_child(self, keeper: "subprocess.Popen[str]") -> int:
        """The process that another one has started, once it has."""
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
        self.wait_until(lambda: bool(children.read_text().split()))
        return int(children.read_text().split()[0])

    def stop(self, process: "subprocess.Popen[str]") -> str:
        """End a worker in good order; return what it said."""
        process.send_signal(signal.SIGTERM)
        _out, said = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0, said
        return said

    def state(self, run: Run) -> str:
        """How far a run is."""
        run.refresh_from_db()
        return run.state

    def wait_until_it_is(self, run: Run, state: str) -> None:
        """Return when a run has come so far."""
        self.wait_until(lambda: self.state(run) == state)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so; fail when it takes too long."""
        for _ in range(SECONDS_MAX * 10):
            if is_so():
                return
            clock.sleep(0.1)
        for process in self.processes:
            print(_ended(process))  # noqa: T201  # pytest shows it
        pytest.fail(f"it is not so after {SECONDS_MAX} s")

    def assert_all_sent(self, run: Run, n: int) -> None:
        """A run is done: so many messages, each once, and levels, trail and archive say the same."""
        assert self.state(run) == "done"
        assert len(self.outbox) == n == Delivery.objects.filter(notice__run=run, state="sent").count()
        assert ItemState.objects.filter(level=1, pending_notice_id=None).count() == n
        assert verify_chain().is_intact
        assert replay_run(run.pk).identical_bytes


@pytest.fixture
def town(db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkTown]:
    """A town on either database, in shards of about ten items."""
    yield from _town(db, tmp_path, monkeypatch)


@pytest.fixture
def busy_town(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkTown]:
    """The same on PostgreSQL, where several can work."""
    yield from _town(postgresql, tmp_path, monkeypatch)


def _town(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkTown]:
    at_home(folder, monkeypatch, shard_items=10)
    monkeypatch.setenv("DUNWELL_SHARD_ITEMS", "10")
    with socket.create_server(("127.0.0.1", 0)) as free:  # for `up`, of which others may run one as well
        monkeypatch.setenv("DUNWELL_LISTEN", f"127.0.0.1:{free.getsockname()[1]}")
    town = WorkTown(folder, url)
    yield town
    for process in town.processes:
        if process.stderr and not process.stderr.closed:
            _ended(process)


def _ended(process: "subprocess.Popen[str]") -> str:
    """End a process, in good order where it can: one that is killed leaves those it keeps running, with its pipes."""
    process.terminate()
    try:
        return process.communicate(timeout=SECONDS_MAX)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return "it did not end when told to"
