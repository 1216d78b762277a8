"""What becomes of messages that cannot leave, and of a run whose notices do not."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from dunwell.channels.files import NewFile
from dunwell.flows.errors import Conflict
from dunwell.flows.runs.deliver import deliver_run
from dunwell.flows.runs.wires import NOTICES_AT_ONCE
from dunwell.records.models import Account, Attempt, Delivery, Notice, Run, Task
from tests.flows.runs.test_deliver import TOO_LONG, ProcessLost, dies_after, over_both
from tests.flows.town import Town, at_home, noon

APPROVED = "policy: standard\nstages: [{stage: final, days_past_due: 3, send: [email], approval: one}]"


def channel_down(monkeypatch: pytest.MonkeyPatch, *channels: str) -> None:
    """Let the outbox refuse these channels for good."""
    begin = NewFile.begin

    def refuse(path: Path, content: bytes) -> NewFile:
        if any(f"-{channel}-" in path.name for channel in channels):
            raise IsADirectoryError(21, "Is a directory", str(path))
        return begin(path, content)

    monkeypatch.setattr(NewFile, "begin", refuse)


def state(run: Run) -> str:
    """Where a run stands now."""
    run.refresh_from_db()
    return run.state


def test_a_channel_that_fails_beside_one_that_sends_is_a_task_and_the_notice_stays_sent(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = over_both(town)
    channel_down(monkeypatch, "letter")
    result = town.deliver(run)
    assert (result.sent, result.failed) == (1, 1)
    assert "Is a directory" in result.problem
    notice = town.notice(run, "MEYER")
    assert (notice.state, town.level("A-17"), state(run)) == ("sent", 1, "done")
    task = Task.objects.get()
    assert (task.kind, task.notice, task.account) == ("delivery_failed", notice, Account.objects.get(code="MEYER"))
    assert task.detail.startswith("letter: cannot write into the outbox")


@pytest.mark.parametrize(("then", "notice_state"), [("sent", "sent"), ("failed", "failed")])
def test_a_notice_waits_for_its_last_channel_and_has_one_task(
    town: Town, monkeypatch: pytest.MonkeyPatch, then: str, notice_state: str
) -> None:
    run = over_both(town)
    email = Delivery.objects.filter(channel="email")
    email.update(state="claimed", lease_until_at=noon("2026-04-04"))  # somebody else is at it
    with monkeypatch.context() as down:
        channel_down(down, "letter")
        town.deliver(run)
    assert town.notice(run, "MEYER").state == "posted"
    assert Task.objects.get().detail.startswith("letter: ")
    email.update(state="queued")
    if then == "failed":
        channel_down(monkeypatch, "email")
    town.deliver(run)
    assert (town.notice(run, "MEYER").state, state(run)) == (notice_state, "done")
    assert town.level("A-17") == (1 if then == "sent" else 0)
    assert Task.objects.count() == 1


def test_a_retry_waits_for_its_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = over_both(town)
    with monkeypatch.context() as full:
        at_home(town.folder, full, outbox_dir=town.folder / TOO_LONG)
        first = town.deliver(run)
    assert (first.retrying, first.retry_at) == (2, noon("2026-04-03") + timedelta(seconds=60))
    at_home(town.folder, monkeypatch)
    too_soon = town.deliver(run, clock=lambda: noon("2026-04-03") + timedelta(seconds=59))
    assert (too_soon.sent, too_soon.retrying, too_soon.retry_at) == (0, 2, first.retry_at)
    assert Attempt.objects.count() == 2
    then = town.deliver(run, clock=lambda: noon("2026-04-03") + timedelta(seconds=60))
    assert (then.sent, then.retrying, then.retry_at) == (2, 0, None)
    assert not Delivery.objects.exclude(not_before_at=None).exists()


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_messages_wait_where_the_outbox_may_not_be_written_to(
    town: Town, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    run = over_both(town)
    with monkeypatch.context() as forbidden:
        forbidden.setattr(NewFile, "begin", Mock(side_effect=error))
        first = town.deliver(run)
    assert (first.sent, first.failed, first.retrying) == (0, 0, 2)
    assert first.problem == (
        f"cannot write into the outbox: {error.strerror}; let the user that runs dunwell write there"
    )
    assert (town.level("A-17"), Task.objects.count()) == (1, 0)
    assert town.deliver(run, clock=lambda: noon("2026-04-03") + timedelta(seconds=60)).sent == 2


def test_a_run_with_a_channel_that_still_waits_is_not_done(town: Town) -> None:
    run = over_both(town)
    Delivery.objects.filter(channel="letter").update(state="retrying", not_before_at=noon("2026-04-05"))
    assert town.deliver(run).retrying == 1
    assert (town.notice(run, "MEYER").state, state(run)) == ("sent", "posted")
    town.deliver(run, "2026-04-05")
    assert state(run) == "done"


def test_the_folder_of_an_earlier_book_is_refused_and_nothing_is_lost(town: Town) -> None:
    run = over_both(town)
    folder = town.folder / "outbox" / str(run.pk)
    folder.mkdir(parents=True)
    old = folder / f"MEYER-{town.notice(run, 'MEYER').pk}-email-{Delivery.objects.get(channel='email').pk}.eml"
    old.write_text("a letter of an earlier book")
    with pytest.raises(Conflict, match=f"{folder} holds messages that are not of this book.*`dunwell post {run.pk}`"):
        town.deliver(run)
    assert (town.deliveries(run), Attempt.objects.count(), Task.objects.count()) == (
        [("MEYER", "email", "queued"), ("MEYER", "letter", "queued")], 0, 0,
    )  # fmt: skip
    assert [path.read_text() for path in folder.iterdir()] == ["a letter of an earlier book"]
    folder.rename(town.folder / "before")
    assert town.deliver(run).sent == 2


def test_a_file_of_somebody_elses_among_a_runs_own_is_not_reported_as_sent(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = over_both(town)
    with monkeypatch.context() as full:
        at_home(town.folder, full, outbox_dir=town.folder / TOO_LONG)
        town.deliver(run)  # an attempt at each is on record
    delivery = Delivery.objects.get(channel="letter")
    other = town.folder / "outbox" / str(run.pk) / f"MEYER-{delivery.notice_id}-letter-{delivery.pk}.pdf"
    other.parent.mkdir(parents=True)
    other.write_text("something else")
    result = town.deliver(run, "2026-04-04")
    assert (result.sent, result.failed, other.read_text()) == (1, 1, "something else")
    assert f"{other} is there already and is another message" in Task.objects.get().detail


def test_a_message_that_was_made_before_a_crash_counts_as_sent_although_its_words_have_changed(town: Town) -> None:
    run = over_both(town)
    with pytest.raises(ProcessLost):
        town.deliver(run, clock=dies_after(2, "2026-04-03"))
    before = town.letters()
    Account.objects.update(name="Meyer & Sons")
    assert (town.deliver(run, "2026-04-04").sent, town.letters()) == (2, before)


def test_a_run_is_done_when_what_waited_for_approval_is_superseded(town: Town) -> None:
    town.apply(APPROVED)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    first = town.run("2026-04-03")
    assert state(first) == "posted"
    second = town.propose("2026-04-04")
    assert (town.notice(first, "MEYER").state, state(first), state(second)) == ("superseded", "done", "proposed")


def test_a_run_is_done_when_what_waited_is_withdrawn(town: Town) -> None:
    run = over_both(town)
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    town.deliver(run)
    assert (town.notice(run, "MEYER").state, state(run)) == ("withdrawn", "done")


def test_progress_is_told_by_batch(town: Town) -> None:
    n = NOTICES_AT_ONCE + 5
    town.many(n, due="2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    told: list[tuple[str, int, int]] = []

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        told.append((step, done, total))

    deliver_run(run.pk, clock=lambda: noon("2026-04-03"), by="anna", progress=tell)
    assert told == [("writing notices", done, n) for done in (0, NOTICES_AT_ONCE, n)]
    assert Notice.objects.filter(state="sent").count() == n


def test_a_letter_of_too_many_lines_fails_with_the_reason_and_holds_up_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dunwell.letters.layouts.pdf.LINES_MAX", 2)
    for number in ("A-1", "A-2", "A-3"):
        town.item(number, "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SCHULZ", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    assert town.deliveries(run) == [("MEYER", "email", "failed"), ("SCHULZ", "email", "sent")]
    assert (town.level("A-1"), town.level("B-1")) == (0, 1)
    assert "a letter of 3 lines is not set, only of at most 2: let the policy divide" in Task.objects.get().detail
