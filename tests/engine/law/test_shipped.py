"""The rates that come with Dunwell agree with each other and with others' tables; damaged files are refused."""

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dunwell.engine.data import series_names, series_text
from dunwell.engine.law.law import regime
from dunwell.engine.law.rates import rate_periods
from dunwell.engine.law.series import RatesMissing
from dunwell.engine.law.shipped import SeriesError, all_shipped, read_series, shipped_file, shipped_series
from dunwell.engine.money import round_half_up
from tests.engine.law.claims import ABSENT, day, shared, work

HALF_YEARS = [date(year, month, 1) for year in range(2009, 2026) for month in (1, 7)]


@pytest.mark.parametrize("name", series_names())
def test_every_series_says_what_it_is_who_publishes_it_and_until_when_it_is_known(name: str) -> None:
    found = shipped_file(name)
    assert found.title
    assert found.source.startswith(("European Central Bank", "Bank of England", "Deutsche Bundesbank"))
    assert found.series.name == name
    assert found.series.days[-1] <= found.series.complete_until_on <= date(2026, 11, 28)
    assert len(series_text(name)) < 60_000


def test_the_series_that_are_shipped() -> None:
    found = all_shipped()
    assert {"ecb-mro", "boe-bank-rate", "de-basiszinssatz"} <= set(found)
    currencies = {name.removeprefix("ecb-eur-") for name in found if name.startswith("ecb-eur-")}
    assert {"usd", "gbp", "chf", "pln", "sek", "nok", "dkk", "czk", "huf", "ron"} <= currencies
    assert {found[f"ecb-eur-{currency}"].days[0] for currency in currencies} == {date(2019, 1, 2)}
    with pytest.raises(KeyError):
        shipped_series("ecb-eur-xyz")


@pytest.mark.parametrize("start", HALF_YEARS, ids=str)
def test_the_basiszinssatz_is_the_rate_of_the_ecb_the_day_before_less_0_88(start: date) -> None:
    ecb = shipped_series("ecb-mro").at(start - timedelta(days=1))
    assert shipped_series("de-basiszinssatz").at(start) == ecb - 880_000


def test_the_rate_of_the_ecb_is_not_known_for_the_years_of_variable_tenders() -> None:
    with pytest.raises(RatesMissing, match="begins on 2008-10-15"):
        shipped_series("ecb-mro").at(date(2005, 1, 1))


@pytest.mark.skipif(not shared("").exists(), reason=ABSENT)
def test_the_statutory_rates_of_the_uk_are_those_of_the_derived_table() -> None:
    rows = list(csv.DictReader(shared("uk_late_payment_reference_derived.csv").read_text().splitlines()))
    rule = regime("UK").interest["business"]
    assert len(rows) == 54
    for row in rows:
        start = day(row["half_year_from"])
        (period,) = rate_periods(rule, start, start, all_shipped())
        assert period.reference_millionths == Decimal(row["reference_rate"]) * 1_000_000
        assert period.rate_millionths == Decimal(row["statutory"]) * 1_000_000


@pytest.mark.skipif(not shared("").exists(), reason=ABSENT)
def test_the_figures_of_another_calculator_of_section_288() -> None:
    vectors = json.loads(shared("bgb288_interest_vectors.json").read_text())["vectors"]
    assert len(vectors) == 7
    for vector in vectors:
        agrees(vector)


