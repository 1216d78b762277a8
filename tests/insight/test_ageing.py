"""Ageing, item by item and against a worked set."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.book import KINDS, Book
from dunwell.insight.ageing import ageing
from tests.examples import examples

DAY = date(2026, 4, 3)


def holding(*rows: Mapping[str, object], disputes: Sequence[dict[str, object]] = ()) -> Book:
    """A book of these items; `days` past due stands for the due date."""
    base: dict[str, object] = {"account_id": 1, "entity_id": 1, "currency": "EUR", "kind": "invoice"}
    full = []
    for number, given_row in enumerate(rows):
        row = dict(given_row)
        days = row.pop("days", None)
        due_on = None if days is None else DAY - timedelta(days=int(str(days)))
        full.append(base | {"item_id": number, "due_on": due_on, "amount_minor": row.get("open_minor")} | row)
    return Book.of(items=full, disputes=list(disputes))


def only(frame: pl.DataFrame) -> dict[str, int]:
    (row,) = frame.to_dicts()
    return {name: value for name, value in row.items() if value and name not in {"entity_id", "currency"}}


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-1, "not_due_minor"),
        (0, "not_due_minor"),
        (1, "days_1_30_minor"),
        (30, "days_1_30_minor"),
        (31, "days_31_60_minor"),
        (60, "days_31_60_minor"),
        (61, "days_61_90_minor"),
        (90, "days_61_90_minor"),
        (91, "days_over_90_minor"),
        (40_000, "days_over_90_minor"),
        (None, "no_due_date_minor"),
    ],
)
def test_each_day_has_its_bucket(days: int | None, bucket: str) -> None:
    found = ageing(holding({"days": days, "open_minor": 100}), as_of=DAY)
    assert only(found) == {bucket: 100, "total_minor": 100, "open_count": 1}


def test_other_buckets() -> None:
    rows = holding(*({"days": days, "open_minor": 1} for days in (0, 7, 8, 365, 366)))
    found = only(ageing(rows, as_of=DAY, buckets=(7, 365)))
    assert found == {
        "not_due_minor": 1,
        "days_1_7_minor": 1,
        "days_8_365_minor": 2,
        "days_over_365_minor": 1,
        "total_minor": 5,
        "open_count": 5,
    }
    assert only(ageing(rows, as_of=DAY, buckets=())) == {
        "not_due_minor": 1,
        "days_over_0_minor": 4,
        "total_minor": 5,
        "open_count": 5,
    }


@pytest.mark.parametrize("buckets", [(30, 30), (60, 30), (0, 30), (-1,)])
def test_buckets_rise(buckets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must rise from 1"):
        ageing(holding(), as_of=DAY, buckets=buckets)


def test_credits_stand_apart_and_lower_the_total() -> None:
    found = ageing(
        holding(
            {"days": 10, "open_minor": 1000},
            {"days": 10, "open_minor": 50, "kind": "charge"},
            {"days": 40, "open_minor": 300, "kind": "credit"},
            {"open_minor": 200, "kind": "payment"},
        ),
        as_of=DAY,
    )
    assert only(found) == {
        "days_1_30_minor": 1050,
        "unapplied_minor": -500,
        "total_minor": 550,
        "open_count": 2,
        "unapplied_count": 2,
    }


def test_a_disputed_part_stays_in_its_bucket() -> None:
    found = ageing(holding({"days": 10, "open_minor": 1000, "disputed_minor": 400}), as_of=DAY)
    assert only(found) == {"days_1_30_minor": 1000, "total_minor": 1000, "disputed_minor": 400, "open_count": 1}


def test_a_dispute_over_all_is_over_what_the_item_has_come_to() -> None:
    raised = {"days": 10, "open_minor": 1500, "disputed_minor": 1000}
    settled = {"item_id": 0, "opened_on": DAY, "resolved_on": DAY}
    for disputes, disputed_minor in (([settled | {"resolved_on": None}], 1500), ([settled], 1000)):
        assert only(ageing(holding(raised, disputes=disputes), as_of=DAY))["disputed_minor"] == disputed_minor


def test_what_cannot_be_decided_is_counted_and_in_no_sum() -> None:
    rows = holding(
        {"days": 1, "open_minor": 5},
        {"days": 1, "open_minor": None},
        {"days": 1, "open_minor": -5},
        {"days": 1, "open_minor": 10**12 + 1},
        {"days": 1, "open_minor": 7, "draft": True},
        {"days": 1, "open_minor": 0, "amount_minor": 9},
    )
    assert only(ageing(rows, as_of=DAY)) == {
        "days_1_30_minor": 5,
        "total_minor": 5,
        "open_count": 1,
        "undecidable_count": 3,
    }


def test_entities_and_currencies_are_rows_of_their_own() -> None:
    found = ageing(
        holding(
            {"days": 1, "open_minor": 1, "entity_id": 2},
            {"days": 1, "open_minor": 2, "currency": "USD"},
            {"days": 1, "open_minor": 4},
            {"days": 1, "open_minor": 8, "currency": None},
        ),
        as_of=DAY,
    )
    assert found.select("entity_id", "currency", "total_minor").rows() == [
        (1, None, 8),
        (1, "EUR", 4),
        (1, "USD", 2),
        (2, "EUR", 1),
    ]


def test_an_empty_book_has_no_rows_and_all_columns() -> None:
    found = ageing(holding(), as_of=DAY)
    assert found.height == 0
    assert found.columns == [
        "entity_id",
        "currency",
        "not_due_minor",
        "days_1_30_minor",
        "days_31_60_minor",
        "days_61_90_minor",
        "days_over_90_minor",
        "no_due_date_minor",
        "unapplied_minor",
        "total_minor",
        "disputed_minor",
        "open_count",
        "unapplied_count",
        "undecidable_count",
    ]
    assert found.schema["total_minor"] == pl.Int64


def test_sums_do_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ({"days": 1, "open_minor": 10**12} for _ in range(1000))
    assert only(ageing(holding(*rows), as_of=DAY))["total_minor"] == 10**15
    # As many items as it takes are too many for a test; a few beyond the bound do it too.
    monkeypatch.setattr("dunwell.insight.ageing.AMOUNT_MINOR_MAX", 2**62)
    with pytest.raises(pl.exceptions.InvalidOperationError):
        ageing(holding(*({"days": 1, "open_minor": 2**62} for _ in range(2))), as_of=DAY)


ROWS = st.fixed_dictionaries(
    {
        "days": st.none() | st.integers(-100, 200),
        "open_minor": st.none() | st.integers(-5, 10**12 + 5),
        "disputed_minor": st.integers(-5, 10**12),
        "kind": st.sampled_from(KINDS),
        "draft": st.booleans(),
        "entity_id": st.integers(1, 2),
        "currency": st.sampled_from(["EUR", "JPY"]),
    }
)


@settings(max_examples=examples(100), derandomize=True, deadline=None, database=None)
@given(st.lists(ROWS, max_size=30))
def test_the_buckets_hold_the_whole_book(rows: list[dict[str, object]]) -> None:
    book = holding(*rows)
    found = ageing(book, as_of=DAY)
    sound = [row for row in book.items.to_dicts() if not row["draft"] and 0 < (row["open_minor"] or 0) <= 10**12]
    signed = [-row["open_minor"] if row["kind"] in {"credit", "payment"} else row["open_minor"] for row in sound]
    assert sum(found["total_minor"]) == sum(signed)
    assert sum(found["open_count"]) + sum(found["unapplied_count"]) == len(sound)
    assert found.select("entity_id", "currency").is_unique().all()


def test_apart_by_what_is_known_of_the_account() -> None:
    accounts: list[dict[str, object]] = [
        {"account_id": 1, "entity_id": 1, "segment": "smb"},
        {"account_id": 2, "entity_id": 1},
    ]
    rows: list[dict[str, object]] = [
        {"item_id": at, "account_id": account, "entity_id": 1, "currency": "EUR", "due_on": DAY, "open_minor": minor}
        for at, (account, minor) in enumerate([(1, 100), (1, 20), (2, 3), (9, 5)])
    ]
    found = ageing(Book.of(accounts=accounts, items=rows), as_of=DAY, by=("segment",))
    assert found.select("entity_id", "segment", "not_due_minor").rows() == [(1, None, 8), (1, "smb", 120)]
