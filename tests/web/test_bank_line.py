"""What a person does with a bank line: apply it as proposed or otherwise, set it aside, take it back; two at once."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dunwell.flows.cash.applying import apply_to
from dunwell.records.models import (
    Account,
    AuditEvent,
    BankLine,
    Entity,
    Hold,
    Item,
    KnownPayer,
    Payment,
    RemittanceAdvice,
)
from tests.flows.town import Town, noon
from tests.web.desk import Answer
from tests.web.teller import STRANGER, TODAY, line, matched
from tests.web.test_deeds import said
from tests.web.test_pages import asked


@pytest.fixture
def bank(town: Town) -> Town:
    """The town with its lines matched, and nothing applied."""
    matched(town)
    return town


def at(of: BankLine) -> str:
    """The page of a line."""
    return reverse("bank-line", args=[of.entity_id, of.pk])


def form(client: Client, of: BankLine, deed: str, *, payer: str | None = None) -> dict[str, Any]:
    """What the page's form for a deed has in it, unseen."""
    page = said(client.get(at(of), {"payer": payer} if payer else {}))
    hidden = {name: re.search(rf'name="{name}" value="(\w+)"', page) for name in ("seen", "payment")}
    given = {name: found[1] if found else "" for name, found in hidden.items()}
    saw = re.findall(r'name="saw" value="([^"]*)"', page)
    return {"deed": deed, "saw": saw} | given | ({"payer": payer} if payer else {})


def do(client: Client, of: BankLine, deed: str, **given: Any) -> Answer:
    """Send the form for a deed as the page has it, with what was typed."""
    return client.post(at(of), form(client, of, deed, payer=given.pop("payer", None)) | given)


def test_a_line_is_applied_as_it_was_proposed(bank: Town, bert: Client) -> None:
    page = said(bert.get(at(line(100))))
    assert "Proposed: Meyer GmbH" in page
    assert "the amount is exactly what is open; the payer is known by its name." in page
    answer = do(bert, line(100), "apply")
    assert (answer.status_code, answer.headers["Location"]) == (302, at(line(100)))
    assert (bank.open("A-17"), line(100).state) == (0, "applied")
    assert AuditEvent.objects.get(action="payment.received").actor == "bert"
    page = said(bert.get(at(line(100))))
    payment = Payment.objects.get().pk
    assert f"Line {line(100).pk} is applied, as payment {payment}." in page
    assert f'<strong>Applied</strong> <span class="break">payment {payment}: A-17 · 100.00\xa0EUR' in page


def test_what_is_proposed_otherwise_since_somebody_looked_is_not_applied(bank: Town, bert: Client) -> None:
    old = form(bert, line(100), "apply")
    bank.pay("A-17", "60.00 EUR", TODAY)
    matched(bank)
    answer = bert.post(at(line(100)), old)
    assert answer.status_code == 409
    assert "has changed since you looked. This is how it is now: look again." in said(answer)
    assert not Payment.objects.filter(line__isnull=False).exists()
    assert bert.post(at(line(100)), {"deed": "apply"}).status_code == 409  # nobody says what they saw
    assert line(100).state == "proposed"


def test_the_second_of_two_people_is_told_and_sees_the_line_as_it_is_now(
    bank: Town, anna: Client, bert: Client
) -> None:
    old, own = form(bert, line(100), "apply"), form(bert, line(100), "items", payer="SMITH")
    do(anna, line(100), "apply")
    for late in (old, own | {"item": "C-1"}, {"deed": "account", "payer": "ODD"}, {"deed": "set-aside", "reason": "x"}):
        answer = bert.post(at(line(100)), late)
        assert answer.status_code == 409, late
        assert f"Line {line(100).pk} is applied already" in said(answer)
        assert "What it paid" in said(answer)
    assert (Payment.objects.count(), bank.open("A-17"), bank.open("C-1")) == (1, 0, 8_000_000)


