"""Delivery: every message leaves once, and what could not leave is taken up again."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dunwell.flows.errors import NotFound
from dunwell.flows.runs.deliver import deliver_run
from dunwell.flows.runs.wires import NOTICES_AT_ONCE
from dunwell.records.models import Attempt, Contact, Delivery, Item, ItemState, Notice, PayerContact, Run, Task
from tests.flows.town import Town, at_home, day, noon
from tests.messages import read

TOO_LONG = "x" * 300  # no folder can be called so: what the disk refuses for now
SILENT = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, do: [call]}
  - {stage: final, days_past_due: 9, send: [email]}
"""
BOTH = "policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: [email, letter]}]"


def test_a_message_is_a_file_in_the_outbox(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    result = town.deliver(run)
    assert (result.sent, result.failed, result.retrying) == (1, 0, 0)
    delivery = Delivery.objects.get()
    assert [str(path) for path in town.outbox] == [delivery.content_path]
    assert (delivery.state, delivery.sent_at, delivery.lease_until_at) == ("sent", noon("2026-04-03"), None)
    (text,) = town.letters()
    for part in ("To: ap@meyer.example", "Date: Fri, 03 Apr 2026", "A-17", "100.00", "ACME AG", "Meyer GmbH"):
        assert part in text
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.outcome, attempt.error, attempt.ended_at) == (1, "sent", "", noon("2026-04-03"))


@pytest.mark.parametrize("address", ["Hauptstr. 1\n10115 Berlin", "Meyer GmbH\nHauptstr. 1\n10115 Berlin"])
def test_a_letter_goes_to_a_name_and_an_address_once(town: Town, address: str) -> None:
    town.apply("policy: standard\nstages: [{stage: reminder, days_past_due: 3, send: [letter]}]")
    town.account("MEYER", email="", address=address)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    assert Delivery.objects.get().recipient == "Meyer GmbH\nHauptstr. 1\n10115 Berlin"
    (letter,) = town.outbox
    assert "Meyer GmbH\nHauptstr. 1\n10115 Berlin\n" in read(letter)


def test_the_day_of_sending_counts_for_the_item_and_the_gap(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "10.00 EUR", "2026-04-05")
    run = town.propose("2026-04-03")
    town.post(run)
    town.deliver(run, "2026-04-05")  # two days later
    state = ItemState.objects.get()
    assert (state.last_notice_on, state.pending_notice_id, state.level) == (day("2026-04-05"), None, 1)
    assert PayerContact.objects.get().last_contact_on == day("2026-04-05")
    assert town.notice(run, "MEYER").sent_on == day("2026-04-05")
    assert town.propose("2026-04-11").counts["outcomes"] == {"not_due": 1, "too_soon": 1}
    assert town.propose("2026-04-12").counts["outcomes"] == {"not_due": 1, "dun": 1}


def test_the_day_is_the_entitys_own(town: Town) -> None:
    town.entity.time_zone = "Pacific/Auckland"
    town.entity.save()
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    town.deliver(run, clock=lambda: noon("2026-04-03") + timedelta(hours=1))
    assert ItemState.objects.get().last_notice_on == day("2026-04-04")


