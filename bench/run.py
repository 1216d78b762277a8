"""A whole run, read, decided, archived and posted; the floor reads and writes the same rows and frames, bare.

Then, on PostgreSQL, the same run by one worker and by two, to its last message.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import databases, post, read
from bench.harness import Figure, measure, report
from dunwell.cli.clock import now

if TYPE_CHECKING:
    from dunwell.records.models import Entity

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
POLL_SECONDS = 0.1
SHARD_ITEMS = 25_000  # of the run that workers share


def main(n: int = 1_000_000) -> None:
    """Measure on both databases; a run changes its book, so each has a fresh one."""
    for name in ("sqlite", "postgresql"):
        figures = [figure for prepare in (bare, whole) if (figure := _measured(prepare, name, n))]
        if len(figures) == 2:
            report(f"run {name}: its rows and frames", n, figures[0])
            report(f"run {name}: whole", n, figures[1], figures[0])
    n //= 5  # most of the time goes into messages
    alone = _worked(n, 1)
    together = _worked(n, 2)
    if alone and together:
        for what, one, two in zip(("posted", "and delivered"), alone, together, strict=True):
            report(f"run postgresql: {what}, one worker", n, one)
            report(f"run postgresql: {what}, two", n, two, one)


def whole(url: str) -> Callable[[], object]:
    """Prepare to propose and post a run in this process."""
    entity = _ready(url)
    from bench.fill import AS_OF
    from dunwell.flows.runs.post import post_run
    from dunwell.flows.runs.propose import propose_run

    def do() -> None:
        run = propose_run(entity, as_of=AS_OF, at=AT, by="bench")
        posted = post_run(run.pk, today=AS_OF, at=AT, by="bench")
        print(f"{run.shards} shards, {posted.posted:,} notices")

    return do


def bare(url: str) -> Callable[[], object]:
    """Prepare the floor: rows dropped as they come, Parquet of the frames, rows as they go in."""
    reads, writes = read.bare(url), post.bare(url)
    from bench.fill import AS_OF
    from dunwell.engine.decide import decide
    from dunwell.engine.policy.parse import parse_policy
    from dunwell.records import frames

    book = frames.book(1, as_of=AS_OF)
    plan = decide(book, [parse_policy(post.STAGES, "bench")], AS_OF)
    kept = [getattr(part, field.name) for part in (book, plan) for field in fields(part)]

    def do() -> None:
        reads()
        with tempfile.TemporaryDirectory() as folder:
            for number, frame in enumerate(kept):
                with (Path(folder) / f"{number}.parquet").open("wb") as file:
                    frame.write_parquet(file)
                    file.flush()
                    os.fsync(file.fileno())
        writes()

    return do


def _measured(prepare: Callable[[str], Callable[[], object]], name: str, n: int) -> Figure | None:
    with databases.both() as urls:
        if name not in urls:
            return None
        measure(databases.filled, urls[name], n, times=1)
        return measure(prepare, urls[name], times=1)


def _worked(n: int, workers: int) -> tuple[Figure, Figure] | None:
    """How long workers took, on PostgreSQL: to the last posting, and to the last message."""
    with databases.both() as urls:
        if "postgresql" not in urls:
            return None
        url = urls["postgresql"]
        measure(databases.filled, url, n, times=1)
        begun = measure(handed_over, url, times=1)
        with _workers(url, workers):
            posted = measure(until_posted, url, times=1).seconds
            sent = measure(until_done, url, times=1).seconds
        return Figure(posted, begun.peak_mb), Figure(posted + sent, begun.peak_mb)


def handed_over(url: str) -> Callable[[], object]:
    """Prepare to hand a run over to workers."""
    os.environ["DUNWELL_SHARD_ITEMS"] = str(SHARD_ITEMS)
    entity = _ready(url)
    from bench.fill import AS_OF
    from dunwell.flows.runs.work import start_run

    return lambda: start_run(entity, as_of=AS_OF, posts=True, by="bench", at=now())


def until_posted(url: str) -> Callable[[], object]:
    """Prepare to wait until all shards are posted, from the first one begun."""
    databases.open_database(url)
    from dunwell.records.models import RunShard

    return lambda: _wait(lambda: not RunShard.objects.filter(is_posted=False).exists())


def until_done(url: str) -> Callable[[], object]:
    """Prepare to wait until all messages have left."""
    databases.open_database(url)
    from dunwell.records.models import Run

    return lambda: _wait(lambda: Run.objects.filter(state="done").exists())


@contextmanager
def _workers(url: str, n: int) -> Iterator[None]:
    environment = {**os.environ, "DUNWELL_DATABASE_URL": url, "DUNWELL_SHARD_ITEMS": str(SHARD_ITEMS)}
    said = io.FileIO(os.devnull, "w")
    command = [sys.executable, "-m", "dunwell", "worker"]
    processes = [subprocess.Popen(command, env=environment, stderr=said) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _ready(url: str) -> "Entity":
    """The company, with its policy in force."""
    databases.open_database(url)
    from dunwell.flows.policies import apply_policy
    from dunwell.records.models import Entity

    apply_policy(post.STAGES, "bench", by="bench", at=AT)
    return Entity.objects.get()


def _wait(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(POLL_SECONDS)
