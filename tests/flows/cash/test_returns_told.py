"""What is done with a return is what was shown of it, and within what a return can be; a return may be reversed."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash import returning, taking_back
from dunwell.flows.cash.applying import apply_to, set_aside
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay
from dunwell.flows.cash.returning import return_line, unreturn
from dunwell.flows.cash.review import Waiting, waiting
from dunwell.flows.errors import Conflict, Invalid
from dunwell.records.models import BankLine, Task
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import THEIRS, back, book, came, line_of, reversed_debit, states
from tests.flows.town import Town, day

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
PAID: Final = came("100.00", "2026-03-02", "INV-20170", ref="E2E-17")
RETURNED: Final = back("100.00", "2026-03-05", ref="E2E-17")
PARTY: Final = f"<RltdPties><Dbtr><Nm>X</Nm></Dbtr><DbtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></DbtrAcct></RltdPties>"


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and MEYER who owes."""
    bank_account(town.entity)
    town.account("MEYER")
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    return town


def reversal(bank: Town, folder: Path) -> int:
    """The bank reverses its return of 100.00: its line."""
    book(folder, reversed_debit("100.00", "2026-03-07", ref="E2E-17"), name="reversal.xml")
    match_lines(bank.entity, **BERT)
    return BankLine.objects.get(is_reversal=True).pk


def shown(bank: Town) -> list[Waiting]:
    """The returns that wait."""
    return [line for line in waiting(bank.entity, most=9).lines if line.takes_back]


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_done_is_what_was_shown(bank: Town, tmp_path: Path, which: int) -> None:
    book(
        tmp_path, came("50.00", "2026-03-01", "A", ref="E2E-1"), came("50.00", "2026-03-02", "B", ref="E2E-2"),
        back("50.00", "2026-03-04", ref="NOTPROVIDED", more=PARTY),
        back("50.00", "2026-03-05", ref="NOTPROVIDED", more=PARTY),
    )  # fmt: skip
    match_lines(bank.entity, **BERT)
    line = shown(bank)[which]
    assert line.of is not None
    assert return_line(bank.entity, line.line, **BERT).of == line.of


def test_no_return_is_of_far_more_than_had_come(bank: Town, tmp_path: Path) -> None:
    book(
        tmp_path, came("1.00", "2026-03-02", "x", ref="E2E-1"), back("90000.00", "2026-03-05", ref="OTHER"),
        came("2.00", "2026-03-02", "x", ref="E2E-2"), back("4.00", "2026-03-05", ref="ANOTHER"),
    )  # fmt: skip
    noted = pay(bank.entity, "MEYER", amount="1.00", on=day("2026-03-01"), **BERT)
    taking = line_of(-9_000_000)
    with pytest.raises(Invalid, match=r"is 90,?000\.00 EUR, and line \d+ 1\.00 EUR: more than twice as much"):
        return_line(bank.entity, taking, of=line_of(100), **BERT)
    with pytest.raises(Invalid, match=r"and payment \d+ 1\.00 EUR: more than twice as much"):
        return_line(bank.entity, taking, payment=noted, **BERT)
    assert return_line(bank.entity, line_of(-400), of=line_of(200), **BERT).over_minor == 200


