"""A line for items of several payers becomes a payment of each, and is taken back with all of them."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import apply_match, apply_to, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import take_back
from dunwell.flows.cash.returning import return_line, unreturn
from dunwell.flows.cash.review import payers, waiting
from dunwell.flows.cash.seen import unapply_seen
from dunwell.flows.errors import Conflict
from dunwell.flows.runs.seen import Changed
from dunwell.records.models import Account, AuditEvent, BankLine, BankMatch, Item, Notice, Payment
from dunwell.records.views import bank_line, cash, money
from tests.flows.cash.banking import AT, take
from tests.flows.cash.test_matching import bank, line_of
from tests.flows.town import Town, day
from tests.sources.bank.mt940_files import mt940

__all__ = ["bank"]
BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
THEIRS: Final = "FR7630006000011234567890189"


def comes(folder: Path, *entries: str) -> int:
    """Money comes in, from somebody whom nobody knows; return the first line."""
    take(folder, mt940(list(entries), opens=0), name=f"{BankLine.objects.count()}.sta")
    BankLine.objects.update(party_iban=THEIRS)
    return BankLine.objects.order_by("-amount_minor").values_list("pk", flat=True)[0]


def paid() -> dict[str, tuple[int, int]]:
    """What stands paid by each account, and what of it is open, in minor units."""
    found = Item.objects.filter(payment__state="received").order_by("account__code")
    return {
        code: (minor, left) for code, minor, left in found.values_list("account__code", "amount_minor", "open_minor")
    }


def states() -> set[str]:
    return set(Notice.objects.values_list("state", flat=True))


def test_each_payer_gets_its_own_payment_by_itself_and_neither_is_reminded(bank: Town, tmp_path: Path) -> None:
    bank.post(bank.propose("2026-03-01"))
    assert (states(), Notice.objects.count()) == ({"posted"}, 2)
    line = comes(tmp_path, "260302 230 //B1 INV-20170 INV-30990 INV-20180")
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.sums["EUR"]["applied"], report.sums["EUR"]["left"]) == (1, 23_000, 0)
    assert [bank.open(number) for number in ("INV-20170", "INV-20180", "INV-30990")] == [0, 0, 0]
    assert paid() == {"MEYER": (15_000, 0), "SMITH": (8_000, 0)}
    assert states() == {"withdrawn"}
    assert payers(bank.entity) == []  # whose account it is that pays for both, nobody knows
    told = AuditEvent.objects.filter(action="payment.received").order_by("subject_label")
    assert [(each.subject_label, each.detail["items"], each.detail["amount_minor"]) for each in told] == [
        ("MEYER", ["INV-20170", "INV-20180"], 15_000), ("SMITH", ["INV-30990"], 8_000),
    ]  # fmt: skip
    assert {each.detail["line"] for each in told} == {line}


def test_credit_notes_of_each_payer_are_set_off_against_its_own_and_given_back(bank: Town, tmp_path: Path) -> None:
    numbers = ("INV-20170", "CN-55551", "INV-30990", "CN-66661")
    bank.item("CN-55551", "MEYER", "10.00 EUR", "2026-01-05", kind="credit")
    bank.item("CN-66661", "SMITH", "30.00 EUR", "2026-01-05", kind="credit")
    line = comes(tmp_path, f"260302 140 //B1 {' '.join(numbers)}")
    assert match_lines(bank.entity, **BERT).applied == 1
    assert paid() == {"MEYER": (9_000, 0), "SMITH": (5_000, 0)}
    assert [bank.open(number) for number in numbers] == [0, 0, 0, 0]
    Item.objects.filter(number="INV-30990").update(account=bank.get("INV-20170").account)  # by an import, meanwhile
    unapply(bank.entity, line, reason="it was for another", **BERT)
    assert [bank.open(number) for number in numbers] == [10_000, 1_000, 8_000, 3_000]
    assert (paid(), BankMatch.objects.exists(), BankLine.objects.get().state) == ({}, False, "open")


def test_a_line_that_was_taken_back_is_only_proposed_and_a_person_says_yes(bank: Town, tmp_path: Path) -> None:
    line = comes(tmp_path, "260302 180 //B1 INV-20170 INV-30990")
    match_lines(bank.entity, **BERT)
    unapply(bank.entity, line, reason="let me see", **BERT)
    assert match_lines(bank.entity, **BERT).proposed == 1
    (shown,) = waiting(bank.entity, most=9).lines
    assert (shown.account, [(share.item, share.account) for share in shown.shares]) == (
        "", [("INV-20170", "MEYER"), ("INV-30990", "SMITH")],
    )  # fmt: skip
    smith = Account.objects.get(code="SMITH")
    assert [row.id for row in cash.lines_of_account(bank.entity.pk, smith.pk).lines] == [line]
    assert len(apply_match(bank.entity, line, **BERT)) == 2
    assert (paid(), payers(bank.entity)) == ({"MEYER": (10_000, 0), "SMITH": (8_000, 0)}, [])
    assert [row.id for row in cash.lines_of_account(bank.entity.pk, smith.pk).lines] == [line]
    assert [row.line for row in money.payments(smith.pk)] == [line, line]


def test_what_is_left_is_of_who_pays_most_or_of_the_sender_who_is_then_known(bank: Town, tmp_path: Path) -> None:
    line = comes(tmp_path, "260302 250 //B1 hello")
    items = ["INV-30990", "INV-20170"]
    apply_to(bank.entity, line, items=items, **BERT)
    assert (paid(), payers(bank.entity)) == ({"MEYER": (17_000, 7_000), "SMITH": (8_000, 0)}, [])
    assert bank_line.left_of(bank.entity.pk, line) == (7_000, "EUR")
    unapply(bank.entity, line, reason="their head office pays", **BERT)
    bank.account("HEAD")
    apply_to(bank.entity, line, account="HEAD", items=items, **BERT)
    assert paid() == {"HEAD": (7_000, 7_000), "MEYER": (10_000, 0), "SMITH": (8_000, 0)}
    assert [(payer.value, payer.account) for payer in payers(bank.entity)] == [(THEIRS, "HEAD")]
    assert [(sums.by_people, sums.by_people_minor) for sums in money.sums(bank.entity.pk, on=day("2026-03-10"))] == [
        (1, 25_000)
    ]


def test_what_a_parent_pays_for_is_one_payment_beside_that_of_another(bank: Town, tmp_path: Path) -> None:
    bank.account("GROUP")
    Account.objects.filter(code="MEYER").update(parent=Account.objects.get(code="GROUP"))
    bank.item("INV-40440", "GROUP", "20.00 EUR", "2026-02-01")
    comes(tmp_path, "260302 200 //B1 INV-20170 INV-30990 INV-40440")
    assert match_lines(bank.entity, **BERT).applied == 1
    assert paid() == {"GROUP": (12_000, 0), "SMITH": (8_000, 0)}


def test_a_small_difference_is_granted_to_each_payer_and_taken_back_with_the_money(bank: Town, tmp_path: Path) -> None:
    line = comes(tmp_path, "260302 179 //B1 INV-20170 INV-30990")
    match_lines(bank.entity, apply=False, **BERT)
    match = BankMatch.objects.get()
    match.parts.all().delete()
    BankMatch.objects.update(account=None, outcome="propose")
    for number, minor in (("INV-20170", 9_950), ("INV-30990", 7_950)):
        match.parts.create(entity=bank.entity, item=bank.get(number), amount_minor=minor, difference_minor=50)
    apply_match(bank.entity, line, **BERT)
    assert (bank.open("INV-20170"), bank.open("INV-30990")) == (0, 0)
    granted = Item.objects.filter(kind="credit").values_list("account__code", "amount_minor", "open_minor")
    assert set(granted) == {("MEYER", 50, 0), ("SMITH", 50, 0)}
    unapply(bank.entity, line, reason="no", **BERT)
    assert (bank.open("INV-20170"), bank.open("INV-30990"), paid()) == (10_000, 8_000, {})


def test_credits_that_leave_a_payer_nothing_to_pay_are_for_a_person_to_tell(bank: Town, tmp_path: Path) -> None:
    line = comes(tmp_path, "260302 90 //B1 hello")
    match_lines(bank.entity, **BERT)
    bank.item("CN-66661", "SMITH", "10.00 EUR", "2026-02-05", kind="credit")
    match = BankMatch.objects.get()
    for number, minor in (("INV-20170", 10_000), ("CN-66661", -1_000)):
        match.parts.create(entity=bank.entity, item=bank.get(number), amount_minor=minor)
    with pytest.raises(Conflict, match=f"line {line} pays nothing of SMITH"):
        apply_match(bank.entity, line, **BERT)
    assert (paid(), bank.open("CN-66661")) == ({}, 1_000)


def test_a_bank_takes_all_payments_of_a_line_back_and_says_it_of_any_of_them(bank: Town, tmp_path: Path) -> None:
    content = mt940(["260302 180 //B1 INV-20170 INV-30990", "260305 -180 //B2 back"], opens=0)
    returned = content.replace("D180,00NTRFNONREF", "D180,00NRTINONREF").replace(":86:back", ":86:109?00RETOURE")
    take(tmp_path, returned)
    match_lines(bank.entity, **BERT)
    (back,) = [each for each in waiting(bank.entity, most=9).lines if each.takes_back]
    assert (back.earlier[0].line, back.earlier[0].accounts) == (line_of(18_000), ("MEYER", "SMITH"))
    _first, second = Payment.objects.order_by("pk").values_list("pk", flat=True)
    told = return_line(bank.entity, back.line, payment=second, **BERT)
    assert (told.of, told.payment, told.accounts) == (line_of(18_000), None, ("MEYER", "SMITH"))
    assert (paid(), bank.open("INV-20170"), bank.open("INV-30990")) == ({}, 10_000, 8_000)
    assert AuditEvent.objects.filter(action="payment.reversed").count() == 2
    assert return_line(bank.entity, back.line, payment=second, **BERT) == told
    assert return_line(bank.entity, back.line, of=line_of(18_000), **BERT) == told
    unreturn(bank.entity, back.line, **BERT)
    assert set(BankLine.objects.values_list("state", flat=True)) == {"open"}


def test_no_payment_of_a_line_is_taken_back_without_the_others(bank: Town, tmp_path: Path) -> None:
    line = comes(tmp_path, "260302 180 //B1 INV-20170 INV-30990")
    match_lines(bank.entity, **BERT)
    payments = set(Payment.objects.values_list("pk", flat=True))
    for payment in payments:
        with pytest.raises(Conflict, match=f"payment {payment} is of bank line {line}"):
            take_back(bank.entity, payment, reason="bounced", on=day("2026-03-10"), **BERT)
        with pytest.raises(Changed):
            unapply_seen(bank.entity, line, payments=[payment], reason="no", **BERT)
    page = bank_line.line(bank.entity.pk, line)
    assert page is not None
    assert [(each.account, each.amount_minor) for each in page.payments] == [("MEYER", 10_000), ("SMITH", 8_000)]
    assert [event.action for event in page.events] == ["payment.received", "payment.received"]
    unapply_seen(bank.entity, line, payments=payments, reason="no", **BERT)
    assert paid() == {}
    page = bank_line.line(bank.entity.pk, line)
    assert page is not None
    assert [event.action for event in page.events] == ["payment.received"] * 2 + ["payment.unapplied"] * 2
