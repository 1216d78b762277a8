"""Rows into tables: what is given is changed, what is not given stays, what is refused says why."""

from datetime import date

import polars as pl
import pytest
from django.db import DataError, IntegrityError, transaction

from dunwell.engine.book import table
from dunwell.records import bulk, frames
from dunwell.records.models import (
    Account,
    Allocation,
    AuditEvent,
    Dispute,
    Entity,
    Hold,
    Item,
    ItemState,
    NoticeLine,
    PayerContact,
    Promise,
    Run,
)
from dunwell.records.stage import BulkError
from tests.records import sample
from tests.records.sample import DAY, NOON, ODD

pytestmark = pytest.mark.usefixtures("way")
LATER = date(2026, 4, 8)


def change(table_name: str, /, **columns: object) -> None:
    """Save one row of one table, on a later date."""
    bulk.save({table_name: pl.DataFrame({column: [value] for column, value in columns.items()})}, on=LATER)


def test_insert_fills_defaults_and_keeps_every_text(db: str) -> None:
    entity = sample.entity()
    n = len(ODD)
    bulk.insert(Account, pl.DataFrame({"code": [f"{i}" for i in range(n)], "name": ODD, "entity_id": [entity.id] * n}))
    assert list(Account.objects.order_by("id").values_list("name", flat=True)) == ODD
    assert set(Account.objects.values_list("legal", "segment", "attributes")) == {(False, None, None)}


def test_insert_keeps_instants_dates_and_json(db: str) -> None:
    event_row = {"at": [NOON], "actor": ["me"], "action": ["a"], "subject_type": ["t"], "detail": ['{"a": [1]}']}
    bulk.insert(AuditEvent, pl.DataFrame(event_row))
    event = AuditEvent.objects.get()
    assert (event.at, event.detail) == (NOON, {"a": [1]})
    assert AuditEvent.objects.filter(at=NOON).exists()
    entity = sample.entity()
    bulk.insert(
        Run, pl.DataFrame({"entity_id": [entity.id], "as_of": [DAY], "proposed_at": [NOON], "proposed_by": ["me"]})
    )
    run = Run.objects.get(as_of=DAY, proposed_at=NOON)
    assert (run.state, run.counts, run.policy_digests) == ("proposed", {}, [])


def test_insert_refuses_unknown_and_missing_columns(db: str) -> None:
    with pytest.raises(BulkError, match="Account: no column is called 'account'"):
        bulk.insert(Account, pl.DataFrame({"account": ["x"]}))
    with pytest.raises(BulkError, match="Account: the column 'code' of a new row is missing"):
        bulk.insert(Account, pl.DataFrame({"entity_id": [1]}))


def test_what_the_table_refuses_is_an_integrity_error(book: Entity) -> None:
    row = {"entity_id": book.id, "account_id": 1, "number": "A-17", "kind": "invoice", "currency": "EUR"}
    twice = pl.DataFrame([row | {"amount_minor": 1, "open_minor": 1}])
    with pytest.raises(IntegrityError):
        bulk.insert(Item, twice)
    with pytest.raises(IntegrityError):
        bulk.save({"items": table("items", twice.with_columns(item_id=pl.lit(500)))}, on=DAY)
    assert Item.objects.filter(number="A-17").count() == 1


def test_ids_drawn_are_nobody_elses(db: str) -> None:
    with transaction.atomic():
        first = bulk.allocate_ids(Entity, 3).to_list()
        second = bulk.allocate_ids(Entity, 2).to_list()
        by_hand = Entity.objects.create(code="BY HAND", name="", currency="EUR").pk
        third = bulk.allocate_ids(Entity, 1).to_list()
    ids = [*first, *second, by_hand, *third]
    assert ids == sorted(set(ids))
    bulk.insert(Entity, pl.DataFrame({"id": first, "code": ["1", "2", "3"], "name": "", "currency": "EUR"}))
    assert bulk.allocate_ids(Entity, 0).to_list() == []


def test_ids_survive_the_deletion_of_the_last_row(db: str) -> None:
    entity = Entity.objects.create(code="X", name="", currency="EUR")
    last = entity.pk
    entity.delete()
    assert bulk.allocate_ids(Entity, 1).to_list() == [last + 1]


def test_columns_not_given_stay(book: Entity) -> None:
    change("items", item_id=101, open_minor=400)
    item = Item.objects.get(pk=101)
    assert (item.open_minor, item.amount_minor, item.number, item.disputed_minor) == (400, 10**12, "A-17", 50)
    assert (item.attributes or {})["contract"] == ODD[2]
    assert ItemState.objects.get(pk=101).version == 7


def test_amounts_and_state_of_an_item_go_to_their_two_tables(book: Entity) -> None:
    change("items", item_id=101, level=3, stage="third", last_notice_on=LATER, pending_notice_id=None, version=8)
    state = ItemState.objects.get(pk=101)
    assert (state.level, state.stage, state.last_notice_on, state.pending_notice_id) == (3, "third", LATER, None)
    assert state.last_deadline_on == DAY
    assert Item.objects.get(pk=101).open_minor == 1000


def test_an_item_never_noticed_keeps_no_state(book: Entity) -> None:
    assert list(ItemState.objects.values_list("pk", flat=True)) == [101]
    change("items", item_id=108, level=1, version=1)
    assert ItemState.objects.get(pk=108).level == 1


