"""A run in shards by payer comes to the same as a whole one, and goes on where it stopped."""

from pathlib import Path

import pytest
from django.conf import settings

from dunwell.flows.errors import Conflict
from dunwell.flows.runs import propose
from dunwell.flows.runs.archives import Swept, sweep
from dunwell.flows.runs.cancel import cancel_run
from dunwell.flows.runs.edit import exclude_account
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.post import open_posting, post_run, post_shard
from dunwell.flows.runs.replay import replay_run
from dunwell.records import archive, frames
from dunwell.records.frames import Shard
from dunwell.records.models import Dispute, Hold, Notice, Promise, Run, RunShard, Task
from tests.flows.town import Town, at_home, day, noon

ON = "2026-04-14"
FAMILY = ("P1", "P2", "P3", "P4", "P5")


@pytest.fixture
def parted(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town of forty items, five at a time: eight shards."""
    at_home(town.folder, monkeypatch, shard_items=5)
    parent = town.account("HEAD")
    for code in FAMILY:
        town.account(code, parent=parent)
    for i in range(35):
        town.item(f"A-{i}", f"C{i % 12}", f"{10 + i}.00 EUR", f"2026-03-{1 + i % 28:02}")
    for code in FAMILY:
        town.item(f"F-{code}", code, "100.00 EUR", "2026-03-31")
    since = day("2026-04-01")
    Hold.objects.create(entity=town.entity, item=town.get("A-3"), from_on=since)
    Dispute.objects.create(entity=town.entity, item=town.get("A-4"), opened_on=since, amount_minor=500)
    promised = {"currency": "EUR", "amount_minor": 3000, "made_on": since, "by_on": day("2026-04-20")}
    Promise.objects.create(entity=town.entity, account=town.get("A-5").account, **promised)
    return town


def notices(run: Run) -> list[tuple[object, ...]]:
    """What a run says to whom."""
    found = Notice.objects.filter(run=run).exclude(state="superseded").order_by("payer", "currency", "number")
    return list(found.values_list("payer__code", "stage", "total_minor", "channels", "state"))


def whole(town: Town, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same proposal in one piece."""
    with monkeypatch.context() as patch:
        at_home(town.folder, patch)
        return town.propose(ON)


def test_shards_come_to_the_same_as_the_whole(parted: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = whole(parted, monkeypatch)
    expected = notices(alone)
    run = parted.propose(ON)
    assert (alone.shards, run.shards, len(expected)) == (1, 8, 13)
    assert notices(run) == expected
    assert run.counts == alone.counts
    assert list(Notice.objects.filter(run=run).order_by("number").values_list("number", flat=True)) == [*range(1, 14)]


def test_every_account_is_in_the_shard_of_its_payer(parted: Town) -> None:
    books = [frames.book(parted.entity.pk, as_of=day(ON), shard=Shard(number, 3)) for number in range(3)]
    everything = frames.book(parted.entity.pk, as_of=day(ON))
    for table in ("accounts", "items", "holds", "disputes", "promises", "payers", "anchors"):
        parts = [getattr(book, table) for book in books]
        assert sum(part.height for part in parts) == getattr(everything, table).height, table
    at = [book.items.filter(book.items["number"].str.starts_with("F-")).height for book in books]
    assert sorted(at) == [0, 0, 5]


def test_parents_in_a_circle_are_in_one_shard(parted: Town) -> None:
    first, second = parted.account("ROUND"), parted.account("ABOUT")
    first.parent, second.parent = second, first
    first.save()
    second.save()
    parted.item("R-1", "ROUND", "10.00 EUR", "2026-03-01")
    run = parted.propose(ON)
    assert run.counts["outcomes"]["exception"] == 1
    assert "circle" in Task.objects.get(kind="exception").detail
    exclude_account(run.pk, "ROUND", reason="to be mended", by="bert", at=noon(ON))
    counts = Run.objects.get(pk=run.pk).counts
    assert (counts["items"], counts["outcomes"]["exception"]) == (41, 1)


def test_a_run_in_shards_is_explained_replayed_posted_and_sent(parted: Town) -> None:
    run = parted.propose(ON)
    assert explain_item(parted.entity, "F-P3", as_of=day(ON), run_id=run.pk).decision["outcome"] == "dun"
    assert explain_item(parted.entity, "A-3", as_of=day(ON), run_id=run.pk).decision["outcome"] == "on_hold"
    exclude_account(run.pk, "C7", reason="in talks", by="bert", at=noon(ON))
    replayed = replay_run(run.pk)
    assert (replayed.items, replayed.changes, replayed.identical_bytes) == (40, 1, True)
    result = parted.post(run)
    assert (result.posted, result.changed_since) == (12, 0)
    parted.deliver(run)
    run.refresh_from_db()
    assert run.state == "done"
    assert len(parted.outbox) == 12
    assert parted.level("A-7") == 0


def test_what_an_archive_of_shards_consists_of_is_not_swept(parted: Town) -> None:
    run = parted.propose(ON)
    assert sweep(at=noon("2027-01-01")) == Swept(0, 0)
    part = RunShard.objects.filter(run=run).first()
    assert part is not None
    (settings.CONFIG.archive_dir / part.archive_digest / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Conflict, match="was altered: restore the archive from a backup"):
        replay_run(run.pk)


def test_a_posting_that_stopped_goes_on(parted: Town) -> None:
    run = parted.propose(ON)
    open_posting(run.pk, today=day(ON), at=noon(ON), by="anna")
    posted = post_shard(run.pk, 0, at=noon(ON), by="anna").posted
    assert post_shard(run.pk, 0, at=noon(ON), by="anna").posted == 0  # done before
    parted.deliver(run)
    run.refresh_from_db()
    assert run.state == "posted"
    with pytest.raises(Conflict, match=f"run {run.pk} is being posted: `dunwell post {run.pk}` goes on with it"):
        parted.propose(ON)
    assert post_run(run.pk, today=day(ON), at=noon(ON), by="anna").posted == 13 - posted
    parted.deliver(run)
    run.refresh_from_db()
    assert (run.state, len(parted.outbox)) == ("done", 13)
    assert parted.run("2026-04-15").counts["notices"] == 0


def test_deciding_goes_on_where_it_stopped(parted: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = propose.begin_run(parted.entity, as_of=day(ON), at=noon(ON), by="anna")
    propose.decide_shard(run.pk, 2)
    with pytest.raises(Conflict, match=f"shard 0 of run {run.pk} is not decided"):
        propose.gather(run.pk)
    for number in range(run.shards):
        propose.decide_shard(run.pk, number)
    propose.gather(run.pk)
    propose.keep_shard(run.pk, 1)
    propose.complete(run.pk, at=noon(ON))  # not yet
    run.refresh_from_db()
    assert run.state == "deciding"
    with pytest.raises(Conflict, match=f"run {run.pk} is deciding; only a proposed run can be posted"):
        parted.post(run)
    for number in range(run.shards):
        propose.keep_shard(run.pk, number)
    propose.gather(run.pk)
    propose.complete(run.pk, at=noon(ON))
    run.refresh_from_db()
    assert (run.state, len(notices(run))) == ("proposed", 13)


def test_a_later_proposal_takes_the_place_of_one_half_made(parted: Town) -> None:
    first = propose.begin_run(parted.entity, as_of=day(ON), at=noon(ON), by="anna")
    for number in range(first.shards):
        propose.decide_shard(first.pk, number)
    propose.gather(first.pk)
    propose.keep_shard(first.pk, 0)
    second = parted.propose(ON)
    with pytest.raises(Conflict, match=f"run {first.pk} is superseded, and not being decided any more"):
        propose.keep_shard(first.pk, 1)
    assert parted.post(second).posted == 13


def test_a_proposal_that_fails_leaves_the_one_before(parted: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    first = parted.propose(ON)
    monkeypatch.setattr(archive, "write", broken)
    with pytest.raises(OSError, match="No space left on device"):
        parted.propose(ON)
    states = dict(Run.objects.values_list("state", "reason"))
    assert states == {"proposed": "", "cancelled": "[Errno 28] No space left on device"}
    assert parted.post(first).posted == 13


def broken(*_given: object, **_more: object) -> str:
    """A disk that is full."""
    raise OSError(28, "No space left on device")


def test_a_run_half_made_can_be_cancelled(parted: Town) -> None:
    run = propose.begin_run(parted.entity, as_of=day(ON), at=noon(ON), by="anna")
    cancel_run(run.pk, reason="wrong day", by="anna", at=noon(ON))
    with pytest.raises(Conflict, match=f"run {run.pk} is cancelled"):
        propose.decide_shard(run.pk, 0)
    with pytest.raises(Conflict, match=f"run {run.pk} is cancelled, and was never decided whole"):
        replay_run(run.pk)
    assert not list(Path(settings.CONFIG.archive_dir).glob("*"))
