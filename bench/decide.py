"""Decide a whole book; the floor joins accounts, sums by account and currency and joins back, on the same frames."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl

from bench.harness import measure, report
from dunwell.engine.book import Book, table
from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.engine.decide import decide
from dunwell.engine.policy.model import Policy
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


CALENDARS = ("{country: DE}", "{country: account}", "{country: GB}", "{country: account, due: roll}")
SUMS = "account_overdue_minor > 10000 and account_oldest_days > 20"
SHARDS = 8


def main(sizes: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)) -> None:
    """Measure how it grows, what calendars and sums of accounts add, and what shards cost beside the whole."""
    for n in sizes:
        floor = measure(bare, n, times=2)
        report("decide: join, sum, join back", n, floor)
        report("decide: four policies", n, measure(decided, n, times=2), floor)
        report("decide: calendars and sums", n, measure(decided_with_more, n, times=2), floor)
    whole = measure(decided, sizes[-1], times=2)
    report(f"decide: {SHARDS} shards beside the whole", sizes[-1], measure(in_shards, sizes[-1], times=2), whole)


def decided(n: int) -> Callable[[], object]:
    """Prepare to decide a book of `n` items under four policies."""
    book, policies = made_up(n), under()
    return lambda: decide(book, policies, AS_OF)


def decided_with_more(n: int) -> Callable[[], object]:
    """Prepare to decide it under the same with calendars, and with conditions on sums of accounts."""
    book, policies = made_up(n), under(with_more=True)
    return lambda: decide(book, policies, AS_OF)


def in_shards(n: int) -> Callable[[], object]:
    """Prepare to decide the same in shards by payer, one after the other."""
    book, policies = made_up(n), under()
    shards = [_shard(book, number) for number in range(SHARDS)]
    return lambda: [decide(shard, policies, AS_OF) for shard in shards]


def under(*, with_more: bool = False) -> list[Policy]:
    """The shipped policies, and one for whoever they leave."""
    texts = [*map(shipped_policy, SHIPPED_POLICIES), OTHERS]
    if with_more:
        for written, more in (
            ("{stage: final, days_past_due: 45, days", f'{{stage: final, when: "{SUMS}", days_past_due: 45, days'),
            ("- stage: final\n", f'- stage: final\n    when: "{SUMS}"\n'),
            ('risk > 0.2"', f'risk > 0.2 or {SUMS}"'),
        ):
            texts = [text.replace(written, more) for text in texts]
        texts = [f"{text}calendar: {each}\n" for text, each in zip(texts, CALENDARS, strict=True)]
    return [parse_policy(text, f"policy {number}") for number, text in enumerate(texts, 1)]


def _shard(book: Book, number: int) -> Book:
    is_of_it = pl.col("account_id") % SHARDS == number
    of_payer = pl.col("payer_id") % SHARDS == number
    return replace(
        book,
        accounts=book.accounts.filter(is_of_it),
        items=book.items.filter(is_of_it),
        payers=book.payers.filter(of_payer),
    )


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
