"""Items that came to another payer by an import: what was paid of them before, and the fees charged before."""

from contextlib import nullcontext
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from dunwell.flows.cash.applying import apply_match
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Invalid
from dunwell.flows.journal import journal_of
from dunwell.records.models import Account, AuditEvent, BankLine, Item, Notice, NoticeLine
from tests.flows.book.test_vanished import AMOUNT, bring
from tests.flows.cash.banking import AT, take
from tests.flows.cash.test_waived import KEEPING, WAIVING, amounts, dunned, fee
from tests.flows.people.test_events import BERT
from tests.flows.runs.test_closing import POLICY as CLOSING
from tests.flows.runs.test_two_at_once import at_once, busy_town
from tests.flows.town import Town, noon
from tests.sources.bank.mt940_files import mt940

__all__ = ["busy_town"]


def moved(town: Town, *rows: str, on: str = "2026-04-04") -> None:
    """An export says that these items are another account's by now, at their full amounts."""
    bring(town, *rows, how="keep", column=AMOUNT, on=on)


def account_of(number: str) -> str:
    return Item.objects.get(number=number).account.code


def test_a_payment_is_taken_back_after_its_item_came_to_another_payer(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "30.00 EUR", "2026-03-31")
    number = pay(town.entity, "MEYER", amount="70.00", items=["A-17", "A-18"], **BERT)
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    pay(town.entity, "SMITH", amount="10.00", items=["A-17"], **BERT)
    assert (account_of("A-17"), town.open("A-17"), town.open("A-18")) == ("SMITH", 2000, 3000)
    take_back(town.entity, number, reason="bounced", **BERT)
    assert (town.open("A-17"), town.open("A-18")) == (9000, 3000)
    assert Item.objects.get(pk=number).open_minor == 0
    event = AuditEvent.objects.get(action="payment.reversed")
    assert event.detail["items"] == ["A-17"]


@pytest.mark.parametrize(("new", "is_own"), [("SMITH", False), ("CHILD", True)])
def test_a_credit_that_came_to_another_payer_is_not_set_off_any_more(
    bank: Town, tmp_path: Path, new: str, is_own: bool
) -> None:
    bank.account("SMITH")
    bank.account("CHILD", parent=bank.account("MEYER"))
    bank.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    bank.item("CN-90001", "MEYER", "10.00 EUR", "2026-02-01", kind="credit")
    take(tmp_path, mt940(["260302 90 //B1 INV-20170 CN-90001"], opens=0))
    match_lines(bank.entity, apply=False, by="bert", at=AT)
    Item.objects.filter(number="CN-90001").update(account=Account.objects.get(code=new))
    with nullcontext() if is_own else pytest.raises(Invalid, match="is of another payer by now"):
        apply_match(bank.entity, BankLine.objects.get().pk, by="bert", at=AT)
    assert (bank.open("INV-20170"), bank.open("CN-90001")) == ((0, 0) if is_own else (10_000, 1_000))


def test_what_is_open_again_of_an_item_that_moved_is_asked_of_its_payer_at_its_level(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    number = pay(town.entity, "MEYER", amount="60.00", items=["A-17"], **BERT)
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    take_back(town.entity, number, reason="bounced", **BERT)
    run = town.run("2026-04-14")
    notice = town.notice(run, "SMITH")
    assert (notice.stage, notice.due_minor) == ("second_reminder", 10000)


def test_a_waiting_message_to_the_new_payer_that_all_is_paid_is_withdrawn(town: Town) -> None:
    town.apply(CLOSING)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("B-1", "SMITH", "50.00 EUR", "2026-03-01")
    for on in ("2026-03-05", "2026-03-31"):
        town.run(on)
    number = pay(town.entity, "MEYER", amount="100.00", items=["A-1"], **BERT)
    moved(town, "SMITH,A-1,100.00", on="2026-04-02")
    pay(town.entity, "SMITH", amount="50.00", items=["B-1"], **BERT)
    waiting = town.propose("2026-04-06")
    town.post(waiting)
    message = Notice.objects.get(run=waiting, payer__code="SMITH")
    assert (message.stage, message.state) == ("close", "posted")
    take_back(town.entity, number, reason="bounced", by="bert", on=date(2026, 4, 6), at=noon("2026-04-06"))
    message.refresh_from_db()
    assert message.state == "withdrawn"


def paid_by_the_new_payer(town: Town, policy: str) -> int:
    dunned(town, policy)
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    return pay(town.entity, "SMITH", amount="100.00", items=["A-17"], **BERT)


def test_a_fee_of_the_old_payer_is_waived_when_the_new_one_pays_the_item(town: Town) -> None:
    number = paid_by_the_new_payer(town, WAIVING)
    assert (town.open("A-17"), amounts(town)) == (0, (0, 500, True))
    assert AuditEvent.objects.get(action="charge.waived").detail["items"] == ["A-17"]
    take_back(town.entity, number, reason="bounced", **BERT)
    assert (town.open("A-17"), amounts(town)) == (10000, (500, 0, False))


def test_a_fee_that_is_kept_stays_with_the_payer_whom_it_was_charged(town: Town) -> None:
    paid_by_the_new_payer(town, KEEPING)
    assert (town.open("A-17"), amounts(town)) == (0, (500, 0, False))


def test_a_fee_waived_before_its_item_moved_is_owed_again_with_it(town: Town) -> None:
    dunned(town)
    number = pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **BERT)
    assert amounts(town) == (0, 500, True)
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    take_back(town.entity, number, reason="bounced", **BERT)
    assert (account_of("A-17"), town.open("A-17"), amounts(town)) == ("SMITH", 10000, (500, 0, False))


