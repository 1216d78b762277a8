"""Interest of many claims at once, in frames: in whole numbers, exact, and rounded once.

A principal changes from one day to the next only where money came or went. Between two such days interest is the
principal times what the rates of these days come to, which is a difference of two sums over the days before: a
claim takes as long as it has changes of its principal, whatever its days and the changes of its rate.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

import polars as pl

from dunwell.engine.law.rates import MILLIONTHS, half_year, rate_periods
from dunwell.engine.law.regime import DayCount, RateRule, Rounding
from dunwell.engine.law.series import AllSeries, Series

CLAIMS: Final = {
    "claim": pl.Int64,
    "first_on": pl.Date,  # of the debt's interest
    "from_on": pl.Date,  # the first day to be charged
    "until_on": pl.Date,  # the last one
    "base_minor": pl.Int64,  # what bears interest on a day after all reductions
}
REDUCTIONS: Final = {"claim": pl.Int64, "on": pl.Date, "amount_minor": pl.Int64}
DAY: Final = timedelta(days=1)
ALWAYS: Final = (date.min, date.max)
PERCENT: Final = 100 * MILLIONTHS  # a rate is in millionths of a percent point
MICRO: Final = 1_000_000  # compounded interest is kept to so many parts of a minor unit
COMPOUNDED_MICRO_MAX: Final = 10**24  # far beyond every amount, and far from the end of Int128
MINOR_MAX: Final = 2**62


class Terms(NamedTuple):
    """How interest runs for some claims."""

    rule: RateRule
    day_count: DayCount
    rounding: Rounding


def accrue(claims: pl.DataFrame, reductions: pl.DataFrame, terms: Terms, series: AllSeries) -> pl.DataFrame:
    """Work out the interest of each claim from its `from_on` to its `until_on`, both counted.

    `claims`: CLAIMS, each once. `reductions`: REDUCTIONS, of money that came (taken back: below 0); the principal of a
    day is the base and what came on this day or later, at least 0. Principals up to 10^12, rates up to 10,000 %, 100
    years. Returns `claim`, `interest_minor` (null where a rate is missing) and `lacks` (the series that lacks it), in
    the order of the claims.
    """
    asked = claims.with_columns(lacks=_lacks(terms.rule, series), number=pl.int_range(pl.len()))
    runs = asked.filter(pl.col("lacks").is_null(), pl.col("from_on") <= pl.col("until_on"))
    runs = runs.with_columns(number=pl.int_range(pl.len()))
    if runs.is_empty():
        found = pl.lit(0, dtype=pl.Int64)
        return asked.select("claim", pl.when(pl.col("lacks").is_null()).then(found).alias("interest_minor"), "lacks")
    days = _Days(runs, terms, series)
    work = _compounded if terms.rule.compounding == "yearly" else _simple
    interest = runs.select("claim", interest_minor=work(runs, reductions, days))
    nothing = pl.when(pl.col("lacks").is_null()).then(pl.col("interest_minor").fill_null(0))
    return asked.join(interest, on="claim", how="left", maintain_order="left").select(
        "claim", nothing.alias("interest_minor"), "lacks"
    )


def _lacks(rule: RateRule, series: AllSeries) -> pl.Expr:
    """The name of the series that lacks a rate of the claim."""
    first, last = _known(rule, series)
    last_asked = "first_on" if rule.mode == "fixed_at_start" else "until_on"
    is_known = (pl.col("first_on") >= first) & (pl.col(last_asked) <= last)
    is_asked = pl.col("from_on") <= pl.col("until_on")
    return pl.when(is_asked & ~is_known).then(pl.lit(rule.series or "", dtype=pl.String))


def _known(rule: RateRule, series: AllSeries) -> tuple[date, date]:
    """The first and the last day whose rate is known; the last is before the first where none is."""
    if rule.mode == "constant":
        return ALWAYS
    known = series.get(rule.series or "")
    if known is None or not known.days:
        return date.max, date.min
    if rule.snapshot == "day":
        return known.days[0], known.complete_until_on
    return _known_by_half_years(known, timedelta() if rule.snapshot == "half_year" else DAY)


def _known_by_half_years(known: Series, eve: timedelta) -> tuple[date, date]:
    """Likewise where each half-year has the rate of the day `eve` before it begins."""
    start, end = known.days[0] + eve, known.complete_until_on + min(eve, date.max - known.complete_until_on)
    first = start if start == half_year(start) else _end_of_half_year(start) + DAY
    return first, _end_of_half_year(end)


def _end_of_half_year(day: date) -> date:
    return date(day.year, 6, 30) if day.month < 7 else date(day.year, 12, 31)


class _Days:
    """What each day from before the first to the last comes to, looked up by date."""

    def __init__(self, claims: pl.DataFrame, terms: Terms, series: AllSeries) -> None:
        low = claims.select(pl.col("first_on").min()).item()
        high = claims.select(pl.col("until_on").max()).item()
        self.terms, self.origin = terms, low - DAY
        days = pl.date_range(self.origin, high, eager=True).alias("day").to_frame()
        self.parts = _parts(terms.day_count)
        self.year = 365 * 366 if len(self.parts) > 1 else self.parts[0][0]
        units = {f"units_{year}": count for year, count in self.parts}
        weight = sum((pl.col(f"units_{year}") * (self.year // year) for year, _count in self.parts), pl.lit(0))
        days = days.with_columns(**units).with_columns(units=weight)
        self.is_floating = terms.rule.mode == "floating"
        if terms.rule.mode == "constant":
            days = days.with_columns(rate=pl.lit(rate_periods(terms.rule, low, low, series)[0].rate_millionths))
        else:
            known = _known(terms.rule, series)
            last = high if self.is_floating else claims.select(pl.col("first_on").max()).item()
            rule = terms.rule.model_copy(update={"mode": "floating"})
            periods = rate_periods(rule, max(low, known[0]), min(last, known[1]), series)
            rates = pl.DataFrame(
                [(each.from_on, each.rate_millionths) for each in periods],
                schema={"day": pl.Date, "rate": pl.Int64},
                orient="row",
            )
            days = days.join_asof(rates, on="day").with_columns(pl.col("rate").fill_null(0))
        by_day = pl.col("rate").cast(pl.Int128) * pl.col("units").diff().fill_null(0)
        self.days = days.with_columns(weight=by_day.cum_sum())

    def _at(self, column: str, on: pl.Expr) -> pl.Expr:
        return pl.lit(self.days[column]).gather(on.cast(pl.Int32) - (self.origin - date(1970, 1, 1)).days)

    def _between(self, column: str, from_on: pl.Expr, until_on: pl.Expr) -> pl.Expr:
        """What the days from one to another come to, both counted."""
        return self._at(column, until_on) - self._at(column, from_on - DAY)

    def interest(self, scale: int) -> pl.Expr:
        """The interest of rows with `principal`, from `begin_on` to `end_on`, as parts of `denominator(scale)`.

        The principal is in so many parts of a minor unit as `scale` says.
        """
        begin, end = pl.col("begin_on"), pl.col("end_on")
        if self.terms.rounding == "daily_rate_2dp":
            return self._by_rounded_days(scale) * self.denominator(scale)
        if self.is_floating:
            return pl.col("principal").cast(pl.Int128) * self._between("weight", begin, end)
        units = self._between("units", begin, end)
        return pl.col("principal").cast(pl.Int128) * self._at("rate", pl.col("first_on")) * units

    def denominator(self, scale: int) -> int:
        """Of how many parts a minor unit is, in `interest`."""
        return self.year * PERCENT * scale

    def _by_rounded_days(self, scale: int) -> pl.Expr:
        """The interest of rows in minor units, where that of one day is rounded first."""
        begin, end = pl.col("begin_on"), pl.col("end_on")
        total = pl.lit(0, dtype=pl.Int128)
        if self.is_floating:
            changes = self.days[1:].filter(pl.col("rate") != pl.col("rate").shift().fill_null(-1))
            starts = changes["day"].to_list()
            ends = [*(day - DAY for day in starts[1:]), self.days["day"][-1]]
            spans = [
                (pl.lit(rate), pl.max_horizontal(begin, pl.lit(start)), pl.min_horizontal(end, pl.lit(last)))
                for start, last, rate in zip(starts, ends, changes["rate"], strict=True)
            ]
        else:
            spans = [(self._at("rate", pl.col("first_on")), begin, end)]
        for rate, from_on, until_on in spans:
            for year, _count in self.parts:
                day = half_up(pl.col("principal").cast(pl.Int128) * rate, year * PERCENT * scale)
                held = pl.max_horizontal(from_on, begin)
                units = pl.when(held <= until_on).then(
                    self._between(f"units_{year}", held, pl.max_horizontal(until_on, held))
                )
                total = total + day * units.fill_null(0)
        return total


def half_up(numerator: pl.Expr, denominator: int) -> pl.Expr:
    """Divide and round half-up what is not below 0; in Int128."""
    return (numerator * 2 + denominator) // pl.lit(denominator * 2, dtype=pl.Int128)


def _parts(day_count: DayCount) -> list[tuple[int, pl.Expr]]:
    """The days of a year, and how many such days there were until a `day`; two of them where leap years differ."""
    day = pl.col("day")
    count = day.cast(pl.Int64)
    if day_count == "30/360":
        years, months = day.dt.year().cast(pl.Int64), day.dt.month().cast(pl.Int64)
        return [(360, years * 360 + months * 30 + day.dt.day().cast(pl.Int64).clip(upper_bound=30))]
    if day_count == "act/act":
        in_leap_years = day.dt.is_leap_year().cast(pl.Int64).cum_sum()
        return [(365, count - in_leap_years), (366, in_leap_years)]
    return [(365 if day_count == "act/365" else 360, count)]


def _segments(claims: pl.DataFrame, cuts: pl.DataFrame) -> pl.DataFrame:
    """Part each claim at its cuts: rows of `number`, `first_on`, `begin_on`, `end_on` and `principal`, in order.

    `cuts`: `number`, `end_on` and `amount_minor`, which bears interest until the end of that day.
    """
    ends = claims.select("number", end_on="until_on", amount_minor=pl.lit(0, dtype=pl.Int64))
    rows = pl.concat([ends, cuts]).lazy()
    rows = rows.group_by("number", "end_on").agg(pl.col("amount_minor").sum()).sort("number", "end_on")
    summed = rows.with_columns(summed=pl.col("amount_minor").cum_sum()).collect(engine="in-memory")
    is_last = (summed["number"] != summed["number"].shift(-1)).fill_null(value=True)
    totals = summed.filter(is_last)["summed"]  # of each claim and all before it
    is_first = pl.col("number") != pl.col("number").shift(fill_value=-1)
    of_claim = {name: pl.lit(claims[name]).gather(pl.col("number")) for name in ("first_on", "from_on", "base_minor")}
    above = pl.lit(totals).gather(pl.col("number")) - pl.col("summed") + pl.col("amount_minor")
    begin = pl.when(is_first).then(of_claim["from_on"]).otherwise(pl.col("end_on").shift() + DAY)
    return summed.select(
        "number",
        "end_on",
        first_on=of_claim["first_on"],
        begin_on=begin,
        principal=pl.max_horizontal(of_claim["base_minor"] + above, 0),
    )


def _cuts(claims: pl.DataFrame, reductions: pl.DataFrame) -> pl.DataFrame:
    """The reductions that lower a claim's principal on one of its days, or after them."""
    numbered = reductions.join(claims.select("claim", "number", "from_on", "until_on"), on="claim")
    return numbered.filter(pl.col("on") >= pl.col("from_on")).select(
        "number", end_on=pl.min_horizontal("on", "until_on"), amount_minor=pl.col("amount_minor").cast(pl.Int64)
    )


