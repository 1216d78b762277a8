"""Lines by which a bank takes back: in the list as at the shell, and on a page that takes back what they are about."""

import re
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.urls import reverse

from dunwell.flows.cash import taking_back
from dunwell.flows.cash.applying import apply_match, apply_to, set_aside
from dunwell.flows.cash.pay import pay
from dunwell.flows.cash.returning import return_line
from dunwell.flows.cash.review import waiting
from dunwell.flows.cash.taking_back import lines_taking_back
from dunwell.records.models import AuditEvent, BankLine, Entity, Payment
from tests.flows.town import Town, noon
from tests.web.desk import Answer
from tests.web.teller import TODAY, line, matched, statement
from tests.web.test_bank_line import at, do, form
from tests.web.test_cash import listed, where
from tests.web.test_deeds import said
from tests.web.test_pages import asked

BERT: dict[str, Any] = {"by": "bert", "at": noon(TODAY)}


@pytest.fixture
def bank(town: Town) -> Town:
    """The town, where MEYER's 100.00 are applied, and the bank has taken them back, with nothing but the amount."""
    matched(town)
    apply_match(town.entity, line(100).pk, **BERT)
    taken_back(town, 100)
    return town


def taken_back(town: Town, whole: int, *, name: str = "R1", **told: str) -> BankLine:
    """A statement by which the bank takes an amount back, for a reason."""
    statement(town, [f"260402 -{whole} //{name}"], opens=872, name=name)
    found = BankLine.objects.filter(amount_minor=-100 * whole, return_reason="").latest("pk")
    BankLine.objects.filter(pk=found.pk).update(return_reason="AC04 account closed", **told)
    return line(-whole)


def sign_of(page: str, name: str, number: int) -> str:
    """What the form for a guess says was seen of it."""
    found = re.search(rf'name="seen" value="(\w+)"><input type="hidden" name="{name}" value="{number}"', page)
    assert found, page
    return found[1]


def press(client: Client, of: BankLine, earlier: int, *, name: str = "of", **more: Any) -> Answer:
    """Press the button beside a guess, as the page has it."""
    seen = sign_of(said(client.get(at(of))), name, earlier)
    return client.post(at(of), {"deed": "return", "seen": seen, name: earlier} | more)


