"""Workers do whole runs, share them, and stop when told."""

import re
from datetime import timedelta

from django.db import connection

from dunwell.flows.runs.approve import approve_run
from dunwell.records.models import AuditEvent, Entity, Item, Run, Snapshot, Task
from tests.worker.conftest import TODAY, WorkTown

ONE_STAGE = "policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, send: [email]}\n"
NEWER = "INSERT INTO django_migrations (app, name, applied) VALUES ('records', '9999_next', '2030-01-01')"


def test_a_worker_does_a_run_that_was_handed_over(town: WorkTown) -> None:
    town.debtors(45)
    run = town.begin()
    said = town.once()
    town.assert_all_sent(run, 45)
    assert run.shards == 5
    assert f"decide run {run.pk}, shard 4: " in said
    assert "no run was begun" not in said
    posted = AuditEvent.objects.filter(action="run.posted", subject_id=run.pk)
    assert sorted(event.detail["shard"] for event in posted) == [0, 1, 2, 3, 4]
    assert all(event.actor.startswith("worker ") for event in posted)


def test_a_run_begins_by_itself_once_a_day(town: WorkTown) -> None:
    town.debtors(12)
    town.every_day()
    town.once()
    run = Run.objects.get()
    town.assert_all_sent(run, 12)
    assert (run.proposed_by, run.as_of) == ("schedule", TODAY)
    town.once()
    assert Run.objects.count() == 1


def test_each_day_that_is_over_is_measured_once(town: WorkTown) -> None:
    first, second = TODAY - timedelta(days=2), TODAY - timedelta(days=1)
    town.item("A-1", "MEYER", "100.00 EUR", TODAY.isoformat(), issued_on=first)
    said = town.once()
    assert f"measure the last days of entity {town.entity.pk}: " in said
    kept = Snapshot.objects.order_by("on").values_list("on", "not_due_minor", "invoiced_minor")
    assert list(kept) == [(first, 10000, 10000), (second, 10000, 0)]
    assert Entity.objects.get().measured_on == TODAY
    assert "measure" not in town.once()


def test_a_book_that_cannot_be_measured_is_said_once_a_day(town: WorkTown) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", TODAY.isoformat(), issued_on=TODAY - timedelta(days=2))
    Item.objects.update(currency="XXX")
    assert "is refused: the book of ACME cannot be read: " in town.once()
    assert "refused" not in town.once()
    assert not Snapshot.objects.exists()


def test_a_run_that_is_only_to_be_proposed_waits_for_a_person(town: WorkTown) -> None:
    town.debtors(12)
    run = town.begin(posts=False)
    town.once()
    assert town.state(run) == "proposed"
    assert town.outbox == []


def test_what_is_approved_later_is_posted_by_workers_too(town: WorkTown) -> None:
    town.apply(ONE_STAGE.replace("send", "approval: one, send"), on="2026-01-02")
    town.debtors(3)
    run = town.begin()
    town.once()
    assert (town.state(run), town.outbox) == ("posted", [])
    approve_run(run.pk, by="bert", at=run.proposed_at, accounts=["M-2"])
    town.once()
    assert [path.name.split("-email")[0][:3] for path in town.outbox] == ["M-2"]
    approve_run(run.pk, by="bert", at=run.proposed_at)
    town.once()
    town.assert_all_sent(run, 3)


def test_a_run_unlike_the_last_ones_waits_for_a_look(town: WorkTown) -> None:
    for n in range(3):
        town.item(f"E-{n}", f"EARLY-{n}", "10.00 EUR", "2026-03-01")
        town.run(f"2026-03-0{n + 5}")
    town.debtors(70)
    run = town.begin()
    town.once()
    assert town.state(run) == "proposed"
    assert "notices, after at most 1 in the last 3 runs" in run.guard
    approve_run(run.pk, by="bert", at=run.proposed_at)
    town.once()
    assert town.state(run) == "done"


def test_without_a_policy_somebody_is_asked_once(town: WorkTown) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_policyversion SET retired_at = applied_at")
    town.every_day()
    said = town.once()
    town.once()
    assert "no policy is in force for ACME" in said
    task = Task.objects.get(kind="run_refused")
    assert task.detail.startswith("no run was begun: no policy is in force for ACME")


def test_two_workers_share_a_run(busy_town: WorkTown) -> None:
    busy_town.debtors(150)
    run = busy_town.begin()
    assert run.shards == 15
    keeper = busy_town.work("up", "--processes", "2")
    busy_town.wait_until_it_is(run, "done")
    said = busy_town.stop(keeper)
    busy_town.assert_all_sent(run, 150)
    workers = set(re.findall(r"^\S+ \S+ (\d+) (?:decide|keep|post) run", said, re.MULTILINE))
    assert len(workers) == 2, said


def test_a_worker_of_another_release_refuses(town: WorkTown) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NEWER)
    process = town.work("worker", "--once")
    _out, said = process.communicate()
    assert process.returncode == 7
    assert "the database is of a newer release of Dunwell (9999_next) than this one" in said
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'records' AND name > '0003'")
    process = town.work("up")
    _out, said = process.communicate()
    assert process.returncode == 7
    assert "bring it up to date with `dunwell init`" in said


def test_a_worker_stops_when_the_book_is_upgraded(busy_town: WorkTown) -> None:
    busy_town.debtors(3)
    process = busy_town.work()
    busy_town.wait_until(lambda: _workers() == 1)
    with connection.cursor() as cursor:
        cursor.execute(NEWER)
    run = busy_town.begin()
    _out, said = process.communicate(timeout=60)
    assert "newer release" in said
    assert busy_town.state(run) == "deciding"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '9999_next'")
    busy_town.once()
    busy_town.assert_all_sent(run, 3)


def _workers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return int(cursor.fetchone()[0])