def test_a_guess_is_applied_with_one_press(town: Town, bert: Client) -> None:
    matched(town)
    BankLine.objects.filter(pk=line(777).pk).update(state="open")
    match = line(777).match
    match.outcome, match.account = "exception", None
    item = Item.objects.get(number="C-1")
    match.guesses = [
        {"account_id": item.account_id, "item_ids": [item.pk], "confidence_permille": 410, "why": "amount,like_name"},
        {"account_id": None, "item_ids": [], "confidence_permille": 100, "why": "amount_of_nobody_known"},
    ]
    match.save()
    page = said(bert.get(at(line(777))))
    assert "41.0\xa0%: the amount is exactly what is open; the payer's name is much like that of a debtor" in page
    assert page.count('value="guess"') == 1  # nobody can be told of the second
    assert bert.post(at(line(777)), {"deed": "guess", "payer": "SMITH", "item": "C-1"}).status_code == 302
    assert bank_paid("C-1") == 77_700
    assert KnownPayer.objects.filter(kind="iban", account__code="SMITH", line=line(777)).exists()


def bank_paid(number: str) -> int:
    """How much of an item is paid."""
    item = Item.objects.get(number=number)
    return item.amount_minor - item.open_minor


def test_a_person_chooses_items_and_the_rest_stays_on_account(bank: Town, bert: Client) -> None:
    part = said(bert.get(at(line(777)), {"payer": "MEYER"}, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert part.index("A-17") < part.index("A-18")  # in the order in which they fall due
    assert do(bert, line(777), "items", payer="MEYER", item=["A-17"], numbers=" A-18 , A-17").status_code == 302
    assert (bank.open("A-17"), bank.open("A-18")) == (0, 0)
    assert Item.objects.get(kind="payment").open_minor == 77_700 - 15_050
    assert "626.50\xa0EUR stayed on the account of Meyer GmbH." in said(bert.get(at(line(777))))


def test_items_of_another_payer_become_a_payment_there_and_the_page_says_so(bank: Town, bert: Client) -> None:
    open_minor = bank.open("C-1")
    assert do(bert, line(777), "items", payer="MEYER", item=["A-17"], numbers="C-1").status_code == 302
    meyer, smith = Payment.objects.order_by("pk")
    page = said(bert.get(at(line(777))))
    assert f"is applied, as payment {meyer.pk} of MEYER and payment {smith.pk} of SMITH." in page
    assert (smith.item.amount_minor, smith.item.open_minor, bank.open("C-1")) == (67_700, 0, open_minor - 67_700)
    assert f"Payment {smith.pk}: " in page
    assert do(bert, line(777), "unapply", reason="wrong").status_code == 409  # of one of the two alone
    both = {"deed": "unapply", "reason": "wrong", "payment": [meyer.pk, smith.pk]}
    assert bert.post(at(line(777)), both).status_code == 302
    assert (bank.open("C-1"), bank.open("A-17")) == (open_minor, 10_000)


def test_what_is_chosen_is_added_up_before_anything_happens(bank: Town, bert: Client) -> None:
    chosen = form(bert, line(100), "sum", payer="MEYER") | {"item": ["A-17", "A-18"], "numbers": "NOWHERE"}
    part = said(bert.post(at(line(100)), chosen | {"deed": ""}, headers={"HX-Request": "true"}))
    assert "2 items chosen, <strong>150.50\xa0EUR</strong> open. 50.50\xa0EUR of them stays open." in part
    assert "Nothing is open in EUR of NOWHERE." in part
    page = said(bert.post(at(line(100)), chosen))  # without scripts
    assert page.count(" checked") == 2
    assert 'value="NOWHERE"' in page
    assert "50.50\xa0EUR of them stays open." in page
    others = said(bert.post(at(line(100)), chosen | {"item": "A-17", "numbers": "C-1"}))
    assert "2 items chosen, <strong>" in others
    assert "C-1 is of SMITH: what it takes is a payment there." in others
    one = said(bert.post(at(line(100)), chosen | {"item": "A-17", "numbers": ""}))
    assert "That is the line exactly." in one
    assert (line(100).state, Payment.objects.count()) == ("proposed", 0)


def test_what_cannot_be_is_said_beside_the_form_and_nothing_typed_is_lost(bank: Town, bert: Client) -> None:
    answer = do(bert, line(777), "items", payer="MEYER", item=["A-17"], numbers="C-1, NOWHERE")
    assert answer.status_code == 404
    assert "There is no item 'NOWHERE' in the book of ACME" in said(answer)
    assert 'value="C-1, NOWHERE"' in said(answer)
    assert 'value="A-17" checked' in said(answer)
    answer = do(bert, line(777), "items", payer="MEYER")
    assert (answer.status_code, "Choose at least one item" in said(answer)) == (422, True)
    assert Payment.objects.count() == 0


def test_money_is_left_on_an_account(bank: Town, bert: Client) -> None:
    assert "Which of these is it?" in said(bert.get(at(line(777)), {"payer": "Smit"}))
    assert "No account is called so" in said(bert.get(at(line(777)), {"payer": "nobody at all"}))
    assert bert.post(at(line(777)), {"deed": "account", "payer": "NOBODY"}).status_code == 404
    assert bert.post(at(line(777)), {"deed": "account"}).status_code == 422
    assert do(bert, line(777), "account", payer="SMITH").status_code == 302
    payment = Item.objects.get(kind="payment")
    assert (payment.account.code, payment.open_minor) == ("SMITH", 77_700)


def test_a_line_is_set_aside_for_a_reason_and_waits_again_for_one(bank: Town, bert: Client) -> None:
    refused = do(bert, line(777), "set-aside", reason=" ")
    assert (refused.status_code, "Say why: a line is set aside for a reason" in said(refused)) == (422, True)
    assert do(bert, line(777), "set-aside", reason="of our landlord").status_code == 302
    assert line(777).state == "set_aside"
    assert do(bert, line(777), "take-up", reason="").status_code == 422
    assert do(bert, line(777), "take-up", reason="it is ours after all").status_code == 302
    assert line(777).state == "open"
    page = said(bert.get(at(line(777))))
    assert page.index("of our landlord") < page.index("it is ours after all")


def test_what_was_set_aside_anew_since_somebody_looked_stays_so(bank: Town, bert: Client) -> None:
    do(bert, line(777), "set-aside", reason="of our landlord")
    old = form(bert, line(777), "take-up")
    do(bert, line(777), "take-up", reason="it is ours after all")
    do(bert, line(777), "set-aside", reason="the tax office sent it")
    for late in (old, {"deed": "take-up"}):
        answer = bert.post(at(line(777)), late | {"reason": "ours"})
        assert (answer.status_code, "has changed since you looked" in said(answer)) == (409, True)
    assert line(777).state == "set_aside"
    assert do(bert, line(777), "take-up", reason="ours").status_code == 302


def test_what_was_applied_is_taken_back_for_a_reason_and_said_in_its_history(bank: Town, bert: Client) -> None:
    do(bert, line(100), "apply")
    refused = do(bert, line(100), "unapply", reason="")
    assert (refused.status_code, "Say why: money is taken back" in said(refused)) == (422, True)
    do(bert, line(100), "unapply", reason="it was Smith's")
    assert (bank.open("A-17"), line(100).state, line(100).taken_back) == (10_000, "open", True)
    page = said(bert.get(at(line(100))))
    assert '<strong>Taken back</strong> <span class="break">it was Smith\'s</span>' in page
    assert "taken back by a person before" in page
    again = do(bert, line(100), "unapply", reason="it was Smith's")
    assert (again.status_code, "is not applied" in said(again)) == (409, True)


def test_the_history_is_of_this_line_alone(bank: Town, bert: Client) -> None:
    apply_to(bank.entity, line(777).pk, account="SMITH", by="carl", at=noon(TODAY))
    do(bert, line(100), "apply")
    assert "carl" not in said(bert.get(at(line(100))))
    assert "carl" in said(bert.get(at(line(777))))


def test_money_that_went_out_can_only_be_set_aside(bank: Town, bert: Client) -> None:
    page = said(bert.get(at(line(-5))))
    assert "Money that went out pays nothing." in page
    assert "Apply" not in page
    BankLine.objects.filter(pk=line(-5).pk).update(return_reason="AC04")
    assert "The bank takes something back" in said(bert.get(at(line(-5))))
    answer = bert.post(at(line(-5)), {"deed": "account", "payer": "MEYER"})
    assert (answer.status_code, "is no money that came in" in said(answer)) == (422, True)
    assert do(bert, line(-5), "set-aside", reason="a fee").status_code == 302


def test_what_a_bank_says_is_text_and_no_more(bank: Town, bert: Client) -> None:
    evil = "<img src=x onerror=alert(3)>"
    BankLine.objects.filter(pk=line(777).pk).update(
        text=evil, reference=evil, end_to_end_ref=evil, on_behalf_of=evil, return_reason="", code=evil,
        documents=[{"number": evil, "amount_minor": 5, "is_credit_note": False}],
    )  # fmt: skip
    pages = [bert.get(at(line(777))), bert.get(reverse("cash", args=[bank.entity.pk])), *evil_forms(bert, evil)]
    for page in pages:
        text = page.content.decode()
        assert (evil not in text, STRANGER not in text) == (True, True)
        assert "&lt;img src=x" in text


def evil_forms(bert: Client, evil: str) -> list[Any]:
    """What pages say again that was typed."""
    return [
        bert.post(at(line(777)), {"deed": "items", "payer": "MEYER", "item": evil, "numbers": evil}),
        bert.post(at(line(777)), {"deed": "set-aside", "reason": evil} | {"deed": "account", "payer": evil}),
    ]


def test_a_line_says_which_advice_goes_with_it_and_whose_reminders_it_holds_back(bank: Town, bert: Client) -> None:
    odd = Account.objects.get(code="ODD")
    hold = Hold.objects.create(entity=bank.entity, account=odd, from_on=TODAY, until_on="2026-04-10")
    BankLine.objects.filter(pk=line(777).pk).update(hold=hold)
    RemittanceAdvice.objects.create(
        entity=bank.entity, currency="EUR", total_minor=77_700, file="<b>advice.xml", digest="d",
        imported_at=noon(TODAY), line=line(777),
        documents=[{"number": "R-1", "amount_minor": 77_700, "is_credit_note": False}],
    )  # fmt: skip
    answer = bert.get(at(line(777)))
    page = " ".join(re.sub(r"<[^>]+>", " ", said(answer)).split())
    assert "reminders to Odd GmbH are held back through 2026-04-10" in page
    assert "R-1 777.00 EUR Total 777.00 EUR" in page
    assert "<b>advice.xml" not in answer.content.decode()
    Hold.objects.update(released_on=TODAY)
    assert "held back" not in said(bert.get(at(line(777))))


def test_a_line_of_another_entity_is_not_there(bank: Town, bert: Client) -> None:
    other = Entity.objects.create(code="OTHER", name="Other AG", currency="EUR")
    where = reverse("bank-line", args=[other.pk, line(100).pk])
    beyond = reverse("bank-line", args=[bank.entity.pk, 2**63])
    for answer in (bert.get(where), bert.post(where, form(bert, line(100), "apply")), bert.get(beyond)):
        assert answer.status_code == 404
    assert line(100).state == "proposed"


def test_a_line_asks_no_more_of_a_larger_book(bank: Town, bert: Client) -> None:
    before = asked(bert, at(line(100)))
    for number in range(60):
        bank.item(f"M-{number}", "MEYER", "10.00 EUR", "2026-03-25")
    matched(bank)
    after = asked(bert, at(line(100)))
    assert len(after) <= len(before) <= 18, "\n".join(after)
