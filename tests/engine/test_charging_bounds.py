"""What the law charges at the ends of what there can be: of the calendar, of amounts, of currencies and classes."""

from datetime import date
from typing import Any, Final

import pytest

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.law.series import Series, tables
from dunwell.engine.law.working import Claim, work_out
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import differences, plain
from tests.engine.oracle import judge

TODAY: Final = date(2026, 4, 15)
LEAP: Final = date(2024, 2, 29)
RATES: Final = {
    "de-basiszinssatz": Series("de-basiszinssatz", date(2026, 6, 30), (date(2023, 1, 1),), (1_270_000,)),
    "ecb-mro": Series("ecb-mro", date.max, (date(2023, 1, 1),), (2_150_000,)),
}


def decided(interest: str, items: list[dict[str, Any]], as_of: date = TODAY, **more: Any) -> dict[int, dict[str, Any]]:
    """The decisions on items of one business under one stage, and its charges by kind; the oracle must agree."""
    policy = parse_policy(
        f"""
policy: p
interest: {interest}
one_notice_per: item
stages:
  - {{stage: one, days_past_due: 0, interest: true, send: [email]}}
""",
        "p.yaml",
    )
    usual = {"account_id": 1, "entity_id": 1, "currency": "EUR", "amount_minor": 36_500, "open_minor": 36_500}
    rows = [{"item_id": number, **usual, **item} for number, item in enumerate(items, 1)]
    owner = {"account_id": 1, "entity_id": 1, "account": "A", "channels": 1, "debtor_class": "business"}
    book = Book.of(accounts=[owner], items=rows, **tables(RATES), **more)
    plan = decide(book, [policy], as_of)
    assert differences(judge(book, [policy], as_of), plain(plan)) == []
    charged = {row["item_id"]: row["amount_minor"] for row in plan.charges.to_dicts()}
    return {row["item_id"]: row | {"charged": charged.get(row["item_id"], 0)} for row in plan.decisions.to_dicts()}


@pytest.mark.parametrize(
    ("due", "as_of", "charged"),
    [
        (TODAY, TODAY, 0),  # no day yet
        (date(2026, 4, 14), TODAY, 10),
        (LEAP, date(2024, 3, 1), 10),
        (date(2024, 2, 28), LEAP, 10),
        (date(9999, 12, 28), date(9999, 12, 29), 10),
        (date(2023, 4, 16), date(2024, 4, 15), 3650),  # 365 days, a leap day among them
    ],
)
def test_agreed_interest_of_days(due: date, as_of: date, charged: int) -> None:
    assert decided("{rate: 10}", [{"due_on": due}], as_of)[1]["charged"] == charged


def test_the_last_of_all_days() -> None:  # which plain Python's dates cannot count beyond
    policy = parse_policy(
        "policy: p\ninterest: {rate: 10}\nstages: [{stage: a, days_past_due: 0, interest: true, send: [email]}]",
        "p.yaml",
    )
    usual = {"account_id": 1, "entity_id": 1, "currency": "EUR", "amount_minor": 36_500, "open_minor": 36_500}
    items = [{"item_id": 1, "due_on": date.max, **usual}, {"item_id": 2, "due_on": date(9999, 12, 30), **usual}]
    owner = {"account_id": 1, "entity_id": 1, "account": "A", "channels": 1}
    plan = decide(Book.of(accounts=[owner], items=items), [policy], date.max)
    assert plan.charges.select("item_id", "amount_minor").rows() == [(2, 10)]


def test_a_date_of_another_age_is_decided_all_the_same() -> None:
    found = decided("{rate: 0.01}", [{"due_on": date(1, 1, 1)}, {"due_on": date(2026, 4, 5)}])
    assert found[1]["charged"] > found[1]["open_minor"] // 10  # of two thousand years
    assert found[2]["charged"] == 0  # less than half a cent


@pytest.mark.parametrize(
    ("interest", "due", "problem", "by_law"),
    [
        ("{regime: DE}", date(2026, 4, 5), None, None),
        ("{regime: DE}", date(2022, 12, 30), "rates_missing", "series:de-basiszinssatz"),
        ("{regime: FI}", date(2023, 6, 30), None, None),  # the half-year before is asked
        ("{regime: FI}", date(2023, 1, 30), "rates_missing", "series:ecb-mro"),
        ("{regime: DK}", date(2026, 4, 5), "rates_missing", "series:dk-lending"),
        ("{regime: DK, rate: 8}", date(2026, 4, 5), None, None),
    ],
)
def test_a_rate_that_no_series_gives(interest: str, due: date, problem: str | None, by_law: str | None) -> None:
    row = decided(interest, [{"due_on": due}])[1]
    assert (row["problem"], row["by_law"], row["charged"] > 0) == (problem, by_law, problem is None)


def test_no_rate_is_taken_to_go_on() -> None:
    due = {"due_on": date(2026, 6, 20)}
    assert decided("{regime: DE}", [due], date(2026, 6, 30))[1]["problem"] is None
    assert decided("{regime: DE}", [due], date(2026, 7, 1))[1]["problem"] == "rates_missing"


def test_amounts_at_the_bound() -> None:
    bound = {"amount_minor": 10**12, "open_minor": 10**12}
    whole = decided("{rate: 100}", [{"due_on": date(2025, 4, 15), **bound}])[1]
    assert (whole["charged"], whole["problem"]) == (10**12, None)
    beyond = decided("{rate: 100}", [{"due_on": date(2025, 4, 14), **bound}])[1]
    assert (beyond["charged"], beyond["problem"]) == (0, "amount_beyond_bound")


def test_money_on_the_first_and_the_last_of_all_days() -> None:
    moves = [{"item_id": 1, "amount_minor": amount, "on": on} for on, amount in ((date.min, 5), (date.max, 36_500))]
    assert decided("{rate: 10}", [{"due_on": date(2026, 4, 14)}], elsewhere=moves)[1]["charged"] == 20


def test_a_rounding_of_the_policys_own() -> None:
    """A day of 1,000.00 at 8.5 % comes to 23.2877 cents: to 23, fifty times, or to 1,164.38 in fifty days."""
    due, whole = date(2026, 2, 24), {"amount_minor": 100_000, "open_minor": 100_000}
    for rounding, amount in (("exact", 11_64), ("daily_rate_2dp", 11_50)):
        interest = f"{{rate: 8.5, rounding: {rounding}}}"
        assert decided(interest, [{"due_on": due, **whole}])[1]["charged"] == amount
        stages = "[{stage: one, days_past_due: 0, interest: true, send: [email]}]"
        law = parse_policy(f"policy: p\ninterest: {interest}\nstages: {stages}", "p.yaml").law
        assert law is not None
        assert work_out(law, Claim("EUR", 100_000, due, TODAY), {}).interest_minor == amount


def test_interest_charged_already_up_to_a_later_day() -> None:
    charge = {
        "charge_item_id": 9, "notice_id": 1, "item_id": 1, "account_id": 1, "currency": "EUR", "charge": "interest",
        "stage": "one", "amount_minor": 10, "posted_on": TODAY, "until_on": date(9999, 12, 30),
    }  # fmt: skip
    assert decided("{rate: 10}", [{"due_on": date(2026, 4, 1)}], charges=[charge])[1]["charged"] == 0
