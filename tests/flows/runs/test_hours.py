"""Mails that wait for the hours of their debtor, and for an open day."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dunwell.flows.runs.reverse import ReverseResult, reverse_run
from dunwell.flows.runs.work import due_of
from dunwell.records.models import Attempt, Delivery, Run
from tests.flows.town import Town

POLICY = """\
policy: by-day
contact: {window: "08:00-18:00"}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 7, send: ["%s"]}
"""
CLOSED = """\
policy: office-days
calendar: {country: DE}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 7, send: [email]}
"""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def posted(town: Town, policy: str, on: str = "2026-04-03") -> Run:
    town.apply(policy)
    town.account("BERLIN", country="DE", address="Weg 1")
    town.account("LA", country="US", time_zone="America/Los_Angeles", address="Road 1")
    town.item("B-1", "BERLIN", "100.00 EUR", "2026-03-30")
    town.item("L-1", "LA", "100.00 EUR", "2026-03-30")
    run = town.propose(on)
    town.post(run)
    return run


def waiting_until(run: Run) -> dict[str, datetime | None]:
    found = Delivery.objects.filter(notice__run=run, state="queued")
    return dict(found.values_list("notice__payer__code", "not_before_at"))


@pytest.fixture
def street(home: Path) -> Town:
    """A town without a policy."""
    return Town(home, policy=None)


def test_a_mail_waits_for_the_morning_where_its_debtor_is(street: Town) -> None:
    run = posted(street, POLICY % "email")
    result = street.deliver(run, clock=lambda: utc("2026-04-03 04:00"))
    assert (result.sent, result.put_off, result.put_off_until) == (0, 2, utc("2026-04-03 06:00"))
    assert waiting_until(run) == {"BERLIN": utc("2026-04-03 06:00"), "LA": utc("2026-04-03 15:00")}
    assert not Attempt.objects.exists()
    result = street.deliver(run, clock=lambda: utc("2026-04-03 06:00"))
    assert (result.sent, result.put_off, result.retrying) == (1, 1, 0)
    result = street.deliver(run, clock=lambda: utc("2026-04-03 15:00"))
    assert (result.sent, result.put_off, result.put_off_until) == (1, 0, None)
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


def test_a_letter_leaves_at_any_hour(street: Town) -> None:
    run = posted(street, POLICY % "letter")
    assert street.deliver(run, clock=lambda: utc("2026-04-03 02:00")).sent == 2


def test_a_worker_has_nothing_to_do_until_the_hours_begin(street: Town) -> None:
    run = posted(street, POLICY % "email")
    Run.objects.filter(pk=run.pk).update(by_workers=True)
    street.deliver(run, clock=lambda: utc("2026-04-03 04:00"))
    run.refresh_from_db()
    assert not list(due_of(run, utc("2026-04-03 05:59")))
    assert [piece.step for piece in due_of(run, utc("2026-04-03 06:00"))] == ["deliver"]


def test_what_was_paid_while_it_waited_is_not_asked_for(street: Town) -> None:
    run = posted(street, POLICY % "email")
    street.deliver(run, clock=lambda: utc("2026-04-03 04:00"))
    street.pay("B-1", "100.00 EUR", "2026-04-03")
    street.deliver(run, clock=lambda: utc("2026-04-03 16:00"))
    assert street.deliveries(run) == [("BERLIN", "email", "withdrawn"), ("LA", "email", "sent")]


def test_what_slipped_onto_a_closed_day_waits_for_an_open_one(street: Town) -> None:
    run = posted(street, CLOSED, "2026-04-02")  # Thursday before Easter
    result = street.deliver(run, clock=lambda: utc("2026-04-03 09:00"))
    assert (result.sent, result.put_off, result.put_off_until) == (0, 2, utc("2026-04-07 00:00"))
    street.deliver(run, clock=lambda: utc("2026-04-07 09:00"))
    notice = street.notice(run, "BERLIN")
    assert str(notice.sent_on) == "2026-04-07"
    assert str(notice.deadline_on) == "2026-04-14"  # of Thursday 9 April, five days later
    assert all("14" in letter for letter in street.letters())


def test_a_reversed_run_gives_up_the_mails_of_notices_that_left_by_letter(street: Town) -> None:
    run = posted(street, POLICY % 'email", "letter')
    street.deliver(run, clock=lambda: utc("2026-04-03 04:00"))
    assert Delivery.objects.filter(state="sent").count() == 2
    result = reverse_run(run.pk, reason="a mistake", by="bert", at=utc("2026-04-03 05:00"))
    assert result == ReverseResult(withdrawn=0, left=2, given_up=2)
    assert set(Delivery.objects.filter(channel="email").values_list("state", flat=True)) == {"withdrawn"}
    street.deliver(run, clock=lambda: utc("2026-04-03 09:00"))
    assert len(street.outbox) == 2
