"""Where figures are easily wrong: months cut short, credits beyond sales, the own group, the edges of days."""

from datetime import date

import pytest

from dunwell.insight.daily import figures
from dunwell.insight.dso import countback, dso
from dunwell.insight.lateness import lateness
from dunwell.insight.promises import promises_kept
from dunwell.insight.received import received
from dunwell.insight.rolling import roll_rates
from dunwell.insight.success import responses, success
from dunwell.insight.trade import Days, trade
from tests.insight.told import day, item, line, move, notice, only, promise, told

MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))


def back(on: str, *items: dict[str, object], begins: str = "2025-01-01") -> int | None:
    found: int | None = only(countback(told(begins, items=list(items)), day(on)))["countback_dso_days_hundredths"]
    return found


def test_countback_counts_the_days_of_a_month_that_is_under_way() -> None:
    """Ten days of March, and half of February."""
    assert back("2026-03-10", item(1, 100, "2026-03-05", "2026-04-05")) == 1000
    paid = {"open_minor": 0}
    history = told(
        items=[
            item(1, 100, "2026-03-05", "2026-04-05"),
            item(2, 100, "2026-02-05", None),
            item(3, 100, "2026-02-06", None) | paid,
        ],
        moves=[move(3, "2026-02-20", 100)],
    )
    assert only(countback(history, day("2026-03-10")))["countback_dso_days_hundredths"] == 1000 + 1400


def test_countback_carries_what_was_credited_beyond_sales_into_the_month_before() -> None:
    """March credits 60 more than it invoices: 100 of January's 400 are owed and 60 more to peel."""
    rows = (
        item(1, 400, "2026-01-10", None), item(2, 60, "2026-03-10", None, kind="credit"),
    )  # fmt: skip
    history = told(items=list(rows), moves=[move(1, "2026-02-10", 300)])
    assert only(countback(history, day("2026-03-31")))["countback_dso_days_hundredths"] == 3100 + 2800 + 1240


def test_countback_says_nothing_beyond_the_first_whole_month() -> None:
    assert back("2026-03-31", item(1, 100, "2026-02-10", None), begins="2026-02-11") is None
    assert back("2026-03-31", item(1, 100, "2026-02-10", None), begins="2026-02-01") == 5900
    assert back("2026-03-31", item(1, 100, None, None)) is None


def test_where_nothing_is_owed_dso_is_nothing_by_every_count() -> None:
    history = told(items=[item(1, 100, "2026-03-05", "2026-04-05")], moves=[move(1, "2026-03-06", 100)])
    found = only(dso(history, MARCH))
    assert (found["dso_days_hundredths"], found["countback_dso_days_hundredths"]) == (0, 0)


def test_days_that_run_backwards_are_refused() -> None:
    with pytest.raises(ValueError, match="the days end on 2026-03-01, before they begin on 2026-03-02"):
        Days(date(2026, 3, 2), date(2026, 3, 1))
    with pytest.raises(ValueError, match="2026-03-01 does not come after 2026-03-01"):
        roll_rates(told(), date(2026, 3, 1), date(2026, 3, 1))
    with pytest.raises(ValueError, match="this history begins on 2025-01-01"):
        dso(told(), Days(date(2024, 1, 1), date(2024, 12, 31)))


def test_the_own_group_is_whoever_is_or_pays_for_one_of_it() -> None:
    """2 is of the group and pays for 4: what 4 owes is the group's."""
    history = told(
        accounts=[
            {"account_id": 2, "entity_id": 1, "intercompany": True},
            {"account_id": 4, "entity_id": 1, "intercompany": False, "parent_id": 2},
        ],
        items=[item(each, 100, "2026-03-01", None, account_id=each) for each in (1, 2, 4)],
        moves=[move(2, "2026-03-02", 10)],
        notices=[notice(1, "2026-03-05"), notice(2, "2026-03-05", payer_id=2)],
        lines=[line(1, 1, 100), line(2, 2, 100)],
        promises=[promise(1, 10, 0, "2026-03-05"), promise(2, 10, 0, "2026-03-05", account_id=4)],
    )
    found = trade(history)
    assert found.items["account_id"].to_list() == [1]
    assert (found.moves.height, found.notices.height, found.lines.height, found.promises.height) == (0, 1, 1, 1)


def test_success_caps_money_at_what_was_asked_and_gives_it_to_the_latest_notice() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-02-20")],
        moves=[move(1, "2026-03-12", 90)],
        notices=[
            notice(1, "2026-03-02"),
            notice(2, "2026-03-10", stage="final"),
            notice(3, "2026-03-11", state="failed"),
            notice(4, "2026-03-11", state="withdrawn"),
        ],
        lines=[line(1, 1, 100), line(2, 1, 60), line(3, 1, 100), line(4, 1, 100)],
    )
    rows = success(history, MARCH, within_days=14, known_to=date(2026, 3, 31), by=["stage"]).to_dicts()
    assert {row["stage"]: (row["noticed_minor"], row["collected_minor"]) for row in rows} == {
        "final": (60, 60), "reminder": (100, 0),
    }  # fmt: skip


def test_money_of_the_day_of_sending_counts() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-02-20")], moves=[move(1, "2026-03-02", 100)],
        notices=[notice(1, "2026-03-02")], lines=[line(1, 1, 100)],
    )  # fmt: skip
    assert only(success(history, MARCH, within_days=0, known_to=date(2026, 3, 2)))["collected_minor"] == 100


