"""Two lines that want the same item, and lines that are the same."""

from datetime import timedelta
from typing import Any

import pytest

from tests.cash.desk import TODAY, Desk

IBAN = "DE89370400440532013000"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.debtor("Meyer GmbH", iban=IBAN)
    desk.owes("Meyer GmbH", "1000001", "119.37")
    return desk


def test_the_more_certain_line_gets_the_item(desk: Desk) -> None:
    by_amount = desk.comes("119.37", "payment", party_iban=IBAN, on=TODAY - timedelta(days=5))
    by_number = desk.comes("119.37", "1000001", party_iban=IBAN)
    found = desk.match()
    assert found.applied(by_number) == {"1000001": 11937}
    assert (found.step(by_amount), found.outcome(by_amount)) == ("payer_only", "propose")
    assert "taken" in found.why(by_amount)


def test_of_two_as_certain_the_earlier_booked_gets_it_then_the_lower_id(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000002", "55.55")
    later = desk.comes("119.37", "1000001 second", party_iban=IBAN)
    earlier = desk.comes("119.37", "1000001 first", party_iban=IBAN, on=TODAY - timedelta(days=1))
    same_day = [desk.comes("55.55", f"1000002 {n}", party_iban=IBAN) for n in range(2)]
    found = desk.match()
    assert found.applied(earlier) == {"1000001": 11937}
    assert found.applied(later) == {}
    assert [found.applied(line) for line in same_day] == [{"1000002": 5555}, {}]


def test_an_invoice_paid_twice_is_paid_once_and_the_rest_is_the_payers(desk: Desk) -> None:
    first, second = (desk.comes("119.37", "1000001", of="Somebody else") for _ in range(2))
    found = desk.match()
    assert found.applied(first) == {"1000001": 11937}
    assert found.outcome(second) != "apply"
    assert found.of(second)["account_id"] == 1
    assert found.of(second)["left_minor"] == 11937


def test_the_same_part_payment_twice_may_be_one_payment_told_twice(desk: Desk) -> None:
    first, second = (desk.comes("50.00", "1000001", party_iban=IBAN) for _ in range(2))
    found = desk.match()
    assert found.applied(first) == {"1000001": 5000}
    assert found.outcome(second) == "propose"
    assert "twice" in found.why(second)


def test_two_part_payments_that_differ_are_both_applied(desk: Desk) -> None:
    first = desk.comes("50.00", "1000001 1st", party_iban=IBAN)
    second = desk.comes("60.00", "1000001 2nd", party_iban=IBAN)
    found = desk.match()
    assert found.applied(first) == {"1000001": 5000}
    assert found.applied(second) == {"1000001": 6000}


def test_what_is_left_after_others_proves_nothing_by_its_amount(desk: Desk) -> None:
    """The second of two equal items is left over only because the first was taken: which was meant nobody knows."""
    desk.owes("Meyer GmbH", "1000002", "119.37")
    first = desk.comes("119.37", "payment of January", party_iban=IBAN)
    second = desk.comes("119.37", "payment of February", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(first) == "propose"
    assert found.outcome(second) == "propose"
    assert {*found.paid(first), *found.paid(second)} == {"1000001", "1000002"}


def test_of_two_equal_items_the_one_that_nobody_named_is_meant(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000002", "119.37")
    named = desk.comes("119.37", "1000001", party_iban=IBAN)
    silent = desk.comes("119.37", "payment of February", party_iban=IBAN)
    found = desk.match()
    assert found.applied(named) == {"1000001": 11937}
    assert found.applied(silent) == {"1000002": 11937}


def test_what_a_proposal_takes_makes_no_other_line_certain(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "INV-20173", "47.00", discount="1.41", until=TODAY - timedelta(days=20))
    desk.owes("Meyer GmbH", "INV-20174", "100.00")
    late = desk.comes("45.59", "INV-20173", party_iban=IBAN, on=TODAY - timedelta(days=1))
    both = desk.comes("120.00", "INV-20173 INV-20174", party_iban=IBAN)
    found = desk.match()
    assert [found.outcome(line) for line in (late, both)] == ["propose", "propose"]


def test_a_line_whose_item_another_named_is_not_applied_to_others_that_add_up(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "N2", "19.36")
    desk.owes("Meyer GmbH", "N3", "100.01")
    desk.comes("119.37", "1000001", party_iban=IBAN)
    silent = desk.comes("119.37", "payment of February", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(silent) == "propose"
    assert "taken" in found.why(silent)


@pytest.mark.parametrize(
    ("days", "first", "then", "outcome"),
    [
        (5, {"text": "thanks"}, {"text": "thanks"}, "propose"),
        (-1, {"text": "thanks"}, {"text": "thanks"}, "propose"),
        (7, {"text": "thanks"}, {"text": "thanks"}, "apply"),
        (20, {"text": "thanks", "end_to_end_ref": "A1"}, {"text": "thanks", "end_to_end_ref": "A1"}, "propose"),
        (20, {"text": "SVWZ+thanks", "end_to_end_ref": "A1"}, {"end_to_end_ref": "A1"}, "propose"),
        (28, {"text": "thanks", "end_to_end_ref": "A1"}, {"text": "thanks", "end_to_end_ref": "A1"}, "apply"),
        (1, {"text": "thanks", "end_to_end_ref": "A1"}, {"text": "thanks", "end_to_end_ref": "A2"}, "apply"),
        (1, {"text": "1000000", "end_to_end_ref": "A1"}, {"text": "1000001", "end_to_end_ref": "A1"}, "apply"),
    ],
)
def test_a_line_that_repeats_one_that_is_applied_already_is_only_proposed(
    desk: Desk, days: int, first: dict[str, Any], then: dict[str, Any], outcome: str
) -> None:
    desk.is_applied(desk.comes("119.37", party_iban=IBAN, on=TODAY - timedelta(days=days), **first))
    line = desk.comes("119.37", party_iban=IBAN, **then)
    found = desk.match()
    assert (found.outcome(line), "twice" in found.why(line)) == (outcome, outcome == "propose")


def test_a_standing_order_pays_every_month_though_all_lines_come_at_once(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000002", "50.00")
    lines = [desk.comes("50.00", "1000002", party_iban=IBAN, on=TODAY - timedelta(days=n)) for n in (30, 0)]
    desk.items[1]["open_minor"] = 10_000
    found = desk.match()
    assert [found.applied(line) for line in lines] == [{"1000002": 5_000}] * 2
