"""What has changed between two states of a book brings the one to the other, each row once."""

from datetime import date

import polars as pl
from hypothesis import given
from polars.testing import assert_frame_equal

from dunwell.engine.advance import advance
from dunwell.engine.book import KEYS, SCHEMAS, Book
from dunwell.engine.changes import changes
from dunwell.engine.events import Allocated, Event, ItemsBooked, Paid
from tests.engine.strategies import Case, cases
from tests.engine.test_laws_of_change import bound, decided
from tests.engine.town import D, Town


def same(one: Book, other: Book) -> None:
    """Two books hold the same, in whatever order."""
    for name in SCHEMAS:
        here, there = getattr(one, name), getattr(other, name)
        assert_frame_equal(here, there.select(here.columns), check_row_order=name not in KEYS)


def payments(book: Book, on: date) -> list[Event]:
    """A payment for each of the first claims of a book, in one currency."""
    claims = book.items.filter(pl.col("kind") == "invoice", ~pl.col("draft"), pl.col("open_minor") > 1).head(3)
    first = 5_000 + max([0, *book.items["item_id"].to_list()])
    return [
        Paid(on=on, item_id=first + number, account_id=row["account_id"], entity_id=row["entity_id"],
             currency=row["currency"], amount_minor=row["open_minor"] // 2, applies_to=[row["item_id"]])
        for number, row in enumerate(claims.iter_rows(named=True))
    ]  # fmt: skip


@given(cases())
def test_a_book_with_what_has_changed_is_the_book_after(case: Case) -> None:
    after, _effects = advance(
        case.book, [*bound(case.book, decided(case), case.as_of), *payments(case.book, case.as_of)]
    )
    changed, added = changes(case.book, after)
    same(case.book.merged(changed).merged(added), after)
    for name in set(changed) & set(KEYS):
        assert changed[name].select(KEYS[name]).is_duplicated().sum() == 0


def test_only_the_columns_that_changed_are_told_of_a_row_that_was_there() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00)
    before = town.book
    town.pay(3, 70_00, 1)
    changed, added = changes(before, town.book)
    assert changed["items"].to_dicts() == [{"item_id": 1, "open_minor": 30_00}]
    assert added["items"]["item_id"].to_list() == [3]
    assert added["allocations"]["amount_minor"].to_list() == [70_00]
    assert changes(before, before) == ({}, {})


def test_what_goes_back_and_forth_leaves_its_marks_in_the_ledger_alone() -> None:
    town = Town().invoice(1, 100_00)
    row = {"item_id": 2, "account_id": 12, "entity_id": 1, "number": "C-2", "kind": "credit", "currency": "EUR",
           "issued_on": D[1], "due_on": D[1], "amount_minor": 40_00, "open_minor": 40_00}  # fmt: skip
    row["account_id"] = town.book.items["account_id"][0]
    town.let(ItemsBooked(on=D[1], items=pl.DataFrame([row])))
    before = town.book
    town.let(Allocated(on=D[3], source_item_id=2, item_id=1, amount_minor=40_00)).unallocate(2, 1, 40_00)
    changed, added = changes(before, town.book)
    assert (changed, list(added)) == ({}, ["allocations"])
    assert added["allocations"]["amount_minor"].to_list() == [40_00, -40_00]
