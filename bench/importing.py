"""A file of a large book's items imported at once, beside the database's own bulk load of the rows that come of it."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import polars as pl

from bench import databases
from bench.harness import Figure, measure, report

AT: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAY: Final = date(2026, 4, 1)
ITEMS_PER_ACCOUNT: Final = 10
MAPPING: Final = """\
entity: BENCH
entities: {BENCH: {currency: EUR, country: DE}}
account: {column: account}
name: {column: name}
email: {column: email}
number: {column: number}
currency: {column: currency}
amount: {column: amount}
issued: {column: issued}
due: {column: due}
"""


def main(n: int = 1_000_000) -> None:
    """Measure on both databases: the bulk load, a CSV, a Parquet file, and the same file again."""
    with databases.both() as urls:
        folder = Path(os.environ["DUNWELL_HOME"])
        write_files(folder, n)
        for name, url in urls.items():
            measure(tables, url, times=1)
            floor = measure(bare, url, folder, times=1)
            report(f"importing {name}: bulk load", n, floor)
            for file in ("items.csv", "items.parquet"):
                report(f"importing {name}: {file}", n, _imported(url, folder / file), floor)
            report(f"importing {name}: the same again", n, measure(imported, url, folder / "items.csv", times=1), floor)
    report_large()


def report_large() -> None:
    """Read and check a CSV of 200 MB: the peak of memory is what counts."""
    with databases.both() as _urls:
        folder = Path(os.environ["DUNWELL_HOME"])
        write_files(folder, 2_300_000)
        size = (folder / "items.csv").stat().st_size // 10**6
        report(f"importing: a CSV of {size} MB checked", 2_300_000, measure(read, folder / "items.csv", times=1))


def _imported(url: str, file: Path) -> Figure:
    """Import into an empty book."""
    measure(tables, url, times=1)
    return measure(imported, url, file, times=1)


def rows(n: int) -> pl.DataFrame:
    """The rows of the files: `n` items of ten an account, in order of their dates and not of their accounts."""
    i = pl.int_range(pl.len())
    spread = (i * 7919) % 100_003  # looks random, is not
    owner = (i * 104_729) % max(n // ITEMS_PER_ACCOUNT, 1)
    return pl.select(i=pl.int_range(n)).select(
        account=pl.format("C{}", owner.cast(pl.String).str.zfill(7)),
        name=pl.format("Account {} GmbH", owner),
        email=pl.format("ap{}@debtor.example", owner),
        number=pl.format("2026-{}", i),
        currency=pl.when(i % 20 == 0).then(pl.lit("GBP")).otherwise(pl.lit("EUR")),
        amount=((500 + spread * 17).cast(pl.Decimal(18, 0)) / 100).cast(pl.Decimal(18, 2)),
        issued=pl.lit(DAY) - pl.duration(days=spread % 150 + 20),
        due=pl.lit(DAY) - pl.duration(days=spread % 150 - 10),
    )


def write_files(folder: Path, n: int) -> None:
    """Lay the files and their mapping into a folder."""
    made = rows(n)
    made.write_csv(folder / "items.csv")
    made.write_parquet(folder / "items.parquet")
    (folder / "map.yaml").write_text(MAPPING)


def tables(url: str) -> Callable[[], object]:
    """Prepare to empty the book, which is made where there is none."""
    databases.open_database(url)
    from django.db import connection

    from dunwell.records import connect
    from dunwell.records.connect import is_postgresql

    connect.migrate()

    def empty() -> None:
        with connection.cursor() as cursor:
            for name in ("records_item", "records_contact", "records_account", "records_auditevent", "records_entity"):
                cursor.execute(f"TRUNCATE {name} CASCADE" if is_postgresql() else f"DELETE FROM {name}")
            cursor.execute("VACUUM")

    return empty


def imported(url: str, file: Path) -> Callable[[], object]:
    """Prepare to import a file."""
    databases.open_database(url)
    from dunwell.flows.book.importing import import_items

    return lambda: import_items(file, file.parent / "map.yaml", by="bench", at=AT, on=DAY)


def read(file: Path) -> Callable[[], object]:
    """Prepare to read and check a file, without a book."""
    from dunwell.sources.items import read_items
    from dunwell.sources.mapping import ItemMapping, read_mapping

    mapping = read_mapping(MAPPING, "map.yaml")
    assert isinstance(mapping, ItemMapping)
    return lambda: read_items(file, mapping)


def bare(url: str, folder: Path) -> Callable[[], object]:
    """Prepare the floor: the rows of entity, accounts, contacts and items, ready made, by COPY or `executemany`."""
    databases.open_database(url)
    from django.db import transaction

    from dunwell.records import models as m
    from dunwell.records import wire
    from dunwell.records.models import Entity
    from dunwell.records.stage import default_values
    from dunwell.records.tables import table_name

    read = pl.read_parquet(folder / "items.parquet")
    owners = read.select("account", "name", "email").unique("account", keep="first", maintain_order=True)
    owners = owners.with_row_index("id", 1)
    items = (
        read.join(owners.select("account", account_id="id"), on="account").sort("account_id").with_row_index("id", 1)
    )
    minor = (pl.col("amount") * 100).cast(pl.Int64)

    def load() -> None:
        with transaction.atomic():
            entity = Entity.objects.create(code="BENCH", name="BENCH", currency="EUR", country="DE")
            loaded = {
                m.Account: owners.select("id", "name", code="account", entity_id=pl.lit(entity.pk)),
                m.Contact: owners.select("email", id="id", account_id="id"),
                m.Item: items.select(
                    "id", "account_id", "number", "currency", issued_on="issued", due_on="due", amount_minor=minor,
                    open_minor=minor, entity_id=pl.lit(entity.pk),
                ),
            }  # fmt: skip
            for model, frame in loaded.items():
                given = {name: pl.lit(value) for name, value in default_values(model, frame.columns).items()}
                wire.write(table_name(model), frame.with_columns(**given))

    return load
