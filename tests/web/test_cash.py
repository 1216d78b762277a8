"""What waits at the bank, in a list and in figures; matching all of it; known payers; and where an account leads to."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.cash.applying import apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.records.models import Account, BankLine, BankStatement, Entity, KnownPayer, Run
from dunwell.records.views.cash import _minors
from dunwell.records.views.money import bank_accounts
from dunwell.web.pages import bounds
from tests.flows.town import Town, day, noon
from tests.web.teller import STRANGER, TODAY, line, matched, statement
from tests.web.test_deeds import press, said
from tests.web.test_pages import asked

BERT: dict[str, Any] = {"by": "bert", "at": noon(TODAY)}


def where(town: Town, name: str = "cash", *more: int) -> str:
    """A page of the town's cash."""
    return reverse(name, args=[town.entity.pk, *more])


def listed(client: Client, town: Town, **asked_for: str) -> list[int]:
    """The whole amounts of the lines that a page lists, in its order."""
    part = said(client.get(where(town), asked_for, headers={"HX-Request": "true"}))
    assert "<html" not in part
    found = re.findall(r'line-sum"><a href="[^"]*lines/(\d+)">', part)
    return [BankLine.objects.get(pk=pk).amount_minor // 100 for pk in found]


def test_what_waits_is_listed_the_largest_first_with_its_reason_in_words(town: Town, bert: Client) -> None:
    assert listed(bert, town) == [777, 100]
    assert said(bert.get(where(town))).count("not looked at yet") == 2
    matched(town)
    page = said(bert.get(where(town)))
    assert "97.8\xa0%" in page
    assert "The amount is exactly what is open; the payer is known by its name" in page
    assert "777.00\xa0EUR" in page
    assert "one_item" not in page


@pytest.mark.parametrize(
    ("asked_for", "found"),
    [
        ({"show": "proposed"}, [777, 100]),
        ({"show": "unknown"}, [333, 250]),
        ({"show": "taken_back"}, [250, -99]),
        ({"show": "applied"}, [50]),
        ({"show": "set_aside"}, [60]),
        ({"show": "returned"}, []),
        ({"show": "whatever"}, [777, 333, 250, 100, -99]),
        ({"currency": "USD"}, []),
        ({"search": "meyer"}, [100]),
        ({"search": "INVOICE a-17"}, [100]),
        ({"search": "777"}, [777]),
        ({"search": "777,00"}, [777]),
        ({"search": "99.00"}, [-99]),
        ({"search": "\N{MINUS SIGN}99.00\N{NO-BREAK SPACE}EUR"}, [-99]),
        ({"search": "777,00 EUR"}, [777]),
        ({"search": "eur 777"}, [777]),
        ({"search": "777.00 USD"}, []),
        ({"search": "FR76 3000 6000 0112 3456 7890 189"}, [777]),
        ({"search": "%"}, []),
        ({"search": "' OR 1=1 --"}, []),
        ({"search": "hello", "show": "unknown"}, []),
    ],
)
def test_lines_are_filtered(town: Town, bert: Client, asked_for: dict[str, str], found: list[int]) -> None:
    entries = [f"260402 {whole} //D{whole} nothing known" for whole in (333, 250, 50, 60, 99, 61)]
    statement(town, entries, opens=872, name="S2")
    BankLine.objects.filter(pk=line(99).pk).update(amount_minor=-9_900, return_reason="AC04 account closed")
    BankLine.objects.filter(pk=line(61).pk).update(amount_minor=-6_100)  # a salary is no business of ours
    apply_to(town.entity, line(250).pk, account="SMITH", **BERT)
    unapply(town.entity, line(250).pk, reason="no", **BERT)
    apply_to(town.entity, line(50).pk, account="SMITH", **BERT)
    set_aside(town.entity, line(60).pk, reason="no", **BERT)
    matched(town)
    assert listed(bert, town, **asked_for) == found


def test_a_line_that_a_bank_takes_back_says_so(town: Town, bert: Client) -> None:
    BankLine.objects.filter(pk=line(-5).pk).update(return_reason="AC04 account closed")
    page = said(bert.get(where(town)))
    assert "\N{MINUS SIGN}5.00\xa0EUR" in page
    assert "taken back by the bank" in page


def test_sums_are_found_however_they_are_written(town: Town, bert: Client) -> None:
    BankLine.objects.filter(pk=line(777).pk).update(amount_minor=987_654_321)
    for text in ("9876543.21", "9,876,543.21", "9.876.543,21", "9'876'543.21", "-9876543,21"):
        assert listed(bert, town, search=text) == [9_876_543], text
    for text in ("9876543", "9,876,543.2", "876543.21", "9876543.211"):
        assert listed(bert, town, search=text) == [], text


def test_many_lines_come_in_pages_each_once(town: Town, bert: Client) -> None:
    statement(town, [f"260402 {40 + n % 3} //E{n} hello" for n in range(60)], opens=872, name="S2")
    seen: list[str] = []
    link = where(town)
    for _ in range(4):
        page = said(bert.get(link))
        seen += re.findall(r'lines/(\d+)">', page)
        more = re.search(r'href="(\?after=[\d-]+)"[^>]*>Next page', page)
        if not more:
            break
        link = where(town) + more[1]
    assert (len(seen), len(set(seen))) == (62, 62)
    sizes = [BankLine.objects.get(pk=pk).amount_minor for pk in seen]
    assert sizes == sorted(sizes, reverse=True)
    assert len(re.findall(r'lines/(\d+)">', said(bert.get(where(town), {"after": "x"})))) == 25


def test_figures_say_what_waits_and_what_was_applied_by_whom(town: Town, bert: Client) -> None:
    matched(town)
    apply_to(town.entity, line(777).pk, account="SMITH", **BERT)
    page = said(bert.get(where(town)))
    assert "by people: 1 line, 777.00\xa0EUR" in page
    assert "by itself: 0 lines, 0.00\xa0EUR" in page
    apply_match(town.entity, line(100).pk, **BERT)
    page = said(bert.get(where(town)))
    assert "by itself: 0 lines, 0.00\xa0EUR" in page  # however certain it was, a person has said so
    assert "by people: 2 lines, 877.00\xa0EUR" in page
    unapply(town.entity, line(777).pk, reason="no", **BERT)
    statement(town, ["260402 61 //Q1 Meyer A-18"], opens=872, name="Q")
    BankLine.objects.filter(pk=line(61).pk).update(amount_minor=5_050, party_name="Meyer GmbH")
    assert matched(town, apply=True).applied == 1
    page = said(bert.get(where(town)))
    assert "by itself: 1 line, 50.50\xa0EUR" in page
    assert "by people: 1 line, 100.00\xa0EUR" in page
    assert '<div class="big">150.50\xa0EUR</div>' in page


@pytest.mark.parametrize(
    ("text", "currency", "minors"),
    [
        ("1,234.50EUR", "EUR", {123_450}),
        ("EUR1.234,50", "EUR", {123_450}),
        ("1'234", "EUR", {123_400}),
        ("1.234", "EUR", {123_400}),
        ("1.234KWD", "KWD", {1_234, 1_234_000}),  # it has a thousand parts
        ("100.50", "JPY", set()),  # it has none
        ("100.00", "JPY", {100}),
        ("\N{MINUS SIGN}5.00EUR", "EUR", {500}),
        ("100USD", "EUR", set()),
        ("A-17", "EUR", set()),
    ],
)
def test_a_sum_is_looked_for_as_it_is_written(text: str, currency: str, minors: set[int]) -> None:
    assert _minors(text, currency) == minors


def test_what_is_looked_for_is_cut_to_what_a_form_takes(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    for page in (where(town), where(town, "payers"), where(town, "accounts"), where(town, "run", run.pk)):
        for part in ({}, {"HX-Request": "true"}):
            answer = bert.get(page, {"search": "x" * 50_000}, headers=part)
            assert (answer.status_code, "x" * 101 in answer.content.decode()) == (200, False), page
    assert bert.get(where(town, "bank-line", line(777).pk), {"payer": "x" * 50_000}).status_code == 200


@pytest.mark.parametrize(
    ("on", "country", "is_late"),
    [
        ("2026-04-02", "", False),
        ("2026-04-08", "", False),  # Friday, Monday and Tuesday lie between
        ("2026-04-09", "", True),
        ("2026-04-10", "DE", False),  # Good Friday and Easter Monday are no working days there
        ("2026-04-11", "DE", True),
    ],
)
def test_a_bank_account_is_late_after_three_working_days(town: Town, on: str, country: str, is_late: bool) -> None:
    Entity.objects.update(country=country)
    (account,) = bank_accounts(town.entity.pk, on=day(on))
    assert (account.until_on, account.balance_minor, account.is_late) == (date(2026, 4, 2), 87_200, is_late)


def test_a_late_account_is_said_on_the_page(town: Town, bert: Client) -> None:
    BankStatement.objects.update(to_on="2026-03-20")
    assert "older than three working days" in said(bert.get(where(town)))
    BankStatement.objects.update(closing_minor=None)
    assert "no statement was taken in" in said(bert.get(where(town)))


def test_all_that_waits_is_matched_and_what_is_certain_applied(town: Town, bert: Client) -> None:
    assert "2 lines that wait are looked at." in said(bert.get(where(town, "cash-match")))
    answer = bert.post(where(town, "cash-match"), follow=True)
    assert "2 lines looked at: 1 applied, 1 proposed." in said(answer)
    assert (line(100).state, town.open("A-17")) == ("applied", 0)


def test_very_many_lines_are_matched_at_the_shell(town: Town, bert: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    change_settings(town.entity, {}, usual=["match_before_run"], **BERT)
    monkeypatch.setattr(bounds, "AT_ONCE", 2)
    for answer in (bert.get(where(town, "cash-match")), bert.post(where(town, "cash-match"))):
        assert (answer.status_code, "with dunwell cash match" in said(answer)) == (409, True)
    assert line(100).state == "open"


def test_nor_does_a_run_that_begins_keep_a_browser_waiting(
    town: Town, bert: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(town.entity, {}, usual=["match_before_run"], **BERT)
    monkeypatch.setattr(bounds, "AT_ONCE", 2)
    for answer in (bert.get(where(town, "propose")), bert.post(where(town, "propose"))):
        assert (answer.status_code, "with dunwell cash match" in said(answer)) == (409, True)
    assert (line(100).state, Run.objects.count()) == ("open", 0)
    change_settings(town.entity, {"match_before_run": "no"}, **BERT)
    assert bert.post(where(town, "propose")).status_code == 302
    assert (line(100).state, Run.objects.count()) == ("open", 1)


def test_once_lines_were_looked_at_a_run_begins_however_many_wait(
    town: Town, bert: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(town.entity, {}, usual=["match_before_run"], **BERT)
    match_lines(town.entity, apply=False, **BERT)
    monkeypatch.setattr(bounds, "AT_ONCE", 2)
    assert bert.post(where(town, "propose")).status_code == 302
    assert Run.objects.count() == 1


def test_who_is_known_is_found_and_forgotten(town: Town, bert: Client) -> None:
    apply_to(town.entity, line(777).pk, account="SMITH", **BERT)
    known = KnownPayer.objects.get(kind="iban")
    for search, found in (("FR76 3000 6000", 1), ("smith", 1), ("Odd G", 1), ("", 2), ("nobody", 0)):
        part = bert.get(where(town, "payers"), {"search": search}, headers={"HX-Request": "true"}).content.decode()
        assert part.count("/forget") == found, search
        assert STRANGER not in part
    forget = where(town, "payer-forget", known.pk)
    assert "no longer known to come from Smith GmbH" in said(bert.get(forget))
    assert "Nobody takes FR7630006000011234567890189 for SMITH any more." in said(bert.post(forget, follow=True))
    assert not KnownPayer.objects.filter(pk=known.pk).exists()
    assert line(777).state == "applied"
    assert bert.post(forget).status_code == 404


def test_known_payers_come_in_pages(town: Town, bert: Client) -> None:
    account = KnownPayer.objects.get().account
    KnownPayer.objects.bulk_create(
        KnownPayer(entity=town.entity, kind="account", value=f"1234{n}", account=account, since_on=day(TODAY))
        for n in range(70)
    )
    first = said(bert.get(where(town, "payers")))
    more = re.search(r'href="(\?after=\d+)"[^>]*>Next page', first)
    assert more
    second = said(bert.get(where(town, "payers") + more[1]))
    assert (first.count("/forget"), second.count("/forget"), "Next page" in second) == (50, 21, False)


def test_an_account_leads_to_its_lines_and_a_payment_to_its_line(town: Town, bert: Client) -> None:
    meyer = Account.objects.get(code="MEYER").pk
    town.pay("A-18", "50.50 EUR", TODAY)
    matched(town)
    lines = f"{where(town)}?account={meyer}"
    assert lines in said(bert.get(where(town, "account", meyer)))
    assert re.findall(r'lines/(\d+)">', said(bert.get(lines))) == [str(line(100).pk)]  # proposed for it
    apply_match(town.entity, line(100).pk, **BERT)
    page = said(bert.get(where(town, "account", meyer)))
    assert f'<a href="{where(town, "bank-line", line(100).pk)}">100.00\xa0EUR</a>' in page
    assert re.findall(r'lines/(\d+)">', said(bert.get(lines))) == [str(line(100).pk)]
    unapply(town.entity, line(100).pk, reason="no", **BERT)
    page = said(bert.get(where(town, "account", meyer)))
    assert f'<a href="{where(town, "bank-line", line(100).pk)}">100.00\xa0EUR</a>' in page  # that it came with
    assert "reversed" in page
    assert re.findall(r'lines/(\d+)">', said(bert.get(lines))) == []
    other = Entity.objects.create(code="OTHER", name="Other AG", currency="EUR")
    assert bert.get(f"{reverse('cash', args=[other.pk])}?account={meyer}").status_code == 404


def test_an_entity_without_a_bank_says_what_to_do(town: Town, bert: Client) -> None:
    other = Entity.objects.create(code="NEW", name="New AG", currency="EUR")
    for name, hint in (
        ("cash", "Take the next bank file in"),
        ("bank-files", "No bank account of New AG is known yet"),
        ("bank-files", "No statement yet"),
        ("payers", "Nobody is known yet"),
    ):
        assert hint in said(bert.get(reverse(name, args=[other.pk]))), name
    for asked_for, hint in (({"show": "applied"}, "No line is like that"), ({"search": "x"}, "No line is like that")):
        assert hint in said(bert.get(reverse("cash", args=[other.pk]), asked_for))


def test_the_first_page_says_how_many_lines_wait(town: Town, bert: Client) -> None:
    assert f'<a href="{where(town)}">2 bank lines</a>' in said(bert.get("/"))


@pytest.mark.parametrize(("name", "bound"), [("cash", 14), ("bank-files", 9), ("payers", 6)])
def test_a_page_of_cash_asks_no_more_of_a_larger_book(town: Town, bert: Client, name: str, bound: int) -> None:
    growing(town, 0)
    before = asked(bert, where(town, name))
    for number in range(1, 4):
        growing(town, number)
    after = asked(bert, where(town, name))
    assert len(after) <= len(before) <= bound, "\n".join(after)


def growing(town: Town, number: int) -> None:
    """One more statement: two lines more that wait, and one that a person has applied."""
    entries = [f"260402 {300 + number} //F{number} C-1", f"260402 {9 + number} //G{number} A-18 and {number}"]
    statement(town, [*entries, f"260402 {500 + number} //H{number} x"], opens=number, name=f"T{number}")
    matched(town)
    apply_to(town.entity, line(500 + number).pk, account="SMITH", **BERT)


def test_a_run_is_not_in_the_way_of_cash(town: Town, bert: Client) -> None:
    run = town.propose(TODAY)
    bert.post(where(town, "cash-match"))
    press(bert, "run-post", run)
    page = said(bert.get(where(town)))
    assert "777.00\xa0EUR" in page
    assert "100.00\xa0EUR</a>" not in page
