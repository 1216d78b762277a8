"""Posting takes an item only as it was decided upon; of two who compete, one loses."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from django.db import connections, transaction

from dunwell.records import bulk
from dunwell.records.models import Entity, Item, ItemState
from tests.records import sample

pytestmark = pytest.mark.usefixtures("way")
TYPES = {"item_id": pl.Int64, "version": pl.Int32}


def states(versions: dict[int, int], level: int = 3) -> pl.DataFrame:
    frame = pl.DataFrame({"item_id": versions.keys(), "version": versions.values()}, schema_overrides=TYPES)
    return frame.with_columns(level=pl.lit(level, dtype=pl.Int16), stage=pl.lit("third"))


def losers(frame: pl.DataFrame) -> list[int]:
    return sorted(bulk.compare_and_set(frame)["item_id"])


def test_an_item_as_decided_upon_rises(book: Entity) -> None:
    assert losers(states({101: 7, 108: 0})) == []
    assert list(ItemState.objects.order_by("pk").values_list("pk", "version", "level", "stage")) == [
        (101, 8, 3, "third"),
        (108, 1, 3, "third"),
    ]
    assert ItemState.objects.get(pk=101).last_deadline_on == sample.DAY  # not given, so it stays


def test_an_item_that_changed_since_is_left_alone(book: Entity) -> None:
    assert losers(states({101: 6, 102: 1, 108: 0})) == [101, 102]
    assert ItemState.objects.get(pk=101).level == 2
    assert not ItemState.objects.filter(pk=102).exists()


def test_the_same_again_loses(book: Entity) -> None:
    frame = states({101: 7, 108: 0})
    assert losers(frame) == []
    assert losers(frame) == [101, 108]
    assert set(ItemState.objects.values_list("version", flat=True)) == {8, 1}


def test_nothing_to_set_has_no_losers(book: Entity) -> None:
    assert bulk.compare_and_set(states({})).schema == {"item_id": pl.Int64}


def in_thread(work: Callable[[], list[int]]) -> list[int]:
    """Run in another thread, which has a connection of its own."""

    def run() -> list[int]:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=60)


def test_of_two_transactions_the_second_waits_and_loses(book: Entity) -> None:
    frame = states({101: 7, 108: 0})
    found: list[list[int]] = []
    other = threading.Thread(target=lambda: found.append(in_thread(lambda: losers(frame))))
    with transaction.atomic():
        assert losers(frame) == []
        other.start()
        other.join(timeout=0.5)
        assert other.is_alive()  # it waits for this transaction
    other.join(timeout=60)
    assert found == [[101, 108]]
    assert set(ItemState.objects.values_list("version", flat=True)) == {8, 1}


def test_what_was_rolled_back_is_free_for_the_second(book: Entity) -> None:
    frame = states({101: 7, 108: 0})
    with transaction.atomic():
        assert losers(frame) == []
        transaction.set_rollback(True)
    assert in_thread(lambda: losers(frame)) == []


def test_many_workers_post_each_step_once(book: Entity) -> None:
    frame = states(dict.fromkeys(Item.objects.exclude(pk=101).values_list("pk", flat=True), 0))
    with ThreadPoolExecutor(4) as pool:
        lost = list(pool.map(lambda _n: in_thread(lambda: losers(frame)), range(4)))
    assert sorted(len(items) for items in lost) == [0, *[frame.height] * 3]
    assert set(ItemState.objects.exclude(pk=101).values_list("version", flat=True)) == {1}
