"""Tryton's own dunning run beside ours, over the same book, on this machine, one after the other.

Tryton is installed from the package index into an environment of its own, and runs on SQLite in memory; ours is a whole
run on a SQLite file: read, decided, archived, posted and on the disk. Both are to dun the same items.
"""

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import databases
from bench.harness import Figure, measure, report

AT: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
LEVELS: Final = (30, 130)  # days
# What Tryton does: every level by its days alone, each item by itself, credits as they are.
POLICY: Final = f"""
policy: bench
credits: ignore
one_notice_per: item
stages:
  - {{stage: reminder, days_past_due: {LEVELS[0]}, send: [letter]}}
  - {{stage: final, days_past_due: {LEVELS[1]}, send: [letter]}}
"""
BOOK: Final = "book.csv"  # what Tryton is given
DONE: Final = "done.json"  # what our run came to


def main(n: int = 20_000) -> None:
    """Measure both; Tryton takes some time to be given its book."""
    with databases.both() as urls, tempfile.TemporaryDirectory(prefix="dunwell-bench-") as name:
        folder = Path(name)
        measure(databases.filled, urls["sqlite"], n, times=1)
        ours = measure(whole, urls["sqlite"], folder, times=1)
        theirs, dunned = _tryton(folder)
        own = json.loads((folder / DONE).read_text(encoding="utf-8"))["dunned"]
        if own != dunned:
            raise RuntimeError(f"Tryton dunned {dunned:,} items, and Dunwell {own:,}: that is not the same run")
    report(f"tryton: its run, {dunned:,} dunned", n, theirs)
    report("tryton: ours, the same", n, ours, theirs)


def whole(url: str, folder: Path) -> Callable[[], object]:
    """Prepare a run, and write its book for Tryton."""
    databases.open_database(url)
    from bench.fill import AS_OF
    from dunwell.flows.policies import apply_policy
    from dunwell.flows.runs.post import post_run
    from dunwell.flows.runs.propose import propose_run
    from dunwell.records import frames
    from dunwell.records.models import Entity, NoticeLine

    apply_policy(POLICY, "bench", by="bench", at=AT)
    book = frames.book(Entity.objects.get().pk, as_of=AS_OF)
    items = book.items.join(book.accounts.select("account_id", "account"), on="account_id")
    items.select("account", "issued_on", "due_on", "amount_minor", "kind", "level").rename(
        {"issued_on": "issued", "due_on": "due"}
    ).write_csv(folder / BOOK)

    def do() -> None:
        run = propose_run(Entity.objects.get(), as_of=AS_OF, at=AT, by="bench")
        post_run(run.pk, today=AS_OF, at=AT, by="bench")
        dunned = NoticeLine.objects.filter(notice__run=run, role="dunned").count()
        done = {"dunned": dunned, "as_of": AS_OF.isoformat()}
        (folder / DONE).write_text(json.dumps(done), encoding="utf-8")

    return do


def _tryton(folder: Path) -> tuple[Figure, int]:
    """Install Tryton, and let it dun the book. Errors: CalledProcessError, after it has said why."""
    home = folder / "tryton"
    venv.create(home, with_pip=True)
    python = str(home / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "trytond-account-dunning>=8.2,<8.3"], check=True)
    script = Path(__file__).with_name("tryton_run.py")
    as_of = json.loads((folder / DONE).read_text(encoding="utf-8"))["as_of"]
    days = ",".join(map(str, LEVELS))
    command = [python, str(script), str(folder / BOOK), as_of, days]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=sys.stderr, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    return Figure(found["seconds"], found["peak_mb"]), found["dunnings"]
