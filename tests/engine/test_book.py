"""Tables take the declared shape at the wall, and changes replace rows by key or add to a ledger."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dunwell.engine.book import KEYS, SCHEMAS, Book, BookError, table, upsert


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_empty_table_has_its_columns(name: str) -> None:
    assert dict(table(name).schema) == {column: _dtype(dtype) for column, dtype in SCHEMAS[name].items()}
    assert_frame_equal(table(name, []), table(name))


def _dtype(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def test_what_is_not_given_is_its_default_or_null() -> None:
    row = table("items", [{"item_id": 1, "open_minor": 5}]).row(0, named=True)
    assert (row["kind"], row["level"], row["version"], row["draft"]) == ("invoice", 0, 0, False)
    assert (row["disputed_minor"], row["in_flight_minor"]) == (0, 0)
    assert (row["due_on"], row["stage"], row["amount_minor"]) == (None, None, None)
    account = table("accounts", [{"account_id": 1}]).row(0, named=True)
    assert (account["legal"], account["intercompany"], account["channels"], account["parent_id"]) == (
        False,
        False,
        0,
        None,
    )


def test_a_null_where_a_default_stands_is_the_default() -> None:
    rows: list[dict[str, object]] = [{"item_id": 1, "level": None, "draft": None, "kind": None}]
    assert table("items", rows).select("level", "draft", "kind").row(0) == (0, False, "invoice")


def test_columns_come_in_the_order_and_type_of_the_schema() -> None:
    frame = pl.DataFrame({"open_minor": [5], "item_id": [1]}, schema={"open_minor": pl.Int32, "item_id": pl.Int8})
    shaped = table("items", frame)
    assert shaped.columns == list(SCHEMAS["items"])
    assert shaped.schema["open_minor"] == pl.Int64


def test_attributes_are_kept_on_items_and_accounts_alone() -> None:
    assert table("items", [{"item_id": 1, "attr_contract": "C-1"}])["attr_contract"].to_list() == ["C-1"]
    assert table("accounts", [{"account_id": 1, "attr_score": 3}])["attr_score"].to_list() == [3]
    with pytest.raises(BookError, match="holds: no column is called 'attr_score'"):
        table("holds", [{"hold_id": 1, "attr_score": 3}])


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("items", {"item_id": 1, "opn_minor": 5}, "items: no column is called 'opn_minor'"),
        ("items", {"item_id": 1, "kind": "invioce"}, "items: conversion from `str` to `enum` failed in column 'kind'"),
        ("items", {"item_id": 1, "currency": "EURO"}, "items: conversion"),
        ("items", {"item_id": "A-17"}, "items: conversion"),
        ("items", {"item_id": 1, "level": 99_999}, "items: conversion"),
    ],
)
def test_what_does_not_fit_is_named_with_its_table(name: str, row: dict[str, object], message: str) -> None:
    with pytest.raises(BookError) as caught:
        table(name, [row])
    assert str(caught.value).startswith(message)


def test_a_book_knows_its_tables() -> None:
    with pytest.raises(BookError, match="a book has no table 'invoices'"):
        Book.of(invoices=[])


def test_rows_of_the_same_key_are_replaced_and_others_added() -> None:
    before = table("holds", [{"hold_id": 1, "account_id": 7}, {"hold_id": 2, "account_id": 8}])
    after = upsert(
        before, table("holds", [{"hold_id": 2, "account_id": 9}, {"hold_id": 3, "account_id": 7}]), ["hold_id"]
    )
    assert after.sort("hold_id").select("hold_id", "account_id").rows() == [(1, 7), (2, 9), (3, 7)]


def test_columns_that_are_not_given_stay() -> None:
    before = table("items", [{"item_id": 1, "number": "A-17", "open_minor": 100, "attr_contract": "C-1"}])
    after = upsert(before, pl.DataFrame({"item_id": [1], "open_minor": [40]}), ["item_id"])
    assert after.select("number", "open_minor", "attr_contract").rows() == [("A-17", 40, "C-1")]


def test_no_rows_change_nothing() -> None:
    before = table("items", [{"item_id": 1, "open_minor": 100}])
    assert upsert(before, before.clear(), ["item_id"]) is before


def test_an_attribute_not_seen_before_is_null_on_the_rows_that_stay() -> None:
    before = table("items", [{"item_id": 1}, {"item_id": 2}])
    after = upsert(before, table("items", [{"item_id": 2, "attr_contract": "C-1"}]), ["item_id"])
    assert after.sort("item_id")["attr_contract"].to_list() == [None, "C-1"]


def test_a_key_with_a_null_is_the_same_key() -> None:
    """A group of an unknown currency has one state, not one more after each run."""
    group = {"entity_id": 1, "payer_id": 1, "currency": None, "policy": "p"}
    before = table("anchors", [{**group, "level": 1}])
    after = upsert(before, table("anchors", [{**group, "level": 2}]), KEYS["anchors"])
    assert after["level"].to_list() == [2]


def test_keyed_tables_are_merged_and_ledgers_grow() -> None:
    book = Book.of(items=[{"item_id": 1, "open_minor": 100}], promise_items=[{"promise_id": 1, "item_id": 1}])
    row = {"source_item_id": 9, "item_id": 1, "amount_minor": 60, "pending": False, "on": date(2026, 3, 1)}
    changes = {"items": pl.DataFrame({"item_id": [1], "open_minor": [40]}), "allocations": table("allocations", [row])}
    after = book.merged(changes).merged({"allocations": table("allocations", [row])})
    assert after.items["open_minor"].to_list() == [40]
    assert after.allocations["amount_minor"].to_list() == [60, 60]
    assert after.promise_items.height == 1
    assert book.items["open_minor"].to_list() == [100]  # the book before is as it was
