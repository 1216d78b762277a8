"""A statement's figures agree, or the file is refused with the difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.money import AMOUNT_MINOR_MAX
from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Piece, Pieces
from dunwell.sources.problems import Problems


def head(opening: int | None = 0, currency: str = "EUR", line: int = 1) -> Opened:
    return Opened(line, Kind.STATEMENT, "1", currency, opening_minor=opening)


def movement(
    minor: int,
    entry_no: int = 1,
    *,
    whole: int | None = None,
    part: int = 1,
    is_booked: bool = True,
    currency: str = "EUR",
) -> Line:
    return Line(
        line=10 + entry_no, entry_no=entry_no, entry_minor=minor if whole is None else whole, part_no=part,
        amount_minor=minor, currency=currency, booked_on=None, valued_on=None, is_booked=is_booked,
    )  # fmt: skip


def told(*pieces: Piece) -> list[str]:
    """The problems of a file of these pieces, which are handed on as they are."""
    problems = Problems("a")
    assert list(balanced(iter(pieces), problems)) == list(pieces)
    return [str(problem) for problem in problems.listed]


def test_what_adds_up_is_handed_on_without_a_word() -> None:
    assert told(head(500), movement(1000), movement(-200, 2), Closed(9, 1300)) == []
    assert told(head(500), Closed(9, 500)) == []
    assert told(head(None), movement(1000), Closed(9, 7)) == []
    assert told(head(5), movement(1000), Closed(9)) == []
    assert told() == []


def test_what_does_not_add_up_is_told_with_the_difference() -> None:
    (found,) = told(head(500), movement(1000), Closed(9, 1600))
    assert found.startswith(
        "a:9: the statement does not add up: it opens with 5.00 EUR, its lines come to 10.00 EUR, and"
    )
    assert found.endswith("it closes with 16.00 EUR; 1.00 EUR are missing or too many")
    assert "; -2 JPY are missing" in told(head(5, "JPY"), movement(2, currency="JPY"), Closed(9, 5))[0]


def test_what_is_not_booked_changes_no_balance() -> None:
    assert told(head(500), movement(1000, is_booked=False), Closed(9, 500)) == []


def test_each_statement_counts_by_itself() -> None:
    one = (head(0), movement(100), Closed(9, 100))
    assert told(*one, *one) == []
    assert len(told(*one, head(0), movement(100), Closed(20, 200), *one)) == 1


def test_the_parts_of_an_entry_come_to_its_sum() -> None:
    parts = movement(60, whole=100), movement(40, whole=100, part=2)
    assert told(head(), *parts, movement(5, 2), Closed(9, 105)) == []
    assert told(head(), parts[0], movement(5, 2), Closed(9)) == [
        "a:11: an entry of 1.00 EUR has parts that come to 0.60 EUR"
    ]
    assert told(head(), parts[0], Closed(9)) == ["a:11: an entry of 1.00 EUR has parts that come to 0.60 EUR"]


def test_entries_of_two_statements_are_not_one() -> None:
    half = movement(50, whole=100)
    assert len(told(head(), half, Closed(9), head(), half, Closed(9))) == 1  # the same problem, in the same place
    other = Line(**{name: getattr(half, name) for name in Line.__slots__} | {"line": 30})
    assert len(told(head(), half, Closed(9), head(), other, Closed(9))) == 2


def test_a_line_in_another_currency_than_the_account_is_refused() -> None:
    assert told(head(None), movement(1, currency="USD"), Closed(9)) == [
        "a:11: the account is kept in EUR, and this line is in USD"
    ]
    assert "the account has no currency" in told(head(None, ""), movement(1), Closed(9))[0]


@pytest.mark.parametrize("currency", ["EUX", "eur", "XAU"])
def test_an_account_in_no_currency_in_use_is_refused(currency: str) -> None:
    problems = told(
        head(0, currency), movement(1, currency=currency), movement(1, 2, whole=3, currency=currency), Closed(9, 5)
    )
    assert problems[0].startswith(f"a:1: what the account is kept in: {currency!r} is not a currency in use")
    assert any("does not add up" in problem for problem in problems)


MOST = AMOUNT_MINOR_MAX
LARGE_PARTS = (movement(MOST, whole=0), movement(-MOST - 1, whole=0, part=2), movement(1, whole=0, part=3))


@pytest.mark.parametrize(
    ("pieces", "line"),
    [
        ((head(MOST + 1), Closed(9)), 1),
        ((head(None), Closed(9, -MOST - 1)), 9),
        ((head(None), movement(MOST + 1), Closed(9)), 11),
        ((head(None), *LARGE_PARTS, Closed(9)), 11),
    ],
)
def test_an_amount_beyond_the_bound_is_refused(pieces: tuple[Piece, ...], line: int) -> None:
    assert told(*pieces) == [f"a:{line}: the amount is larger than any that is kept"]


def test_the_largest_amount_is_taken() -> None:
    assert told(head(0), movement(AMOUNT_MINOR_MAX), Closed(9, AMOUNT_MINOR_MAX)) == []


def test_a_statement_that_never_closes_is_refused() -> None:
    cut = "a:3: the statement that begins here does not end: the file is cut off"
    assert told(head(line=3), movement(1)) == [cut]
    assert told(head(line=3), head(), Closed(9)) == [cut]


def test_where_the_reader_says_why_it_stopped_nothing_is_added() -> None:
    problems = Problems("a")

    def stopping() -> Pieces:
        yield head(line=3)
        problems.add(5, "", "damaged")

    assert len(list(balanced(stopping(), problems))) == 1
    assert [str(problem) for problem in problems.listed] == ["a:5: damaged"]


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.tuples(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=4), st.booleans()), max_size=8),
    st.integers(-3, 3),
)
def test_only_the_sum_of_booked_lines_is_a_closing_balance(
    opening: int, entries: list[tuple[list[int], bool]], away: int
) -> None:
    lines = [
        movement(minor, no, whole=sum(parts), part=part, is_booked=is_booked)
        for no, (parts, is_booked) in enumerate(entries, 1)
        for part, minor in enumerate(parts, 1)
    ]
    closing = opening + sum(sum(parts) for parts, is_booked in entries if is_booked)
    problems = told(head(opening), *lines, Closed(99, closing + away))
    assert [problem.split(":")[1] for problem in problems] == (["99"] if away else [])
