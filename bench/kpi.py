"""Every measure over a history of open and settled items; the floor groups the same frames by item and currency.

And the reading of such a history from both databases, beside the same statements whose rows nobody keeps.
"""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from bench import databases
from bench.harness import measure, report
from dunwell.engine.history import History
from dunwell.insight.cei import cei
from dunwell.insight.daily import figures
from dunwell.insight.dso import dso, turnover
from dunwell.insight.lateness import lateness
from dunwell.insight.promises import promises_kept
from dunwell.insight.rolling import roll_rates
from dunwell.insight.success import responses, success
from dunwell.insight.trade import Days

TO = date(2026, 3, 31)
DAYS = Days(date(2026, 1, 1), TO)
BEGINS = date(2025, 1, 1)
ITEMS_PER_ACCOUNT = 10
NOTICED = 5  # one item in so many
MEASURES: dict[str, Callable[[History], pl.DataFrame]] = {
    "dso": lambda told: dso(told, DAYS),
    "cei": lambda told: cei(told, DAYS),
    "turnover": lambda told: turnover(told, DAYS),
    "lateness": lambda told: lateness(told, DAYS),
    "success": lambda told: success(told, DAYS, within_days=14, known_to=TO),
    "responses": lambda told: responses(told, DAYS, within_days=14, known_to=TO),
    "promises": lambda told: promises_kept(told, DAYS, known_to=TO),
    "roll rates": lambda told: roll_rates(told, date(2026, 2, 28), TO),
    "the figures of a day": lambda told: figures(told, TO),
}


def main(n: int = 1_000_000) -> None:
    """Measure at a million open items and a million settled ones; read a million items, each paid once."""
    floor = measure(bare, n)
    report("kpi: items and moves grouped", 2 * n, floor)
    for name in MEASURES:
        report(f"kpi: {name}", 2 * n, measure(measured, n, name), floor)
    with databases.both() as urls:
        for name, url in urls.items():
            measure(databases.filled, url, n, times=1)
            measure(paid, url, n, times=1)
            floor = measure(bare_rows, url)
            report(f"kpi, {name}: bare rows", 2 * n, floor)
            report(f"kpi, {name}: history", 2 * n, measure(read, url), floor)


def paid(url: str, n: int) -> Callable[[], object]:
    """Prepare to let each item of a book be paid in all or in part."""
    databases.open_database(url)
    from bench import fill

    return lambda: fill.paid(n)


def read(url: str) -> Callable[[], object]:
    """Prepare to read the whole history of the one entity."""
    databases.open_database(url)
    from dunwell.records.history import history

    return lambda: history(1, since=BEGINS)


def bare_rows(url: str) -> Callable[[], object]:
    """Prepare the floor: the same statements, and every row dropped as it comes."""
    databases.open_database(url)
    from dunwell.records.history import selects_of_history

    return lambda: databases.dropped(selects_of_history(1, since=BEGINS).values())


def measured(n: int, name: str) -> Callable[[], object]:
    """Prepare a measure of a history."""
    told = made_up(n)
    return lambda: MEASURES[name](told)


def bare(n: int) -> Callable[[], object]:
    """Prepare the floor: what moved, by item, and items by currency."""
    told = made_up(n)

    def run() -> tuple[pl.DataFrame, pl.DataFrame]:
        moved = told.moves.group_by("item_id").agg(pl.col("less_minor").sum())
        return moved, told.items.group_by("entity_id", "currency").agg(pl.col("amount_minor").sum())

    return run


def made_up(n: int) -> History:
    """Make a history: `n` open items and `n` settled ones of fifteen months, one in four paid in two parts."""
    k = pl.col("item_id")
    spread = (k * 7919) % 450  # looks random, is not
    issued = pl.lit(BEGINS) + pl.duration(days=spread)
    is_open = k < n
    items = pl.int_range(2 * n, eager=True).alias("item_id").to_frame()
    items = items.with_columns(
        account_id=k // ITEMS_PER_ACCOUNT,
        entity_id=pl.lit(1),
        kind=pl.when(k % 50 == 0).then(pl.lit("credit")).otherwise(pl.lit("invoice")),
        currency=pl.when(k % 20 == 0).then(pl.lit("GBP")).otherwise(pl.lit("EUR")),
        issued_on=issued,
        due_on=issued + pl.duration(days=30),
        amount_minor=1_000 + (k * 104_729) % 10**6,
    )
    amount, paid_on = pl.col("amount_minor"), pl.col("issued_on") + pl.duration(days=20 + k % 60)
    settled = items.filter(~is_open).select("item_id", on=paid_on, less_minor=amount - amount // 2 * (k % 4 == 0))
    parts = items.filter(k % 4 == 0).select(
        "item_id", on=pl.col("issued_on") + pl.duration(days=15), less_minor=amount // 2
    )
    notices = items.filter(k % NOTICED == 0).select(
        notice_id=k, entity_id="entity_id", payer_id="account_id", currency="currency", policy=pl.lit("p"),
        stage=pl.lit("reminder"), sent_on=pl.col("due_on") + pl.duration(days=5), state=pl.lit("sent"),
        channels=pl.lit("email"),
    )  # fmt: skip
    lines = items.filter(k % NOTICED == 0).select("item_id", "amount_minor", notice_id="item_id")
    accounts = items.select("account_id", "entity_id").unique().sort("account_id")
    promises = accounts.filter(pl.col("account_id") % 7 == 0).select(
        promise_id="account_id", account_id="account_id", currency=pl.lit("EUR"), amount_minor=pl.lit(5_000),
        paid_minor=pl.lit(5_000) * (pl.col("account_id") % 2), tolerance_days=pl.lit(0),
        made_on=pl.lit(DAYS.from_on), by_on=pl.lit(DAYS.from_on + timedelta(days=40)),
    )  # fmt: skip
    heard = accounts.filter(pl.col("account_id") % 5 == 0).select(
        payer_id="account_id", on=pl.lit(DAYS.from_on + timedelta(days=20)), response=pl.lit("contact")
    )
    return History.of(
        BEGINS, accounts=accounts.with_columns(intercompany=pl.lit(value=False)), items=items,
        moves=pl.concat([settled, parts]).sort("item_id", "on"), notices=notices, lines=lines, promises=promises,
        responses=heard,
    )  # fmt: skip
