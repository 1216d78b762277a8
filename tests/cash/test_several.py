"""Lump sums: items that add up, where there is one way, and in bounded work."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.cash.subsets import search
from tests.cash.desk import TODAY, Desk, minor

IBAN = "DE89370400440532013000"
AMOUNTS = st.lists(st.integers(1, 60) | st.integers(-20, -1), min_size=1, max_size=9)


def owing(*amounts: str) -> Desk:
    """A desk with one debtor that owes so much, the oldest first."""
    desk = Desk()
    desk.debtor("Meyer GmbH", iban=IBAN)
    for place, amount in enumerate(amounts, start=1):
        kind = "credit" if amount.startswith("-") else "invoice"
        desk.owes("Meyer GmbH", f"N{place}", amount.lstrip("-"), kind=kind)
    return desk


def test_a_lump_sum_pays_the_items_that_add_up_to_it() -> None:
    desk = owing("119.37", "48.12", "777.77", "310.05", "99.99")
    line = desk.comes("1207.19", "payment run", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"N1": 11937, "N3": 77777, "N4": 31005}
    assert found.step(line) == "several_items"


def test_all_that_is_open_is_paid_by_one_sum() -> None:
    desk = owing("119.37", "48.12", "777.77")
    line = desk.comes("945.26", "balance", party_iban=IBAN)
    assert desk.match().applied(line) == {"N1": 11937, "N2": 4812, "N3": 77777}


def test_two_ways_to_add_up_are_for_a_person() -> None:
    desk = owing("30.00", "40.00", "60.00", "70.00")
    line = desk.comes("100.00", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert "several_ways" in found.why(line)


def test_all_that_was_due_by_a_day_is_proposed_first_where_other_items_would_do_as_well() -> None:
    desk = owing("30.00", "70.00", "40.00", "60.00")
    line = desk.comes("100.00", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert found.paid(line) == {"N1": 3000, "N2": 7000}
    assert "due_run" in found.why(line)


def test_a_credit_that_the_payer_set_off_is_used_up() -> None:
    desk = owing("119.37", "48.12", "-20.01", "777.77")
    line = desk.comes("147.48", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"N1": 11937, "N2": 4812, "N3": -2001}
    assert found.of(line)["applied_minor"] == 14748


def test_a_lump_sum_less_the_discounts_of_its_items() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH", iban=IBAN)
    desk.owes("Meyer GmbH", "N1", "100.37", discount="2.01", until=TODAY)
    desk.owes("Meyer GmbH", "N2", "55.55")
    desk.owes("Meyer GmbH", "N3", "912.40", discount="18.25", until=TODAY)
    line = desk.comes("992.51", "payment", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"N1": 9836, "N3": 89415}
    assert found.paid(line, "discount_minor") == {"N1": 201, "N3": 1825}


def test_one_way_among_hundreds_of_items_is_found() -> None:
    desk = owing(*[f"{100 * place}.00" for place in range(1, 301)], "13.37", "27.20")
    line = desk.comes("140.57", "payment", party_iban=IBAN)
    assert desk.match().applied(line) == {"N1": 10000, "N301": 1337, "N302": 2720}


def test_among_so_many_items_that_any_sum_is_met_by_chance_nothing_is_applied() -> None:
    chance = random.Random(3)
    desk = owing(*[f"{chance.randrange(1000, 90000) / 100:.2f}" for _ in range(120)])
    line = desk.comes("4321.09", "payment", party_iban=IBAN)
    assert desk.match().applied(line) == {}


@pytest.mark.parametrize("count", [50, 400, 5000])
@pytest.mark.parametrize("spread", [100, 10**6, 10**11])
def test_the_work_of_a_search_is_bounded_whatever_the_account(count: int, spread: int) -> None:
    chance = random.Random(count)
    amounts = [chance.randrange(1, spread) * chance.choice((1, 1, 1, -1)) for _ in range(count)]
    for target in (1, spread // 2, 3 * spread, 100 * spread, sum(amounts)):
        assert search(amounts, target, steps_max=50_000).steps <= 50_000 + 2 * count


def test_a_run_of_items_due_one_after_the_other_is_paid_where_there_are_too_many_to_search() -> None:
    chance = random.Random(5)
    amounts = [f"{chance.randrange(100_000, 9_000_000) / 100:.2f}" for _ in range(500)]
    desk = owing(*amounts)
    total = sum(minor(amount) for amount in amounts[200:207])
    line = desk.comes(f"{total / 100:.2f}", "payment run", party_iban=IBAN)
    found = desk.match()
    assert set(found.applied(line)) == {f"N{place}" for place in range(201, 208)}
    assert "due_run" in found.why(line)


def test_three_of_many_equal_instalments_are_the_oldest_ones_and_for_a_person() -> None:
    desk = owing(*["850.00"] * 500)
    line = desk.comes("2550.00", "rent", party_iban=IBAN)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert set(found.paid(line)) == {"N1", "N2", "N3"}


def test_a_sum_that_is_the_amount_of_one_item_is_no_run_of_others() -> None:
    desk = owing("119.37", "48.12", *["167.49"] * 500)
    line = desk.comes("167.49", "payment", party_iban=IBAN)
    assert desk.match().applied(line) == {}


def test_what_named_lines_pay_makes_the_sums_of_others_clear() -> None:
    """100.00 could be N1 and N4, or N2 and N3, until another line names N2."""
    desk = owing("30.11", "40.22", "59.78", "69.89")
    lump = desk.comes("100.00", "payment", party_iban=IBAN)
    assert desk.match().outcome(lump) == "propose"
    desk.items[1]["number"] = "2026000123"
    desk.comes("40.22", "2026000123")
    assert desk.match().applied(lump) == {"N1": 3011, "N4": 6989}


def test_the_work_for_one_payer_is_bounded_however_many_lines_it_has() -> None:
    desk = owing("119.37", "48.12", "777.77", "310.05", "99.99")
    first = desk.comes("1207.19", "one", party_iban=IBAN)
    second = desk.comes("148.11", "two", party_iban=IBAN)
    assert [desk.match().step(line) for line in (first, second)] == ["several_items", "several_items"]
    bound = desk.match(payer_steps_max=16, threshold_permille=1000)
    assert [bound.step(line) for line in (first, second)] == ["several_items", "payer_only"]


@given(AMOUNTS, st.data())
def test_a_search_counts_the_ways_as_trying_them_all_does(amounts: list[int], data: st.DataObject) -> None:
    within = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=1))
    target = sum(amounts[place] for place in within) + data.draw(st.sampled_from((0, 0, 1)))
    places = range(len(amounts))
    ways = [
        chosen
        for size in range(1, len(amounts) + 1)
        for chosen in combinations(places, size)
        if sum(amounts[place] for place in chosen) == target
    ]
    for steps_max in (10**9, 600):
        found = search(amounts, target, steps_max=steps_max)
        if found.ways is None:
            continue
        if target > 0:
            assert found.ways == min(len(ways), 2)
            assert found.places in ways if ways else found.places is None


@given(st.lists(st.integers(1, 2_000), min_size=30, max_size=60), st.integers(2, 5))
def test_one_bit_a_sum_finds_what_all_sums_of_the_halves_find(amounts: list[int], count: int) -> None:
    target = sum(amounts[:count])
    by_bits = search(amounts, target, steps_max=10**6)
    by_halves = search(amounts[:18], target, steps_max=10**6)
    assert by_bits.places is not None
    assert sum(amounts[place] for place in by_bits.places) == target
    assert by_bits.ways is not None
    assert (by_halves.ways or 0) <= by_bits.ways
