"""The sample book in the database is the sample book."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dunwell.flows.book.sample import load_sample
from dunwell.flows.errors import Conflict
from dunwell.records import frames
from dunwell.records.models import Account, AuditEvent, Contact, Entity, Item
from dunwell.sources.sample.book import sample_book

AS_OF = date(2026, 4, 7)
NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)


def test_it_loads_beside_another_book_and_reads_back_the_same(db: str) -> None:
    other = Entity.objects.create(code="OTHER", name="Other", currency="EUR")
    Account.objects.create(entity=other, code="1")
    loaded = load_sample(seed=7, as_of=AS_OF, by="anna", at=NOON, accounts=200, items=1200)
    assert (loaded.entities, loaded.accounts, loaded.items) == (("NORD", "ALBION"), 200, 1200)
    sample = sample_book(seed=7, as_of=AS_OF, accounts=200, items=1200).book()
    for code in loaded.entities:
        book = frames.book(Entity.objects.get(code=code).pk, as_of=AS_OF)
        local = {"NORD": 1, "ALBION": 2}[code]
        plain = [name for name in book.items.columns if not name.endswith("_id")]
        expected = sample.items.filter(pl.col("entity_id") == local, pl.col("open_minor") > 0)
        by = ["number", "issued_on", "amount_minor", "draft"]
        # A payment is closed with its money applied; a draft stays open.
        assert_frame_equal(book.items.select(plain).sort(by), expected.select(plain).sort(by), check_column_order=False)
        accounts = sample.accounts.filter(pl.col("entity_id") == local).sort("account")
        read = book.accounts.sort("account")
        for column in ("account", "segment", "channels", "attr_sales_rep", "legal", "risk"):
            assert read[column].to_list() == accounts[column].to_list()
        assert read["parent_id"].null_count() == accounts["parent_id"].null_count()
        assert book.anchors.height == sample.anchors.filter(pl.col("entity_id") == local).height
    assert Contact.objects.count() == sample_book(seed=7, as_of=AS_OF, accounts=200, items=1200).contacts.height
    assert AuditEvent.objects.filter(action="sample.loaded").count() == 2
    Item.objects.create(entity=other, account=Account.objects.get(entity=other), number="X", currency="EUR",
                        amount_minor=1, open_minor=1)  # fmt: skip  # its id is free


def test_it_is_loaded_once(db: str) -> None:
    load_sample(seed=7, as_of=AS_OF, by="anna", at=NOON, accounts=20, items=60)
    with pytest.raises(Conflict, match="the book has ALBION, NORD already"):
        load_sample(seed=7, as_of=AS_OF, by="anna", at=NOON, accounts=20, items=60)
    assert Item.objects.count() == 60
