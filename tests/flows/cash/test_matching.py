"""Bank lines become payments: what is certain by itself, the rest by a person, and either can be taken back."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import apply_match, apply_to, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.review import forget, payers, waiting
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.records.models import AuditEvent, BankLine, Item, KnownPayer, Payment
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.people.test_events import posted
from tests.flows.people.test_events import waiting as notices_waiting
from tests.flows.town import Town
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and MEYER and SMITH who owe."""
    bank_account(town.entity)
    town.account("MEYER", email="ap@meyer.example")
    town.account("SMITH", email="ap@smith.example")
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    town.item("INV-20180", "MEYER", "50.00 EUR", "2026-02-05")
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-02-05")
    return town


def line_of(amount_minor: int) -> int:
    """The line of an amount."""
    return BankLine.objects.get(amount_minor=amount_minor).pk


def test_money_that_names_its_invoice_is_applied_and_the_rest_waits(bank: Town, tmp_path: Path) -> None:
    entries = ["260302 100 //B1 INV-20170", "260302 17 //B2 hello", "260302 -5 //B3 fees of the bank"]
    take(tmp_path, mt940(entries, opens=0))
    report = match_lines(bank.entity, **BERT)
    assert (report.lines, report.applied, report.proposed, report.exceptions, report.passed_by) == (2, 1, 0, 1, 0)
    assert report.sums == {"EUR": {"lines": 11_700, "applied": 10_000, "left": 0, "waiting": 1_700}}
    assert (bank.open("INV-20170"), bank.open("INV-20180")) == (0, 5_000)
    payment = Payment.objects.get()
    assert (str(payment.received_on), payment.item.account.code) == ("2026-03-02", "MEYER")
    event = AuditEvent.objects.get(action="payment.received")
    assert (event.detail["items"], event.detail["step"], event.detail["line"]) == (
        ["INV-20170"],
        "number",
        line_of(10_000),
    )
    (left,) = waiting(bank.entity, most=9).lines
    assert (left.amount_minor, left.text, left.outcome) == (1_700, "hello", "exception")


def test_matching_again_changes_nothing(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170", "260302 17 //B2 hello"], opens=0))
    match_lines(bank.entity, **BERT)
    again = match_lines(bank.entity, **BERT)
    assert (again.lines, again.applied, Payment.objects.count()) == (1, 0, 1)


def test_what_is_only_proposed_is_applied_by_a_person(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    report = match_lines(bank.entity, apply=False, **BERT)
    assert (report.applied, report.proposed) == (0, 1)
    (line,) = waiting(bank.entity, most=9).lines
    assert (line.account, [share.item for share in line.shares], line.outcome) == ("MEYER", ["INV-20170"], "apply")
    apply_match(bank.entity, line.line, **BERT)
    assert bank.open("INV-20170") == 0
    with pytest.raises(Conflict, match="is applied already"):
        apply_match(bank.entity, line.line, **BERT)


def test_a_person_says_what_a_line_is_for_and_the_payer_is_known_from_then_on(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 120 //B1 hello"], opens=0))
    BankLine.objects.update(party_iban="FR7630006000011234567890189")
    (paid,) = apply_to(bank.entity, line_of(12_000), items=["INV-20180", "INV-20170"], **BERT)
    assert (bank.open("INV-20180"), bank.open("INV-20170")) == (0, 3_000)
    assert Item.objects.get(pk=paid.payment_id).open_minor == 0
    (payer,) = payers(bank.entity)
    assert (payer.kind, payer.value, payer.account) == ("iban", "FR7630006000011234567890189", "MEYER")
    forget(bank.entity, payer.number, **BERT)
    assert not KnownPayer.objects.exists()
    with pytest.raises(NotFound):
        forget(bank.entity, payer.number, **BERT)


def test_what_is_taken_back_waits_again(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(bank.entity, **BERT)
    unapply(bank.entity, line_of(10_000), reason="it was Smith's", **BERT)
    assert (bank.open("INV-20170"), BankLine.objects.get().state) == (10_000, "open")
    apply_to(bank.entity, line_of(10_000), account="SMITH", items=["INV-30990"], **BERT)
    assert (bank.open("INV-30990"), Payment.objects.filter(state="received").count()) == (0, 1)
    with pytest.raises(Invalid, match="say why"):
        unapply(bank.entity, line_of(10_000), reason=" ", **BERT)


def test_a_small_difference_is_granted_and_taken_back_with_the_money(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 99 //B1 INV-20170"], opens=0).replace("99,00", "99,50").replace("EUR99,", "EUR99,50"))
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, bank.open("INV-20170")) == (1, 0)
    credit = Item.objects.get(kind="credit")
    assert (credit.amount_minor, credit.open_minor, credit.account.code) == (50, 0, "MEYER")
    unapply(bank.entity, line_of(9_950), reason="no", **BERT)
    credit.refresh_from_db()
    assert (bank.open("INV-20170"), credit.open_minor) == (10_000, 0)


def test_applied_money_takes_what_it_pays_off_the_notices_that_wait(town: Town, tmp_path: Path) -> None:
    posted(town)
    bank_account(town.entity)
    before = notices_waiting(town)
    take(tmp_path, mt940(["260302 100 //B1 hello"], opens=0))
    apply_to(town.entity, line_of(10_000), items=["A-17"], **BERT)
    assert town.open("A-17") == 0
    assert notices_waiting(town) != before


def test_what_cannot_be_is_refused(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 hello", "260302 -5 //B3 fees"], opens=0))
    with pytest.raises(NotFound):
        apply_match(bank.entity, 999, **BERT)
    with pytest.raises(Conflict, match="nothing was found for line"):
        apply_match(bank.entity, line_of(10_000), **BERT)
    with pytest.raises(Invalid, match="is no money that came in"):
        apply_to(bank.entity, line_of(-500), items=["INV-20170"], **BERT)
    with pytest.raises(Invalid, match="say for which items"):
        apply_to(bank.entity, line_of(10_000), **BERT)
    with pytest.raises(Conflict, match="is not applied"):
        unapply(bank.entity, line_of(10_000), reason="x", **BERT)


def test_a_match_whose_item_was_paid_meanwhile_is_not_applied(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    bank.pay("INV-20170", "60.00 EUR", "2026-03-03")
    with pytest.raises(Conflict, match="less is open of INV-20170"):
        apply_match(bank.entity, line_of(10_000), **BERT)
    assert Payment.objects.filter(reference__contains="INV").count() == 0


def test_a_line_that_is_booked_tomorrow_waits_until_then(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260311 100 //B1 INV-20170"], opens=0, on=("260311", "260311")))
    assert match_lines(bank.entity, **BERT).lines == 0
    with pytest.raises(Invalid, match="2026-03-11 is yet to come"):
        apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
