"""Event rules in a real book: what comes up is asked for once, as a task about the account."""

import pytest

from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.people.disputes import dispute
from dunwell.flows.people.promises import promise
from dunwell.flows.runs.edit import exclude_item
from dunwell.flows.runs.replay import replay_run
from dunwell.flows.runs.reverse import reverse_run
from dunwell.records import pieces
from dunwell.records.models import Account, Alert, Contact, Task
from tests.flows.town import Town, at_home, day, noon

POLICY = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: final, days_past_due: 90, send: [email]}
rules:
  - {on: promise_broken, do: [call]}
  - {on: credit_limit_exceeded, do: [stop_deliveries]}
  - {on: delivery_failed, do: [find_address]}
  - {on: risk_above, above: 0.7, do: [call, review]}
  - {on: dispute_overdue, after_days: 30, do: [settle_dispute]}
  - {on: payment_reversed, do: [call]}
"""


@pytest.fixture
def ruled(town: Town) -> Town:
    """A debtor with an invoice that is not due yet, under a policy with every rule."""
    town.apply(POLICY)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-12-31")
    return town


def asked() -> list[tuple[str, str]]:
    """The open tasks of rules: kind and detail."""
    found = Task.objects.filter(closed_at=None, notice=None, item=None).exclude(kind="unreachable")
    return list(found.order_by("kind").values_list("kind", "detail"))


def change(**fields: object) -> None:
    Account.objects.filter(code="MEYER").update(**fields)


def test_a_state_is_told_when_it_begins_and_when_it_begins_again(ruled: Town) -> None:
    change(risk=0.8, credit_limit_minor=9999)
    run = ruled.run("2026-03-05")
    assert asked() == [
        ("call", "the risk is above 0.7 on 2026-03-05"),
        ("review", "the risk is above 0.7 on 2026-03-05"),
        ("stop_deliveries", "more than the credit limit is open in EUR on 2026-03-05"),
    ]
    assert run.counts["rules"] == {"call": 1, "review": 1, "stop_deliveries": 1}
    assert replay_run(run.pk).identical_bytes
    Task.objects.update(closed_at=noon("2026-03-06"))
    ruled.run("2026-03-07")
    assert asked() == []
    change(risk=0.7)
    ruled.run("2026-03-08")
    assert set(Alert.objects.values_list("event", "over_on")) == {
        ("risk_above", day("2026-03-08")), ("credit_limit_exceeded", None),
    }  # fmt: skip
    change(risk=0.71)
    assert replay_run(ruled.run("2026-03-09").pk).identical_bytes
    assert [kind for kind, _detail in asked()] == ["call", "review"]


def test_a_proposal_asks_for_nothing_and_two_of_them_ask_once(ruled: Town) -> None:
    change(risk=0.8)
    ruled.propose("2026-03-05")
    assert asked() == []
    run = ruled.propose("2026-03-05")
    ruled.post(run)
    assert [kind for kind, _detail in asked()] == ["call", "review"]
    reverse_refused = ruled.propose("2026-03-05")
    ruled.post(reverse_refused)
    assert len(asked()) == 2


def test_a_broken_promise_and_a_reversed_payment_are_told_in_one_task(ruled: Town) -> None:
    number = promise(ruled.entity, "MEYER", amount="100.00", by_on=day("2026-03-10"), on=day("2026-03-01"),
                     by="anna", at=noon("2026-03-01"))  # fmt: skip
    ruled.run("2026-03-10")
    assert asked() == []
    ruled.run("2026-03-11")
    broken = f"promise {number} was broken on 2026-03-11"
    assert asked() == [("call", broken)]
    paid = pay(ruled.entity, "MEYER", amount="30.00", items=["A-1"], on=day("2026-03-12"), by="anna",
               at=noon("2026-03-12"))  # fmt: skip
    take_back(ruled.entity, paid, reason="no funds", on=day("2026-03-13"), by="anna", at=noon("2026-03-13"))
    ruled.run("2026-03-14")
    assert asked() == [("call", f"{broken}; a payment was taken back on 2026-03-13")]
    ruled.run("2026-03-15")
    assert asked() == [("call", f"{broken}; a payment was taken back on 2026-03-13")]


def test_a_dispute_is_told_of_after_so_many_days(ruled: Town) -> None:
    dispute(ruled.entity, "A-1", reason="damaged", on=day("2026-03-01"), by="anna", at=noon("2026-03-01"))
    ruled.run("2026-03-30")
    assert asked() == []
    ruled.run("2026-03-31")
    assert [kind for kind, _detail in asked()] == ["settle_dispute"]


def test_a_notice_that_reaches_nobody_is_told_by_the_next_run(ruled: Town) -> None:
    ruled.item("A-2", "MEYER", "50.00 EUR", "2026-03-01")
    run = ruled.propose("2026-03-05")
    Contact.objects.update(email="")
    ruled.post(run)
    ruled.deliver(run)
    assert ruled.notice(run, "MEYER").state == "failed"
    assert asked() == []
    ruled.run("2026-03-06")
    assert [kind for kind, _detail in asked()] == ["find_address"]


def test_a_change_of_the_proposal_and_a_reversal_leave_what_rules_ask_for(ruled: Town) -> None:
    ruled.item("A-2", "MEYER", "50.00 EUR", "2026-03-01")
    change(risk=0.8)
    run = ruled.propose("2026-03-05")
    exclude_item(run.pk, "A-2", reason="ask first", by="anna", at=noon("2026-03-05"))
    ruled.item("B-1", "SMITH", "50.00 EUR", "2026-03-01")
    assert ruled.post(run).posted == 0
    assert [kind for kind, _detail in asked()] == ["call", "review"]
    later = ruled.propose("2026-03-06")
    ruled.post(later)
    reverse_run(later.pk, reason="a mistake", by="anna", at=noon("2026-03-06"))
    assert [kind for kind, _detail in asked()] == ["call", "review"]


def test_shards_judge_each_account_once(ruled: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(ruled.folder, monkeypatch, shard_items=1)
    ruled.item("B-1", "SMITH", "50.00 EUR", "2026-12-31")
    ruled.item("C-1", "JONES", "50.00 EUR", "2026-12-31")
    Account.objects.update(risk=0.9)
    run = ruled.run("2026-03-05")
    assert run.shards > 1
    assert Task.objects.filter(kind="review").count() == 3
    assert replay_run(run.pk).identical_bytes


def test_open_tasks_of_more_accounts_than_go_into_a_statement_are_all_told(
    ruled: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "IDS_PER_STATEMENT", 2)
    ruled.many(5, due="2026-12-31")
    Account.objects.update(risk=0.8)
    ruled.run("2026-03-05")
    Account.objects.update(risk=0.7)
    ruled.run("2026-03-06")
    Account.objects.update(risk=0.8)
    ruled.run("2026-03-07")
    twice = "the risk is above 0.7 on 2026-03-05; the risk is above 0.7 on 2026-03-07"
    assert asked() == [("call", twice)] * 6 + [("review", twice)] * 6
