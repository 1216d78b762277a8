"""Play two policies over a year; the floor decides each claim of the year once, for each policy, all on one day.

No simulation can do with less: whoever is dunned at all has to be decided about at least once. How often more than once
is what the ratio shows: a plain fold would decide the open book 365 times.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from bench.harness import measure, report
from dunwell.engine.book import Book
from dunwell.engine.data import shipped_policy
from dunwell.engine.decide import decide
from dunwell.engine.history import History
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.simulation.happenings import happenings
from dunwell.engine.simulation.play import Play, Scenario
from dunwell.engine.simulation.result import measured

FROM, UNTIL = date(2025, 1, 1), date(2025, 12, 31)
COSTS = {"email": 2, "letter": 135}
TERMS_DAYS = 30


def main(sizes: tuple[tuple[int, int], ...] = ((2_500, 25), (100_000, 10))) -> None:
    """Measure years of so many claims, of so many each account. The first is as large as `ibm-late-payment`."""
    for n, each in sizes:
        floor = measure(decided, n, each)
        report("simulate: each claim decided", n, floor)
        report("simulate: a year, two policies", n, measure(simulated, n, each, times=1), floor)


def year(n: int, each: int) -> History:
    """Claims issued over fourteen months, paid from 20 days before to 70 after their due date; one in fifty never."""
    i = pl.int_range(n, dtype=pl.Int64)
    spread = (i * 7919) % 100_003  # looks random, is not
    issued_on = pl.lit(FROM) + pl.duration(days=spread % 425 - 60)
    rows = pl.select(item_id=i + 1).with_columns(
        account_id=((i * 104_729) % max(n // each, 1)) + 1,
        entity_id=pl.lit(1),
        kind=pl.lit("invoice"),
        currency=pl.lit("EUR"),
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=TERMS_DAYS),
        amount_minor=500 + spread * 17,
    )
    late = (i * 48_271) % 91 - 20
    moves = rows.with_columns(on=pl.col("due_on") + pl.duration(days=late)).filter(pl.col("item_id") % 50 != 0)
    accounts = pl.select(account_id=pl.int_range(max(n // each, 1), dtype=pl.Int64) + 1).with_columns(
        account=pl.format("A{}", "account_id"),
        entity_id=pl.lit(1),
        channels=pl.lit(3),
        legal=pl.lit(value=False),
        intercompany=pl.lit(value=False),
    )
    return History.of(
        FROM - timedelta(days=1),
        accounts=accounts,
        items=rows.with_columns(open_minor=pl.lit(0)),
        moves=moves.select("item_id", "on", less_minor="amount_minor"),
    )


def scenarios() -> list[Scenario]:
    """The shipped policy for businesses, and the same one with later reminders."""
    standard = shipped_policy("standard-b2b")
    later = standard.replace("days_past_due: 3,", "days_past_due: 10,").replace(
        "days_past_due: 14,", "days_past_due: 25,"
    )
    texts = {"standard": standard, "later": later}
    return [Scenario(name, (parse_policy(text, f"{name}.yaml"),)) for name, text in texts.items()]


def simulated(n: int, each: int) -> Callable[[], object]:
    """Prepare a year."""
    history = year(n, each)

    def run() -> None:
        happens = happenings(history, FROM)
        play = Play(happens, scenarios())
        play.until(UNTIL)
        found = measured(happens, play.played(), ["standard", "later"], UNTIL, costs=COSTS)
        assert (found.contacts["notices"] > n // 10).all()

    return run


def decided(n: int, each: int) -> Callable[[], object]:
    """Prepare the floor."""
    happens = happenings(year(n, each), FROM)
    items = pl.concat([happens.opening, happens.booked])
    book = replace(Book.of(items=items), accounts=happens.accounts)
    policies = [each.policies for each in scenarios()]
    return lambda: [decide(book, own, UNTIL) for own in policies]
