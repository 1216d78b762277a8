"""What is due, when something fails or comes between the steps of a run."""

from collections.abc import Iterable
from datetime import datetime, time

import pytest
from django.db import DatabaseError

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent
from dunwell.channels.outbox import Outbox, Receipt
from dunwell.flows.runs import propose, work
from dunwell.flows.runs.deliver import DeliverResult, deliver_run
from dunwell.flows.runs.post import open_posting
from dunwell.flows.runs.proposal import book_changed
from dunwell.flows.runs.reverse import reverse_run
from dunwell.flows.runs.work import Clock, Piece, do, due, start_run
from dunwell.letters.notice import Message
from dunwell.records.models import Delivery, Entity, Notice, PolicyVersion, Run, Task
from dunwell.worker.alone import _try, work_alone
from dunwell.worker.hands import Hands
from tests.flows.runs.killed import work_off
from tests.flows.town import Town, at_home, day, noon

ON = "2026-04-03"
EITHER = "policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, send: ['email|letter']}\n"


def at() -> datetime:
    """The instant at which workers work."""
    return noon(ON)


@pytest.fixture
def scheduled(town: Town) -> Town:
    """A town whose run begins at noon and is posted."""
    town.entity.run_at, town.entity.run_posts = time(12), True
    town.entity.save()
    return town


def test_a_day_whose_run_could_not_be_begun_is_still_due(scheduled: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_told: object, **_more: object) -> Run:
        raise DatabaseError("the connection is closed")

    (piece,) = due(at())
    with monkeypatch.context() as patch:
        patch.setattr(propose, "begin_run", away)
        with pytest.raises(DatabaseError):
            do(piece, clock=at, by="worker")
    assert list(due(at())) == [piece]


def test_a_run_that_another_posting_overtook_begins_again(scheduled: Town) -> None:
    scheduled.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    waiting = scheduled.propose(ON)
    (begin,) = due(at())
    do(begin, clock=at, by="worker")
    scheduled.post(waiting)
    work_off(at())
    # What somebody posts by hand is theirs to deliver, for a while.
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == ["posted", "cancelled", "done"]
    assert not Task.objects.filter(kind="run_refused").exists()


def test_nothing_begins_while_a_run_is_being_posted(scheduled: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(scheduled.folder, monkeypatch, shard_items=2)
    scheduled.many(6, due="2026-03-31")
    run = scheduled.propose(ON)
    open_posting(run.pk, today=day(ON), at=at(), by="anna")
    assert Piece("begin", scheduled.entity.pk) not in list(due(at()))
    assert not Task.objects.exists()


def test_an_import_between_two_shards_lets_the_rest_be_decided_anew(
    scheduled: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home(scheduled.folder, monkeypatch, shard_items=5)
    scheduled.many(20, due="2026-03-31")
    while not any(piece.step == "post" for piece in due(at())):
        do(next(iter(due(at()))), clock=at, by="worker")
    first = next(piece for piece in due(at()) if piece.step == "post")
    do(first, clock=at, by="worker")
    book_changed(Entity.objects.get(), "the book was changed by an import")
    work_off(at())
    assert len(scheduled.outbox) == 20
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == ["done", "done"]


def test_a_run_without_notices_is_done(scheduled: Town) -> None:
    work_off(at())
    assert Run.objects.get().state == "done"


def test_a_reversal_is_seen_by_whoever_is_sending(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.apply(EITHER)
    town.account("MEYER", address="Hauptstr. 1\n10115 Berlin")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "100.00 EUR", "2026-03-31")
    run = town.propose(ON)
    town.post(run)
    send = Outbox.send_all

    def reversed_meanwhile(
        outbox: Outbox, messages: Iterable[tuple[Envelope, Message]]
    ) -> list[Receipt | Permanent | object]:
        monkeypatch.setattr(Outbox, "send_all", send)
        Delivery.objects.filter(notice__payer__code="SMITH").update(state="queued")  # of a batch of its own
        reverse_run(run.pk, reason="wrong", by="anna", at=at())
        return [Permanent("no such mailbox") for _message in messages]

    monkeypatch.setattr(Outbox, "send_all", reversed_meanwhile)
    town.deliver(run)
    assert town.outbox == []
    assert not Delivery.objects.filter(channel="letter").exists()


def test_who_posts_at_the_same_time_as_a_worker_raises_no_alarm(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = start_run(town.entity, as_of=day(ON), posts=True, by="anna", at=at())
    while Run.objects.get().state != "proposed":
        do(next(iter(due(at()))), clock=at, by="worker")
    (opening,) = due(at())
    town.post(Run.objects.get())
    reverse_run(run.pk, reason="wrong", by="anna", at=at())
    do(opening, clock=at, by="worker")
    do(Piece("post", run.pk), clock=at, by="worker")
    assert not Task.objects.exists()
    assert Run.objects.get().posts


def test_a_piece_that_fails_for_whatever_reason_ends_no_worker(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def poisoned(*_told: object, **_more: object) -> object:
        raise KeyError("poison")

    monkeypatch.setattr(work, "do", poisoned)
    _try(Hands(clock=at, by="worker"), Piece("decide", 7))
    assert "decide run 7, shard 0 failed, and is tried again" in caplog.text


def test_a_database_that_is_locked_for_long_ends_no_worker(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(_now: datetime) -> list[Piece]:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(work, "due", locked)
    work_alone(Hands(clock=at, by="worker", once=True))
    assert "database is locked; trying again" in caplog.text


def test_a_refused_begin_is_a_task_once_a_day(scheduled: Town) -> None:
    scheduled.apply("policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: [email]}]")
    PolicyVersion.objects.update(retired_at=at())
    work_off(at())
    work_off(at())
    assert Task.objects.filter(kind="run_refused").count() == 1
    assert not Notice.objects.exists()


def test_what_another_holds_while_its_block_is_delivered_leaves_with_it(
    scheduled: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        scheduled.item(f"A-{number}", f"M-{number}", "100.00 EUR", "2026-03-31")
    while (pieces := list(due(at()))) and pieces[0].step != "deliver":
        do(pieces[0], clock=at, by="worker")
    free = Notice.objects.earliest("pk").pk

    def past_what_is_locked(run_id: int, *, notice_ids: range, clock: Clock, by: str) -> DeliverResult:
        patch.undo()
        return deliver_run(run_id, clock=clock, by=by, notice_ids=range(free, free + 1))

    with monkeypatch.context() as patch:
        patch.setattr(work, "deliver_run", past_what_is_locked)
        do(pieces[0], clock=at, by="worker")
    assert len(scheduled.outbox) == 2
