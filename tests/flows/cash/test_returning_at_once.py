"""Two of us at the same line at once: it is applied or taken back, never both, and nothing is lost."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import apply_to
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.cash.returning import return_line, unreturn
from dunwell.flows.errors import Conflict
from dunwell.records.models import AuditEvent, BankLine, BankMatch, Payment
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import back, book, came, line_of, states
from tests.flows.runs.test_two_at_once import at_once, busy_town, entity_locked, wait_for_waiters
from tests.flows.town import Town, day

__all__ = ["busy_town"]
BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
ANNA: Final[dict[str, Any]] = {"by": "anna", "at": AT}
GONE: Final = [(10_000, "returned"), (-10_000, "returned")]


@pytest.fixture
def bank(busy_town: Town, tmp_path: Path) -> Town:
    """A line of MEYER's money, and one that takes it back."""
    bank_account(busy_town.entity)
    busy_town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    paid = came("100.00", "2026-03-02", "INV-20170", ref="E2E-17")
    book(tmp_path, paid, back("100.00", "2026-03-05", ref="E2E-17"))
    return busy_town


@pytest.mark.parametrize("_again", range(3))
def test_a_line_that_one_applies_while_another_takes_it_back_pays_nothing(bank: Town, _again: int) -> None:
    paid, taking = line_of(10_000), line_of(-10_000)
    results = at_once(
        lambda: apply_to(bank.entity, paid, items=["INV-20170"], **BERT),
        lambda: return_line(bank.entity, taking, of=paid, **ANNA),
    )
    refused = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(each, Conflict) and "is returned already" in str(each) for each in refused)
    assert (states(), bank.open("INV-20170")) == (GONE, 10_000)
    assert not BankMatch.objects.exists()
    assert not Payment.objects.filter(state="received").exists()
    assert AuditEvent.objects.filter(action="payment.reversed").count() == 1 - len(refused)


def test_an_application_under_way_is_taken_back_when_it_is_done(bank: Town, postgresql: str) -> None:
    """Both wait for somebody who holds the entity: the applying one has the line, and comes first."""
    paid, taking = line_of(10_000), line_of(-10_000)
    with entity_locked(postgresql, bank) as other:

        def let_go() -> None:
            wait_for_waiters(postgresql, 2)
            other.rollback()

        def after() -> object:
            wait_for_waiters(postgresql, 1)
            return return_line(bank.entity, taking, of=paid, **ANNA)

        applied, returned, _free = at_once(
            lambda: apply_to(bank.entity, paid, items=["INV-20170"], **BERT), after, let_go
        )
    assert isinstance(applied, list)
    assert not isinstance(returned, Exception), returned
    assert (states(), bank.open("INV-20170")) == (GONE, 10_000)
    assert Payment.objects.get(pk=applied[0].payment_id).state == "reversed"


def test_one_line_is_taken_back_by_one_of_two(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, back("100.00", "2026-03-06", ref="E2E-17"), name="more.xml")
    paid = line_of(10_000)
    takers = list(BankLine.objects.filter(amount_minor=-10_000).order_by("pk").values_list("pk", flat=True))
    results = at_once(*[lambda pk=pk: return_line(bank.entity, pk, of=paid, **BERT) for pk in takers])
    (refused,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refused, Conflict)
    assert "was taken back by line" in str(refused)
    assert sorted(state for _minor, state in states()) == ["open", "returned", "returned"]


def test_one_payment_is_taken_back_by_one_of_two(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, back("100.00", "2026-03-06", ref="OTHER"), name="more.xml")
    number = pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-01"), **BERT)
    takers = list(BankLine.objects.filter(amount_minor=-10_000).values_list("pk", flat=True))
    results = at_once(*[lambda pk=pk: return_line(bank.entity, pk, payment=number, **BERT) for pk in takers])
    (refused,) = [result for result in results if isinstance(result, Exception)]
    assert "has been taken back" in str(refused)
    assert (bank.open("INV-20170"), BankLine.objects.filter(state="returned").count()) == (10_000, 1)


def test_a_payment_is_taken_back_by_its_bank_or_by_one_of_two_people(
    bank: Town, postgresql: str, tmp_path: Path
) -> None:
    """All three wait for somebody who holds the entity, or for each other: one has it, and the others hear of it."""
    book(tmp_path, back("100.00", "2026-03-06", ref="OTHER"), name="more.xml")
    number = pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-01"), **BERT)
    taking = BankLine.objects.get(end_to_end_ref="OTHER").pk
    with entity_locked(postgresql, bank) as other:

        def let_go() -> None:
            wait_for_waiters(postgresql, 3)
            other.rollback()

        def by_a_person() -> None:
            take_back(bank.entity, number, reason="bounced", on=day("2026-03-06"), **ANNA)

        results = at_once(
            by_a_person, by_a_person, lambda: return_line(bank.entity, taking, payment=number, **BERT), let_go
        )
    refused = [result for result in results if isinstance(result, Exception)]
    assert [str(each) for each in refused] == [f"payment {number} has been taken back"] * 2
    assert (bank.open("INV-20170"), AuditEvent.objects.filter(action="payment.reversed").count()) == (10_000, 1)


def test_two_matchings_and_a_person_at_once_take_each_line_back_once(bank: Town) -> None:
    taking = line_of(-10_000)
    results = at_once(
        lambda: match_lines(bank.entity, **BERT),
        lambda: match_lines(bank.entity, **ANNA),
        lambda: return_line(bank.entity, taking, **ANNA),
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert (states(), bank.open("INV-20170")) == (GONE, 10_000)
    assert AuditEvent.objects.filter(action="line.returned").count() == 1


def test_a_return_that_two_undo_is_undone_once(bank: Town) -> None:
    paid, taking = line_of(10_000), line_of(-10_000)
    return_line(bank.entity, taking, of=paid, **BERT)
    results = at_once(lambda: unreturn(bank.entity, taking, **BERT), lambda: unreturn(bank.entity, paid, **ANNA))
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert states() == [(10_000, "open"), (-10_000, "open")]