def _simple(claims: pl.DataFrame, reductions: pl.DataFrame, days: _Days) -> pl.Series:
    """The interest of each claim, in minor units: on its principal only."""
    cuts = _cuts(claims, reductions)
    if cuts.is_empty():
        rows = claims.select(
            "first_on", begin_on="from_on", end_on="until_on", principal=pl.max_horizontal("base_minor", 0)
        )
        return rows.select(_minor(days.interest(1), days.denominator(1))).to_series()
    rows = _segments(claims, cuts).with_columns(interest=days.interest(1))
    is_last = (rows["number"] != rows["number"].shift(-1)).fill_null(value=True)
    sums = rows.select("number", summed=pl.col("interest").cum_sum()).filter(is_last)["summed"]
    own = pl.col("summed") - pl.col("summed").shift(fill_value=0)
    return sums.to_frame().select(_minor(own, days.denominator(1))).to_series()


def _minor(interest: pl.Expr, denominator: int) -> pl.Expr:
    return half_up(interest, denominator).clip(upper_bound=MINOR_MAX).cast(pl.Int64)


def _compounded(claims: pl.DataFrame, reductions: pl.DataFrame, days: _Days) -> pl.Series:
    """The interest of each claim, in minor units: on each anniversary that of the past year bears interest, too.

    Of the past year only what is charged now: what was charged before is a claim of its own.
    """
    rows = _segments(claims, pl.concat([_cuts(claims, reductions), _anniversaries(claims)]))
    rows = rows.with_columns(year=_year(pl.col("begin_on")))
    nothing = pl.Series([0], dtype=pl.Int128).new_from_index(0, claims.height)
    carried, accrued = nothing, nothing
    part = days.denominator(1)  # of a millionth of a minor unit
    for year in rows["year"].unique().sort():
        mine = rows.filter(pl.col("year") == year)
        principal = pl.col("principal").cast(pl.Int128) * MICRO + pl.lit(carried).gather(pl.col("number"))
        worked = mine.with_columns(principal=principal).with_columns(interest=days.interest(MICRO))
        sums = worked.group_by("number").agg(interest=pl.col("interest").sum())
        at = sums["number"]
        kept = carried.gather(at)
        accrued = accrued.clone().scatter(at, kept * _lit(part, at) + sums["interest"])
        added = sums.select(half_up(pl.col("interest"), part)).to_series()
        carried = carried.clone().scatter(at, (kept + added).clip(upper_bound=COMPOUNDED_MICRO_MAX))
    return accrued.to_frame("interest").select(_minor(pl.col("interest"), days.denominator(MICRO))).to_series()


