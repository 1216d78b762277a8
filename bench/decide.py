"""Decide a whole book; the floor joins accounts, sums by account and currency and joins back, on the same frames."""

from collections.abc import Callable
from datetime import date

import polars as pl

from bench.harness import measure, report
from dunwell.engine.book import Book, table
from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.engine.decide import decide
from dunwell.engine.policy.parse import parse_policy

AS_OF = date(2026, 4, 1)
ITEMS_PER_ACCOUNT = 10
OTHERS = """
policy: others
title: Whoever the other policies leave
priority: 900
escalate: jump
min_gap_days: 7
stages:
  - {stage: reminder, days_past_due: 5, send: ["email|letter"]}
  - {stage: final, days_past_due: 45, when: "risk is null or risk > 0.2", fee: {EUR: 5.00, GBP: 5.00}, send: [letter]}
"""


def main(sizes: tuple[int, ...] = (1_000_000, 10_000_000)) -> None:
    """Measure at a million and at ten million items."""
    for n in sizes:
        floor = measure(bare, n, times=2)
        report("decide: join, sum, join back", n, floor)
        report("decide: four policies", n, measure(decided, n, times=2), floor)


def decided(n: int) -> Callable[[], object]:
    """Prepare to decide a book of `n` items under four policies."""
    book = made_up(n)
    policies = [parse_policy(shipped_policy(name), name) for name in SHIPPED_POLICIES]
    policies.append(parse_policy(OTHERS, "others"))
    return lambda: decide(book, policies, AS_OF)


def bare(n: int) -> Callable[[], object]:
    """Prepare the floor."""
    book = made_up(n)

    def run() -> pl.DataFrame:
        rows = book.items.lazy().join(book.accounts.lazy(), on="account_id", how="left")
        sums = rows.group_by("account_id", "currency").agg(sum_minor=pl.col("open_minor").sum())
        return rows.join(sums, on=["account_id", "currency"], how="left").collect(engine="in-memory")

    return run


def made_up(n: int) -> Book:
    """Make a book of `n` items in order of account: one in fifty a credit, four in ten overdue, one in ten noticed."""
    i = pl.int_range(max(n // ITEMS_PER_ACCOUNT, 1), eager=True).alias("i").to_frame()
    k = pl.col("i")
    accounts = i.select(
        account_id=k + 1,
        entity_id=pl.lit(1),
        account=pl.format("A{}", k),
        segment=pl.lit(pl.Series(["smb", "key", "retail", None])).gather(k % 4),
        country=pl.lit(pl.Series(["DE", "FR", "GB", "US"])).gather(k % 4),
        debtor_class=pl.lit(pl.Series(["business", "business", "consumer", "business", "public"])).gather(k % 5),
        risk=(k % 101) / 100,
        channels=pl.when(k % 20 == 0).then(0).otherwise(3),
    )
    contacts = i.filter(k % 3 == 0).select(
        entity_id=pl.lit(1), payer_id=k + 1, last_contact_on=pl.lit(AS_OF) - pl.duration(days=k % 30)
    )
    spread = (k * 7919) % 100_003  # looks random, is not
    noticed = k % 10 == 0
    items = (
        pl.int_range(n, eager=True)
        .alias("i")
        .to_frame()
        .select(
            item_id=k + 1,
            account_id=k // ITEMS_PER_ACCOUNT + 1,
            entity_id=pl.lit(1),
            number=pl.format("2026-{}", k),
            kind=pl.when(k % 50 == 0).then(pl.lit("credit")).otherwise(pl.lit("invoice")),
            currency=pl.when(k % 20 == 0).then(pl.lit("GBP")).otherwise(pl.lit("EUR")),
            issued_on=pl.lit(AS_OF) - pl.duration(days=spread % 100 + 10),
            due_on=pl.lit(AS_OF) - pl.duration(days=spread % 100 - 60),
            amount_minor=500 + spread * 17,
            open_minor=500 + spread * 17,
            level=pl.when(noticed).then(2).otherwise(0),
            stage=pl.when(noticed).then(pl.lit("reminder")),
            last_notice_on=pl.when(noticed).then(pl.lit(AS_OF) - pl.duration(days=20)),
        )
    )
    return Book.of(
        entities=[{"entity_id": 1, "entity": "BENCH"}],
        accounts=table("accounts", accounts),
        items=table("items", items),
        payers=table("payers", contacts),
    )
