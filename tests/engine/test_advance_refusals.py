"""What no event may say, and that it is refused in our words."""

from dataclasses import replace
from typing import Any

import pytest

from dunwell.engine.book import BookError
from dunwell.engine.events import Allocated, Disputed, Event, Held, Paid, Released, Resolved, Reversed
from tests.engine.town import CHILD, D, Town, promise


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Released(on=D[1], hold_id=7), "there is no hold 7 in the book"),
        (Resolved(on=D[1], dispute_id=7), "there is no dispute 7 in the book"),
        (Disputed(on=D[1], dispute_id=1, item_id=7), "one of the items named is not of this payer"),
        (Reversed(on=D[1], item_id=7), "one of the items named is not of this payer"),
        (
            Allocated(on=D[1], source_item_id=7, item_id=8, amount_minor=1),
            "one of the items named is not of this payer",
        ),
        (Held(on=D[1], hold_id=1), "a hold is on an account or on an item"),
        (Held(on=D[1], hold_id=1, account_id=CHILD, item_id=1), "a hold is on an account or on an item"),
        (Held(on=D[1], hold_id=1, account_id=7), "the account named is not in the book"),
        (Held(on=D[1], hold_id=1, item_id=7), "one of the items named is not of this payer"),
        (promise(1, 1_00, account=7), "the account named is not in the book"),
        (promise(1, 1_00, 7), "one of the items named is not of this payer"),
    ],
)
def test_what_is_not_in_the_book_is_refused(event: Event, message: str) -> None:
    with pytest.raises(BookError) as caught:
        Town().let(event)
    assert str(caught.value) == message


@pytest.mark.parametrize("amount_minor", [0, -5_00, 10**12 + 1])
@pytest.mark.parametrize("what", ["dispute", "promise", "payment"])
def test_an_amount_that_is_none_or_beyond_the_bound_is_refused(what: str, amount_minor: int) -> None:
    town = Town().invoice(1, 100_00)
    events: dict[str, Event] = {
        "dispute": Disputed(on=D[1], dispute_id=1, item_id=1, amount_minor=amount_minor),
        "promise": promise(1, amount_minor),
        "payment": Paid(on=D[1], item_id=2, account_id=CHILD, entity_id=1, currency="EUR", amount_minor=amount_minor),
    }
    with pytest.raises(BookError) as caught:
        town.let(events[what])
    shown = f"{amount_minor / 100:.2f} EUR"
    assert str(caught.value) == f"a {what} is of more than 0 and at most 10000000000.00 EUR, not of {shown}"


def test_a_promise_in_no_currency_is_refused() -> None:
    with pytest.raises(BookError) as caught:
        Town().let(replace(promise(1, 5_00), currency="EURO"))
    assert str(caught.value) == "a promise: 'EURO' is not a currency in use (ISO 4217); did you mean 'EUR'?"


def test_a_promise_that_names_an_item_twice_is_refused() -> None:
    with pytest.raises(BookError) as caught:
        Town().invoice(1, 100_00).invoice(2, 100_00).let(promise(1, 5_00, 1, 2, 1))
    assert str(caught.value) == "a promise names A-1 twice"


def untouched(town: Town, event: Event) -> bool:
    """Whether an event that makes no sense is refused, or changes nothing that is open."""
    before = town.book.items.sort("item_id")["open_minor"].to_list()
    try:
        town.let(event)
    except BookError:
        return True
    return town.book.items.sort("item_id")["open_minor"].to_list() == before


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(Allocated(on=D[3], source_item_id=1, item_id=2, amount_minor=10_00), id="an invoice pays another"),
        pytest.param(Allocated(on=D[3], source_item_id=1, item_id=1, amount_minor=10_00), id="an invoice pays itself"),
        pytest.param(Allocated(on=D[3], source_item_id=4, item_id=1, amount_minor=10_00), id="dollars pay euros"),
        pytest.param(
            Allocated(on=D[3], source_item_id=3, item_id=4, amount_minor=10_00), id="a payment pays a payment"
        ),
        pytest.param(Reversed(on=D[3], item_id=1), id="an invoice is charged back"),
    ],
)
def test_money_goes_from_credits_to_claims_of_its_currency(event: Event) -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00).pay(3, 50_00).pay(4, 50_00, currency="USD")
    assert untouched(town, event)


def test_a_payment_that_is_told_twice_is_refused_the_second_time() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1)
    with pytest.raises(BookError, match="the payment 3 is in the book already"):
        town.pay(3, 60_00, 1)
    assert town.open(1, 3) == [40_00, 0]


@pytest.mark.parametrize("given", [{"amount_minor": -5_00}, {"amount_minor": 5_00, "currency": "EURO"}])
def test_a_payment_that_is_none_is_refused_in_our_words(given: dict[str, Any]) -> None:
    amount_minor = given.pop("amount_minor")
    with pytest.raises(BookError, match="payment"):
        Town().pay(3, amount_minor, **given)