def test_early_money_counts_with_no_days_and_below_the_terms() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-03-20"), item(2, 50, "2026-02-01", None)],
        moves=[move(1, "2026-03-10", 60), move(1, "2026-03-24", 40), move(2, "2026-03-24", 50)],
    )
    found = only(lateness(history, MARCH))
    assert (found["days_late_hundredths"], found["days_beyond_terms_hundredths"]) == (160, -440)
    assert (found["days_late_of_late_hundredths"], found["late_percent_hundredths"], found["no_due_date_minor"]) == (
        400,
        4000,
        50,
    )


def test_a_promise_is_judged_when_its_days_of_tolerance_are_over() -> None:
    rows = [promise(1, 10, 10, "2026-03-29", tolerance_days=3), promise(2, 10, 0, "2026-03-30", tolerance_days=1)]
    found = only(promises_kept(told(promises=rows), MARCH, known_to=date(2026, 3, 31)))
    assert (found["promises_count"], found["broken_count"]) == (1, 1)
    waits = only(promises_kept(told(promises=rows), MARCH, known_to=date(2026, 3, 30)))
    assert (waits["promises_count"], waits["waiting_count"], waits["kept_count_percent_hundredths"]) == (0, 1, None)


def test_what_comes_back_beyond_what_was_open_is_in_no_rate() -> None:
    history = told(
        items=[item(1, 100, "2026-01-01", "2026-02-20", open_minor=100)],
        moves=[move(1, "2026-02-25", 40), move(1, "2026-03-20", -40)],
    )
    rows = roll_rates(history, date(2026, 2, 28), date(2026, 3, 31))
    assert rows.select("from_bucket", "to_bucket", "amount_minor", "percent_hundredths").rows() == [
        ("days_1_30", "days_31_60", 60, 10_000)
    ]


def test_the_figures_of_a_day_have_a_row_where_nothing_is_open_any_more() -> None:
    history = told(
        items=[item(1, 100, "2026-03-01", "2026-03-20")], moves=[move(1, "2026-03-05", 100)],
        promises=[promise(1, 10, 0, "2026-03-05")],
    )  # fmt: skip
    row = only(figures(history, date(2026, 3, 5)))
    assert (row["received_minor"], row["not_due_minor"], row["open_count"], row["promises_count"]) == (100, 0, 0, 1)
    assert only(figures(history, date(2026, 3, 6)))["promises_count"] == 0


def test_a_notice_is_judged_on_the_last_of_its_days() -> None:
    history = told(items=[item(1, 100, "2026-02-01", "2026-02-20")], notices=[notice(1, "2026-03-02")],
                   lines=[line(1, 1, 100)])  # fmt: skip
    for known_to, counted in ((date(2026, 3, 15), 0), (date(2026, 3, 16), 1)):
        assert only(success(history, MARCH, within_days=14, known_to=known_to))["notices_count"] == counted
        assert only(responses(history, MARCH, within_days=14, known_to=known_to))["notices_count"] == counted


def test_a_credit_note_that_is_set_off_is_no_money() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-03-01")], moves=[move(1, "2026-03-11", 100)],
        credited=[move(1, "2026-03-11", 70)],
    )  # fmt: skip
    found = only(lateness(history, MARCH))
    assert (found["paid_minor"], found["days_late_hundredths"]) == (30, 1000)


def test_what_a_source_raises_first_and_lowers_then_was_not_paid() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-03-01", open_minor=90)],
        moves=[move(1, "2026-03-02", -50), move(1, "2026-03-05", 60)],
    )
    assert received(history, until=date(2026, 3, 31)).rows() == [(1, date(2026, 3, 5), 10)]


def test_money_taken_back_goes_from_its_own_day_and_only_once_it_was() -> None:
    history = told(
        items=[item(1, 100, "2026-02-01", "2026-03-20")],
        moves=[move(1, "2026-03-26", 50), move(1, "2026-06-10", 50), move(1, "2026-06-20", -30)],
        returned=[{**each, "source_item_id": 7} for each in (move(1, "2026-03-26", 50), move(1, "2026-06-20", -30))],
    )  # fmt: skip
    first, second = (1, day("2026-03-26")), (1, day("2026-06-10"))
    assert received(history, until=day("2026-06-20")).rows() == [(*first, 20), (*second, 50)]
    assert received(history, until=day("2026-06-19")).rows() == [(*first, 50), (*second, 50)]


def test_a_promise_that_was_kept_counts_also_where_it_was_taken_back_since() -> None:
    ended = {"ended_on": day("2026-03-10")}
    rows = [promise(1, 10, 10, "2026-03-29", **ended), promise(2, 10, 4, "2026-03-29", **ended)]
    found = only(promises_kept(told(promises=rows), MARCH, known_to=date(2026, 3, 31)))
    assert (found["promises_count"], found["kept_count"], found["ended_count"], found["promised_minor"]) == (
        1,
        1,
        1,
        10,
    )


def test_money_of_the_due_day_is_in_time() -> None:
    items = [item(1, 100, "2026-02-01", "2026-03-20")]
    found = only(lateness(told(items=items, moves=[move(1, "2026-03-20", 100)]), MARCH))
    assert (found["paid_late_minor"], found["late_percent_hundredths"], found["days_late_hundredths"]) == (0, 0, 0)
    assert found["days_late_of_late_hundredths"] is None
