"""Workers are killed, the database goes away, clocks jump: nothing is lost, nothing is sent twice."""

import os
import random
import signal
import time
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections

from dunwell.cli.clock import now
from dunwell.flows.audit.verify import verify_chain
from dunwell.flows.cash.pay import pay
from dunwell.flows.people.holds import hold
from dunwell.flows.runs.replay import replay_run
from dunwell.records.models import Delivery, Item, ItemState, Notice, NoticeLine, Run
from dunwell.worker.hands import Hands
from dunwell.worker.queued import QueueWorker
from tests.worker.conftest import TODAY, WorkTown

ROUNDS = 2 if "DUNWELL_SOAK" not in os.environ else 40  # `make soak` goes on for long
KILLS_PER_ROUND = 3
SEED = 20261128


def test_killed_workers_lose_nothing_and_send_nothing_twice(busy_town: WorkTown) -> None:
    chance = random.Random(SEED)
    workers = [busy_town.work() for _ in range(2)]
    for number in range(ROUNDS):
        codes = [f"R{number}-{n}" for n in range(60)]
        for code in codes:
            busy_town.item(f"{code}-1", code, "10.00 EUR", (TODAY - timedelta(days=5)).isoformat())
        run = busy_town.begin()
        for _kill in range(KILLS_PER_ROUND):
            time.sleep(chance.uniform(0.1, 1.5))
            meanwhile(busy_town, chance, codes)
            victim = chance.randrange(2)
            workers[victim].send_signal(signal.SIGKILL)
            workers[victim].communicate()
            workers[victim] = busy_town.work()
        busy_town.wait_until_it_is(run, "done")
        assert_adds_up(busy_town, run)
    for worker in workers:
        busy_town.stop(worker)


def meanwhile(town: WorkTown, chance: random.Random, codes: list[str]) -> None:
    """Money comes in for one debtor, another is put on hold."""
    paid, held = chance.sample(codes, 2)
    codes[:] = [code for code in codes if code not in (paid, held)]
    pay(town.entity, paid, amount="10.00", items=[f"{paid}-1"], on=TODAY, by="bank", at=now())
    hold(town.entity, account=held, reason="in talks", on=TODAY, by="bert", at=now())


def assert_adds_up(town: WorkTown, run: Run) -> None:
    """Every notice is sent once, or withdrawn, or fell out, and levels, messages, archive and trail say the same."""
    states = set(Notice.objects.filter(run=run).values_list("state", flat=True))
    assert states <= {"sent", "withdrawn", "superseded"}
    sent = Delivery.objects.filter(notice__run=run, state="sent")
    messages = [path for path in town.outbox if path.parent.name == str(run.pk) and not path.name.startswith(".")]
    assert len(messages) == sent.count() == Notice.objects.filter(run=run, state="sent").count()
    for line in NoticeLine.objects.filter(notice__run=run, role="dunned").select_related("notice"):
        state = ItemState.objects.get(item=line.item_id)
        assert (state.level, state.pending_notice_id) == (1 if line.notice.state == "sent" else 0, None)
    forgotten = Item.objects.filter(closed_on=None, kind="invoice").exclude(noticeline__notice__run=run)
    later = forgotten.filter(issued_on=None, number__startswith=f"R{run.pk - 1}-")
    assert not later.exclude(account__hold__isnull=False).exists()  # unless it was held before it was decided
    assert replay_run(run.pk).identical_bytes
    assert verify_chain().is_intact


def test_a_database_that_goes_away_is_waited_for(busy_town: WorkTown) -> None:
    busy_town.debtors(60)
    worker = busy_town.work()
    run = busy_town.begin()
    name = connection.settings_dict["NAME"]
    connections.close_all()
    with psycopg.connect(busy_town.url.rpartition("/")[0] + "/postgres", autocommit=True) as admin:
        for _gone in range(3):
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            time.sleep(0.5)
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            time.sleep(0.7)
    busy_town.wait_until_it_is(run, "done")
    busy_town.stop(worker)
    assert_adds_up(busy_town, run)


def test_nothing_begins_while_clocks_disagree(busy_town: WorkTown, caplog: pytest.LogCaptureFixture) -> None:
    busy_town.debtors(3)
    busy_town.every_day()
    worker = QueueWorker(Hands(clock=lambda: now() + timedelta(days=400), by="early"))
    worker.look()
    assert "this machine's clock is" in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (0,)


def test_a_worker_is_stopped_after_the_step_under_way(town: WorkTown) -> None:
    town.debtors(80)
    run = town.begin()
    worker = town.work("worker")
    town.wait_until_it_is(run, "posted")
    said = town.stop(worker)
    assert not Delivery.objects.filter(state="claimed").exists(), said
    town.once()
    town.assert_all_sent(run, 80)


def test_a_worker_that_died_is_replaced(busy_town: WorkTown) -> None:
    busy_town.debtors(30)
    keeper = busy_town.work("up")
    child = busy_town.wait_for_child(keeper)
    os.kill(child, signal.SIGKILL)
    run = busy_town.begin()
    busy_town.wait_until_it_is(run, "done")
    assert "worker ended with -9; starting another" in busy_town.stop(keeper)
    busy_town.assert_all_sent(run, 30)
