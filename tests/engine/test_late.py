"""Money of a day that bore interest already: who is asked about it, and who is not."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from dunwell.engine.consequences import late
from tests.engine.test_appropriation import INTEREST, A, B, charge
from tests.engine.town import D, Town


def bearing(until: date = D[9]) -> Town:
    """An invoice with interest charged until a day, and one without."""
    town = charge(Town().invoice(A, 100_00).invoice(B, 50_00), INTEREST, 1_00, "interest", first=False)
    town.book = town.book.merged({"charges": pl.DataFrame({"charge_item_id": [INTEREST], "until_on": [until]})})
    return town


def asked(town: Town) -> list[tuple[str, int | None]]:
    """The tasks of what happened last, and their items."""
    return [(task.task, task.item_id) for effect in town.effects for task in effect.tasks]


@pytest.mark.parametrize(
    "act",
    [
        lambda town: town.pay(50, 30_00, A),
        lambda town: town.pay(50, 130_00, B, A),
        lambda town: town.pay(50, 30_00).allocate(50, A, 30_00),
        lambda town: town.pay(50, 30_00, A, pending=True).pay(50, 30_00),
        lambda town: town.invoice(3, 20_00, kind="credit", applies_to=[(3, A)]),
    ],
)
def test_whatever_money_comes_a_person_is_asked_once(act: Callable[[Town], Town]) -> None:
    assert asked(act(bearing())) == [(late.TASK, A)]


@pytest.mark.parametrize(
    "act",
    [
        lambda town: town.pay(50, 30_00, B),
        lambda town: town.pay(50, 30_00),
        lambda town: town.pay(50, 30_00, INTEREST),
        lambda town: town.pay(50, 30_00, A, pending=True),
        lambda town: town.pay(50, 30_00, A, on=D[9]),  # it bears none from the next day on
        lambda town: town.invoice(3, 20_00, kind="credit"),
    ],
)
def test_what_bore_no_interest_too_much_is_nobodys_work(act: Callable[[Town], Town]) -> None:
    assert asked(act(bearing())) == []


def test_interest_that_was_taken_back_is_not_asked_about() -> None:
    town = bearing()
    town.book = town.book.merged({"charges": pl.DataFrame({"charge_item_id": [INTEREST], "reversed_on": [D[2]]})})
    assert asked(town.pay(50, 30_00, A)) == []


def test_days_are_named_from_the_one_after_the_payment() -> None:
    (task,) = (task for effect in bearing().pay(50, 30_00, A).effects for task in effect.tasks)
    assert task.detail.startswith(f"30.00 EUR was paid on {D[2]}, and interest on it is charged from {D[3]} to {D[9]}:")
