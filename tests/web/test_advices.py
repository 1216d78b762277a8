"""What payers advised: taken in, listed with its line, forgotten; settings of matching; who is held back."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from dunwell.flows.cash.allowed import USUAL, change_settings
from dunwell.flows.cash.applying import apply_to
from dunwell.records.models import Account, AuditEvent, BankLine, Hold, RemittanceAdvice, Task
from dunwell.web.pages.matching import SAYS
from tests.flows.town import Town, noon
from tests.web.desk import Answer
from tests.web.teller import STRANGER, TODAY, line, matched
from tests.web.test_bank_line import at
from tests.web.test_cash import where
from tests.web.test_deeds import said

BERT: dict[str, Any] = {"by": "bert", "at": noon(TODAY)}
AVIS = "Kundennummer;ODD\nZahlungsdatum;02.04.2026\n\nRechnung;Betrag\nR-1;700,00\nR-2;77,00\nSumme;777,00\n"


def send(client: Client, town: Town, content: str, name: str = "avis.csv", **more: Any) -> Answer:
    """Send a payer's file as the page's form does."""
    file = SimpleUploadedFile(name, content.encode())
    return client.post(where(town, "bank-files"), {"deed": "advise", "file": file} | more)


def test_an_advice_is_taken_in_once_and_goes_with_its_line(town: Town, bert: Client) -> None:
    page = said(send(bert, town, AVIS, line=str(line(777).pk)))
    advice = RemittanceAdvice.objects.get(file="avis.csv")
    assert "of ODD: 2 documents, 777.00\xa0EUR." in page
    assert f'It goes with <a href="{at(line(777))}">' in page
    assert AuditEvent.objects.filter(action="advice.taken").latest("pk").actor == "bert"
    assert f'href="{where(town, "advice", advice.pk)}">avis.csv</a>' in said(bert.get(at(line(777))))
    assert f'<a href="{at(line(777))}">line {line(777).pk}</a>' in said(bert.get(where(town, "advices")))
    assert "This very file was taken in before" in said(send(bert, town, AVIS))
    assert RemittanceAdvice.objects.filter(file="avis.csv").count() == 1


def test_what_is_wrong_with_an_advice_is_said_with_its_place_beside_its_form(town: Town, bert: Client) -> None:
    answer = send(bert, town, AVIS.replace("77,00\nSumme", "78,00\nSumme"), account="ODD", line="12")
    assert (answer.status_code, "avis.csv: 1 problem" in said(answer)) == (422, True)
    assert said(answer).index("Take a payer's advice in") < said(answer).index("avis.csv: 1 problem")
    assert 'name="account" value="ODD"' in said(answer)
    for more, status, told in (
        ({"line": "x"}, 422, "'x' is no number of a bank line"),
        ({"line": "99999"}, 404, "There is no bank line 99999"),
        ({"line": str(line(-5).pk)}, 422, "is no money that came in"),
        ({"account": "NOBODY"}, 404, "NOBODY"),
    ):
        answer = send(bert, town, AVIS, **more)
        assert (answer.status_code, told in said(answer)) == (status, True), more
    answer = bert.post(where(town, "bank-files"), {"deed": "advise"})
    assert (answer.status_code, "Choose a file that the payer has sent" in said(answer)) == (422, True)
    assert not RemittanceAdvice.objects.filter(file="avis.csv").exists()


def test_an_advice_is_shown_and_forgotten_and_what_it_said_leaves_its_line(town: Town, bert: Client) -> None:
    send(bert, town, AVIS, line=str(line(777).pk))
    advice = where(town, "advice", RemittanceAdvice.objects.get(file="avis.csv").pk)
    page = said(bert.get(advice))
    assert "R-1</dt>" in page
    assert "what it says leaves the line" in page
    assert line(777).documents
    assert "is forgotten." in said(bert.post(advice, follow=True))
    assert (line(777).documents, bert.get(advice).status_code, bert.post(advice).status_code) == ([], 404, 404)


def test_an_advice_by_which_a_line_is_applied_stays(town: Town, bert: Client) -> None:
    send(bert, town, AVIS, line=str(line(777).pk))
    apply_to(town.entity, line(777).pk, account="ODD", **BERT)
    advice = RemittanceAdvice.objects.get(file="avis.csv").pk
    answer = bert.post(where(town, "advice", advice))
    assert (answer.status_code, "take that back first" in said(answer)) == (409, True)
    assert RemittanceAdvice.objects.filter(pk=advice).exists()


def test_what_a_payer_writes_is_text_and_no_more(town: Town, bert: Client) -> None:
    advice = RemittanceAdvice.objects.get()
    RemittanceAdvice.objects.update(account=None)
    for page in (where(town, "advices"), where(town, "advice", advice.pk)):
        text = bert.get(page).content.decode()
        assert (STRANGER in text, "<b>avis" in text, "&lt;b&gt;avis" in text) == (False, False, True)


def test_settings_are_shown_with_what_is_not_the_usual(town: Town, bert: Client) -> None:
    assert set(SAYS) == set(USUAL)
    change_settings(town.entity, {}, usual=["match_before_run"], **BERT)
    assert "all of it as usual" in said(bert.get(where(town, "matching")))
    change_settings(town.entity, {"hold_back_days": "5", "threshold_permille": "98%"}, **BERT)
    page = said(bert.get(where(town, "matching")))
    assert "2 are not the usual" in page
    assert "<strong>98.0%</strong>" in page
    assert "instead of 95.0%" in page
    assert "hold_<wbr>back_<wbr>days" in page
    assert "dunwell cash settings --set NAME=VALUE --entity ACME" in page


def test_a_line_that_holds_reminders_back_is_marked_as_long_as_it_does(town: Town, bert: Client) -> None:
    odd = Account.objects.get(code="ODD")
    hold = Hold.objects.create(
        entity=town.entity, account=odd, from_on=TODAY, until_on="2026-04-10", reason="money came in: bank line"
    )
    BankLine.objects.filter(pk=line(777).pk).update(hold=hold)
    assert 'reminders held back through <span class="date">2026-04-10' in said(bert.get(where(town)))
    page = said(bert.get(reverse("account", args=[town.entity.pk, odd.pk])))
    assert f'<a href="{at(line(777))}">money came in: bank line</a>' in page
    Hold.objects.update(until_on="2026-04-02")
    assert "reminders held back" not in said(bert.get(where(town)))
    assert "were held back through" in " ".join(said(bert.get(at(line(777)))).split())
    Hold.objects.update(until_on="2026-04-10", released_on=TODAY)
    assert "reminders held back" not in said(bert.get(where(town)))


def test_tasks_about_bank_lines_lead_to_them(town: Town, bert: Client) -> None:
    matched(town)
    Task.objects.create(entity=town.entity, kind="bank_line", line=line(777), opened_on=noon(TODAY).date())
    assert f'<a href="{where(town)}?show=unknown">bank line</a>' in said(bert.get("/"))