@pytest.mark.parametrize("is_back", [False, True])
def test_an_import_that_settles_an_item_of_the_new_payer_waives_the_fee_of_the_old_one(
    town: Town, *, is_back: bool
) -> None:
    town.apply(WAIVING)
    town.account("MEYER")
    town.account("SMITH")
    bring(town, "MEYER,A-17,100.00")
    town.run("2026-04-03")
    bring(town, "SMITH,A-17,100.00", on="2026-04-04")
    bring(town, "SMITH,A-17,0.00", on="2026-04-05", force=True)
    assert (town.open("A-17"), amounts(town)) == (0, (0, 500, True))
    if is_back:
        bring(town, "SMITH,A-17,100.00", on="2026-04-06", force=True)
        assert (town.open("A-17"), amounts(town)) == (10000, (500, 0, False))


def test_a_waiting_notice_to_the_old_payer_asks_no_more_for_a_fee_that_is_waived(town: Town) -> None:
    dunned(town)
    town.item("A-20", "MEYER", "40.00 EUR", "2026-04-06")
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    run = town.propose("2026-04-10")
    town.post(run)
    lines = NoticeLine.objects.filter(notice__run=run, item__kind="charge", item__parent__number="A-17")
    assert [line.amount_minor for line in lines] == [500]
    pay(town.entity, "SMITH", amount="100.00", items=["A-17"], by="bert", on=date(2026, 4, 10), at=noon("2026-04-10"))
    assert [line.role for line in lines.all()] == ["withdrawn"]


def test_a_fee_of_an_item_paid_by_another_is_waived_when_the_money_for_it_is_taken_back(town: Town) -> None:
    dunned(town)
    number = pay(town.entity, "MEYER", amount="2.00", items=[fee(town).number], **BERT)
    town.account("SMITH")
    moved(town, "SMITH,A-17,100.00")
    pay(town.entity, "SMITH", amount="100.00", items=["A-17"], **BERT)
    assert amounts(town) == (0, 300, True)
    take_back(town.entity, number, reason="bounced", **BERT)
    assert amounts(town) == (0, 500, True)


def test_what_is_written_off_of_a_fee_whose_item_moved_is_in_the_journal_of_its_account(town: Town) -> None:
    number = paid_by_the_new_payer(town, WAIVING)
    take_back(town.entity, number, reason="bounced", **BERT)
    lines = journal_of(town.entity, date(2026, 4, 1), date(2026, 4, 30)).lines
    receivable = [line for line in lines if line.ledger_account == "receivable"]
    assert [(line.what, line.account, line.debit, line.credit) for line in receivable] == [
        ("raised", "MEYER", "5.00", "0.00"),
        ("waived", "MEYER", "0.00", "5.00"),
        ("owed_again", "MEYER", "5.00", "0.00"),
    ]


def test_two_payments_of_payers_who_took_over_each_others_items_are_taken_back_at_once(busy_town: Town) -> None:
    numbers = []
    for account, item in (("MEYER", "A-17"), ("SMITH", "B-17")):
        busy_town.item(item, account, "100.00 EUR", "2026-03-31")
        numbers.append(pay(busy_town.entity, account, amount="60.00", items=[item], **BERT))
    moved(busy_town, "SMITH,A-17,100.00", "MEYER,B-17,100.00")
    deeds = [partial(take_back, busy_town.entity, number, reason="bounced", **BERT) for number in numbers]
    assert at_once(*deeds) == [None, None]
    assert (busy_town.open("A-17"), busy_town.open("B-17")) == (10000, 10000)
