"""A line for items of several payers is a payment of each: together they are the line, to the cent."""

from hypothesis import given
from hypothesis import strategies as st

from dunwell.cash.dividing import divided

MEYER, SMITH, HEAD_OFFICE = 1, 2, 3


def test_each_payer_pays_what_its_items_take() -> None:
    parts = [(MEYER, 100_00), (SMITH, 80_00), (MEYER, 50_00)]
    assert divided(230_00, parts, sender=None) == {MEYER: 150_00, SMITH: 80_00}


def test_a_credit_note_lowers_what_its_own_payer_pays() -> None:
    assert divided(170_00, [(MEYER, 100_00), (MEYER, -10_00), (SMITH, 80_00)], sender=None) == {
        MEYER: 90_00, SMITH: 80_00,
    }  # fmt: skip


def test_what_is_left_is_the_senders_or_else_of_who_pays_most() -> None:
    parts = [(SMITH, 80_00), (MEYER, 100_00)]
    assert divided(200_00, parts, sender=SMITH) == {SMITH: 100_00, MEYER: 100_00}
    assert divided(200_00, parts, sender=HEAD_OFFICE) == {SMITH: 80_00, MEYER: 100_00, HEAD_OFFICE: 20_00}
    assert divided(200_00, parts, sender=None) == {SMITH: 80_00, MEYER: 120_00}
    assert divided(170_00, [(SMITH, 80_00), (MEYER, 80_00)], sender=None) == {SMITH: 90_00, MEYER: 80_00}


def test_a_sender_of_whom_nothing_is_left_pays_nothing() -> None:
    assert divided(80_00, [(SMITH, 80_00)], sender=HEAD_OFFICE) == {SMITH: 80_00}
    assert divided(80_00, [], sender=HEAD_OFFICE) == {HEAD_OFFICE: 80_00}


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 10**9)), min_size=1),
    st.integers(0, 10**9),
    st.none() | st.integers(1, 5),
)
def test_the_payments_are_the_line_and_nobody_pays_less_than_its_items_take(
    parts: list[tuple[int, int]], left_minor: int, sender: int | None
) -> None:
    amount_minor = sum(minor for _payer, minor in parts) + left_minor
    payments = divided(amount_minor, parts, sender=sender)
    assert sum(payments.values()) == amount_minor
    assert all(minor > 0 for minor in payments.values())
    takes = {payer: sum(minor for of, minor in parts if of == payer) for payer in payments}
    over = {payer: minor - takes[payer] for payer, minor in payments.items() if minor > takes[payer]}
    keeps = sender or max(takes, key=takes.__getitem__)
    assert over == ({keeps: left_minor} if left_minor else {})
