"""What a person takes back stays so, and what is only proposed waits for one."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import apply_certain, apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import take_back
from dunwell.flows.cash.review import payers, waiting
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.records.models import AuditEvent, BankLine, BankMatch, Item, Payment
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.cash.test_statements import DETAIL, SUM
from tests.flows.town import Town, day
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
THEIRS: Final = "FR7630006000011234567890189"


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and MEYER and SMITH who owe."""
    bank_account(town.entity)
    town.account("MEYER", email="ap@meyer.example")
    town.account("SMITH", email="ap@smith.example")
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-02-05")
    return town


def the_line() -> int:
    """The only line."""
    return BankLine.objects.get().pk


def half_a_euro_short(folder: Path) -> None:
    """99.50 for an invoice of 100.00."""
    short = mt940(["260302 99 //B1 INV-20170"], opens=0)
    take(folder, short.replace("99,00", "99,50").replace("EUR99,", "EUR99,50"))


def test_what_a_person_took_back_is_only_proposed_from_then_on(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    assert match_lines(bank.entity, **BERT).applied == 1
    unapply(bank.entity, the_line(), reason="it was Smith's", **BERT)
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.proposed, report.passed_by, bank.open("INV-20170")) == (0, 1, 0, 10_000)
    (line,) = waiting(bank.entity, most=9).lines
    assert (line.outcome, [share.item for share in line.shares]) == ("propose", ["INV-20170"])
    apply_match(bank.entity, the_line(), **BERT)
    assert bank.open("INV-20170") == 0


def test_a_line_with_a_difference_is_applied_again_after_it_was_taken_back(bank: Town, tmp_path: Path) -> None:
    half_a_euro_short(tmp_path)
    match_lines(bank.entity, **BERT)
    unapply(bank.entity, the_line(), reason="looked wrong", **BERT)
    match_lines(bank.entity, **BERT)
    apply_match(bank.entity, the_line(), **BERT)
    assert bank.open("INV-20170") == 0
    numbers = set(Item.objects.filter(kind="credit").values_list("number", flat=True))
    assert len(numbers) == 2


def test_a_payer_learned_from_a_wrong_line_is_forgotten_with_it(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 hello"], opens=0))
    BankLine.objects.update(party_iban=THEIRS)
    apply_to(bank.entity, the_line(), items=["INV-20170"], **BERT)
    assert [each.account for each in payers(bank.entity)] == ["MEYER"]
    assert AuditEvent.objects.get(action="payer.learned").detail["value"] == THEIRS
    unapply(bank.entity, the_line(), reason="it was Smith's", **BERT)
    assert payers(bank.entity) == []
    assert AuditEvent.objects.get(action="payer.forgotten").subject_label == "MEYER"


def test_who_confirms_a_proposal_teaches_who_pays(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    BankLine.objects.update(party_iban=THEIRS)
    match_lines(bank.entity, **BERT)
    assert payers(bank.entity) == []  # by itself it learns nothing
    unapply(bank.entity, the_line(), reason="to see", **BERT)
    match_lines(bank.entity, **BERT)
    apply_match(bank.entity, the_line(), **BERT)
    assert [(each.value, each.account) for each in payers(bank.entity)] == [(THEIRS, "MEYER")]


def test_a_payment_of_a_bank_line_is_taken_back_there_alone(bank: Town, tmp_path: Path) -> None:
    half_a_euro_short(tmp_path)
    match_lines(bank.entity, **BERT)
    payment = Payment.objects.get().pk
    with pytest.raises(Conflict, match=f"take that back with `dunwell cash unapply {the_line()}`"):
        take_back(bank.entity, payment, reason="bounced", on=day("2026-03-10"), **BERT)
    assert (bank.open("INV-20170"), BankLine.objects.get().state) == (0, "applied")


def test_an_item_that_a_person_names_twice_is_paid_once(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 120 //B1 hello"], opens=0))
    (paid,) = apply_to(bank.entity, the_line(), items=["INV-20170", "INV-20170"], **BERT)
    assert (bank.open("INV-20170"), Item.objects.get(pk=paid.payment_id).open_minor) == (0, 2_000)
    match = BankMatch.objects.get()
    assert (match.applied_minor, match.left_minor, match.parts.count()) == (10_000, 2_000, 1)


def test_a_match_that_is_only_proposed_by_now_is_not_applied_by_itself(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    BankMatch.objects.update(outcome="propose")
    assert apply_certain(bank.entity, [the_line()], **BERT) == set()
    assert bank.open("INV-20170") == 10_000


def test_a_line_that_is_gone_meanwhile_leaves_the_others_to_be_applied(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170", "260302 80 //B2 INV-30990"], opens=0))

    def gone(step: str, done: int = 0, total: int = 0) -> None:
        if step == "applying":
            BankMatch.objects.filter(line__amount_minor=10_000).delete()
            BankLine.objects.filter(amount_minor=10_000).delete()

    report = match_lines(bank.entity, progress=gone, **BERT)
    assert (report.lines, report.applied, report.passed_by, bank.open("INV-30990")) == (2, 1, 1, 0)


def test_what_is_none_of_ours_is_set_aside_until_it_is_looked_at_again(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    set_aside(bank.entity, the_line(), reason="a loan", **BERT)
    assert AuditEvent.objects.get(action="line.set_aside").detail["reason"] == "a loan"
    assert (match_lines(bank.entity, **BERT).lines, waiting(bank.entity, most=9).lines) == (0, ())
    with pytest.raises(Conflict, match="is set aside already"):
        set_aside(bank.entity, the_line(), reason="a loan", **BERT)
    set_aside(bank.entity, the_line(), reason="no loan", back=True, **BERT)
    assert match_lines(bank.entity, **BERT).applied == 1
    with pytest.raises(Conflict, match="is not set aside"):
        set_aside(bank.entity, the_line(), reason="x", back=True, **BERT)
    with pytest.raises(Conflict, match="is applied already"):
        set_aside(bank.entity, the_line(), reason="x", **BERT)
    with pytest.raises(Invalid, match="say why"):
        set_aside(bank.entity, the_line(), reason=" ", **BERT)
    with pytest.raises(NotFound):
        set_aside(bank.entity, 999, reason="x", **BERT)


def test_a_sum_whose_payment_a_person_took_back_gives_way_to_its_details(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, SUM, "statement.xml")
    apply_to(bank.entity, the_line(), account="MEYER", **BERT)
    unapply(bank.entity, the_line(), reason="it is of two", **BERT)
    take(tmp_path, DETAIL, "advice.xml")
    assert (Payment.objects.get().line, BankLine.objects.count()) == (None, 2)
