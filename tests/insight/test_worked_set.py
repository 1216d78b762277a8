"""One worked set of measures, each row of it built from invoices, payments, notices and promises."""

from datetime import date

from dunwell.insight.cei import cei
from dunwell.insight.dso import dso
from dunwell.insight.lateness import lateness
from dunwell.insight.promises import promises_kept
from dunwell.insight.rolling import roll_rates
from dunwell.insight.success import responses, success
from dunwell.insight.trade import Days
from tests.insight.told import day, item, line, move, notice, only, promise, told

Q4 = Days(date(2025, 10, 1), date(2025, 12, 31))
UNIT = 100  # minor units

# Opening receivables 560,000; sales of 300,000, 360,000 and 400,000; at the end 620,000, of which 410,000 are not due.
QUARTER = told(
    items=[
        item(1, 560_000 * UNIT, "2025-09-10", "2025-10-10"),
        item(2, 250_000 * UNIT, "2025-10-01", "2025-10-31"),
        item(3, 50_000 * UNIT, "2025-10-31", "2025-11-30"),
        item(4, 190_000 * UNIT, "2025-11-01", "2025-12-01"),
        item(5, 160_000 * UNIT, "2025-11-15", "2025-12-15"),
        item(6, 10_000 * UNIT, "2025-11-30", "2025-12-31"),
        item(7, 400_000 * UNIT, "2025-12-31", "2026-01-30"),
    ],
    moves=[
        move(1, "2025-10-10", 560_000 * UNIT),
        move(2, "2025-11-10", 250_000 * UNIT),
        move(4, "2025-12-31", 190_000 * UNIT),
    ],
)


def test_dso() -> None:
    assert only(dso(QUARTER, Q4))["dso_days_hundredths"] == 5381


def test_dso_by_countback() -> None:
    assert only(dso(QUARTER, Q4))["countback_dso_days_hundredths"] == 4933


def test_best_possible_dso() -> None:
    assert only(dso(QUARTER, Q4))["best_possible_dso_days_hundredths"] == 3558


def test_average_days_delinquent() -> None:
    assert only(dso(QUARTER, Q4))["average_days_delinquent_hundredths"] == 1823


def test_cei() -> None:
    found = only(cei(QUARTER, Q4))
    assert (found["collected_minor"], found["collectable_minor"]) == (1_000_000 * UNIT, 1_210_000 * UNIT)
    assert found["cei_percent_hundredths"] == 8264


def test_weighted_average_days_late() -> None:
    history = told(
        items=[item(1, 10_000, "2025-09-01", "2025-10-01"), item(2, 100, "2025-09-01", "2025-10-01")],
        moves=[move(1, "2025-10-11", 10_000), move(2, "2025-11-10", 100)],
    )
    assert only(lateness(history, Q4))["days_late_hundredths"] == 1030


def test_collection_success_rate() -> None:
    """Of 250,000 asked for, 95,000 within 14 days, exactly the fourteenth among them, and 20,000 a day too late."""
    history = told(
        items=[item(1, 200_000, "2025-09-01", "2025-10-01"), item(2, 50_000, "2025-09-01", "2025-10-01")],
        moves=[move(1, "2025-10-06", 60_000), move(1, "2025-10-20", 35_000), move(2, "2025-10-21", 20_000)],
        notices=[notice(1, "2025-10-06"), notice(2, "2025-10-06")],
        lines=[line(1, 1, 200_000), line(2, 2, 50_000)],
    )
    found = only(success(history, Q4, within_days=14, known_to=date(2025, 12, 31)))
    assert (found["noticed_minor"], found["collected_minor"]) == (250_000, 95_000)
    assert found["success_percent_hundredths"] == 3800


def test_response_rate() -> None:
    history = told(
        notices=[notice(each, "2025-10-06", payer_id=each) for each in range(1, 601)],
        responses=[{"payer_id": each, "on": day("2025-10-08"), "response": "promise"} for each in range(1, 85)],
    )
    found = only(responses(history, Q4, within_days=14, known_to=date(2025, 12, 31)))
    assert (found["answered_count"], found["notices_count"]) == (84, 600)
    assert found["response_percent_hundredths"] == 1400


def test_roll_rate_from_1_30_to_31_60() -> None:
    """Of 120,000 in the first bucket 84,000 are paid; new debt in the second bucket does not count for it."""
    history = told(
        items=[
            item(1, 84_000, "2025-09-01", "2025-10-10"),
            item(2, 36_000, "2025-09-01", "2025-10-10"),
            item(3, 99_000, "2025-11-01", "2025-10-20"),  # issued later, due before
        ],
        moves=[move(1, "2025-11-05", 84_000)],
    )
    found = roll_rates(history, date(2025, 10, 31), date(2025, 11, 30))
    row = only(found.filter(from_bucket="days_1_30", to_bucket="days_31_60"))
    assert (row["amount_minor"], row["of_minor"], row["percent_hundredths"]) == (36_000, 120_000, 3000)


def test_promises_kept_by_count_and_by_amount() -> None:
    """26 of 40 promises are kept, 171,000 of 220,000."""
    kept = [promise(each, 6_500, 6_500, "2025-11-01") for each in range(1, 26)] + [
        promise(26, 8_500, 8_500, "2025-11-01")
    ]
    others = [promise(each, 3_500, 0, "2025-11-01") for each in range(27, 40)] + [
        promise(40, 3_500, 1_000, "2025-11-01")
    ]
    found = only(promises_kept(told(promises=kept + others), Q4, known_to=date(2025, 12, 31)))
    assert (found["kept_count"], found["promises_count"], found["partly_kept_count"]) == (26, 40, 1)
    assert (found["kept_minor"], found["promised_minor"]) == (171_000, 220_000)
    assert (found["kept_count_percent_hundredths"], found["kept_amount_percent_hundredths"]) == (6500, 7773)
