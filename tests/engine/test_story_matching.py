"""Expected entries are matched in any order: some way to pair them with what came about is found if there is one."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.stories.expectations import paired
from dunwell.engine.stories.runner import run_files


def most(fits: Sequence[Sequence[int]], places: int) -> int:
    """How many can be paired, by trying every order."""
    seats = [*range(places), *[-1] * len(fits)]
    return max(
        sum(place in own for own, place in zip(fits, order, strict=True)) for order in permutations(seats, len(fits))
    )


@given(st.lists(st.lists(st.integers(0, 3), unique=True), max_size=4))
def test_as_many_are_paired_as_can_be(fits: list[list[int]]) -> None:
    place_of = paired(fits)
    assert all(place in fits[entry] for entry, place in place_of.items())
    assert len(set(place_of.values())) == len(place_of) == most(fits, 4)


def test_a_long_chain_of_those_who_give_way() -> None:
    count = 2_000
    fits = [[number, number + 1] for number in range(count)]
    assert len(paired([*fits, [0]])) == count + 1


def test_an_entry_that_fits_two_notices_leaves_the_other_its_only_one(tmp_path: Path) -> None:
    told = tmp_path / "a-story.yaml"
    told.write_text("""
story: two entries of one field each, and two notices that both fit the first
policy:
  policy: p
  one_notice_per: item
  stages: [{stage: one, days_past_due: 1, send: [email]}, {stage: two, days_past_due: 5, send: [email]}]
accounts: [{account: MEYER, email: ap@meyer.example}]
steps:
  - on: 2026-01-01
    invoice:
      - {number: A, account: MEYER, amount: 100.00 EUR, due: 2026-01-10}
      - {number: B, account: MEYER, amount: 100.00 EUR, due: 2026-01-01, level: 1}
  - {on: 2026-01-11, run: {}, expect: {notices: [{account: MEYER}, {stage: one}]}}
  - {on: 2026-01-20, run: {}, expect: {notices: [{stage: two}]}}
""")
    assert run_files([told]) == [[]]