def test_an_item_is_closed_while_nothing_is_open(book: Entity) -> None:
    assert Item.objects.get(pk=102).closed_on == DAY
    change("items", item_id=108, open_minor=0)
    assert Item.objects.get(pk=108).closed_on == LATER
    change("items", item_id=108, open_minor=0, in_flight_minor=3)
    assert Item.objects.get(pk=108).closed_on is None
    change("items", item_id=108, in_flight_minor=0)
    assert Item.objects.get(pk=108).closed_on == LATER
    change("items", item_id=108, open_minor=1)
    assert Item.objects.get(pk=108).closed_on is None


def test_attributes_are_laid_over_those_before(book: Entity) -> None:
    change("items", item_id=101, attr_contract="new", attr_vip=None)
    attributes = Item.objects.get(pk=101).attributes or {}
    assert attributes["contract"] == "new"
    assert attributes["dunning_code"] == -(2**53)
    assert "vip" not in attributes
    assert Item.objects.get(pk=108).attributes is None


def test_the_entity_of_a_hold_dispute_and_promise_is_that_of_its_subject(book: Entity) -> None:
    for model in (Hold, Dispute, Promise):
        assert set(model.objects.values_list("entity", flat=True)) == {book.pk}


def test_a_column_of_the_databases_own_is_taken_along(book: Entity) -> None:
    change("disputes", dispute_id=3, item_id=101, amount_minor=5, opened_on=DAY, reason=ODD[2])
    assert Dispute.objects.get(pk=3).reason == ODD[2]
    change("accounts", account_id=1, name="Meyer & Söhne")
    assert Account.objects.get(pk=1).name == "Meyer & Söhne"


def test_a_text_too_long_for_the_table_is_refused_and_not_cut(postgresql: str) -> None:
    sample.save(sample.tables(sample.entity().id))
    with pytest.raises(DataError):
        change("accounts", account_id=1, segment="x" * 201)
    assert Account.objects.get(pk=1).segment != "x" * 200


def test_a_contact_of_a_payer_is_changed_or_added(book: Entity) -> None:
    for payer_id in (1, 3):
        change("payers", entity_id=book.id, payer_id=payer_id, last_contact_on=LATER)
    found = dict(PayerContact.objects.values_list("payer", "last_contact_on"))
    assert found == {1: LATER, 2: None, 3: LATER}


def test_rows_that_are_there_and_rows_that_are_new_go_together(book: Entity) -> None:
    payers = pl.DataFrame({"entity_id": book.id, "payer_id": [3, 1, 2], "last_contact_on": LATER})
    bulk.save({"payers": payers}, on=LATER)
    assert dict(PayerContact.objects.values_list("payer", "last_contact_on")) == dict.fromkeys((1, 2, 3), LATER)


def test_a_ledger_is_added_to(book: Entity) -> None:
    row = {"source_item_id": [109], "item_id": [101], "amount_minor": [-70], "pending": [False], "on": [LATER]}
    bulk.save({"allocations": pl.DataFrame(row)}, on=LATER)
    bulk.save({"allocations": pl.DataFrame(row)}, on=LATER)
    assert list(Allocation.objects.order_by("id").values_list("amount_minor", flat=True)) == [70, -70, -70, -70]


def test_dunned_lines_bind_while_their_notice_stands(book: Entity) -> None:
    NoticeLine.objects.filter(notice=1, item=101).update(version=6)
    change("notices", notice_id=1, state="posted")
    assert list(NoticeLine.objects.filter(binding=True).values_list("notice", "item")) == [(1, 101)]
    change("notices", notice_id=1, state="sent")
    assert NoticeLine.objects.get(binding=True).item_id == 101
    change("notices", notice_id=1, state="withdrawn", reason="settled")
    assert not NoticeLine.objects.filter(binding=True).exists()


def test_saving_is_all_or_nothing(book: Entity) -> None:
    good = pl.DataFrame({"item_id": [101], "open_minor": [1]})
    with pytest.raises(BulkError):
        bulk.save({"items": good, "promises": pl.DataFrame({"promise_id": [9]})}, on=LATER)
    assert Item.objects.get(pk=101).open_minor == 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"itmes": {"item_id": [1]}}, "a book has no table 'itmes'"),
        ({"items": {"item_id": [101], "colour": [1]}}, "Item: no column is called 'colour'"),
        ({"items": {"open_minor": [1]}}, "Item: the key column 'id' is missing"),
        ({"items": {"item_id": [101, 101], "open_minor": [1, 2]}}, "Item: two rows are given for {'id': 101}"),
        ({"items": {"item_id": [999], "open_minor": [1]}}, "Item: the column 'entity_id' of a new row is missing"),
    ],
)
def test_what_cannot_be_saved_says_why(book: Entity, changes: dict[str, dict[str, list[object]]], message: str) -> None:
    with pytest.raises(BulkError, match=message):
        bulk.save({name: pl.DataFrame(columns) for name, columns in changes.items()}, on=LATER)


def test_saving_nothing_changes_nothing(book: Entity) -> None:
    before = frames.account_book(range(100))
    bulk.save({}, on=LATER)
    bulk.save({"items": before.items.clear(), "notices": before.notices.clear()}, on=LATER)
    assert frames.account_book(range(100)).items.equals(before.items)
