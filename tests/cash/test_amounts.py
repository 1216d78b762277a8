"""One item by its amount, and what explains that less or more came."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.cash.desk import TODAY, Desk, minor

IBAN = "DE89370400440532013000"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.debtor("Meyer GmbH", iban=IBAN)
    desk.owes("Meyer GmbH", "1000001", "119.37", discount="2.39", until=TODAY)
    desk.owes("Meyer GmbH", "1000002", "2500.11")
    desk.owes("Meyer GmbH", "1000003", "777.77")
    return desk


def test_a_known_payer_and_one_item_of_that_amount(desk: Desk) -> None:
    line = desk.comes("777.77", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"1000003": 77777}
    assert found.step(line) == "one_item"


def test_two_items_of_the_amount_are_for_a_person_the_oldest_first(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000004", "777.77")
    line = desk.comes("777.77", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert found.paid(line) == {"1000003": 77777}
    assert found.guesses(line)[:2] == [["1000003"], ["1000004"]]


def test_a_number_tells_two_items_of_the_amount_apart(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000004", "777.77")
    line = desk.comes("777.77", "1000004", party_iban=IBAN)
    assert desk.match().applied(line) == {"1000004": 77777}


def test_an_item_of_another_currency_is_not_paid(desk: Desk) -> None:
    line = desk.comes("777.77", "1000003", party_iban=IBAN, currency="USD")
    found = desk.match()
    assert found.paid(line) == {}
    assert found.step(line) == "payer_only"


@pytest.mark.parametrize("text", ["1000001", "payment"])
@pytest.mark.parametrize(("late", "step"), [(0, "discount"), (3, "discount"), (4, None)])
def test_a_discount_is_granted_until_its_last_day_and_the_days_of_grace(
    desk: Desk, text: str, late: int, step: str | None
) -> None:
    line = desk.comes("116.98", text, party_iban=IBAN, on=TODAY + timedelta(days=late))
    found = desk.match(discount_grace_days=3)
    if step:
        assert found.step(line) == step
        assert found.applied(line) == {"1000001": 11698}
        assert found.paid(line, "discount_minor") == {"1000001": 239}
    else:
        assert found.outcome(line) == "propose"
        assert set(found.paid(line, "discount_minor").values()) <= {0}


def test_a_discount_that_the_payer_rounded_otherwise_is_the_payers(desk: Desk) -> None:
    line = desk.comes("116.99", "1000001", party_iban=IBAN)
    found = desk.match()
    assert found.paid(line, "discount_minor") == {"1000001": 238}
    assert found.applied(line) == {"1000001": 11699}


def test_an_advice_of_what_is_left_after_the_discount_takes_it(desk: Desk) -> None:
    advice = [{"number": "1000001", "amount_minor": 11698, "is_credit_note": False}]
    line = desk.comes("116.98", documents=advice, party_iban=IBAN)
    assert desk.match().paid(line, "discount_minor") == {"1000001": 239}


@pytest.mark.parametrize(
    ("amount", "given"),
    [
        ("47.61", {}),  # less by the discount of the whole invoice
        ("49.50", {}),
        ("45.00", {"charges_minor": 500}),
        ("45.00", {"instructed_minor": 5000, "instructed_currency": "EUR"}),
    ],
)
def test_nothing_is_granted_on_an_invoice_that_stays_open(desk: Desk, amount: str, given: dict[str, Any]) -> None:
    advice = [{"number": "1000001", "amount_minor": 5000, "is_credit_note": False}]
    parts = [desk.comes(amount, f"part {n}", documents=advice, party_iban=IBAN, **given) for n in (1, 2)]
    found = desk.match()
    for part in parts:
        assert found.applied(part) == {"1000001": minor(amount)}
        assert {found.paid(part, f"{gap}_minor")["1000001"] for gap in ("discount", "charges", "difference")} == {0}


def test_what_is_granted_beside_a_part_is_off_the_invoice_that_is_paid_whole(desk: Desk) -> None:
    advised = {"1000001": 11937, "1000003": 20000}
    advice = [{"number": number, "amount_minor": paid, "is_credit_note": False} for number, paid in advised.items()]
    line = desk.comes("318.87", documents=advice, party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"1000001": 11887, "1000003": 20000}
    assert found.paid(line, "difference_minor") == {"1000001": 50, "1000003": 0}


def test_a_cent_short_of_a_named_invoice_is_a_difference(desk: Desk) -> None:
    line = desk.comes("777.00", "1000003")
    found = desk.match(tolerances={"EUR": 100})
    assert found.step(line) == "short"
    assert found.applied(line) == {"1000003": 77700}
    assert found.paid(line, "difference_minor") == {"1000003": 77}


def test_more_than_the_tolerance_is_a_part_payment_and_the_rest_stays_open(desk: Desk) -> None:
    line = desk.comes("700.00", "1000003", party_iban=IBAN)
    found = desk.match(tolerances={"EUR": 100})
    assert found.applied(line) == {"1000003": 70000}
    assert found.paid(line, "difference_minor") == {"1000003": 0}
    assert "part" in found.why(line)


@pytest.mark.parametrize("bounds", [{"tolerances": {"EUR": 90_000}}, {"charges_at_most": {"EUR": 90_000}}])
@pytest.mark.parametrize(("amount", "granted"), [("701.00", 7677), ("699.00", 0), ("150.00", 0)])
def test_however_wide_a_bound_is_no_more_than_a_tenth_is_granted(
    desk: Desk, bounds: dict[str, dict[str, int]], amount: str, granted: int
) -> None:
    line = desk.comes(amount, "1000003", party_iban=IBAN)
    found = desk.match(**bounds)
    told = found.paid(line, "difference_minor"), found.paid(line, "charges_minor")
    assert sum(each["1000003"] for each in told) == granted
    silent = desk.comes(amount, "payment", party_iban=IBAN)
    desk.lines = [each for each in desk.lines if each["line_id"] == silent]
    again = desk.match(**bounds)
    told = again.paid(silent, "difference_minor"), again.paid(silent, "charges_minor")
    assert sum(each.get("1000003", 0) for each in told) == granted


def test_a_currency_without_a_tolerance_has_none(desk: Desk) -> None:
    line = desk.comes("777.76", "payment", party_iban=IBAN)
    assert desk.match(tolerances={"USD": 100}).applied(line) == {}


def test_a_small_difference_needs_no_number_where_few_items_could_be_meant(desk: Desk) -> None:
    line = desk.comes("777.00", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"1000003": 77700}
    assert found.paid(line, "difference_minor") == {"1000003": 77}


def test_among_many_small_items_a_small_difference_is_met_by_chance(desk: Desk) -> None:
    for place in range(40):
        desk.owes("Meyer GmbH", f"30000{place:02d}", f"{20 + 3 * place}.50")
    line = desk.comes("50.37", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert found.paid(line) == {"3000010": 5037}


def test_money_on_account_is_proposed_however_low_the_threshold(desk: Desk) -> None:
    line = desk.comes("4242.42", "payment", party_iban=IBAN)
    assert desk.match(threshold_permille=600).outcome(line) == "propose"


def test_charges_that_the_bank_tells_are_charges(desk: Desk) -> None:
    line = desk.comes("2485.11", "1000002", charges_minor=1500)
    found = desk.match()
    assert found.step(line) == "charges"
    assert found.applied(line) == {"1000002": 248511}
    assert found.paid(line, "charges_minor") == {"1000002": 1500}


def test_what_was_ordered_tells_the_charges(desk: Desk) -> None:
    line = desk.comes("2480.11", "no number", party_iban=IBAN, instructed_minor=250011, instructed_currency="EUR")
    found = desk.match()
    assert found.paid(line, "charges_minor") == {"1000002": 2000}
    assert found.outcome(line) == "apply"


@pytest.mark.parametrize(("bound", "charges"), [(2500, 1900), (1000, 0)])
def test_charges_nobody_tells_are_granted_up_to_the_bound(desk: Desk, bound: int, charges: int) -> None:
    line = desk.comes("2481.11", "1000002", party_iban=IBAN)
    found = desk.match(charges_at_most={"EUR": bound})
    assert found.paid(line, "charges_minor") == {"1000002": charges}


def test_an_item_of_the_currency_that_was_ordered_is_proposed_and_nothing_applied(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000009", "300.00", currency="USD")
    line = desk.comes("276.50", "wire", party_iban=IBAN, instructed_minor=30000, instructed_currency="USD")
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert "other_currency" in found.why(line)
    assert found.guesses(line)[0] == ["1000009"]
    assert found.paid(line) == {}


def test_an_over_payment_leaves_the_rest_on_account(desk: Desk) -> None:
    line = desk.comes("900.00", "1000003", party_iban=IBAN)
    found = desk.match()
    assert (found.step(line), found.outcome(line)) == ("over", "apply")
    assert found.applied(line) == {"1000003": 77777}
    assert found.of(line)["left_minor"] == 12223


def test_an_over_payment_of_a_stranger_is_proposed(desk: Desk) -> None:
    line = desk.comes("900.00", "1000003", of="Somebody else")
    assert desk.match().outcome(line) == "propose"


def test_less_than_several_named_invoices_is_proposed(desk: Desk) -> None:
    line = desk.comes("800.00", "1000001, 1000003", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert found.paid(line) == {"1000001": 11937, "1000003": 68063}


def test_of_several_named_invoices_those_that_are_the_amount_are_paid(desk: Desk) -> None:
    line = desk.comes("897.14", "1000001 1000002 1000003", party_iban=IBAN)
    assert desk.match().applied(line) == {"1000001": 11937, "1000003": 77777}


def test_an_invoice_that_the_text_has_no_room_for_is_found_by_the_rest_of_the_amount(desk: Desk) -> None:
    line = desk.comes("3277.88", "1000002, 10", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"1000002": 250011, "1000003": 77777}
    assert "rest_by_amount" in found.why(line)


def test_the_rest_of_the_amount_that_two_items_would_fit_stays_on_account(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000004", "777.77")
    line = desk.comes("3277.88", "1000002, 10", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"1000002": 250011}
    assert found.of(line)["left_minor"] == 77777


def test_what_is_named_and_what_is_of_the_amount_contradict_each_other(desk: Desk) -> None:
    line = desk.comes("777.77", "part of 1000002", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert "rival" in found.why(line)


def test_oldest_first_is_only_done_where_it_is_allowed(desk: Desk) -> None:
    line = desk.comes("1000.00", "on account", party_iban=IBAN)
    assert desk.match().step(line) == "payer_only"
    found = desk.match(oldest_first=True)
    assert found.step(line) == "oldest_first"
    assert found.applied(line) == {"1000001": 11937, "1000002": 88063}


def test_oldest_first_goes_on_with_the_next_payment_where_the_last_one_ended(desk: Desk) -> None:
    later = desk.comes("1000.00", "on account 2", party_iban=IBAN)
    first = desk.comes("1000.00", "on account 1", party_iban=IBAN, on=TODAY - timedelta(days=1))
    more = desk.comes("5000.00", "on account 3", party_iban=IBAN)
    found = desk.match(oldest_first=True)
    assert found.applied(first) == {"1000001": 11937, "1000002": 88063}
    assert found.applied(later) == {"1000002": 100000}
    assert found.applied(more) == {"1000002": 61948, "1000003": 77777}
    assert found.of(more)["left_minor"] == 500000 - 61948 - 77777


def test_items_of_one_price_are_proposed_and_never_taken_for_certain(desk: Desk) -> None:
    for place in range(40):
        desk.owes("Meyer GmbH", f"20000{place:02d}", "9.99")
    lines = [desk.comes("9.99", f"month {place}", party_iban=IBAN) for place in range(40)]
    found = desk.match()
    assert {found.outcome(line) for line in lines} == {"propose"}
    assert found.paid(lines[0]) == {"2000000": 999}


def test_oldest_first_does_not_set_aside_what_the_payer_named(desk: Desk) -> None:
    line = desk.comes("100.00", "1000003", party_iban=IBAN)
    assert desk.match(oldest_first=True).applied(line) == {"1000003": 10000}


def test_below_the_threshold_it_is_proposed_and_far_below_it_is_an_exception(desk: Desk) -> None:
    line = desk.comes("777.77", "payment", party_iban=IBAN)
    assert desk.match(threshold_permille=1000).outcome(line) == "propose"
    found = desk.match(threshold_permille=1000, propose_permille=999)
    assert found.outcome(line) == "exception"
    assert found.guesses(line)[0] == ["1000003"]


def test_a_day_without_an_end_grants_no_discount(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "1000005", "500.00", discount="10.00", until=None, due=date(2026, 1, 1))
    line = desk.comes("490.00", "1000005", party_iban=IBAN)
    assert desk.match().paid(line, "discount_minor") == {"1000005": 0}
