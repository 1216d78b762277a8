"""A run decided again from its archive comes out the same, or what is wrong is named."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from django.conf import settings

from dunwell.engine import decide as engine
from dunwell.engine.steps import slices
from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs import replay
from dunwell.flows.runs.archives import Swept, sweep
from dunwell.flows.runs.edit import exclude_item
from dunwell.flows.runs.replay import replay_run
from dunwell.records import archive
from dunwell.records.models import Run, RunEdit
from tests import databases
from tests.flows.town import Town, at_home, day, noon

ITEMS = 120
DECIDE_AGAIN = """
import sys
from datetime import date
from pathlib import Path
from dunwell.engine.decide import decide
from dunwell.engine.policy.parse import parse_policy
from dunwell.records import archive
folder, digest = Path(sys.argv[1]), sys.argv[2]
about = archive.manifest(folder, digest)
policies = [parse_policy(each["text"], each["name"]) for each in about["policies"]]
plan = decide(archive.book(folder, digest), policies, date.fromisoformat(about["as_of"]))
print(archive.digest_of(plan.decisions), archive.digest_of(plan.notices), archive.digest_of(plan.lines))
"""


def many(town: Town) -> Run:
    """A run over a hundred items of all sorts."""
    for i in range(ITEMS):
        town.item(f"A-{i}", f"C{i % 40}", f"{10 + i}.00 EUR", f"2026-03-{1 + i % 28:02}", attributes={"x": i % 7})
    town.run("2026-03-20")
    for i in range(0, ITEMS, 9):
        town.pay(f"A-{i}", "5.00 EUR", "2026-03-21")
    town.hold("C7", "2026-03-21")
    return town.propose("2026-04-14")


def folder_of(run: Run) -> Path:
    path: Path = settings.CONFIG.archive_dir / run.archive_digest
    return path


def test_a_replay_is_the_same_byte_for_byte(town: Town) -> None:
    run = many(town)
    found = replay_run(run.pk)
    assert (found.items, found.identical_bytes, found.same_versions, found.differences) == (ITEMS, True, True, [])


def test_both_databases_decide_the_same_bytes(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = request.getfixturevalue("postgresql_port")
    found = []
    for name, opened in (("sqlite", databases.sqlite(tmp_path)), ("postgresql", databases.postgresql(port))):
        at_home(tmp_path / name, monkeypatch)
        with opened:
            run = many(Town(tmp_path / name))
            found.append(archive.manifest(settings.CONFIG.archive_dir, run.archive_digest)["files"])
    assert found[0] == found[1]


def test_a_posted_run_with_changes_is_replayed_with_them(town: Town) -> None:
    run = many(town)
    exclude_item(run.pk, "A-1", reason="in talks", by="bert", at=noon("2026-04-14"))
    town.post(run)
    found = replay_run(run.pk)
    assert (found.changes, found.identical_bytes, found.differences) == (1, True, [])


@pytest.mark.parametrize("threads", ["1", "2", "8"])
def test_the_number_of_threads_changes_nothing(town: Town, threads: str) -> None:
    run = many(town)
    done = subprocess.run(
        [sys.executable, "-c", DECIDE_AGAIN, str(settings.CONFIG.archive_dir), run.archive_digest],
        env={**os.environ, "POLARS_MAX_THREADS": threads}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = archive.manifest(settings.CONFIG.archive_dir, run.archive_digest)["files"]
    assert done.stdout.split() == [files["plan-decisions"], files["plan-notices"], files["plan-lines"]]


def test_the_size_of_slices_changes_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = many(town)
    for rows, at_once in ((7, 1), (50, 2), (100, 4)):
        monkeypatch.setattr(slices, "ROWS_PER_SLICE", rows)
        monkeypatch.setattr(engine, "SLICES_AT_ONCE", at_once)
        assert replay_run(run.pk).identical_bytes


def test_a_replay_that_comes_out_otherwise_names_the_first_difference(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    monkeypatch.setattr(replay, "decide", lambda book, policies, _on: engine.decide(book, policies, day("2026-04-02")))
    found = replay_run(run.pk)
    assert not found.identical_bytes
    tables = {difference.table: difference for difference in found.differences}
    assert tables["decisions"].rows == 1
    assert "outcome dun" in tables["decisions"].kept
    assert "outcome not_due, " in tables["decisions"].now
    assert (tables["notices"].rows, tables["notices"].now) == (1, "nothing")


def altered_table(folder: Path) -> str:
    path = folder / "plan-decisions.parquet"
    pl.read_parquet(path).with_columns(open_minor=pl.col("open_minor") + 1).write_parquet(path)
    return "plan-decisions.parquet was altered"


def altered_book(folder: Path) -> str:
    path = folder / "book-holds.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    return "book-holds.parquet was altered"


def altered_manifest(folder: Path) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "as_of": "2026-04-04"}))
    return "manifest.json was altered"


def missing_table(folder: Path) -> str:
    (folder / "plan-lines.parquet").unlink()
    return "plan-lines.parquet is missing"


def missing_folder(folder: Path) -> str:
    shutil.rmtree(folder)
    return f"the archive {folder.name[:12]} is not in"


@pytest.mark.parametrize("harm", [altered_table, altered_book, altered_manifest, missing_table, missing_folder])
def test_an_archive_that_is_not_what_it_was_is_refused_with_what_to_do(town: Town, harm: Callable[[Path], str]) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    said = harm(folder_of(run))
    with pytest.raises(Conflict, match=f"{said}.*: restore .*from a backup"):
        replay_run(run.pk)


@pytest.mark.parametrize("harm", [altered_table, altered_manifest, missing_folder])
def test_what_was_altered_is_not_posted(town: Town, harm: Callable[[Path], str]) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    said = harm(folder_of(run))
    with pytest.raises(Conflict, match=said):
        town.post(run)
    assert town.level("A-17") == 0


def test_an_unknown_run_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound):
        replay_run(99)


# Archives that may go


def test_what_no_run_names_goes_once_it_is_old(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    folder = settings.CONFIG.archive_dir
    left, young = folder / ("0" * 64), folder / ".writing-x"
    for path in (left, young):
        path.mkdir()
        (path / "manifest.json").write_text("{}")
    old = noon("2026-01-01").timestamp()
    os.utime(left, (old, old))
    os.utime(folder_of(run), (old, old))
    assert sweep(at=noon("2026-04-03")) == Swept(orphans=1, expired=0)
    assert {path.name for path in folder.iterdir()} == {run.archive_digest, ".writing-x"}
    assert replay_run(run.pk).identical_bytes


def test_archives_of_runs_that_are_over_go_after_their_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(town.folder, monkeypatch, archive_retention_days=30)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    done = town.run("2026-04-03")
    waiting = town.propose("2026-04-05")
    assert sweep(at=noon("2026-05-03")) == Swept(orphans=0, expired=0)
    assert sweep(at=noon("2026-06-03")) == Swept(orphans=0, expired=1)
    assert not folder_of(done).exists()
    assert folder_of(waiting).exists()  # it may still be posted
    with pytest.raises(Conflict, match="is not in"):
        replay_run(done.pk)
    assert RunEdit.objects.count() == 0
