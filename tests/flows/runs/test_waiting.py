"""Messages that wait, or are in somebody's hands, while things happen: what is said then is true, and said once."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta

import pytest

from dunwell.channels.envelope import Envelope
from dunwell.channels.errors import Permanent, Temporary
from dunwell.channels.outbox import Outbox, Receipt
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Conflict
from dunwell.flows.people.disputes import dispute
from dunwell.flows.people.holds import hold
from dunwell.flows.people.promises import promise
from dunwell.flows.runs import deliver
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.guard import unlike_the_last
from dunwell.flows.runs.post import post_if_open
from dunwell.flows.runs.reverse import reverse_run
from dunwell.letters.notice import Message
from dunwell.letters.wording import Wording
from dunwell.records.models import AuditEvent, Delivery, Item, ItemState, Run, Task
from tests.flows.runs.test_deliver import ProcessLost, dies_after
from tests.flows.town import Town, day, noon

ON = "2026-04-03"
BOTH = "policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, send: [email, letter]}\n"
EITHER = "policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, send: ['email|letter|sms']}\n"
FEE = "policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, fee: {EUR: 5.00}, send: [email]}\n"
Sent = list[Receipt | Temporary | Permanent]


def fails(monkeypatch: pytest.MonkeyPatch, channel: str, failure: Temporary | Permanent) -> None:
    """Let one channel of the outbox fail."""
    real = Outbox.send_all

    def send_all(outbox: Outbox, messages: Iterable[tuple[Envelope, Message]]) -> Sent:
        return [
            failure if envelope.channel == channel else real(outbox, [(envelope, message)])[0]
            for envelope, message in messages
        ]

    monkeypatch.setattr(Outbox, "send_all", send_all)


def half_sent(town: Town, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A notice whose email has left and whose letter has not."""
    town.apply(BOTH)
    town.account("MEYER", address="Hauptstr. 1\n10115 Berlin")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose(ON)
    town.post(run)
    with monkeypatch.context() as patch:
        fails(patch, "letter", Temporary("disk full", retry_after_seconds=60))
        town.deliver(run)
    assert town.deliveries(run) == [("MEYER", "email", "sent"), ("MEYER", "letter", "retrying")]
    return run


def waiting(town: Town) -> Run:
    """A posted notice over A-17 that has not left; B-1 of the same account is not due for long."""
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("B-1", "MEYER", "10.00 EUR", "2026-12-01")
    run = town.propose(ON)
    town.post(run)
    return run


