"""What a history says was open on a day of the past."""

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import polars as pl
import pytest

from dunwell.engine.book import BookError
from dunwell.engine.history import History, moves_of

Move: TypeAlias = tuple[int, str, int]
ITEM = {"account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR"}


def day(text: str) -> date:
    return date.fromisoformat(text)


def item(item_id: int, amount: int, left: int, *, issued: str, closed: str | None = None) -> dict[str, object]:
    return ITEM | {
        "item_id": item_id, "amount_minor": amount, "open_minor": left, "issued_on": day(issued),
        "closed_on": closed and day(closed),
    }  # fmt: skip


def told(*items: dict[str, object], own: Sequence[Move] = (), elsewhere: Sequence[Move] = ()) -> History:
    """A history of items, with what was set off here, and what their source says of them."""
    built = History.of(day("2026-01-01"), items=list(items))
    return History.of(day("2026-01-01"), items=built.items, moves=moves_of(built.items, rows(own), rows(elsewhere)))


def rows(ledger: Sequence[Move]) -> pl.DataFrame:
    found = [{"item_id": each, "on": day(on), "less_minor": less} for each, on, less in ledger]
    return pl.DataFrame(found, schema={"item_id": pl.Int64, "on": pl.Date, "less_minor": pl.Int64})


def open_on(history: History, on: str) -> dict[int, int]:
    return dict(history.open_on(day(on)).select("item_id", "open_minor").iter_rows())


def test_an_item_is_open_from_its_issue_to_the_day_before_its_payment() -> None:
    found = told(item(1, 100, 0, issued="2026-01-10", closed="2026-02-01"), own=[(1, "2026-02-01", 100)])
    assert [open_on(found, on) for on in ("2026-01-09", "2026-01-10", "2026-01-31", "2026-02-01")] == [
        {}, {1: 100}, {1: 100}, {},
    ]  # fmt: skip


def test_a_part_payment_and_one_taken_back_count_on_their_days() -> None:
    ledger = [(1, "2026-01-15", 30), (1, "2026-01-20", 50), (1, "2026-01-25", -50)]
    found = told(item(1, 100, 70, issued="2026-01-10"), own=ledger)
    assert [open_on(found, f"2026-01-{on}")[1] for on in (14, 15, 19, 20, 24, 25, 31)] == [100, 70, 70, 20, 20, 70, 70]


def test_what_no_ledger_explains_is_of_the_closing_or_of_the_issue() -> None:
    found = told(
        item(1, 100, 0, issued="2026-01-10", closed="2026-03-01"),
        item(2, 100, 40, issued="2026-01-10"),
    )
    assert open_on(found, "2026-01-10") == {1: 100, 2: 40}
    assert open_on(found, "2026-03-01") == {2: 40}


def test_what_its_source_says_later_counts_on_the_day_on_which_it_was_settled() -> None:
    found = told(item(1, 100, 0, issued="2026-01-10", closed="2026-02-01"), elsewhere=[(1, "2026-02-20", 100)])
    assert open_on(found, "2026-01-31") == {1: 100}
    assert open_on(found, "2026-02-01") == {}


def test_money_counts_on_its_days_where_the_last_was_booked_for_an_earlier_day() -> None:
    found = told(
        item(1, 100, 0, issued="2026-01-10", closed="2026-02-01"), own=[(1, "2026-02-10", 50), (1, "2026-02-01", 50)]
    )
    assert [open_on(found, f"2026-02-{on}") for on in ("01", "09", "10")] == [{1: 50}, {1: 50}, {}]


def test_what_its_source_says_keeps_its_day_where_money_here_settled_it_for_an_earlier_one() -> None:
    found = told(
        item(1, 100, 0, issued="2026-01-10", closed="2026-02-10"),
        own=[(1, "2026-02-10", 50)], elsewhere=[(1, "2026-02-20", 50)],
    )  # fmt: skip
    assert [open_on(found, f"2026-02-{on}") for on in ("09", "10", "19", "20")] == [{1: 100}, {1: 50}, {1: 50}, {}]


def test_what_was_paid_before_an_item_came_stays_so_once_the_rest_is_paid() -> None:
    still = told(item(1, 100, 40, issued="2026-01-10"))
    since = told(item(1, 100, 0, issued="2026-01-10", closed="2026-02-10"), own=[(1, "2026-02-10", 40)])
    assert open_on(still, "2026-01-31") == open_on(since, "2026-01-31") == {1: 40}


def test_an_item_without_dates_is_open_as_it_is_now() -> None:
    found = told(ITEM | {"item_id": 1, "amount_minor": 100, "open_minor": 60})
    assert open_on(found, "2026-01-01") == {1: 60}


def test_all_moves_of_an_item_are_what_is_no_longer_open() -> None:
    found = told(item(1, 100, 25, issued="2026-01-10"), own=[(1, "2026-01-20", 50)])
    assert found.moves["less_minor"].sum() == 75


def test_a_day_before_the_history_is_refused() -> None:
    with pytest.raises(ValueError, match="begins on 2026-01-01, and tells nothing of 2025-12-31"):
        told().open_on(day("2025-12-31"))


def test_a_column_or_table_that_no_history_has_is_refused() -> None:
    with pytest.raises(BookError, match="items: no column is called 'colour'"):
        History.of(day("2026-01-01"), items=[{"item_id": 1, "colour": "red"}])
    with pytest.raises(BookError, match="a history has no table 'rates'"):
        History.of(day("2026-01-01"), rates=[])
    with pytest.raises(BookError, match="items: "):
        History.of(day("2026-01-01"), items=[{"item_id": "one"}])
