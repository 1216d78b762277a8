"""Every table of the book goes into the database and comes out the same."""

from dataclasses import fields
from datetime import date

import polars as pl
import pytest
from django.db import connection
from polars.testing import assert_frame_equal

from dunwell.engine.book import CHANNELS, Book, BookError, table
from dunwell.records import bulk, connect, frames
from dunwell.records.models import AttributeType, Contact, Item
from tests.records import sample

pytestmark = pytest.mark.usefixtures("way")
EVERY_ACCOUNT = range(1, 100)


def assert_same(found: Book, wanted: Book) -> None:
    for name in (field.name for field in fields(Book)):
        left, right = getattr(found, name), getattr(wanted, name)
        order = [c for c in left.columns if left.schema[c] in (pl.Int64, pl.Int32, pl.String) and "attr" not in c]
        assert_frame_equal(left.sort(order), right.sort(order), check_column_order=False)


def test_every_table_comes_back_as_it_went_in(db: str) -> None:
    rows = sample.tables(sample.entity().id)
    sample.save(rows)
    assert_same(frames.account_book(EVERY_ACCOUNT), sample.as_book(rows))


def test_items_come_in_the_order_of_account_and_id(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    items = frames.book(entity.id, as_of=sample.DAY).items
    assert items.select("account_id", "item_id").rows() == sorted(items.select("account_id", "item_id").rows())


def test_an_empty_entity_is_an_empty_book(db: str) -> None:
    book = frames.book(sample.entity().id, as_of=sample.DAY)
    assert book.items.is_empty()
    assert book.accounts.is_empty()
    assert book.entities.rows() == [(book.entities["entity_id"][0], "ACME")]
    assert book.items.schema["attr_weight"] == pl.Float64


def test_a_run_reads_what_is_open_and_what_blocks_it(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    book = frames.book(entity.id, as_of=date(2026, 4, 3))
    assert 102 not in book.items["item_id"]  # nothing is open of it
    assert {101, 108, 109} <= set(book.items["item_id"])
    assert book.holds["hold_id"].to_list() == [1]  # the other is free from that day on
    assert book.disputes["dispute_id"].to_list() == [1]
    assert book.promises["promise_id"].to_list() == [1]
    assert book.promise_items.height == 2
    assert book.notices.is_empty()
    assert book.lines.is_empty()
    assert book.allocations.is_empty()


def test_only_a_run_that_charges_by_a_law_reads_what_was_paid_and_charged(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    plain = frames.book(entity.id, as_of=sample.LAST)
    assert (plain.allocations.height, plain.elsewhere.height, plain.charges.height) == (0, 0, 0)
    assert plain.items.filter(pl.col("item_id") == 101)["interest_from_on"].to_list() == [sample.LAST]
    book = frames.book(entity.id, as_of=sample.LAST, payments=True, charges=True)
    assert book.elsewhere["amount_minor"].sort().to_list() == [-30, 30]  # nothing of an item that is settled
    assert book.allocations.is_empty()  # what was paid by the due date, and what is under way, bears no interest
    assert book.charges["charge_item_id"].to_list() == [108]  # not what was taken back
    assert frames.book(entity.id, as_of=sample.LAST, payments=True).charges.is_empty()


@pytest.mark.parametrize("number", [0, 1])
def test_a_shard_reads_what_was_paid_and_charged_of_its_own(db: str, number: int) -> None:
    entity = sample.entity()
    rows = sample.tables(entity.id)
    late = {"source_item_id": [109], "item_id": [101], "amount_minor": [7], "on": [sample.LAST]}
    rows["allocations"] = pl.concat(
        [rows["allocations"], table("allocations", pl.DataFrame(late | {"pending": False}))]
    )
    sample.save(rows)
    book = frames.book(entity.id, as_of=sample.LAST, shard=frames.Shard(number, 2), payments=True, charges=True)
    own = number == 1  # the item is of account 1
    assert book.allocations["amount_minor"].to_list() == [7] * own
    assert (book.elsewhere.height, book.charges.height) == (2 * own, own)


def test_a_run_leaves_a_kept_promise_out(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    bulk.save({"promises": pl.DataFrame({"promise_id": [1], "paid_minor": [500]})}, on=sample.DAY)
    book = frames.book(entity.id, as_of=sample.DAY)
    assert book.promises.is_empty()
    assert book.promise_items.is_empty()


def test_a_run_reads_nothing_of_another_entity(db: str) -> None:
    sample.save(sample.tables(sample.entity().id))
    other = sample.entity("OTHER")
    book = frames.book(other.id, as_of=sample.DAY)
    assert [
        name for name in ("accounts", "items", "payers", "anchors", "holds") if not getattr(book, name).is_empty()
    ] == []


def test_an_account_brings_all_that_share_its_payer(db: str) -> None:
    sample.save(sample.tables(sample.entity().id))
    assert frames.family([50]) == [1, 50]
    assert frames.family([1]) == [1, 50]
    assert frames.family([2, 2]) == [2]
    assert frames.family([]) == []
    book = frames.account_book([50])
    assert set(book.items["item_id"]) == {101, 102, 107, 108, 109}
    assert book.notices["notice_id"].to_list() == [1]


def test_parents_in_a_circle_end(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    bulk.save({"accounts": pl.DataFrame({"account_id": [1], "parent_id": [50]})}, on=sample.DAY)
    assert frames.family([1]) == [1, 50]


def test_channels_say_which_fields_of_any_contact_are_filled(db: str) -> None:
    sample.save(sample.tables(sample.entity().id))
    for account_id, channel in enumerate(CHANNELS, start=1):
        Contact.objects.create(account_id=account_id, **{frames.REACHED_BY[channel]: "somewhere"})
    Contact.objects.create(account_id=1, phone="+49 30 1", address_lines="Street 1\n10115 Berlin")
    Contact.objects.create(account_id=6, name="only a name")
    masks = dict(frames.account_book(EVERY_ACCOUNT).accounts.select("account_id", "channels").iter_rows())
    assert {account_id: masks[account_id] for account_id in range(2, 7)} == {2: 2, 3: 4, 4: 8, 5: 16, 6: 0}
    assert masks[1] == 1 + 2 + 4
    assert masks[50] == 0


@pytest.mark.parametrize(
    ("kind", "wrong"), [("integer", "2,x"), ("number", "much"), ("date", "soon"), ("boolean", "perhaps")]
)
def test_an_attribute_of_another_type_is_named(db: str, kind: str, wrong: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    AttributeType.objects.create(subject="item", name="late", type=kind)
    Item.objects.filter(pk=101).update(attributes={"late": wrong})
    with pytest.raises(BookError, match=rf"{wrong}.*attr_late"):
        frames.book(entity.id, as_of=sample.DAY)
    with pytest.raises(BookError, match=rf"{wrong}.*attr_late"):
        frames.account_book([1])


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("integer", "5"), ("number", "2.5"), ("number", 3), ("date", "2026-4-1"), ("boolean", "true"), ("text", 5)],
)
def test_an_attribute_is_the_same_for_an_event_as_for_a_run(db: str, kind: str, kept: object) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    AttributeType.objects.create(subject="item", name="late", type=kind)
    Item.objects.filter(pk=101).update(attributes={"late": kept})
    of_run, of_event = frames.book(entity.id, as_of=sample.DAY).items, frames.account_book([1]).items
    assert_frame_equal(of_event.filter(pl.col("item_id") == 101), of_run.filter(pl.col("item_id") == 101))


def test_an_attribute_nobody_declared_is_no_column(db: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    Item.objects.filter(pk=101).update(attributes={"secret": 1})
    assert "attr_secret" not in frames.book(entity.id, as_of=sample.DAY).items.columns


def test_a_book_is_of_one_instant(postgresql: str) -> None:
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    with connect.snapshot():
        before = frames.book(entity.id, as_of=sample.DAY)
        with sample.second_connection(postgresql) as other:
            other.execute("UPDATE records_item SET open_minor = 1 WHERE id = 101")
        after = frames.book(entity.id, as_of=sample.DAY)
    assert_frame_equal(before.items, after.items)
    assert connection.in_atomic_block is False
