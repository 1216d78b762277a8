"""A payer that a late stage was sent to is told once that nothing is overdue any more; actions are tasks meanwhile."""

import pytest

from dunwell.flows.runs.approve import approve_run
from dunwell.flows.runs.edit import exclude_account
from dunwell.flows.runs.replay import replay_run
from dunwell.flows.runs.reverse import reverse_run
from dunwell.records.models import AuditEvent, Closing, Notice, Task
from tests.flows.town import Town, noon

POLICY = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: final, days_past_due: 30, send: [email], do: [call, restrict_service]}
close: {after_stage: final, send: [email], do: [restore_service]}
"""


@pytest.fixture
def late(town: Town) -> Town:
    """A debtor to whom the last stage was sent, with what it asks people to do."""
    town.apply(POLICY)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    town.run("2026-03-05")
    town.run("2026-03-31")
    return town


def tasks() -> list[tuple[str, str, bool]]:
    """Kind, stage it is of, and whether it is open."""
    found = Task.objects.order_by("pk").values_list("kind", "notice__stage", "closed_at")
    return [(kind, stage, closed_at is None) for kind, stage, closed_at in found]


def test_an_action_is_a_task_about_notice_and_payer(late: Town) -> None:
    assert tasks() == [("call", "final", True), ("restrict_service", "final", True)]
    task = Task.objects.get(kind="call")
    assert task.account is not None
    assert (task.account.code, str(task.opened_on), task.detail) == (
        "MEYER", "2026-03-31", "stage final of standard",
    )  # fmt: skip
    assert Closing.objects.get().is_open


def test_a_payment_closes_the_procedure_once(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.run("2026-04-02")
    notice = late.notice(run, "MEYER")
    assert (notice.stage, notice.level, notice.total_minor, notice.contact, notice.state) == (
        "close", 0, 0, False, "sent",
    )  # fmt: skip
    assert "none of your invoices is overdue any more" in late.letters()[-1]
    assert tasks() == [
        ("call", "final", False), ("restrict_service", "final", False), ("restore_service", "close", True),
    ]  # fmt: skip
    notes = {event.detail["note"] for event in AuditEvent.objects.filter(action="task.closed")}
    assert notes == {"nothing is overdue any more"}
    assert not Closing.objects.get().is_open
    assert not late.run("2026-04-03").notices.exists()
    assert replay_run(run.pk).identical_bytes


def test_what_was_done_already_stays_for_the_closing_to_undo(late: Town) -> None:
    Task.objects.filter(kind="restrict_service").update(closed_at=noon("2026-04-01"), closed_by="bert")
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    late.run("2026-04-02")
    assert Task.objects.get(kind="restrict_service").closed_by == "bert"
    assert Task.objects.get(kind="call").closed_by == "anna"


def test_it_is_withdrawn_when_something_is_overdue_again_before_it_leaves(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.propose("2026-04-02")
    late.post(run)
    late.item("A-2", "MEYER", "50.00 EUR", "2026-04-01")
    late.deliver(run)
    notice = late.notice(run, "MEYER")
    assert (notice.state, notice.reason) == ("withdrawn", "overdue again")
    assert tasks()[:2] == [("call", "final", True), ("restrict_service", "final", True)]
    assert Closing.objects.get().is_open
    assert Task.objects.get(kind="restore_service").closed_at is not None
    late.pay("A-2", "50.00 EUR", "2026-04-03")
    assert late.notice(late.run("2026-04-03"), "MEYER").stage == "close"


def test_it_falls_out_when_something_is_overdue_again_before_it_is_posted(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.propose("2026-04-02")
    late.item("A-2", "MEYER", "50.00 EUR", "2026-04-01")
    assert late.post(run).changed_since == 1
    assert Closing.objects.get().is_open
    assert not Task.objects.filter(kind="restore_service").exists()
    assert Task.objects.get(kind="call").closed_at is None


def test_a_reversed_run_opens_the_closing_again(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.propose("2026-04-02")
    late.post(run)
    assert not Closing.objects.get().is_open
    reverse_run(run.pk, reason="too early", by="anna", at=noon("2026-04-02"))
    assert Closing.objects.get().is_open
    assert tasks() == [
        ("call", "final", True), ("restrict_service", "final", True), ("restore_service", "close", False),
    ]  # fmt: skip
    late.run("2026-04-03")
    assert Notice.objects.filter(closing="closes", state="sent").count() == 1


def test_an_account_left_out_of_the_run_is_told_by_the_next_one(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.propose("2026-04-02")
    exclude_account(run.pk, "MEYER", reason="ask first", by="anna", at=noon("2026-04-02"))
    assert late.post(run).posted == 0
    assert late.notice(late.run("2026-04-03"), "MEYER").stage == "close"


def test_a_closing_adds_no_currency_to_the_sums_of_its_run(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    late.item("U-1", "US", "10.00 USD", "2026-03-30")
    run = late.propose("2026-04-02")
    assert (run.counts["notices"], run.counts["sums_minor"]) == (2, {"USD": 1000})
    exclude_account(run.pk, "US", reason="ask first", by="anna", at=noon("2026-04-02"))
    run.refresh_from_db()
    assert (run.counts["notices"], run.counts["sums_minor"]) == (1, {})


def test_where_nothing_reaches_the_payer_the_actions_are_asked_for_all_the_same(late: Town) -> None:
    late.apply(POLICY.replace("send: [email], do: [restore_service]", "send: [sms], do: [restore_service]"))
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.run("2026-04-02")
    assert (late.notice(run, "MEYER").channels, late.notice(run, "MEYER").state, run.state) == ("", "sent", "done")
    assert tasks() == [
        ("call", "final", False), ("restrict_service", "final", False), ("restore_service", "close", True),
    ]  # fmt: skip


def test_the_actions_of_stages_stay_until_the_closing_is_sent(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    run = late.propose("2026-04-02")
    late.post(run)
    assert all(is_open for _kind, _stage, is_open in tasks())
    late.deliver(run)
    assert [kind for kind, _stage, is_open in tasks() if is_open] == ["restore_service"]


def test_what_a_stage_before_the_due_date_asks_for_stays_with_a_closing_of_the_same_run(late: Town) -> None:
    late.apply(POLICY.replace("stages:", "stages:\n  - {stage: early, days_past_due: -3, do: [greet]}"))
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    late.item("A-2", "MEYER", "70.00 EUR", "2026-04-04")
    late.run("2026-04-02")
    assert [kind for kind, _stage, is_open in tasks() if is_open] == ["greet", "restore_service"]


def test_actions_of_a_notice_that_is_taken_back_end_with_it(town: Town) -> None:
    town.apply(POLICY)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01", open_minor=10000)
    town.run("2026-03-05")
    run = town.propose("2026-03-31")
    town.post(run)
    reverse_run(run.pk, reason="a mistake", by="bert", at=noon("2026-03-31"))
    assert tasks() == [("call", "final", False), ("restrict_service", "final", False)]
    assert {task.closed_by for task in Task.objects.all()} == {"bert"}
    town.run("2026-04-01")
    assert [each for each in tasks() if each[2]] == [("call", "final", True), ("restrict_service", "final", True)]


def test_a_stage_without_a_message_is_done_when_it_is_delivered(town: Town) -> None:
    town.apply("policy: standard\nstages:\n  - {stage: ring, days_past_due: 3, do: [call], approval: one}\n")
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    run = town.propose("2026-03-05")
    assert (town.post(run).waiting, Task.objects.count()) == (1, 0)
    approve_run(run.pk, by="bert", at=noon("2026-03-05"))
    town.post(run)
    assert tasks() == [("call", "ring", True)]
    town.deliver(run)
    run.refresh_from_db()
    assert (town.notice(run, "MEYER").state, town.level("A-1"), run.state, town.outbox) == ("sent", 1, "done", [])
    assert tasks() == [("call", "ring", True)]


def test_a_procedure_that_begins_anew_closes_anew(late: Town) -> None:
    late.pay("A-1", "100.00 EUR", "2026-04-02")
    late.run("2026-04-02")
    late.item("A-2", "MEYER", "70.00 EUR", "2026-03-01")
    late.run("2026-04-10")
    late.run("2026-04-20")
    assert Closing.objects.get().is_open
    late.pay("A-2", "70.00 EUR", "2026-04-21")
    late.run("2026-04-21")
    assert Notice.objects.filter(closing="closes", state="sent").count() == 2
