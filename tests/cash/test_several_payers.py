"""Money for items of several payers: certain by what names them all and the amount, and by nothing less."""

from datetime import timedelta

import pytest

from tests.cash.desk import TODAY, Desk, minor


@pytest.fixture
def desk() -> Desk:
    """MEYER and SMITH, who owe 100.00 and 80.00."""
    desk = Desk()
    desk.debtor("MEYER", iban="DE89370400440532013000")
    desk.debtor("SMITH")
    desk.owes("MEYER", "INV-20170", "100.00", discount="2.00", until=TODAY)
    desk.owes("SMITH", "INV-30990", "80.00", discount="1.60", until=TODAY)
    return desk


def advised(meyer: str, smith: str) -> list[dict[str, object]]:
    """The documents of an advice of both invoices, with what is paid of each."""
    amounts = {"INV-20170": minor(meyer), "INV-30990": minor(smith)}
    return [{"number": number, "amount_minor": amount, "is_credit_note": False} for number, amount in amounts.items()]


@pytest.mark.parametrize("iban", [None, "DE89370400440532013000"])
def test_numbers_of_two_payers_that_are_the_amount_are_paid_whoever_sends_it(desk: Desk, iban: str | None) -> None:
    line = desk.comes("180.00", "INV-20170 INV-30990", party_iban=iban)
    result = desk.match()
    assert result.applied(line) == {"INV-20170": 10_000, "INV-30990": 8_000}
    assert (result.of(line)["account_id"], "several_payers" in result.why(line)) == (None, True)


@pytest.mark.parametrize("amount", ["179.99", "180.01", "90.00", "200.00"])
def test_another_amount_is_not_divided_among_payers(desk: Desk, amount: str) -> None:
    line = desk.comes(amount, "INV-20170 INV-30990")
    result = desk.match()
    assert (result.applied(line), "several_payers" in result.why(line)) == ({}, False)


def test_amounts_alone_are_never_divided_among_payers(desk: Desk) -> None:
    line = desk.comes("180.00", "thanks")
    assert desk.match().outcome(line) == "exception"


@pytest.mark.parametrize(("credit", "amount"), [("80.00", "100.00"), ("95.00", "85.00")])
def test_credits_that_leave_a_payer_nothing_to_pay_pay_no_other(desk: Desk, credit: str, amount: str) -> None:
    desk.owes("SMITH", "CN-40440", credit, kind="credit")
    line = desk.comes(amount, "INV-20170 INV-30990 CN-40440")
    assert "several_payers" not in desk.match().why(line)


def test_an_advice_may_take_the_discounts_of_several_payers(desk: Desk) -> None:
    line = desk.comes("176.40", documents=advised("98.00", "78.40"))
    result = desk.match()
    assert result.applied(line) == {"INV-20170": 9_800, "INV-30990": 7_840}
    assert result.paid(line, "discount_minor") == {"INV-20170": 200, "INV-30990": 160}
    assert "several_payers" in result.why(line)


def test_an_advice_of_parts_is_paid_in_parts(desk: Desk) -> None:
    line = desk.comes("110.00", documents=advised("60.00", "50.00"), on=TODAY + timedelta(days=9))
    result = desk.match()
    assert result.applied(line) == {"INV-20170": 6_000, "INV-30990": 5_000}
    assert set(result.paid(line, "discount_minor").values()) == {0}


def test_numbers_alone_take_no_discount_of_several_payers(desk: Desk) -> None:
    line = desk.comes("176.40", "INV-20170 INV-30990")
    assert desk.match().applied(line) == {}