def _lit(value: int, like: pl.Series) -> pl.Series:
    return pl.Series([value], dtype=pl.Int128).new_from_index(0, len(like))


def _anniversaries(claims: pl.DataFrame) -> pl.DataFrame:
    """The last days of each claim's years, from its `from_on` on, as cuts of nothing."""
    years = pl.col("until_on").dt.year() - pl.col("first_on").dt.year() + 1
    ends = claims.select("number", "first_on", "from_on", "until_on", year=pl.int_ranges(1, years)).explode("year")
    ends = ends.drop_nulls("year").with_columns(end_on=_anniversary(pl.col("year")) - DAY)
    is_within = (pl.col("end_on") >= pl.col("from_on")) & (pl.col("end_on") < pl.col("until_on"))
    return ends.filter(is_within).select("number", "end_on", amount_minor=pl.lit(0, dtype=pl.Int64))


def _anniversary(years: pl.Expr) -> pl.Expr:
    """The day so many years after a claim's first; of 29 February the 1 March, where there is none."""
    first = pl.col("first_on")
    month = pl.date(first.dt.year() + years, first.dt.month(), 1)
    return month + pl.duration(days=first.dt.day() - 1)


def _year(on: pl.Expr) -> pl.Expr:
    """In which of its claim's years a day is, from 0."""
    years = on.dt.year() - pl.col("first_on").dt.year()
    return years - (on < _anniversary(years)).cast(pl.Int32)
