"""Fees whose policy waives them follow their item: paid, charged back, or settled by what an import says."""

from datetime import date

import pytest

from dunwell.flows.audit.show import of_account, of_item
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.people.promises import promise
from dunwell.records import pieces
from dunwell.records.models import AuditEvent, Item
from tests.flows.book.test_vanished import FOUR, bring
from tests.flows.people.test_events import BERT
from tests.flows.town import Town, noon

KEEPING = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, fee: {EUR: 5.00}, send: [email]}
"""
WAIVING = f"{KEEPING}charges_when_paid: waive\n"


def fee(town: Town) -> Item:
    return Item.objects.get(entity=town.entity, kind="charge", account__code="MEYER")


def amounts(town: Town) -> tuple[int, int, bool]:
    """What is open of the fee, what was waived, and whether it is closed."""
    found = fee(town)
    return found.open_minor, found.waived_minor, found.closed_on is not None


def dunned(town: Town, policy: str = WAIVING) -> None:
    """An invoice of 100.00 that was noticed with a fee of 5.00."""
    town.apply(policy)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")


def test_a_fee_is_waived_with_the_payment_and_owed_again_without_it(town: Town) -> None:
    dunned(town)
    assert amounts(town) == (500, 0, False)
    number = pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **BERT)
    assert amounts(town) == (0, 500, True)
    event = AuditEvent.objects.get(action="charge.waived")
    assert (event.subject_id, event.actor) == (fee(town).pk, "bert")
    assert event.detail == {"amount_minor": 500, "currency": "EUR", "items": ["A-17"]}
    take_back(town.entity, number, reason="bounced", **BERT)
    assert amounts(town) == (500, 0, False)
    both = ["charge.waived", "charge.owed_again"]
    for number_of_item in ("A-17", fee(town).number):
        assert [each.what for each in of_item(town.entity, number_of_item) if "charge." in each.what] == both
    assert [each.what for each in of_account(town.entity, "MEYER") if "charge." in each.what] == both


def test_by_default_a_fee_stays_owed(town: Town) -> None:
    dunned(town, KEEPING)
    pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **BERT)
    assert amounts(town) == (500, 0, False)


def test_an_import_that_settles_an_item_waives_its_fee(town: Town) -> None:
    town.apply(WAIVING)
    town.account("MEYER")
    bring(town, *FOUR)
    town.run("2026-04-03")
    bring(town, *FOUR[1:], on="2026-04-04")
    assert (town.open("A-1"), amounts(town)) == (0, (0, 500, True))
    bring(town, *FOUR, on="2026-04-05")
    assert (town.open("A-1"), amounts(town)) == (10000, (500, 0, False))
    told = AuditEvent.objects.filter(action__startswith="charge.").order_by("pk").values_list("action", flat=True)
    assert list(told) == ["charge.waived", "charge.owed_again"]


def test_an_import_says_so_of_an_account_with_a_promise_too(town: Town) -> None:
    town.apply(WAIVING)
    town.account("MEYER")
    bring(town, *FOUR)
    town.run("2026-04-03")
    promise(town.entity, "MEYER", amount="50.00", items=["A-1"], by_on=date(2026, 5, 10), **BERT)
    bring(town, *FOUR[1:], on="2026-04-04")
    assert amounts(town) == (0, 500, True)
    event = AuditEvent.objects.get(action="charge.waived")
    assert (event.subject_id, event.detail["amount_minor"], event.detail["items"]) == (fee(town).pk, 500, ["A-1"])


def test_more_fees_than_go_into_a_statement_are_all_on_record(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "IDS_PER_STATEMENT", 1)
    town.apply(WAIVING.replace("stages:", "one_notice_per: item\nstages:"))
    for number in ("A-17", "A-18", "A-19"):
        town.item(number, "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    pay(town.entity, "MEYER", amount="300.00", items=["A-17", "A-18", "A-19"], **BERT)
    told = AuditEvent.objects.filter(action="charge.waived").order_by("pk").values_list("detail__items", flat=True)
    assert list(told) == [["A-17"], ["A-18"], ["A-19"]]


def test_a_fee_waived_before_its_notice_left_is_not_asked_for(town: Town) -> None:
    town.apply(WAIVING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    town.item("A-18", "MEYER", "60.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    pay(town.entity, "MEYER", amount="100.00", items=["A-17"], on=date(2026, 4, 3), at=noon("2026-04-03"), by="bert")
    town.deliver(run)
    assert town.notice(run, "MEYER").total_minor == 6000
    assert amounts(town) == (0, 0, True)
