"""Money that names something open is for nothing else only because the amount is the same."""

from datetime import timedelta
from typing import Any

import pytest

from tests.cash.desk import TODAY, Desk

THEIRS = "FR7630006000011234567890189"


@pytest.fixture
def desk() -> Desk:
    """MEYER owes INV-20170, all of it, and two of which a part is open; others owe, too."""
    made = Desk()
    made.debtor("Meyer GmbH", iban=THEIRS)
    made.debtor("Smith Ltd")
    made.owes("Meyer GmbH", "INV-20170", "100.00")
    made.owes("Meyer GmbH", "INV-20180", "50.00", reference="RF18539007547034")
    made.owes("Meyer GmbH", "INV-20190", "130.00")
    made.owes("Smith Ltd", "INV-30180", "70.00", reference="RF59539007547033")
    return made


@pytest.mark.parametrize(
    "said",
    [
        {"text": "INV-20180"},
        {"text": "RF18 5390 0754 7034"},
        {"text": "INV-20180 INV-20190"},
        {"text": "our advice", "documents": [{"number": "20180", "amount_minor": 10_000, "is_credit_note": False}]},
        {"reference": "RF59539007547033"},
    ],
    ids=["a number", "a reference", "two numbers", "an advice", "a reference of another's"],
)
@pytest.mark.parametrize("sign", [{"party_iban": THEIRS}, {"of": "Meyer GmbH"}])
def test_money_that_names_one_invoice_is_only_proposed_for_another(
    desk: Desk, said: dict[str, Any], sign: dict[str, Any]
) -> None:
    line = desk.comes("100.00", **said, **sign)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert found.why(line) & {"rival", "named_other"}


def test_so_is_money_that_takes_a_discount_off_what_it_names_too_late(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "INV-20200", "103.00", discount="3.00", until=TODAY - timedelta(days=10))
    line = desk.comes("100.00", "INV-20200", party_iban=THEIRS)
    assert desk.match().outcome(line) == "propose"


@pytest.mark.parametrize("by_advice", [True, False])
def test_an_invoice_in_another_currency_is_named_all_the_same(desk: Desk, *, by_advice: bool) -> None:
    desk.owes("Meyer GmbH", "INV-20200", "110.00", currency="USD")
    told = [{"number": "INV-20200", "amount_minor": 10_000, "is_credit_note": False}]
    line = desk.comes("100.00", "" if by_advice else "INV-20200", party_iban=THEIRS, documents=told * by_advice)
    found = desk.match()
    assert (found.outcome(line), "named_other" in found.why(line)) == ("propose", True)


def test_of_two_with_one_number_that_of_the_currency_of_the_line_is_meant(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "20200", "44.00")
    desk.owes("Meyer GmbH", "INV-20200", "110.00", currency="USD")
    line = desk.comes("44.00", "INV-20200", party_iban=THEIRS)
    assert desk.match().applied(line) == {"20200": 4_400}


def test_what_is_named_is_paid_where_nothing_else_has_the_amount(desk: Desk) -> None:
    line = desk.comes("99.00", "INV-20180", party_iban=THEIRS)
    assert desk.match().applied(line) == {"INV-20180": 5_000}


def test_a_number_of_another_debtor_may_be_of_an_order(desk: Desk) -> None:
    line = desk.comes("100.00", "order 30180", party_iban=THEIRS)
    assert desk.match().applied(line) == {"INV-20170": 10_000}


def test_a_number_that_is_cut_off_beside_a_whole_one_is_not_certain(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "INV-7720210", "104.00")
    line = desk.comes("104.00", "INV-20180, INV-77202", party_iban=THEIRS)
    found = desk.match()
    assert (found.outcome(line), "rival" in found.why(line)) == ("propose", True)
