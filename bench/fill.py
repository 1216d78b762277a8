"""A made-up company of any size, written through `records.bulk`: ten items an account, one in five noticed before."""

from datetime import date

import polars as pl
from django.db import connection, transaction

from dunwell.records import bulk
from dunwell.records.connect import is_postgresql
from dunwell.records.models import Account, Contact, Entity, Item, ItemState, PaidElsewhere

AS_OF = date(2026, 4, 1)
ITEMS_PER_ACCOUNT = 10
SEGMENTS = ["smb", "key", "retail", None]


def company(n: int) -> int:
    """Fill the current database with `n` open items; return the entity's id."""
    accounts = max(n // ITEMS_PER_ACCOUNT, 1)
    with transaction.atomic():
        entity = Entity.objects.create(code="BENCH", name="Bench plc", currency="EUR", country="DE")
        account_ids = bulk.allocate_ids(Account, accounts)
        bulk.insert(Account, _accounts(account_ids, entity.id))
        bulk.insert(Contact, _contacts(account_ids))
        item_ids = bulk.allocate_ids(Item, n)
        bulk.insert(Item, _items(item_ids, account_ids, entity.id))
        bulk.insert(ItemState, _states(item_ids))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if is_postgresql() else "ANALYZE")
    return entity.id


def paid(n: int) -> None:
    """Let each of the `n` items of a new company have been paid in part, every other one in all."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, due_on, amount_minor FROM records_item")
            rows = pl.DataFrame(cursor.fetchall(), ["item_id", "due_on", "amount_minor"], orient="row")
            half = "amount_minor / 2"
            cursor.execute(f"UPDATE records_item SET open_minor = amount_minor - {half} WHERE id % 2 = 0")
            cursor.execute("UPDATE records_item SET open_minor = 0, closed_on = due_on WHERE id % 2 = 1")
        is_whole = pl.col("item_id") % 2 == 1
        part = pl.when(is_whole).then("amount_minor").otherwise(pl.col("amount_minor") // 2)
        bulk.insert(PaidElsewhere, rows.select("item_id", amount_minor=part, on="due_on"))
        assert rows.height == n
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if is_postgresql() else "ANALYZE")


def _accounts(ids: pl.Series, entity_id: int) -> pl.DataFrame:
    i = pl.int_range(pl.len())
    return pl.DataFrame({"id": ids}).with_columns(
        entity_id=entity_id,
        code=pl.format("A{}", i),
        name=pl.format('Account {}, "GmbH"', i),
        country=pl.lit(pl.Series(["DE", "FR", "GB", "US"])).gather(i % 4),
        language=pl.lit("de"),
        debtor_class=pl.lit("business"),
        segment=pl.lit(pl.Series(SEGMENTS)).gather(i % 4),
        risk=(i % 101) / 100,
    )


def _contacts(ids: pl.Series) -> pl.DataFrame:
    i = pl.int_range(pl.len())
    return pl.DataFrame({"account_id": ids}).with_columns(
        email=pl.when(i % 10 < 9).then(pl.format("ap{}@debtor.example", i)).otherwise(pl.lit("")),
        address_lines=pl.format("{} High Street\n10115 Berlin", i),
    )


def _items(ids: pl.Series, account_ids: pl.Series, entity_id: int) -> pl.DataFrame:
    i = pl.int_range(pl.len())
    spread = (i * 7919) % 100_003  # looks random, is not
    # Items come in by date, not by account: neighbours in the table belong to different accounts.
    owner = pl.lit(account_ids).gather((i * 104_729) % len(account_ids))
    amount = 500 + spread * 17
    return pl.DataFrame({"id": ids}).with_columns(
        entity_id=entity_id,
        account_id=owner,
        number=pl.format("2026-{}", i),
        kind=pl.when(i % 50 == 0).then(pl.lit("credit")).otherwise(pl.lit("invoice")),
        currency=pl.when(i % 20 == 0).then(pl.lit("GBP")).otherwise(pl.lit("EUR")),
        issued_on=pl.lit(AS_OF) - pl.duration(days=spread % 150 + 20),
        due_on=pl.lit(AS_OF) - pl.duration(days=spread % 150 - 10),
        amount_minor=amount,
        open_minor=amount,
    )


def _states(item_ids: pl.Series) -> pl.DataFrame:
    return (
        pl.DataFrame({"item_id": item_ids})
        .gather_every(5)
        .with_columns(level=1, stage=pl.lit("reminder"), last_notice_on=pl.lit(AS_OF) - pl.duration(days=20), version=1)
    )
