"""Credits that a payer sets off lower the items of their line, to the cent, and nothing else."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dunwell.cash.setting_off import SetOff, set_off

PARTS = st.lists(st.integers(-500, 500).filter(bool), max_size=8).map(lambda minors: list(enumerate(minors)))


def test_the_first_credit_lowers_the_first_item_and_then_the_next() -> None:
    assert set_off([(1, 70), (7, -100), (2, 50), (8, -10)]) == [SetOff(7, 1, 70), SetOff(7, 2, 30), SetOff(8, 2, 10)]


def test_money_alone_sets_nothing_off() -> None:
    assert set_off([(1, 70), (2, 50)]) == []


@given(PARTS)
def test_no_more_is_set_off_than_there_is_on_either_side(parts: list[tuple[int, int]]) -> None:
    found = set_off(parts)
    minor = dict(parts)
    used, lowered = Counter[int](), Counter[int]()
    for credit_id, item_id, amount_minor in found:
        assert amount_minor > 0
        assert minor[credit_id] < 0 < minor[item_id]
        used[credit_id] += amount_minor
        lowered[item_id] += amount_minor
    assert all(used[credit] <= -minor[credit] for credit in used)
    assert all(lowered[item] <= minor[item] for item in lowered)
    owed, credit = sum(max(each, 0) for each in minor.values()), sum(max(-each, 0) for each in minor.values())
    assert sum(used.values()) == min(owed, credit)