def test_the_second_channel_does_not_leave_after_a_payment(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = half_sent(town, monkeypatch)
    pay(town.entity, "MEYER", amount="100.00", items=["A-17"], on=day("2026-04-04"), by="x", at=noon("2026-04-04"))
    town.deliver(run, on="2026-04-05")
    assert town.deliveries(run) == [("MEYER", "email", "sent"), ("MEYER", "letter", "withdrawn")]
    assert AuditEvent.objects.filter(action="notice.stopped").count() == 1
    assert town.level("A-17") == 1  # the email had left


def test_the_second_channel_leaves_when_nothing_has_come_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = half_sent(town, monkeypatch)
    town.deliver(run, on="2026-04-05")
    assert {state for _account, _channel, state in town.deliveries(run)} == {"sent"}


def test_a_reversal_stops_the_second_channel(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run = half_sent(town, monkeypatch)
    town.item("C-1", "SMITH", "100.00 EUR", "2026-03-31")
    with suppress(Conflict):  # everything has left, over one channel at least
        reverse_run(run.pk, reason="wrong", by="x", at=noon("2026-04-04"))
    hold(town.entity, account="MEYER", reason="in talks", on=day("2026-04-04"), by="x", at=noon("2026-04-04"))
    town.deliver(run, on="2026-04-05")
    assert len(town.outbox) == 1


@pytest.mark.parametrize("channels", [["email"], ["email", "letter"]])
def test_a_channel_that_fails_for_good_gives_way_to_the_next(
    town: Town, monkeypatch: pytest.MonkeyPatch, channels: list[str]
) -> None:
    town.apply(EITHER)
    town.account("MEYER", address="Hauptstr. 1\n10115 Berlin")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    for channel in channels:
        fails(monkeypatch, channel, Permanent("no such mailbox"))
    run = town.run(ON)
    letter = "failed" if "letter" in channels else "sent"
    assert town.deliveries(run) == [("MEYER", "email", "failed"), ("MEYER", "letter", letter)]
    assert town.notice(run, "MEYER").state == letter  # nobody has a telephone number
    assert Task.objects.get(kind="delivery_failed").detail == "email: no such mailbox"
    assert town.level("A-17") == (letter == "sent")


def test_a_fee_that_was_paid_is_not_asked_for(town: Town) -> None:
    town.apply(FEE)
    run = waiting(town)
    fee = Item.objects.get(kind="charge")
    pay(town.entity, "MEYER", amount="2.00", items=[fee.number], on=day(ON), by="x", at=noon(ON))
    notice = town.notice(run, "MEYER")
    assert (notice.fee_minor, notice.total_minor) == (300, 10300)
    pay(town.entity, "MEYER", amount="3.00", items=[fee.number], on=day(ON), by="x", at=noon(ON))
    town.deliver(run)
    notice.refresh_from_db()
    assert (notice.state, notice.fee_minor, notice.total_minor) == ("sent", 0, 10000)


def test_what_is_disputed_of_a_riding_charge_is_not_asked_for(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("FEE-1", "MEYER", "5.00 EUR", None, kind="charge")
    run = town.propose(ON)
    town.post(run)
    dispute(town.entity, "FEE-1", amount="3.00", reason="too much", on=day(ON), by="x", at=noon(ON))
    town.deliver(run)
    notice = town.notice(run, "MEYER")
    assert (notice.state, notice.charges_minor, notice.total_minor) == ("sent", 200, 10200)


def test_an_event_of_another_day_is_looked_at_as_of_today(town: Town) -> None:
    hold(town.entity, account=town.account("MEYER").code, until=day("2026-03-20"), reason="x", on=day("2026-03-02"),
         by="x", at=noon("2026-03-02"))  # fmt: skip
    run = waiting(town)
    at = noon(ON)
    pay(town.entity, "MEYER", amount="5.00", items=["B-1"], on=day("2026-03-20"), by="x", at=at)  # of its hold
    assert town.notice(run, "MEYER").state == "posted"
    hold(town.entity, account="MEYER", reason="holidays", on=day("2026-12-20"), by="x", at=at)  # yet to come
    assert town.notice(run, "MEYER").state == "posted"


def test_a_promise_that_was_broken_does_not_stand_in_the_way_again(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("B-1", "MEYER", "10.00 EUR", "2026-12-01")
    promise(town.entity, "MEYER", amount="100.00", by_on=day("2026-03-20"), items=["A-17"], on=day("2026-03-10"),
            by="x", at=noon("2026-03-10"))  # fmt: skip
    run = town.propose(ON)
    town.post(run)
    dispute(town.entity, "B-1", reason="x", on=day("2026-03-19"), by="x", at=noon(ON))
    assert town.notice(run, "MEYER").state == "posted"


def test_whoever_was_held_up_for_longer_than_the_lease_sends_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = waiting(town)
    write = deliver._written

    def stalls(run: Run, batch: list[Delivery], words: Wording, on: date) -> object:
        monkeypatch.setattr(deliver, "_written", write)
        pay(town.entity, "MEYER", amount="100.00", items=["A-17"], on=day(ON), by="x", at=noon(ON))
        town.deliver(run, clock=lambda: noon(ON) + timedelta(minutes=11))
        return write(run, batch, words, on)

    monkeypatch.setattr(deliver, "_written", stalls)
    town.deliver(run)
    assert (town.outbox, town.deliveries(run)) == ([], [("MEYER", "email", "withdrawn")])
    assert town.notice(run, "MEYER").state == "withdrawn"


def test_what_left_though_it_was_withdrawn_meanwhile_is_asked_about(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = waiting(town)
    send = Outbox.send_all

    def stalls(outbox: Outbox, messages: Iterable[tuple[Envelope, Message]]) -> Sent:
        monkeypatch.setattr(Outbox, "send_all", send)
        pay(town.entity, "MEYER", amount="100.00", items=["A-17"], on=day(ON), by="x", at=noon(ON))
        town.deliver(run, clock=lambda: noon(ON) + timedelta(minutes=11))
        return send(outbox, messages)

    monkeypatch.setattr(Outbox, "send_all", stalls)
    town.deliver(run)
    assert town.deliveries(run) == [("MEYER", "email", "in_doubt")]
    assert Task.objects.get().kind == "delivery_in_doubt"


def test_who_interrupts_gives_back_what_they_were_sending(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.many(5, due="2026-03-31")
    run = town.propose(ON)
    town.post(run)
    send = Outbox.send_all

    def interrupted(outbox: Outbox, messages: Iterable[tuple[Envelope, Message]]) -> Sent:
        send(outbox, list(messages)[:2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "send_all", interrupted)
        with pytest.raises(KeyboardInterrupt):
            town.deliver(run)
    assert sorted(state for _account, _channel, state in town.deliveries(run)) == ["queued"] * 3 + ["sent"] * 2
    assert town.deliver(run).sent == 3
    assert len(town.outbox) == 5


def test_what_was_being_sent_when_a_run_was_reversed_is_settled(town: Town) -> None:
    run = waiting(town)
    with pytest.raises(ProcessLost):
        town.deliver(run, clock=dies_after(1, ON))
    town.item("C-1", "SMITH", "100.00 EUR", "2026-03-31")
    delivered = town.deliver(run, clock=lambda: noon(ON) + timedelta(minutes=1))
    assert (delivered.sent, delivered.claimed) == (0, 1)
    assert delivered.claimed_until == noon(ON) + timedelta(minutes=10)
    run.state = "reversed"  # with something else of it, which could still be withdrawn
    run.reason = "wrong"
    run.save()
    later = noon("2026-04-04")
    assert post_if_open(run.pk, today=lambda _zone: later.date(), at=later, by="x").posted == 0
    fresh = town.propose("2026-04-04")  # settles it
    assert town.notice(run, "MEYER").state == "withdrawn"
    assert (town.level("A-17"), fresh.counts["notices"]) == (0, 2)
    with pytest.raises(Conflict, match=f"run {run.pk} is reversed"):
        post_if_open(run.pk, today=lambda _zone: later.date(), at=later, by="x")


def test_a_payer_who_heard_from_us_since_the_decision_is_decided_anew(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    first = town.propose(ON)
    town.post(first)
    town.item("A-18", "MEYER", "100.00 EUR", "2026-04-01")
    second = town.propose("2026-04-10")
    town.deliver(first, on="2026-04-10")
    assert town.post(second, on="2026-04-10").changed_since == 1
    found = explain_item(town.entity, "A-18", as_of=day("2026-04-10"))
    assert (found.decision["outcome"], found.decision["next_on"]) == ("too_soon", day("2026-04-17"))


def test_the_guard_does_not_compare_with_runs_that_were_reversed(town: Town) -> None:
    for number, on in enumerate(["2026-04-01", "2026-04-02", ON]):
        town.item(f"S-{number}", f"S-{number}", "10.00 EUR", "2026-03-20")
        town.run(on)
    town.many(100, due="2026-03-25")
    run = town.propose("2026-04-04")
    assert run.guard
    Run.objects.filter(pk=run.pk).update(guard="")
    town.post(run)
    reverse_run(run.pk, reason="a mistake", by="x", at=noon("2026-04-04"))
    assert unlike_the_last(town.entity, run.counts) == run.guard


def test_what_leaves_late_is_dated_and_gives_time_as_of_then(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose(ON)
    town.post(run)
    town.deliver(run, on="2026-04-20")
    notice = town.notice(run, "MEYER")
    assert (notice.sent_on, notice.deadline_on) == (day("2026-04-20"), day("2026-04-30"))
    assert ItemState.objects.get().last_deadline_on == day("2026-04-30")
    (letter,) = town.letters()
    assert "Date: Mon, 20 Apr 2026" in letter
    assert "20\xa0April\xa02026" in letter
    assert "30\xa0April\xa02026" in letter