def agrees(vector: dict[str, Any]) -> None:
    """It leaves out the due date and counts the last day, as we do.

    Its new rates begin a day late, on 2 July and 2 January; § 247 says on the first. So where it names one rate for all
    days, ours is the same at that rate, and another on the last day.
    """
    paid = tuple((on, f"{amount}.00") for on, amount in vector.get("partial", ()))
    found = work("DE", f"{vector['principal']}.00 EUR", vector["due"], vector["paid"], vector["kind"], paid=paid)
    if "days" in vector:
        assert sum(each.days for each in found.periods) == vector["days"]
        kept = sum(each.principal_minor * each.days * Decimal(str(vector.get("rate", 0))) for each in found.periods)
        assert round_half_up(Decimal(kept) / 36_500) == round(vector["interest"] * 100)
    if "rate" in vector:
        first, last = found.periods
        assert (f"{first.rate_percent:f}", last.from_on, last.days) == (str(vector["rate"]), date(2023, 7, 1), 1)
    if "periods" in vector:
        rates = [(each.reference_percent, each.rate_percent) for each in found.periods]
        assert [(Decimal(str(base)), Decimal(str(rate))) for *_days, base, rate in vector["periods"]] == rates[:2]
    for principal in (vector.get("principal_after"), *vector.get("principals", ())):
        assert principal is None or principal * 100 in {each.principal_minor for each in found.periods}


HEAD = "# title: T\n# source: S\n# complete_until: 2026-06-30\n"


def test_a_file_of_rates_is_read() -> None:
    found = read_series("x", f"{HEAD}from,value\n2026-01-01,1.5\n2026-02-01,-0.88\n")
    assert (found.title, found.source, found.series.name) == ("T", "S", "x")
    assert found.series.days == (date(2026, 1, 1), date(2026, 2, 1))
    assert found.series.values == (1_500_000, -880_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "series x, line 1: the line `# title: ...` is missing"),
        ("# title: T\nfrom,value\n", "series x, line 2: the line `# source: ...` is missing"),
        ("# title: T\n# title: U\n", "series x, line 2: `# key: value` is wanted, once for each"),
        ("# title:\n", "series x, line 1: `# key: value` is wanted"),
        ("# colour: red\n", "series x, line 1: `# key: value` is wanted"),
        (HEAD, "series x, line 4: the line 'from,value' is missing"),
        (f"{HEAD}date,rate\n", "series x, line 4: the line 'from,value' is missing"),
        (f"{HEAD}from,value\n", "series x, line 4: there are no rates"),
        (f"{HEAD}from,value\n2026-01-01\n", "series x, line 5: '2026-01-01' is no row of from,value"),
        (f"{HEAD}from,value\n\n2026-01-01,1\n", "series x, line 5: '' is no row of from,value"),
        (f"{HEAD}from,value\n2026-02-30,1\n", "series x, line 5: '2026-02-30' is no date"),
        (f"{HEAD}from,value\n20260101,1\n", "series x, line 5: '20260101' is no date"),
        (f"{HEAD}from,value\n2026-01-01,1 %\n", "series x, line 5: '1 %' is not a number"),
        (f"{HEAD}from,value\n2026-01-01,nan\n", "series x, line 5: 'nan' is not a number that a rate can have"),
        (f"{HEAD}from,value\n2026-01-01,1_0\n", "series x, line 5: '1_0' is not a number that a rate can have"),
        (f"{HEAD}from,value\n2026-01-01,1e99\n", "series x, line 5: '1e99' is not a number that a rate can have"),
        (f"{HEAD}from,value\n2026-01-01,0.1234567\n", "series x, line 5: '0.1234567' has more than 6 decimals"),
        (f"{HEAD}from,value\n2026-02-01,1\n2026-01-01,2\n", "series x, line 6: 2026-01-01 does not come after"),
        (f"{HEAD}from,value\n2026-01-01,1\n2026-01-01,2\n", "series x, line 6: 2026-01-01 does not come after"),
        (f"{HEAD}from,value\n2026-07-01,1\n", "complete until 2026-06-30, and says what holds on 2026-07-01"),
        (HEAD.replace("2026-06-30", "soon"), "series x, line 4: the line 'from,value' is missing"),
        (f"{HEAD.replace('2026-06-30', 'soon')}from,value\n2026-01-01,1\n", "series x, line 3: 'soon' is no date"),
    ],
)
def test_a_damaged_file_of_rates_is_refused_with_its_name_and_line(text: str, message: str) -> None:
    with pytest.raises(SeriesError) as refused:
        read_series("x", text)
    assert message in str(refused.value)
    assert refused.value.series == "x"