def test_a_return_that_is_reversed_lets_the_money_pay_again(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    match_lines(bank.entity, **BERT)
    third = reversal(bank, tmp_path)
    (line,) = shown(bank)
    assert (line.line, line.outcome, line.of) == (third, "propose", line_of(-10_000))
    told = return_line(bank.entity, third, **BERT)
    paid = BankLine.objects.get(amount_minor=10_000, is_reversal=False)
    assert (told.of, told.waits, told.over_minor) == (line_of(-10_000), paid.pk, 0)
    assert states() == [(10_000, "open"), (-10_000, "returned"), (10_000, "returned")]
    assert match_lines(bank.entity, **BERT).applied == 1  # by itself: no person said that it was not so
    assert bank.open("INV-20170") == 0


def test_a_reversed_return_that_was_reversed_after_all_waits_as_a_return(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    match_lines(bank.entity, **BERT)
    third = reversal(bank, tmp_path)
    return_line(bank.entity, third, of=line_of(-10_000), **BERT)
    with pytest.raises(Conflict, match=r"was taken back by line \d+ already|is taken back"):
        return_line(bank.entity, line_of(-10_000), **BERT)
    assert unreturn(bank.entity, third, **BERT).lines == (third, line_of(-10_000))
    paid = BankLine.objects.get(amount_minor=10_000, is_reversal=False).pk
    assert return_line(bank.entity, line_of(-10_000), **BERT).of == paid
    assert states() == [(10_000, "returned"), (-10_000, "returned"), (10_000, "open")]


def test_what_was_set_aside_before_its_return_is_so_after_the_reversal(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    set_aside(bank.entity, line_of(10_000), reason="none of ours", **BERT)
    match_lines(bank.entity, **BERT)
    told = return_line(bank.entity, reversal(bank, tmp_path), **BERT)
    assert (told.waits, states()) == (None, [(10_000, "set_aside"), (-10_000, "returned"), (10_000, "returned")])


def test_a_payment_without_a_line_has_to_be_noted_again_after_a_reversal(bank: Town, tmp_path: Path) -> None:
    number = pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-01"), **BERT)
    book(tmp_path, RETURNED)
    return_line(bank.entity, line_of(-10_000), payment=number, **BERT)
    told = return_line(bank.entity, reversal(bank, tmp_path), **BERT)
    assert (told.note_again, told.waits, states()) == (number, None, [(-10_000, "returned"), (10_000, "returned")])
    pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-01"), **BERT)
    assert bank.open("INV-20170") == 0


def test_only_a_reversal_takes_a_return_back(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED, back("100.00", "2026-03-06", ref="OTHER"))
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    match_lines(bank.entity, **BERT)
    second = BankLine.objects.get(booked_on=day("2026-03-06")).pk
    with pytest.raises(Conflict, match=r"was taken back by line \d+ already"):
        return_line(bank.entity, second, of=line_of(10_000), **BERT)


def open_tasks() -> list[tuple[int | None, str]]:
    """The lines that people are asked about, and what is said of them."""
    return list(Task.objects.filter(kind="bank_line", closed_at=None).order_by("line").values_list("line", "detail"))


def test_a_return_that_waits_is_a_task_until_it_is_dealt_with(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, back("100.00", "2026-03-05", ref="NOTPROVIDED", more=PARTY))
    for _again in range(2):
        assert match_lines(bank.entity, **BERT).returns_waiting == 1
    paid, taking = line_of(10_000), line_of(-10_000)
    ((line, detail),) = open_tasks()
    assert line == taking
    assert detail.startswith(f"bank line {taking}: the bank took 100.00 EUR back on 2026-03-05")
    assert f"; perhaps line {paid}, 100.00 EUR on 2026-03-02 of Meyer GmbH" in detail
    assert detail.endswith("(85.0 %: iban,amount)")
    match_lines(bank.entity, **BERT)
    assert "of Meyer GmbH to MEYER (85.0 %" in open_tasks()[0][1]
    return_line(bank.entity, taking, **BERT)
    assert open_tasks() == []
    unreturn(bank.entity, taking, **BERT)
    match_lines(bank.entity, **BERT)
    assert [line for line, _detail in open_tasks()] == [taking]
    set_aside(bank.entity, taking, reason="a mistake of the bank", **BERT)
    match_lines(bank.entity, **BERT)
    assert open_tasks() == []


def test_a_return_that_nobody_knows_is_a_task_and_a_certain_one_is_none(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED, back("77.00", "2026-03-05", ref="OTHER"))
    match_lines(bank.entity, apply=False, **BERT)
    assert len(open_tasks()) == 2
    assert match_lines(bank.entity, **BERT).returned == 1
    ((line, detail),) = open_tasks()
    assert (line, "perhaps" in detail) == (line_of(-7_700), False)


def test_who_is_faster_is_not_asked(bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book(tmp_path, back("77.00", "2026-03-05", ref="OTHER"))

    def meanwhile(*given: Any) -> object:
        found = taking_back.found_for(*given)
        set_aside(bank.entity, line_of(-7_700), reason="known", **BERT)
        return found

    monkeypatch.setattr(returning, "found_for", meanwhile)
    match_lines(bank.entity, **BERT)
    assert open_tasks() == []
