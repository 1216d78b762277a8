"""Events of several stories joined: one event does what all of them do."""

from datetime import date

import polars as pl
import pytest

from dunwell.engine.events import AccountsChanged, Delivered, Event, Held, ItemsBooked
from dunwell.engine.stories.board import IDS_PER_STORY, Board
from dunwell.engine.stories.waves import joined

MONDAY, TUESDAY = date(2026, 4, 6), date(2026, 4, 7)


def account(story: int, **more: object) -> AccountsChanged:
    row = {"account_id": story * IDS_PER_STORY + 1, "entity_id": 1, "account": f"A{story}", **more}
    return AccountsChanged(on=MONDAY, accounts=pl.DataFrame([row], schema_overrides={"entity_id": pl.Int32}))


def invoice(story: int, *applies_to: tuple[int, int]) -> ItemsBooked:
    first = story * IDS_PER_STORY + 1
    row = {"item_id": first, "account_id": first, "entity_id": 1, "number": f"I{story}", "amount_minor": 100_00}
    return ItemsBooked(on=MONDAY, items=pl.DataFrame([row | {"open_minor": 100_00}]), applies_to=applies_to)


@pytest.mark.parametrize(
    ("events", "places"),
    [
        ([account(0), account(1), invoice(2), invoice(3)], [[0, 1], [2, 3]]),
        ([account(0), account(1, segment="smb")], [[0], [1]]),  # other columns
        ([invoice(0), invoice(1, (1, 2))], [[0], [1]]),  # a credit is applied
        ([Delivered(on=MONDAY, notice_ids=[1]), Delivered(on=TUESDAY, notice_ids=[2])], [[0, 1]]),
        ([Held(on=MONDAY, hold_id=1, account_id=1), Held(on=MONDAY, hold_id=2, account_id=2)], [[0], [1]]),
    ],
)
def test_what_is_alike_is_joined(events: list[Event], places: list[list[int]]) -> None:
    assert [of for _event, of in joined(events)] == places


def test_a_refused_event_spoils_none_that_it_was_joined_with() -> None:
    board = Board({})
    strange = AccountsChanged(on=MONDAY, accounts=account(1).accounts.with_columns(nonsense=1))
    other = AccountsChanged(on=MONDAY, accounts=account(2).accounts.with_columns(nonsense=2))
    answers = board.apply([account(0), strange, other])
    assert isinstance(answers[0], list)
    assert "no column is called 'nonsense'" in str(answers[1])
    assert "no column is called 'nonsense'" in str(answers[2])
    assert board.book.accounts["account"].to_list() == ["A0"]
