"""A history read from a real book: payments, chargebacks, imports, notices and what was heard."""

from pathlib import Path

import pytest

from dunwell.engine.history import History
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.people.contacts import note_contact
from dunwell.flows.people.disputes import dispute
from dunwell.flows.people.promises import promise
from dunwell.insight.lateness import lateness
from dunwell.insight.trade import Days
from dunwell.records.history import history
from dunwell.records.models import Account, AttributeType, Entity, Item, Notice
from tests.flows.book import test_ibm
from tests.flows.town import Town, day, noon


def read(town: Town, since: str) -> History:
    return history(town.entity.pk, since=day(since))


def open_on(told: History, on: str) -> dict[str, int]:
    return dict(told.open_on(day(on)).filter(kind="invoice").select("number", "open_minor").iter_rows())


def paid(town: Town, amount: str, on: str) -> int:
    return pay(town.entity, "MEYER", amount=amount, currency="EUR", items=["A-1"], on=day(on), by="anna", at=noon(on))


def test_payments_and_chargebacks_count_on_their_days(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    first = paid(town, "40.00", "2026-02-05")
    paid(town, "100.00", "2026-02-10")
    take_back(town.entity, first, reason="R", on=day("2026-02-20"), by="anna", at=noon("2026-02-20"))
    told = read(town, "2026-01-01")
    days = ("2026-01-01", "2026-02-04", "2026-02-05", "2026-02-09", "2026-02-10", "2026-02-19", "2026-02-20")
    assert [open_on(told, on).get("A-1", 0) for on in days] == [10000, 10000, 6000, 6000, 0, 0, 4000]
    money = [told.open_on(day(on)).filter(kind="payment")["open_minor"].to_list() for on in days[4:]]
    assert money == [[4000], [4000], [4000]]  # what was paid too much stays a credit


def test_money_booked_for_an_earlier_day_than_what_came_before_it_leaves_that_on_its_own(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    paid(town, "50.00", "2026-02-10")
    paid(town, "50.00", "2026-02-01")
    for since in ("2026-01-01", "2026-02-05"):  # the item was closed on the first by what came last
        assert open_on(read(town, since), "2026-02-05") == {"A-1": 5000}


def test_money_taken_back_and_paid_anew_for_an_earlier_day_was_there_in_between(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    first = paid(town, "100.00", "2026-03-26")
    take_back(town.entity, first, reason="R", on=day("2026-04-15"), by="anna", at=noon("2026-04-15"))
    paid(town, "100.00", "2026-04-10")
    told = read(town, "2026-03-01").moves
    item = town.get("A-1").pk
    assert told.filter(item_id=item).select("on", "less_minor").rows() == [
        (day("2026-03-26"), 10000), (day("2026-04-10"), 10000), (day("2026-04-15"), -10000),
    ]  # fmt: skip


def test_it_is_told_which_money_was_taken_back(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-03-01"))
    first = paid(town, "50.00", "2026-03-26")
    paid(town, "50.00", "2026-06-10")
    take_back(town.entity, first, reason="R", on=day("2026-06-20"), by="anna", at=noon("2026-06-20"))
    told = read(town, "2026-01-01")
    assert told.returned.select("on", "less_minor").rows() == [
        (day("2026-03-26"), 5000), (day("2026-06-20"), -5000),
    ]  # fmt: skip
    (row,) = lateness(told, Days(day("2026-01-01"), day("2026-06-30"))).to_dicts()
    assert (row["paid_minor"], row["days_late_hundredths"]) == (5000, 8200)


def test_what_was_sent_or_had_its_time_after_the_first_day_is_there_however_old(town: Town) -> None:
    Entity.objects.update(promise_tolerance_days=5)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    town.entity.refresh_from_db()
    promise(town.entity, "MEYER", amount="50.00", currency="EUR", by_on=day("2026-02-06"), items=["A-1"],
            on=day("2026-02-01"), by="anna", at=noon("2026-02-01"))  # fmt: skip
    town.run("2026-02-20")
    Notice.objects.update(sent_on=day("2026-02-22"))
    assert read(town, "2026-02-11").promises.height == 1
    assert read(town, "2026-02-12").promises.is_empty()
    told = read(town, "2026-02-22")
    assert told.notices["sent_on"].to_list() == [day("2026-02-22")]
    assert told.lines.height == 1
    assert read(town, "2026-02-23").notices.is_empty()


def test_it_holds_what_was_open_on_its_first_day_or_came_later(town: Town) -> None:
    for number, closed in (("OLD", "2026-01-31"), ("LAST", "2026-02-01"), ("OPEN", None)):
        town.item(
            number, "MEYER", "10.00 EUR", "2026-01-15", issued_on=day("2026-01-01"), closed_on=closed and day(closed),
            **({"open_minor": 0} if closed else {}),
        )  # fmt: skip
    town.item("DRAFT", "MEYER", "10.00 EUR", "2026-01-15", draft=True)
    told = read(town, "2026-02-01")
    assert sorted(told.items["number"]) == ["LAST", "OPEN"]
    assert told.moves.select("less_minor").rows() == [(1000,)]


def test_what_was_set_off_by_a_credit_note_is_told_apart_from_money(town: Town) -> None:
    invoice = town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    credit = town.item("C-1", "MEYER", "30.00 EUR", None, kind="credit", issued_on=day("2026-02-01"))
    invoice.allocations_in.create(source_item=credit, amount_minor=3000, on=day("2026-02-03"))
    Item.objects.filter(pk=invoice.pk).update(open_minor=7000)
    paid(town, "40.00", "2026-02-05")
    told = read(town, "2026-01-01")
    assert told.credited.rows() == [(invoice.pk, day("2026-02-03"), 3000)]
    assert told.moves.filter(item_id=invoice.pk)["less_minor"].to_list() == [3000, 4000]


def test_disputes_are_told_with_their_days(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    dispute(town.entity, "A-1", reason="price", amount="10.00", on=day("2026-02-12"), by="anna", at=noon("2026-02-12"))
    (row,) = read(town, "2026-01-01").disputes.to_dicts()
    assert (row["amount_minor"], row["opened_on"], row["resolved_on"]) == (1000, day("2026-02-12"), None)


def test_what_was_paid_before_it_was_issued_is_a_sale_all_the_same(town: Town) -> None:
    town.item("A-1", "MEYER", "10.00 EUR", "2026-02-15", issued_on=day("2026-02-05"), open_minor=0,
              closed_on=day("2026-01-31"))  # fmt: skip
    assert read(town, "2026-02-01").items["number"].to_list() == ["A-1"]


def test_another_entity_has_its_own(town: Town, home: Path) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31")
    other = Town(home, "OTHER", policy=None)
    other.item("B-1", "HUBER", "5.00 EUR", "2026-01-31")
    assert read(other, "2026-01-01").items["number"].to_list() == ["B-1"]
    assert read(other, "2026-01-01").accounts["account"].to_list() == ["HUBER"]


def test_notices_with_what_they_dun_and_what_was_heard_of_the_payer(town: Town) -> None:
    parent = town.account("HOLDING")
    town.account("MEYER", parent=parent)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31")
    town.run("2026-02-10")
    promise(town.entity, "MEYER", amount="50.00", currency="EUR", by_on=day("2026-02-20"), items=["A-1"],
            on=day("2026-02-11"), by="anna", at=noon("2026-02-11"))  # fmt: skip
    dispute(town.entity, "A-1", reason="wrong price", amount="10.00", on=day("2026-02-12"), by="anna",
            at=noon("2026-02-12"))  # fmt: skip
    note_contact(town.entity, "HOLDING", channel="phone", note="", on=day("2026-02-13"), by="anna",
                 at=noon("2026-02-13"))  # fmt: skip
    told = read(town, "2026-02-01")
    assert told.notices.select("stage", "state", "sent_on").rows() == [("reminder", "sent", day("2026-02-10"))]
    assert told.lines["amount_minor"].to_list() == [10000]
    assert told.promises["amount_minor"].to_list() == [5000]
    assert told.responses.rows() == [
        (parent.pk, day("2026-02-11"), "promise"), (parent.pk, day("2026-02-12"), "dispute"),
        (parent.pk, day("2026-02-13"), "contact"),
    ]  # fmt: skip
    assert read(town, "2026-02-14").notices.is_empty()


def test_attributes_are_columns(town: Town) -> None:
    AttributeType.objects.create(subject="account", name="region", type="text")
    AttributeType.objects.create(subject="item", name="weight", type="number")
    account = town.account("MEYER", attributes={"region": "north"})
    town.item("A-1", "MEYER", "1.00 EUR", "2026-01-31", attributes={"weight": 1.5})
    told = read(town, "2026-01-01")
    assert told.items["attr_weight"].to_list() == [1.5]
    assert told.accounts.select("account_id", "attr_region").rows() == [(account.pk, "north")]


@pytest.mark.skipif(not test_ibm.FILE.exists(), reason="../shared/data/ibm-late-payment is not there")
def test_a_history_that_was_imported_settled_was_open_until_its_day(db: str) -> None:
    test_ibm.bring()
    told = history(Item.objects.values_list("entity_id", flat=True)[0], since=day("2012-01-01"))
    on = day("2013-06-30")
    wanted = {
        row["invoiceNumber"]
        for row in test_ibm.rows()
        if test_ibm.a_day(row["InvoiceDate"]) <= on < test_ibm.a_day(row["SettledDate"])
    }
    assert set(told.open_on(on)["number"]) == wanted
    assert Account.objects.count() == told.accounts.height
