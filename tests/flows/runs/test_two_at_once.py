"""Two of us at the same run, each with a connection: one of them wins, and nothing is said twice."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import polars as pl
import psycopg
import pytest
from django.db import connections

from dunwell.flows.errors import Conflict
from dunwell.flows.runs import post
from dunwell.flows.runs.explain import explain_item
from dunwell.records.models import AnchorState, AuditEvent, Delivery, Item, ItemState, Run, Task
from tests.flows.runs.test_charged import AGREED
from tests.flows.town import Town, at_home

T = TypeVar("T")
ANCHORED = """\
policy: standard
anchor: account
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: second_reminder, days_past_due: 14, send: [email]}
"""
CLOSING = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, send: [email], do: [call]}
close: {after_stage: reminder, send: [email]}
"""
SECONDS_MAX = 20


@pytest.fixture
def busy_town(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town on PostgreSQL, where several can write at once."""
    at_home(tmp_path, monkeypatch)
    return Town(tmp_path)


def with_own_connection(do: Callable[[], T]) -> T | Exception:
    """Do something in this thread, and close its connection."""
    try:
        return do()
    except Exception as error:  # noqa: BLE001  # handed to the test
        return error
    finally:
        connections.close_all()


def at_once(*deeds: Callable[[], T]) -> list[T | Exception]:
    """Do several things at the same time."""
    ready = Barrier(len(deeds))

    def deed(do: Callable[[], T]) -> T | Exception:
        ready.wait(SECONDS_MAX)
        return with_own_connection(do)

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(deed, deeds))


@contextmanager
def entity_locked(url: str, town: Town) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody else holds the entity until the end."""
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM records_entity WHERE id = %s FOR UPDATE", [town.entity.pk])
        yield other


def wait_for_waiters(url: str, n: int) -> None:
    """Return when so many connections wait for a lock."""
    with psycopg.connect(url, autocommit=True) as watch:
        for _ in range(SECONDS_MAX * 50):
            row = watch.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
            if row and row[0] == n:
                return
            time.sleep(0.02)
    pytest.fail(f"{n} connections were to wait for a lock")


def test_of_two_postings_one_is_refused(busy_town: Town) -> None:
    for number in ("A-17", "A-18"):
        busy_town.item(number, "MEYER", "100.00 EUR", "2026-03-31")
    busy_town.run("2026-04-03")
    run = busy_town.propose("2026-04-14")
    results = at_once(*[lambda: busy_town.post(run)] * 2)
    refusals = [result for result in results if isinstance(result, Exception)]
    assert [type(refusal) for refusal in refusals] == [Conflict]
    assert Item.objects.filter(kind="charge").count() == 1
    assert Delivery.objects.filter(notice__run=run).count() == 1
    assert AuditEvent.objects.filter(action="run.posted", subject_id=run.pk).count() == 1
    assert busy_town.level("A-17") == 2


def test_of_two_deliveries_each_message_leaves_once(busy_town: Town) -> None:
    busy_town.many(30, due="2026-03-31")
    run = busy_town.propose("2026-04-03")
    busy_town.post(run)
    results = at_once(*[lambda: busy_town.deliver(run)] * 2)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(getattr(result, "sent", 0) for result in results) == 30 == len(busy_town.outbox)
    assert set(ItemState.objects.values_list("level", "version")) == {(1, 2)}


def test_a_run_started_twenty_two_times_at_once_is_one_proposal(busy_town: Town) -> None:
    busy_town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    results = at_once(*[lambda: busy_town.propose("2026-04-03")] * 22)
    for refusal in (result for result in results if isinstance(result, Exception)):
        assert isinstance(refusal, Conflict), repr(refusal)
        assert "another one took its place" in str(refusal)
    assert sorted(Run.objects.values_list("state", flat=True)) == ["proposed", *["superseded"] * 21]
    busy_town.post(Run.objects.get(state="proposed"))
    assert Delivery.objects.count() == 1 == busy_town.level("A-17")


def test_a_proposal_made_while_another_is_posted_is_refused_or_harmless(busy_town: Town, postgresql: str) -> None:
    busy_town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    first = busy_town.propose("2026-04-03")
    with ThreadPoolExecutor(2) as pool:
        with entity_locked(postgresql, busy_town) as other:
            posting: Future[object] = pool.submit(with_own_connection, lambda: busy_town.post(first))
            wait_for_waiters(postgresql, 1)
            # It has read the book as it was before the posting, and now waits for its turn.
            proposing: Future[object] = pool.submit(with_own_connection, lambda: busy_town.propose("2026-04-03"))
            wait_for_waiters(postgresql, 2)
            other.rollback()
        assert not isinstance(posting.result(SECONDS_MAX), Exception)
        proposed = proposing.result(SECONDS_MAX)
    if isinstance(proposed, Run):
        assert busy_town.post(proposed).posted == 0
    else:
        assert isinstance(proposed, Conflict), repr(proposed)
    assert Delivery.objects.count() == 1
    assert busy_town.level("A-17") == 1


def test_a_delivery_while_another_run_is_posted_is_not_overwritten(
    busy_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_town.apply(ANCHORED)
    busy_town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    first = busy_town.propose("2026-04-03")
    busy_town.post(first)
    busy_town.item("A-16", "MEYER", "100.00 EUR", "2026-03-30")  # older: another anchor
    second = busy_town.propose("2026-04-03")
    numbered = post._with_charge_items
    delivering: list[Future[object]] = []
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(*told: Any) -> pl.DataFrame:
            delivering.append(pool.submit(with_own_connection, lambda: busy_town.deliver(first)))
            time.sleep(0.5)  # it waits until we are done, or is done
            return numbered(*told)

        monkeypatch.setattr(post, "_with_charge_items", meanwhile)
        busy_town.post(second)
    assert not isinstance(delivering[0].result(), Exception)
    busy_town.deliver(second)
    assert AnchorState.objects.get().pending_notice_id is None
    assert explain_item(busy_town.entity, "A-17", as_of=date(2026, 5, 20)).decision["outcome"] == "dun"


def test_what_a_person_closes_while_a_closing_is_sent_stays_closed_by_them(busy_town: Town, postgresql: str) -> None:
    busy_town.apply(CLOSING)
    busy_town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    busy_town.run("2026-03-05")
    busy_town.pay("A-1", "100.00 EUR", "2026-03-06")
    run = busy_town.propose("2026-03-06")
    busy_town.post(run)
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(postgresql) as other:
            other.execute("UPDATE records_task SET closed_at = now(), closed_by = 'bert'")
            sending = pool.submit(with_own_connection, lambda: busy_town.deliver(run))
            wait_for_waiters(postgresql, 1)
        assert not isinstance(sending.result(SECONDS_MAX), Exception)
    assert busy_town.notice(run, "MEYER").state == "sent"
    assert Task.objects.get().closed_by == "bert"
    assert not AuditEvent.objects.filter(action="task.closed").exists()


def test_of_two_postings_under_a_law_each_charge_is_raised_once(busy_town: Town) -> None:
    busy_town.apply(AGREED.replace("policy: german", "policy: standard"))
    for number in ("A-17", "A-18"):
        busy_town.item(number, "MEYER", "10000.00 EUR", "2026-03-31")
    run = busy_town.propose("2026-04-10")
    results = at_once(*[lambda: busy_town.post(run)] * 2)
    assert [type(result) for result in results if isinstance(result, Exception)] == [Conflict]
    amounts = Item.objects.filter(kind="charge").order_by("number").values_list("amount_minor", flat=True)
    assert sorted(amounts) == [500, 500, 2000, 2000, 4000, 4000]
