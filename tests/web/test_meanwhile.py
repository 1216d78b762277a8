"""What a person does with a bank line as they saw it, where somebody else has been at it or its items meanwhile."""

import pytest
from django.test import Client

from dunwell.flows.cash.applying import apply_to, unapply
from dunwell.records.models import Account, Item, KnownPayer, Payment
from tests.flows.town import Town, noon
from tests.web.teller import TODAY, line, matched
from tests.web.test_bank_line import at, do, form
from tests.web.test_deeds import said


@pytest.fixture
def bank(town: Town) -> Town:
    """The town with its lines matched, and nothing applied."""
    matched(town)
    return town


def guessed(town: Town, *numbers: str) -> None:
    """Nobody knows whose 777.00 are; they could be for these items."""
    match = line(777).match
    items = [Item.objects.get(number=number) for number in numbers]
    match.outcome, match.account = "exception", None
    guess = {"account_id": items[0].account_id, "item_ids": [item.pk for item in items]}
    match.guesses = [guess | {"confidence_permille": 410, "why": "amount"}]
    match.save()
    match.parts.all().delete()


@pytest.mark.parametrize(("paid", "is_by"), [("100.00 EUR", "0.00 EUR"), ("30.00 EUR", "70.00 EUR")])
def test_items_that_were_paid_meanwhile_are_not_applied_to(bank: Town, bert: Client, paid: str, is_by: str) -> None:
    old = form(bert, line(777), "items", payer="MEYER") | {"item": ["A-17", "A-18"]}
    bank.pay("A-17", paid, TODAY)
    answer = bert.post(at(line(777)), old)
    told = f"100.00 EUR was open of A-17 when you looked, and {is_by} is by now: look again"
    assert (answer.status_code, told in said(answer)) == (409, True)
    assert (line(777).state, bank.open("A-18")) == ("proposed", 5_050)
    assert do(bert, line(777), "items", payer="MEYER", item=["A-18"]).status_code == 302
    assert bank.open("A-18") == 0


def test_what_was_added_up_of_typed_numbers_counts_as_seen(bank: Town, bert: Client) -> None:
    chosen = {"payer": "MEYER", "numbers": "A-18"}
    part = said(bert.post(at(line(777)), chosen, headers={"HX-Request": "true"}))
    assert 'name="saw" value="5050 A-18"' in part
    bank.pay("A-18", "50.00 EUR", TODAY)
    answer = bert.post(at(line(777)), chosen | {"deed": "items", "saw": "5050 A-18"})
    assert (answer.status_code, "50.50 EUR was open of A-18" in said(answer)) == (409, True)
    assert 'name="saw" value="50 A-18"' in said(answer)  # as it is now


def test_what_somebody_did_not_choose_may_change(bank: Town, bert: Client) -> None:
    old = form(bert, line(777), "items", payer="MEYER") | {"item": ["A-18"]}
    bank.pay("A-17", "100.00 EUR", TODAY)
    assert bert.post(at(line(777)), old).status_code == 302
    assert bank.open("A-18") == 0


def test_a_guess_is_applied_as_it_was_seen_and_says_what_would_stay(bank: Town, bert: Client) -> None:
    guessed(bank, "A-17", "A-18")
    page = said(bert.get(at(line(777))))
    assert "626.50\xa0EUR would stay on the account" in page
    old = {"deed": "guess", "payer": "MEYER", "item": ["A-17", "A-18"], "saw": ["10000 A-17", "5050 A-18"]}
    assert all(f'name="saw" value="{each}"' in page for each in old["saw"])
    bank.pay("A-17", "100.00 EUR", TODAY)
    answer = bert.post(at(line(777)), old)
    assert (answer.status_code, "100.00 EUR was open of A-17" in said(answer)) == (409, True)
    assert Payment.objects.filter(line__isnull=False).count() == 0


def test_where_nothing_is_open_of_what_somebody_types_it_is_said(bank: Town, bert: Client) -> None:
    bank.pay("A-17", "100.00 EUR", TODAY)
    answer = do(bert, line(777), "items", payer="MEYER", numbers="A-17")
    assert (answer.status_code, "Nothing is open of A-17" in said(answer)) == (409, True)
    assert line(777).state == "proposed"


def test_what_stays_on_account_is_said_once_it_is_done(bank: Town, bert: Client) -> None:
    do(bert, line(777), "items", payer="MEYER", item=["A-17"])
    payment = Payment.objects.get().pk
    told = f"as payment {payment}. 677.00\xa0EUR of it stays on account."
    assert told in said(bert.get(at(line(777))))
    do(bert, line(100), "items", payer="MEYER", item=["A-18"])
    assert "49.50\xa0EUR of it stays on account." in said(bert.get(at(line(100))))


def test_what_somebody_else_has_applied_since_is_not_taken_back(bank: Town, anna: Client, bert: Client) -> None:
    do(bert, line(777), "account", payer="MEYER")
    old = form(bert, line(777), "unapply") | {"reason": "wrong payer"}
    do(anna, line(777), "unapply", reason="wrong payer")
    do(anna, line(777), "account", payer="ODD")
    for late in (old, {"deed": "unapply", "reason": "wrong payer"}):  # nobody says what they saw
        answer = bert.post(at(line(777)), late)
        assert (answer.status_code, "has changed since you looked" in said(answer)) == (409, True)
        assert ">wrong payer</textarea>" in said(answer)  # nothing typed is lost
    assert (line(777).state, line(777).match.account) == ("applied", Account.objects.get(code="ODD"))
    assert do(bert, line(777), "unapply", reason="wrong payer").status_code == 302
    assert line(777).state == "open"


def test_a_line_that_waits_again_was_taken_back_by_somebody_else(bank: Town, bert: Client) -> None:
    do(bert, line(777), "account", payer="MEYER")
    old = form(bert, line(777), "unapply") | {"reason": "wrong payer"}
    unapply(bank.entity, line(777).pk, reason="no", by="anna", at=noon(TODAY))
    answer = bert.post(at(line(777)), old)
    assert (answer.status_code, "is not applied" in said(answer)) == (409, True)
    apply_to(bank.entity, line(777).pk, account="SMITH", by="anna", at=noon(TODAY))
    assert bert.post(at(line(777)), old).status_code == 409
    assert KnownPayer.objects.filter(kind="iban", account__code="SMITH").exists()
