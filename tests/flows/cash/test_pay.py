"""Money is applied to one account at once, and what waits for it follows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.records.models import AuditEvent, Item, Payment
from tests.flows.people.test_events import BERT, posted, waiting
from tests.flows.town import Town, day


def test_a_payment_takes_what_it_pays_off_what_waits(town: Town) -> None:
    posted(town)
    number = pay(town.entity, "MEYER", amount="120.00", items=["A-17", "A-18"], external_id="BANK-1", **BERT)
    assert (town.open("A-17"), town.open("A-18")) == (0, 3000)
    assert waiting(town) == [("posted", 3000)]
    payment = Payment.objects.get(pk=number)
    assert (payment.state, payment.external_id, payment.item.open_minor) == ("received", "BANK-1", 0)
    event = AuditEvent.objects.get(action="payment.received")
    assert event.detail == {"payment": number, "amount_minor": 12000, "currency": "EUR", "items": ["A-17", "A-18"]}


def test_money_for_nothing_in_particular_covers_the_oldest(town: Town) -> None:
    posted(town)
    pay(town.entity, "MEYER", amount="50.00", **BERT)
    assert waiting(town) == [("posted", 10000)]  # A-18 is the older one
    assert town.open("A-18") == 5000  # a credit is applied by people, or by the matching of later versions


def test_a_payment_is_taken_back_once(town: Town) -> None:
    posted(town)
    number = pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **BERT)
    take_back(town.entity, number, reason="bounced", **BERT)
    assert (town.open("A-17"), Payment.objects.get(pk=number).state) == (10000, "reversed")
    with pytest.raises(Conflict, match="has been taken back"):
        take_back(town.entity, number, reason="bounced", **BERT)


def test_what_cannot_be_is_refused_and_leaves_nothing(town: Town) -> None:
    posted(town)
    pay(town.entity, "MEYER", amount="1.00", external_id="BANK-1", **BERT)
    before = Item.objects.count()
    with pytest.raises(Conflict, match="the payment BANK-1 is in the book of ACME already"):
        pay(town.entity, "MEYER", amount="1.00", external_id="BANK-1", **BERT)
    with pytest.raises(Invalid, match="a payment is of more than 0"):
        pay(town.entity, "MEYER", amount="-1.00", **BERT)
    with pytest.raises(Invalid, match="'EURO' is not a currency"):
        pay(town.entity, "MEYER", amount="1.00", currency="EURO", **BERT)
    with pytest.raises(Invalid, match="a payment in USD cannot be for A-17, which is in EUR"):
        pay(town.entity, "MEYER", amount="1.00", currency="USD", items=["A-17"], **BERT)
    with pytest.raises(NotFound):
        pay(town.entity, "MEYER", amount="1.00", items=["A-99"], **BERT)
    with pytest.raises(Invalid, match="'1e2' is no amount: write it out"):
        pay(town.entity, "MEYER", amount="1e2", **BERT)
    with pytest.raises(Invalid, match="say what the bank calls the payment in 1 to 200 characters, or leave it out"):
        pay(town.entity, "MEYER", amount="1.00", external_id=" ", **BERT)
    town.item("B-1", "SMITH", "100.00 EUR", "2026-03-31")
    with pytest.raises(Invalid, match="B-1 is not of account MEYER: it is of SMITH"):
        pay(town.entity, "MEYER", amount="1.00", items=["B-1"], **BERT)
    town.item("C-1", "MEYER", "100.00 EUR", None, kind="credit")
    with pytest.raises(Invalid, match="a payment is for what is owed, and C-1 is a credit"):
        pay(town.entity, "MEYER", amount="1.00", items=["C-1"], **BERT)
    with pytest.raises(NotFound, match="no payment 99"):
        take_back(town.entity, 99, reason="x", **BERT)
    assert Item.objects.count() == before + 2


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2026-04-04", "a payment has arrived: 2026-04-04 is yet to come; today is 2026-04-03"),
        ("1026-04-03", "a payment has arrived: 1026-04-03 is not between 1900 and 2199"),
        ("2200-01-01", "not between 1900 and 2199"),
    ],
)
def test_a_day_that_cannot_be_is_refused(town: Town, on: str, said: str) -> None:
    posted(town)
    with pytest.raises(Invalid, match=said):
        pay(town.entity, "MEYER", amount="1.00", **BERT | {"on": day(on)})


def test_a_payment_is_taken_back_between_its_arrival_and_today_for_a_reason(town: Town) -> None:
    posted(town)
    number = pay(town.entity, "MEYER", amount="100.00", **BERT | {"on": day("2026-04-02")})
    for on, said in (("2026-04-01", "arrived on 2026-04-02: it cannot"), ("2026-04-04", "is yet to come")):
        with pytest.raises(Invalid, match=said):
            take_back(town.entity, number, reason="bounced", **BERT | {"on": day(on)})
    with pytest.raises(Invalid, match="say why"):
        take_back(town.entity, number, reason=" ", **BERT)
    take_back(town.entity, number, reason="bounced", **BERT | {"on": day("2026-04-02")})


def test_who_pays_for_another_pays_its_items(town: Town) -> None:
    parent = town.account("HEAD")
    town.account("CHILD", parent=parent)
    town.item("K-1", "CHILD", "100.00 EUR", "2026-03-31")
    pay(town.entity, "HEAD", amount="100.00", items=["K-1"], **BERT)
    assert town.open("K-1") == 0


def test_one_payment_told_by_two_at_once_counts_once(town: Town) -> None:
    posted(town)

    def told(_n: int) -> str:
        try:
            pay(town.entity, "MEYER", amount="10.00", items=["A-17"], external_id="BANK-7", **BERT)
        except Conflict:
            return "refused"
        finally:
            connection.close()
        return "taken"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(told, range(4)))
    assert answers == ["refused", "refused", "refused", "taken"]
    assert town.open("A-17") == 9000
