"""Whoever works at a run may be killed at any moment: nothing is lost, nothing is sent twice, and all adds up."""

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from dunwell.flows.audit.verify import verify_chain
from dunwell.flows.cash.pay import pay
from dunwell.flows.people.holds import hold
from dunwell.flows.runs.replay import replay_run
from dunwell.flows.runs.work import start_run
from dunwell.records.models import Delivery, Item, ItemState, Notice, NoticeLine, Run
from tests.flows.runs.killed import FULL, work_off
from tests.flows.town import Town, at_home, day, noon

ON = "2026-04-14"
KILLS = int(os.environ.get("DUNWELL_SOAK", "4"))  # `make soak` kills at every step
SEED = 20260414


def process(town: Town, url: str, *, wrong_at: int = 0, how: str = "killed") -> "subprocess.Popen[str]":
    """A process that works at noon."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.runs.killed", noon(ON).isoformat(), str(wrong_at), how],
        env={**os.environ, "DUNWELL_DATABASE_URL": url, "DUNWELL_HOME": str(town.folder)},
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def steps_of(working: "subprocess.Popen[str]") -> int:
    """How many steps a process took that lived to the end."""
    out, err = working.communicate(timeout=120)
    assert working.returncode == 0, err
    return int(out)


@pytest.mark.parametrize("how", ["killed", "full"])
def test_a_worker_that_ends_anywhere_loses_nothing_and_sends_nothing_twice(town: Town, db: str, how: str) -> None:
    for number, wrong_at in enumerate(_chosen(_steps(town, db)), 1):
        fresh = _anew(town, number)
        ended = process(town, db, wrong_at=wrong_at, how=how)
        _out, err = ended.communicate(timeout=120)
        assert ended.returncode == -signal.SIGKILL if how == "killed" else FULL in err, err
        assert_recovers(town, fresh, number)


def test_one_of_two_workers_that_is_killed_anywhere_loses_nothing(town: Town, db: str) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one process works at a book on SQLite")
    killed = 0
    for number, wrong_at in enumerate(_chosen(_steps(town, db)), 1):
        fresh = _anew(town, number)
        beside = process(town, db)
        victim = process(town, db, wrong_at=wrong_at)
        _out, err = victim.communicate(timeout=120)
        steps_of(beside)
        assert victim.returncode in (0, -signal.SIGKILL), err  # 0: the other did so much that it took fewer steps
        killed += victim.returncode != 0
        assert_recovers(town, fresh, number)
    assert killed > 0


def _steps(town: Town, url: str) -> int:
    """How many steps a run takes of which nothing goes wrong: the second one, for which the folders are there."""
    for number in (-1, 0):
        run = _anew(town, number)
        assert run.shards == 2
        steps = steps_of(process(town, url))
        assert_adds_up(run, withdrawn=set())
    return steps


def _chosen(steps: int) -> list[int]:
    return sorted(random.Random(SEED).sample(range(1, steps + 1), min(KILLS, steps)))


def assert_recovers(town: Town, run: Run, number: int) -> None:
    """Money and a hold come in, and those who work later end the run as if nobody had been killed."""
    meanwhile(town, number)
    for hours in (1, 2):  # the lease has run out
        work_off(noon(ON) + timedelta(hours=hours))
    assert_adds_up(run, withdrawn={f"P{number}", f"H{number}"})


def _anew(town: Town, number: int) -> Run:
    """A run in two shards, of four notices with fees: two accounts of them will hear of something, two will not."""
    for code in (f"P{number}", f"H{number}", f"X{number}", f"Y{number}"):
        town.item(f"{code}-1", code, "100.00 EUR", "2026-03-31")
        ItemState.objects.create(
            item=town.get(f"{code}-1"), level=1, stage="reminder", last_notice_on=day("2026-04-03")
        )
    half = Item.objects.filter(closed_on=None).count() // 2 + 1
    with pytest.MonkeyPatch.context() as patch:
        at_home(town.folder, patch, shard_items=half)
        return start_run(town.entity, as_of=day(ON), posts=True, by="anna", at=noon(ON))


def meanwhile(town: Town, number: int) -> None:
    """What comes in while nobody is at work: money for one, a hold on another."""
    at = noon(ON) + timedelta(minutes=30)
    pay(town.entity, f"P{number}", amount="100.00", items=[f"P{number}-1"], on=day(ON), by="bank", at=at)
    hold(town.entity, account=f"H{number}", reason="in talks", on=day(ON), by="bert", at=at)


def assert_adds_up(run: Run, withdrawn: set[str]) -> None:
    """Every notice is sent once or withdrawn, and levels, fees, files, the archive and the trail say the same."""
    run.refresh_from_db()
    assert run.state == "done"
    notices = list(Notice.objects.filter(run=run).select_related("payer"))
    folder = settings.CONFIG.outbox_dir / str(run.pk)
    # What was being written keeps a name with a dot in front, which nobody takes for a message.
    files = sorted(path.name for path in folder.glob("[!.]*"))
    sent = Delivery.objects.filter(notice__run=run, state="sent").select_related("notice__payer")
    assert files == sorted(f"{each.notice.payer.code}-{each.notice_id}-email-{each.pk}.eml" for each in sent)
    for notice in notices:
        # What came in after it had left, or before it was posted, does not withdraw it.
        allowed = {"sent", "withdrawn", "superseded"} if notice.payer.code in withdrawn else {"sent"}
        assert notice.state in allowed, (notice.payer.code, notice.state)
        assert (notice.state == "sent") == any(each.notice_id == notice.pk for each in sent)
        for line in NoticeLine.objects.filter(notice=notice, role="dunned"):
            state = ItemState.objects.get(item=line.item_id)
            assert (state.level, state.pending_notice_id) == (
                line.level if notice.state == "sent" else line.level_before,
                None,
            )
        fees = Item.objects.filter(noticeline__notice=notice, noticeline__role="fee")
        assert [fee.open_minor for fee in fees] == ([500] if notice.state == "sent" else [0] * len(fees))
    assert replay_run(run.pk).identical_bytes
    assert verify_chain().is_intact


def test_two_workers_at_once_send_everything_once(town: Town, db: str) -> None:
    run = _anew(town, 0)
    processes = [process(town, db) for _ in range(2)]
    assert sum(steps_of(each) for each in processes) > 0
    assert_adds_up(run, withdrawn=set())
