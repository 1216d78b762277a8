"""What is granted beside money is in the journal of the day of its line, and of the day on which it is taken back."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.cash.applying import unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.journal import change_journal, journal_of
from dunwell.records.models import BankMatchPart, Item
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import back, book, came, line_of
from tests.flows.town import Town, day, noon

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and three invoices: one with a cash discount. A credit note is no grant."""
    bank_account(town.entity)
    change_settings(town.entity, {"charges_at_most": "EUR:5.00"}, **BERT)
    by_then = {"discount_minor": 200, "discount_until_on": day("2026-03-02")}
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-04-01", **by_then)
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-02-05")
    town.item("INV-40880", "JONES", "60.00 EUR", "2026-02-06")
    town.item("CN-7", "JONES", "3.00 EUR", "2026-03-02", kind="credit", issued_on=day("2026-03-02"))
    return town


def told(bank: Town, first: str, last: str) -> list[tuple[str, ...]]:
    """Day, what, kind, ledger account, debit and credit of each line."""
    return [
        (line.date[5:], line.what, line.charge, line.ledger_account, line.debit, line.credit)
        for line in journal_of(bank.entity, day(first), day(last)).lines
    ]


def both(on: str, what: str, kind: str, amount: str) -> list[tuple[str, ...]]:
    """The two lines of an entry: what is debited first."""
    codes = [f"{kind}_granted", "receivable"]
    debited, credited = codes if what == "granted" else reversed(codes)
    return [(on, what, kind, debited, amount, "0.00"), (on, what, kind, credited, "0.00", amount)]


def test_what_is_granted_and_taken_back_is_of_its_day_also_when_its_match_is_gone(bank: Town, tmp_path: Path) -> None:
    paid = (("98.00", "20170"), ("79.60", "30990"), ("57.00", "40880"))
    book(tmp_path, *(came(amount, "2026-03-02", f"INV-{no}", ref=f"E2E-{no}", name=f"N{no}") for amount, no in paid))
    assert match_lines(bank.entity, **BERT).applied == 3
    assert BankMatchPart.objects.exclude(credit=None).count() == 3
    granted = [
        *both("03-02", "granted", "discount", "2.00"), *both("03-02", "granted", "difference", "0.40"),
        *both("03-02", "granted", "bank_charges", "3.00"),
    ]  # fmt: skip
    assert sorted(told(bank, "2026-03-01", "2026-03-31")) == sorted(granted)
    change_journal(bank.entity, {"discount_granted": "4736", "vat_discount": "U19"}, **BERT)
    first = next(line for line in journal_of(bank.entity, day("2026-03-02"), day("2026-03-02")).lines if line.vat)
    credit = Item.objects.get(kind="credit", amount_minor=200)
    assert (first.document, first.account, first.item, first.notice) == (credit.number, "MEYER", "INV-20170", None)
    assert (first.ledger_account, first.vat) == ("4736", "U19")
    change_journal(bank.entity, {"discount_granted": "", "vat_discount": ""}, **BERT)

    book(tmp_path, back("79.60", "2026-03-05", ref="E2E-30990"), name="later.xml")
    assert match_lines(bank.entity, **BERT).returned == 1
    unapply(bank.entity, line_of(9_800), reason="it was for another invoice", by="bert", at=noon("2026-03-12"))
    assert BankMatchPart.objects.exclude(credit=None).count() == 1
    assert sorted(told(bank, "2026-03-01", "2026-03-04")) == sorted(granted)
    assert told(bank, "2026-03-05", "2026-03-11") == both("03-05", "taken_back", "difference", "0.40")
    assert told(bank, "2026-03-12", "2026-03-12") == both("03-12", "taken_back", "discount", "2.00")
    assert told(bank, "2026-03-03", "2026-03-04") == told(bank, "2026-03-13", "2026-03-31") == []
    assert told(Town(bank.folder, "OTHER", policy=None), "2026-03-01", "2026-03-31") == []
