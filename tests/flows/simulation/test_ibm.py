"""Two policies over a year of real payments: what both would have sent, and that no cent is lost."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from dunwell.engine.data import shipped_policy
from dunwell.flows.simulation.simulate import Simulated, simulate
from dunwell.records.models import Entity
from tests.engine.simulation.test_result import conserved
from tests.flows.book import test_ibm

FROM, UNTIL = date(2013, 1, 1), date(2013, 12, 31)

pytestmark = pytest.mark.skipif(not test_ibm.FILE.exists(), reason="../shared/data/ibm-late-payment is not there")


@pytest.fixture
def found(db: str, tmp_path: Path) -> Simulated:
    """The shipped policy for businesses, and the same one a week later."""
    test_ibm.bring()
    standard = shipped_policy("standard-b2b")
    (tmp_path / "standard.yaml").write_text(standard)
    (tmp_path / "patient.yaml").write_text(standard.replace("days_past_due: 3,", "days_past_due: 10,"))
    return simulate(
        Entity.objects.get(),
        from_on=FROM,
        until_on=UNTIL,
        policies=[str(tmp_path / "standard.yaml"), str(tmp_path / "patient.yaml")],
        costs={"email": Decimal("0.02")},
        reach=["email"],
    )


def test_a_year_under_two_policies(found: Simulated) -> None:
    conserved(found.result)
    totals = found.result.totals
    columns = [name for name in totals.columns if name != "scenario"]
    assert totals[0].select(columns).equals(totals[1].select(columns))  # payments do not react
    paid = {row["invoiceNumber"]: row for row in test_ibm.rows()}
    issued = [row for row in paid.values() if test_ibm.a_day(row["InvoiceDate"]).year == 2013]
    settled = [row for row in paid.values() if test_ibm.a_day(row["SettledDate"]).year == 2013]
    in_cents = sum(int(Decimal(row["InvoiceAmount"]) * 100) for row in issued)
    one = totals.row(0, named=True)
    assert (one["booked_minor"], one["settled"]) == (in_cents, len(settled))
    days = [(test_ibm.a_day(row["SettledDate"]) - test_ibm.a_day(row["InvoiceDate"])).days for row in settled]
    assert one["days_to_pay"] == round(sum(days) / len(days), 2)


def test_who_waits_longer_writes_less(found: Simulated) -> None:
    messages = found.result.messages.group_by("scenario", "stage").agg(pl.col("messages").sum())
    reminders = dict(messages.filter(stage="reminder").select("scenario", "messages").iter_rows())
    late = [row for row in test_ibm.rows() if int(row["DaysLate"]) > 10]
    assert 0 < reminders[1] < reminders[0]
    assert reminders[1] <= len(late)
    costs = found.result.costs.select("scenario", "messages", "cost_minor").rows()
    assert all(cost == 2 * count for _scenario, count, cost in costs)