def test_the_list_has_what_the_shell_has_and_says_what_each_may_be_about(bank: Town, bert: Client) -> None:
    BankLine.objects.filter(pk=line(-5).pk).update(code="NRTI", text="whatever")
    shown = [each.amount_minor // 100 for each in waiting(bank.entity, most=50).lines]
    assert listed(bert, bank) == shown == [777, -100, -5]
    assert listed(bert, bank, show="taken_back") == [-100, -5]
    page = said(bert.get(where(bank)))
    assert f"line {line(100).pk}</a> of" in page
    assert "(40.0\xa0%: the amount is the same)" in page
    assert "No earlier line fits" in page
    assert "2 more</a> by which the bank takes something back: \N{MINUS SIGN}105.00\xa0EUR" in page


def test_the_first_page_counts_what_banks_take_back_beside_what_came_in(bank: Town, bert: Client) -> None:
    page = said(bert.get(reverse("home")))
    assert re.findall(r"(\d+) (?:bank line|return)s?</a>: ([\w ]+)", page) == [
        ("1", "somebody has to say whose money it is"), ("1", "somebody has to say what the bank takes back"),
    ]  # fmt: skip
    press(bert, line(-100), line(100).pk)
    assert "takes back" not in said(bert.get(reverse("home")))


def test_what_only_goes_out_is_not_in_the_list(bank: Town, bert: Client) -> None:
    statement(bank, ["260402 -61 //P1 salary"], opens=872, name="P")
    assert -61 not in listed(bert, bank)
    page = said(bert.get(at(line(-61))))
    assert "Money that went out pays nothing." in page
    assert 'name="of-number"' in page  # a person may know better


def test_a_guess_is_taken_back_with_one_press(bank: Town, bert: Client) -> None:
    page = said(bert.get(at(line(-100))))
    assert "applied to MEYER" in page
    assert "40.0\xa0%: the amount is the same" in page
    assert press(bert, line(-100), line(100).pk).status_code == 302
    assert (line(100).state, line(-100).state, bank.open("A-17")) == ("returned", "returned", 10_000)
    assert AuditEvent.objects.get(action="line.returned").actor == "bert"
    page = said(bert.get(at(line(-100))))
    assert f"Line {line(-100).pk} takes line {line(100).pk} back: what MEYER had paid is open again." in page
    assert f'It takes <a href="{at(line(100))}">' in page
    assert f'<a href="{at(line(-100))}">Line {line(-100).pk}</a> took it back' in said(bert.get(at(line(100))))
    assert f"by line {line(-100).pk}" in said(bert.get(at(line(100))))


def test_what_is_proposed_says_so_and_by_what_it_is_known(town: Town, bert: Client) -> None:
    matched(town)
    BankLine.objects.filter(pk=line(777).pk).update(end_to_end_ref="E2E-777")
    back = taken_back(town, 787, end_to_end_ref="E2E-777")
    page = said(bert.get(at(back)))
    assert "<strong>Proposed:</strong>" in page
    assert "90.0\xa0%: both are called the same; it is more, and nobody says why" in page
    assert "taken back by the bank</span> · proposed, 90.0\xa0%" in said(bert.get(where(town)))
    assert press(bert, back, line(777).pk).status_code == 302
    assert "(10.00\xa0EUR more than had come)" in said(bert.get(at(back)))


def test_what_stands_otherwise_since_somebody_looked_is_not_taken_back(bank: Town, bert: Client) -> None:
    seen = sign_of(said(bert.get(at(line(-100)))), "of", line(100).pk)
    do(bert, line(100), "unapply", reason="it was Smith's")
    apply_to(bank.entity, line(100).pk, account="SMITH", **BERT)
    answer = bert.post(at(line(-100)), {"deed": "return", "seen": seen, "of": line(100).pk})
    assert (answer.status_code, "has changed since you looked" in said(answer)) == (409, True)
    assert "applied to SMITH" in said(answer)
    assert bert.post(at(line(-100)), {"deed": "return", "of": line(100).pk}).status_code == 409  # nobody says what
    assert bert.post(at(line(-100)), {"deed": "return", "seen": seen}).status_code == 422
    assert (line(100).state, line(-100).state) == ("applied", "open")


def test_a_person_types_which_line_it_is_and_what_cannot_be_is_said_beside_the_form(bank: Town, bert: Client) -> None:
    for typed, status, told in (
        ("", 422, "Type the number of the earlier line"),
        ("one", 422, "'one' is no number"),
        ("999999", 404, "There is no bank line 999999"),
        (str(line(-5).pk), 422, "went the same way"),
        (str(line(777).pk), 422, "money is taken back whole"),
    ):
        answer = bert.post(at(line(-100)), {"deed": "return-other", "of-number": typed, "payment-number": ""})
        assert (answer.status_code, told in said(answer)) == (status, True), (typed, said(answer))
        assert f'name="of-number" value="{typed}"' in said(answer)
    given = {"deed": "return-other", "of-number": str(line(100).pk)}
    assert bert.post(at(line(-100)), given | {"payment-number": "7"}).status_code == 422  # one of the two
    assert line(-100).state == "open"
    assert bert.post(at(line(-100)), given | {"payment-number": ""}).status_code == 302
    assert bank.open("A-17") == 10_000


def test_a_payment_that_no_line_had_brought_is_taken_back(town: Town, bert: Client) -> None:
    payment = pay(town.entity, "MEYER", amount="50.50", on=noon(TODAY).date(), items=["A-18"], **BERT)
    statement(town, ["260403 -50 //R2"], opens=872, day="260403", name="R2")
    BankLine.objects.filter(amount_minor=-5_000).update(amount_minor=-5_050, return_reason="AC04")
    back = BankLine.objects.get(amount_minor=-5_050)
    assert f"payment {payment} of" in said(bert.get(where(town)))
    assert "a payment that no bank line had brought" in said(bert.get(at(back)))
    assert press(bert, back, payment, name="payment").status_code == 302
    assert (Payment.objects.get(pk=payment).state, town.open("A-18")) == ("reversed", 5_050)
    page = said(bert.get(at(back)))
    assert "It takes a payment back that no line had brought." in page
    assert f"payment {payment} · AC04" in page


def test_both_wait_again_where_a_person_says_so(bank: Town, bert: Client) -> None:
    press(bert, line(-100), line(100).pk)
    old = form(bert, line(100), "unreturn")
    page = said(bert.post(at(line(100)), old, follow=True))
    assert f"Line {line(-100).pk} and line {line(100).pk} wait again." in page
    assert (line(100).state, line(-100).state, bank.open("A-17")) == ("open", "open", 10_000)
    again = bert.post(at(line(100)), old)
    assert (again.status_code, "takes nothing back, and was not taken back" in said(again)) == (409, True)
    assert "not so, a person said" in said(bert.get(where(bank)))


def test_another_return_than_was_seen_is_not_undone(bank: Town, bert: Client) -> None:
    press(bert, line(-100), line(100).pk)
    old = form(bert, line(100), "unreturn")
    do(bert, line(-100), "unreturn")
    other = taken_back(bank, 105, name="R2")
    return_line(bank.entity, other.pk, of=line(100).pk, **BERT)
    for late in (old, {"deed": "unreturn"}):
        answer = bert.post(at(line(100)), late)
        assert (answer.status_code, "has changed since you looked" in said(answer)) == (409, True)
    assert (line(100).state, line(100).returned_by) == ("returned", other)
    assert do(bert, line(100), "unreturn").status_code == 302


def test_what_is_taken_back_is_looked_for_once(bank: Town, bert: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = sign_of(said(bert.get(at(line(-100)))), "of", line(100).pk)
    looked = Mock(wraps=lines_taking_back)
    monkeypatch.setattr(taking_back, "lines_taking_back", looked)
    assert bert.post(at(line(-100)), {"deed": "return", "seen": seen, "of": line(100).pk}).status_code == 302
    assert looked.call_count == 1


def test_the_second_of_two_people_is_told(bank: Town, anna: Client, bert: Client) -> None:
    other = bert.get(at(line(-100)))
    press(anna, line(-100), line(100).pk)
    late = bert.post(at(line(-100)), {"deed": "return-other", "of-number": line(777).pk})
    assert other.status_code == 200
    assert (late.status_code, f"takes line {line(100).pk} back" in said(late)) == (409, True)


def test_what_is_refused_is_said_in_words_of_the_page(bank: Town, bert: Client) -> None:
    """Whoever reads it has buttons before them, and no shell."""
    old = {"deed": "return-other", "of-number": line(777).pk, "payment-number": ""}
    told = [said(bert.post(at(line(-100)), old))]  # a part of what had come
    set_aside(bank.entity, line(-100).pk, reason="no", **BERT)
    told.append(said(bert.post(at(line(-100)), old)))
    set_aside(bank.entity, line(-100).pk, reason="yes", back=True, **BERT)
    return_line(bank.entity, line(-100).pk, of=line(100).pk, **BERT)
    told.append(said(bert.post(at(line(-100)), old)))
    alerts = [" ".join(re.findall(r'role="alert">(.*)</div></div>', page)) for page in told]
    for alert, words in zip(alerts, ("money is taken back whole", "wait again first", "wait again first"), strict=True):
        assert (words in alert, "dunwell" in alert, "--" in alert) == (True, False, False), alert


def test_a_line_of_another_entity_is_not_taken_back(bank: Town, bert: Client) -> None:
    other = Entity.objects.create(code="OTHER", name="Other AG", currency="EUR")
    elsewhere = reverse("bank-line", args=[other.pk, line(-100).pk])
    for deed in ({"deed": "return", "of": line(100).pk}, {"deed": "return-other", "of-number": line(100).pk}):
        assert bert.post(elsewhere, deed).status_code == 404
    assert line(-100).state == "open"


def test_lists_and_pages_ask_no_more_of_many_lines_that_take_back(bank: Town, bert: Client) -> None:
    before = [asked(bert, where(bank)), asked(bert, at(line(-100)))]
    for number in range(1, 8):
        taken_back(bank, 200 + number, name=f"M{number}")
        pay(bank.entity, "SMITH", amount=f"{200 + number}.00", on=noon("2026-04-01").date(), **BERT)
    after = [asked(bert, where(bank)), asked(bert, at(line(-100)))]
    for few, many in zip(before, after, strict=True):
        assert len(many) <= len(few), "\n".join(many)
