"""The history of 2,466 paid invoices, measured by the reports and by plain sums over the file itself."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest

from dunwell.flows.entities import all_entities
from dunwell.flows.reports.measures import measure
from dunwell.insight.trade import Days
from tests.flows.book import test_ibm

pytestmark = pytest.mark.skipif(not test_ibm.FILE.exists(), reason="../shared/data/ibm-late-payment is not there")
AT = datetime(2014, 1, 10, 12, tzinfo=UTC)
Invoice = tuple[date, date, date, int]  # issued, due, paid, amount


def invoices() -> list[Invoice]:
    issued, due, paid = (
        [test_ibm.a_day(row[name]) for row in test_ibm.rows()] for name in ("InvoiceDate", "DueDate", "SettledDate")
    )
    amounts = [int(Decimal(row["InvoiceAmount"]) * 100) for row in test_ibm.rows()]
    return list(zip(issued, due, paid, amounts, strict=True))


def total(wanted: Callable[[Invoice], bool]) -> int:
    return sum(each[3] for each in invoices() if wanted(each))


def rounded(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def report(name: str, days: Days) -> dict[str, Any]:
    (row,) = measure(name, all_entities(), days, at=AT).rows
    return row


def owed(on: date) -> int:
    return total(lambda each: each[0] <= on < each[2])


def not_yet_due(on: date) -> int:
    return total(lambda each: each[0] <= on < each[2] and each[1] >= on)


def sold(days: Days) -> int:
    return total(lambda each: days.from_on <= each[0] <= days.to_on)


def test_measures_of_the_file(db: str) -> None:
    test_ibm.bring()
    for first, last in (
        (date(2012, 4, 1), date(2012, 6, 30)),
        (date(2013, 1, 1), date(2013, 1, 31)),
        (date(2013, 7, 1), date(2013, 9, 30)),
    ):
        days = Days(first, last)
        found = report("dso", days)
        assert (found["receivables_minor"], found["sales_minor"]) == (owed(last), sold(days))
        assert found["dso_days"] == rounded(Fraction(owed(last) * days.count, sold(days)))
        assert found["best_possible_dso_days"] == rounded(Fraction(not_yet_due(last) * days.count, sold(days)))
        came = owed(first - timedelta(days=1)) + sold(days)
        collected = Fraction(100 * (came - owed(last)), came - not_yet_due(last))
        assert report("cei", days)["cei_percent"] == rounded(collected)
        paid = [each for each in invoices() if first <= each[2] <= last]
        weight = sum(amount * max((settled - due).days, 0) for _issued, due, settled, amount in paid)
        late = report("lateness", days)
        assert late["paid_minor"] == sum(each[3] for each in paid)
        assert late["days_late"] == rounded(Fraction(weight, sum(each[3] for each in paid)))


def test_roll_rates_of_the_file(db: str) -> None:
    test_ibm.bring()
    rows = measure("roll", all_entities(), Days(date(2013, 3, 1), date(2013, 3, 31)), at=AT).rows
    start, end = date(2013, 2, 28), date(2013, 3, 31)
    told = {(row["from_bucket"], row["to_bucket"]): row["amount_minor"] for row in rows}
    late = [each for each in invoices() if each[0] <= start < each[2] and 1 <= (start - each[1]).days <= 30]
    still = sum(each[3] for each in late if each[2] > end and 31 <= (end - each[1]).days <= 60)
    assert told.get(("days_1_30", "days_31_60"), 0) == still
    assert sum(told[key] for key in told if key[0] == "days_1_30") == sum(each[3] for each in late)
