"""What notices charge, by its kind, as the console shows it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from dunwell.records.models import Account
from tests.flows.town import Town
from tests.web.desk import on_the_day

POLICY = """\
policy: standard
interest: {regime: DE}
stages:
  - {stage: escalation, days_past_due: 3, interest: true, compensation: true, fee: {EUR: 2.50}, send: [email]}
  - {stage: final, days_past_due: 90, interest: true, send: [email]}
"""


def words(html: bytes) -> str:
    """What stands on a page, with single spaces between the words."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture
def charged(town: Town) -> Town:
    """A business to which fee, interest and flat sum were charged."""
    town.apply(POLICY)
    town.account("FIRMA", debtor_class="business", country="DE")
    town.item("R-1", "FIRMA", "10000.00 EUR", "2025-03-31")
    town.run("2025-06-30")
    return town


def test_a_notice_shows_its_charges_by_kind(charged: Town, bert: Client) -> None:
    notice = Account.objects.get(code="FIRMA").notice_set.get()
    shown = words(bert.get(reverse("notice", args=[charged.entity.pk, notice.run_id, notice.pk])).content)
    assert "Fee 2.50 EUR Interest 280.98 EUR Flat sum for costs 40.00 EUR Total 10,323.48 EUR" in shown


def test_a_notice_calls_each_charge_by_its_kind(charged: Town, bert: Client) -> None:
    charged.run("2025-09-30")
    first, second = Account.objects.get(code="FIRMA").notice_set.order_by("pk")
    shown = words(bert.get(reverse("notice", args=[charged.entity.pk, first.run_id, first.pk])).content)
    for kind, called in (("FEE", "Fee"), ("INT", "Interest"), ("COSTS", "Flat sum for costs")):
        assert f"{kind}-{first.pk} {called} " in shown
    later = words(bert.get(reverse("notice", args=[charged.entity.pk, second.run_id, second.pk])).content)
    assert f"INT-{first.pk} Interest, charged earlier " in later
    assert "By law" not in later


def test_a_notice_says_what_the_law_left_out(town: Town, bert: Client) -> None:
    town.apply(POLICY)
    town.account("PRIVAT", debtor_class="consumer", country="DE")
    town.item("P-1", "PRIVAT", "10000.00 EUR", "2025-03-31")
    town.run("2025-06-30")
    notice = Account.objects.get(code="PRIVAT").notice_set.get()
    shown = words(bert.get(reverse("notice", args=[town.entity.pk, notice.run_id, notice.pk])).content)
    assert "By law P-1 no flat sum: the law gives none against this class of debtors" in shown


def test_an_account_shows_what_was_charged_and_what_of_it_is_open(
    charged: Town, bert: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_day(monkeypatch, "2025-07-01")
    charged.pay("R-1", "42.50 EUR", "2025-07-01")
    account = Account.objects.get(code="FIRMA")
    shown = words(bert.get(reverse("account", args=[charged.entity.pk, account.pk])).content)
    assert "Charged so far" in shown
    assert "Interest 280.98 EUR 280.98 EUR" in shown
    assert "Fee 2.50 EUR 0.00 EUR" in shown  # costs are paid first
    assert "Flat sum for costs 40.00 EUR 0.00 EUR" in shown
    assert "business" in shown


def test_what_the_law_lacks_is_said_on_the_item(charged: Town, bert: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_day(monkeypatch, "2025-07-01")
    charged.item("R-2", "UNKNOWN", "10.00 EUR", "2025-03-31")
    account = Account.objects.get(code="UNKNOWN")
    shown = words(bert.get(reverse("account", args=[charged.entity.pk, account.pk])).content)
    assert "the law asks whether the debtor is a business, consumer or public" in shown
