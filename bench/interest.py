"""Interest with part payments of a million items; the floor joins the items with the periods of their rates, no more.

And the working of one item, period by period.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl

from bench.harness import measure, report
from dunwell.engine.law.accrual import CLAIMS, REDUCTIONS, Terms, accrue
from dunwell.engine.law.law import law_of
from dunwell.engine.law.rates import rate_periods
from dunwell.engine.law.regime import RateRule
from dunwell.engine.law.series import Series
from dunwell.engine.law.working import Claim, work_out

AS_OF = date(2026, 4, 1)
RULE = RateRule(mode="floating", series="base", margin=Decimal(9), source="made up")
SERIES = {
    "base": Series(
        "base",
        date(2026, 6, 30),
        tuple(date(year, month, 1) for year in range(2019, 2027) for month in (1, 7)),
        tuple(1_270_000 + 250_000 * step for step in range(16)),
    )
}


def main(n: int = 1_000_000) -> None:
    """Measure at a million items, half of them paid in part once or twice."""
    floor = measure(joined, n)
    report("interest: items and periods joined", n, floor)
    report("interest: with part payments", n, measure(accrued, n), floor)
    report("interest: one item worked out", 1, measure(worked))


def accrued(n: int) -> Callable[[], object]:
    """Prepare to work out the interest of `n` items."""
    claims, reductions = made_up(n)
    terms = Terms(RULE, "act/365", "exact")
    return lambda: accrue(claims, reductions, terms, SERIES)


def joined(n: int) -> Callable[[], object]:
    """Prepare the floor: each item with each period of the rates that its days touch."""
    claims, _reductions = made_up(n)
    first_on = claims["first_on"].dt.min()
    assert isinstance(first_on, date)
    periods = rate_periods(RULE, first_on, AS_OF, SERIES)
    rates = pl.DataFrame(
        [(each.from_on, each.until_on, each.rate_millionths) for each in periods],
        schema={"starts_on": pl.Date, "ends_on": pl.Date, "rate": pl.Int64},
        orient="row",
    ).lazy()

    def run() -> pl.DataFrame:
        touched = (pl.col("from_on") <= pl.col("ends_on"), pl.col("until_on") >= pl.col("starts_on"))
        return claims.lazy().join_where(rates, *touched).collect(engine="in-memory")

    return run


def worked() -> Callable[[], object]:
    """Prepare the working of one item of three years, paid in part four times."""
    paid = tuple((date(2024, month, 17), 5_000) for month in (1, 4, 7, 10))
    claim = Claim("EUR", 100_000, date(2023, 3, 31), AS_OF, debtor_class="business", reductions=paid)
    return lambda: work_out(law_of("DE"), claim, {"de-basiszinssatz": replace(SERIES["base"], name="de-basiszinssatz")})


def made_up(n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make `n` claims of the last three years, and what was paid on half of them."""
    k = pl.col("claim")
    spread = (k * 7919) % 1_000
    ids = pl.int_range(n, eager=True).alias("claim").to_frame()
    first_on = pl.lit(AS_OF) - pl.duration(days=spread + 5)
    claims = ids.select(
        "claim", first_on=first_on, from_on=first_on, until_on=pl.lit(AS_OF), base_minor=500 + (k * 104_729) % 10**7
    )
    paid = [
        ids.filter(k % share == 0).select(
            "claim", on=first_on + pl.duration(days=spread // days), amount_minor=1_000 + k
        )
        for share, days in ((2, 2), (4, 3))
    ]
    return claims.cast(pl.Schema(CLAIMS)), pl.concat(paid).cast(pl.Schema(REDUCTIONS))


if __name__ == "__main__":
    main()