def test_calling_again_sends_nothing_twice(town: Town) -> None:
    town.many(3, due="2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    assert town.deliver(run).sent == 3
    before = [(path, path.stat().st_mtime_ns) for path in town.outbox]
    assert town.deliver(run).sent == 0
    assert [(path, path.stat().st_mtime_ns) for path in town.outbox] == before
    assert Attempt.objects.count() == 3
    run.refresh_from_db()
    assert run.state == "done"


def test_a_run_of_several_batches_is_delivered_whole(town: Town) -> None:
    n = NOTICES_AT_ONCE + 5
    town.many(n, due="2026-03-31")
    run = town.propose("2026-04-03")
    assert town.post(run).posted == n
    assert town.deliver(run).sent == n == len(town.outbox)
    assert not ItemState.objects.exclude(pending_notice_id=None).exists()


def test_an_outbox_that_refuses_for_now_is_tried_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    at_home(town.folder, monkeypatch, outbox_dir=town.folder / TOO_LONG)
    result = town.deliver(run)
    assert (result.sent, result.failed, result.retrying) == (0, 0, 1)
    assert town.deliveries(run) == [("MEYER", "email", "retrying")]
    assert town.notice(run, "MEYER").state == "posted"
    attempt = Attempt.objects.get()
    assert attempt.outcome == "retrying"
    assert "cannot write into the outbox" in attempt.error
    at_home(town.folder, monkeypatch)
    assert town.deliver(run, "2026-04-04").sent == 1
    assert len(town.outbox) == 1
    assert list(Attempt.objects.order_by("number").values_list("number", "outcome")) == [(1, "retrying"), (2, "sent")]
    assert ItemState.objects.get().last_notice_on == day("2026-04-04")


def test_a_notice_that_fails_on_every_channel_gives_level_and_fee_back(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    outbox = town.folder / "outbox"
    outbox.rename(town.folder / "before")
    outbox.write_text("a file where a folder should be")
    run = town.run("2026-04-14")
    assert town.deliveries(run) == [("MEYER", "email", "failed")]
    assert town.notice(run, "MEYER").state == "failed"
    assert town.level("A-17") == 1
    state = ItemState.objects.get(item=town.get("A-17"))
    assert (state.stage, state.last_notice_on, state.pending_notice_id) == ("reminder", day("2026-04-03"), None)
    fee = Item.objects.get(kind="charge")
    assert (fee.open_minor, fee.closed_on) == (0, day("2026-04-14"))
    task = Task.objects.get()
    assert (task.kind, task.account and task.account.code, task.notice) == (
        "delivery_failed", "MEYER", town.notice(run, "MEYER"),
    )  # fmt: skip
    outbox.unlink()
    again = town.run("2026-04-15")
    assert town.notice(again, "MEYER").state == "sent"
    assert town.level("A-17") == 2


def over_both(town: Town) -> Run:
    """A posted run with one notice, over email and letter."""
    town.apply(BOTH)
    town.account("MEYER", address="Hauptstr. 1\n10115 Berlin")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    return run


def test_a_notice_over_two_channels_is_two_files(town: Town) -> None:
    town.apply(BOTH)
    town.account("MEYER", address="Meyer GmbH\nHauptstr. 1\n10115 Berlin")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    assert town.deliveries(run) == [("MEYER", "email", "sent"), ("MEYER", "letter", "sent")]
    assert len(town.outbox) == 2


def test_a_channel_that_lags_behind_is_still_tried_after_the_other_has_sent(town: Town) -> None:
    run = over_both(town)
    letter = Delivery.objects.filter(channel="letter")
    letter.update(state="claimed")  # by another worker, whose wire is down
    town.deliver(run)
    letter.update(state="retrying")
    town.deliver(run)
    assert town.deliveries(run) == [("MEYER", "email", "sent"), ("MEYER", "letter", "sent")]


def test_a_stage_that_sends_nothing_is_done_with_its_actions(town: Town) -> None:
    town.apply(SILENT)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    assert town.outbox == []
    notice = town.notice(run, "MEYER")
    assert list(notice.actions.values_list("action", flat=True)) == ["call"]
    assert run.state == "done"
    assert (town.level("A-17"), ItemState.objects.get().pending_notice_id) == (1, None)
    later = town.run("2026-04-20")
    assert town.notice(later, "MEYER").stage == "final"


def test_notices_that_send_nothing_do_not_stop_those_behind_them(town: Town) -> None:
    town.apply(SILENT.replace("stages:", "escalate: jump\nstages:"))
    town.many(NOTICES_AT_ONCE, due="2026-03-31")
    town.item("Z", "ZENO", "100.00 EUR", "2026-03-01")
    run = town.propose("2026-04-03")
    assert town.post(run).posted == NOTICES_AT_ONCE + 1
    assert town.deliver(run).sent == 1


def test_a_crash_after_sending_is_settled_by_the_next_call_without_a_second_message(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    with pytest.raises(ProcessLost):
        town.deliver(run, clock=dies_after(2, "2026-04-03"))
    assert len(town.outbox) == 1  # it left, and nobody noted it
    assert Attempt.objects.get().ended_at is None
    town.deliver(run, "2026-04-04")  # the lease has long run out
    assert len(town.outbox) == 1
    # The outbox knows a delivery by its id, so that it can be asked; another channel's would be in doubt.
    assert Delivery.objects.get().state == "sent"


def test_a_crash_in_the_first_batch_does_not_keep_the_others_from_leaving(town: Town) -> None:
    n = NOTICES_AT_ONCE + 5
    town.many(n, due="2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    with pytest.raises(ProcessLost):
        town.deliver(run, clock=dies_after(2, "2026-04-03"))
    town.deliver(run, "2026-04-04")
    assert len(town.outbox) == n


def test_a_payment_after_the_run_withdraws_the_notice(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    town.deliver(run)
    assert town.outbox == []
    assert town.notice(run, "MEYER").state == "withdrawn"
    assert town.level("A-17") == 0


def test_a_hold_after_the_run_withdraws_the_notice(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    town.hold("MEYER", "2026-04-03")
    town.deliver(run)
    assert town.outbox == []
    assert town.notice(run, "MEYER").state == "withdrawn"


def test_a_payment_between_proposal_and_posting_drops_the_notice(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    assert town.post(run).posted == 0
    town.deliver(run)
    assert town.outbox == []


def test_an_address_that_left_between_proposal_and_posting_leaves_no_notice_hanging(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    Contact.objects.update(email="")
    town.post(run)
    town.deliver(run)
    assert not Notice.objects.filter(state="posted").exists()
    assert not ItemState.objects.exclude(pending_notice_id=None).exists()


def test_nothing_of_a_proposal_is_delivered(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    assert town.deliver(run).sent == 0
    assert town.outbox == []
    run.refresh_from_db()
    assert run.state == "proposed"


def test_an_unknown_run_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound, match="there is no run 99"):
        deliver_run(99, clock=lambda: noon("2026-04-03"), by="anna")


def test_the_debtors_language_is_the_letters(town: Town) -> None:
    for code, language in (("MEYER", "de"), ("DUPONT", "fr"), ("SMITH", None)):
        town.account(code, language=language)
        town.item(code, code, "1234.50 EUR", "2026-03-31")
    town.run("2026-04-03")
    texts = {path.name.split("-")[0]: read(path) for path in town.outbox}
    found = {
        code: next(x for x in text.splitlines() if x.startswith("Content-Language")) for code, text in texts.items()
    }
    assert found == {f: f"Content-Language: {v}" for f, v in (("MEYER", "de"), ("DUPONT", "fr"), ("SMITH", "en"))}
    assert "1.234,50" in texts["MEYER"]
    assert "1,234.50" in texts["SMITH"]


class ProcessLost(Exception):
    """The process ends here, without another word to the database."""


def dies_after(calls: int, on: str) -> Callable[[], datetime]:
    """A clock whose process is lost after so many looks at it: two are before the wire, the third after."""
    looks = iter([noon(on)] * calls)

    def clock() -> datetime:
        for look in looks:
            return look
        raise ProcessLost

    return clock
