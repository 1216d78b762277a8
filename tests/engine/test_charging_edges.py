"""Which day and which cent decides what a run charges; the oracle agrees."""

from datetime import date
from typing import Any, Final

import polars as pl
import pytest

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.law.series import Series, tables
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import differences, plain
from tests.engine.law.claims import series
from tests.engine.oracle import judge
from tests.engine.test_appropriation import FEE, A, charge
from tests.engine.test_charging_bounds import TODAY, decided
from tests.engine.town import Town, promise

RATES: Final = series("boe-bank-rate", ("2020-01-01", "4"))


def run(
    interest: str,
    stages: str,
    *items: dict[str, Any],
    known: dict[str, Series] = RATES,
    debtor_class: str = "business",
    **more: Any,  # tables of the book
) -> Plan:
    """What a policy makes of the items of one debtor today, and the oracle, too."""
    book, policy, plan = decided_by(interest, stages, *items, known=known, debtor_class=debtor_class, **more)
    assert differences(judge(book, [policy], TODAY), plain(plan)) == []
    return plan


def decided_by(
    interest: str,
    stages: str,
    *items: dict[str, Any],
    known: dict[str, Series],
    debtor_class: str = "business",
    **more: Any,
) -> tuple[Book, Policy, Plan]:
    policy = parse_policy(f"policy: p\ninterest: {interest}\nstages: [{stages}]\n", "p.yaml")
    rows = [{"account_id": 1, "entity_id": 1, "number": str(item["item_id"]), **item} for item in items]
    owner = {"account_id": 1, "entity_id": 1, "account": "A", "channels": 1, "debtor_class": debtor_class}
    book = Book.of(accounts=[owner], items=rows, **tables(known), **more)
    return book, policy, decide(book, [policy], TODAY)


def sums(plan: Plan) -> dict[str, int]:
    return dict(plan.charges.select("charge", "amount_minor").iter_rows())


def by_law(plan: Plan) -> list[str]:
    return sorted(word for word in plan.decisions["by_law"].to_list() if word)


@pytest.mark.parametrize(("until", "cents"), [(date(2026, 4, 14), 10), (date(2026, 4, 15), 0)])
def test_interest_goes_on_the_day_after_the_last_charged(until: date, cents: int) -> None:
    charged = {
        "charge_item_id": 9, "notice_id": 1, "item_id": 1, "account_id": 1, "currency": "EUR", "charge": "interest",
        "stage": "one", "amount_minor": 10, "posted_on": until, "until_on": until,
    }  # fmt: skip
    assert decided("{rate: 10}", [{"due_on": date(2026, 4, 1)}], charges=[charged])[1]["charged"] == cents


@pytest.mark.parametrize(("paid_on", "pounds"), [(date(2026, 4, 1), 70), (date(2026, 3, 31), 40)])
def test_the_flat_sum_goes_by_what_was_owed_on_the_first_day_of_interest(paid_on: date, pounds: int) -> None:
    item = {
        "item_id": 1, "due_on": date(2026, 3, 31), "currency": "GBP", "amount_minor": 1_000_00, "open_minor": 999_00,
    }  # fmt: skip
    paid = [{"item_id": 1, "amount_minor": 1_00, "on": paid_on}]
    stage = "{stage: a, days_past_due: 1, compensation: true, send: [email]}"
    assert sums(run("{regime: UK}", stage, item, elsewhere=paid)) == {"compensation": pounds * 100}


@pytest.mark.parametrize(("noticed_on", "is_warned"), [(date(2026, 3, 2), True), (date(2026, 3, 1), False)])
def test_a_notice_on_the_due_date_warns_nobody_of_costs(noticed_on: date, *, is_warned: bool) -> None:
    item = {
        "item_id": 1, "due_on": date(2026, 3, 1), "currency": "EUR", "amount_minor": 100_00, "open_minor": 100_00,
        "level": 1, "last_notice_on": noticed_on, "last_deadline_on": date(2026, 3, 30),
    }  # fmt: skip
    stages = (
        "{stage: a, days_past_due: 0, deadline_days: 14, send: [email]},"
        " {stage: b, days_past_due: 20, compensation: true, send: [email]}"
    )
    plan = run("{regime: NL}", stages, item, debtor_class="consumer")
    assert sums(plan) == ({"compensation": 40_00} if is_warned else {})
    assert by_law(plan) == ([] if is_warned else ["costs_not_warned"])


def test_an_absurd_rate_of_exchange_keeps_no_other_item_from_being_charged() -> None:
    absurd = series("ecb-eur-gbp", ("2020-01-01", "0.000001")) | series("ecb-eur-kwd", ("2020-01-01", "9000000000000"))
    items = [
        {"item_id": number, "due_on": date(2026, 3, 31), "currency": currency, "amount_minor": 5, "open_minor": 5}
        for number, currency in ((1, "KWD"), (2, "GBP"))
    ]
    stage = "{stage: a, days_past_due: 1, compensation: true, send: [email]}"
    charges = decided_by("{regime: UK}", stage, *items, known=RATES | absurd)[2].charges
    assert charges.filter(pl.col("currency") == "GBP")["amount_minor"].to_list() == [40_00]


def test_a_fee_too_near_the_last_of_one_line_is_left_off_the_whole_notice() -> None:
    item = {"due_on": date(2026, 3, 1), "currency": "DKK", "amount_minor": 100_00, "open_minor": 100_00}
    charged = {
        "charge_item_id": 9, "notice_id": 1, "item_id": 1, "account_id": 1, "currency": "DKK", "charge": "fee",
        "stage": "a", "amount_minor": 100_00, "posted_on": date(2026, 4, 6),
    }  # fmt: skip
    stage = "{stage: a, days_past_due: 10, fee: {DKK: 100.00}, send: [email]}"
    for on, fees in ((date(2026, 4, 6), {}), (date(2026, 4, 5), {"fee": 100_00})):  # nine days ago, and ten
        plan = run(
            "{regime: DK}", stage, item | {"item_id": 1}, item | {"item_id": 2}, charges=[charged | {"posted_on": on}]
        )
        assert sums(plan) == fees


def test_money_for_a_charge_that_does_not_go_first_keeps_no_promise_about_its_item() -> None:
    for is_first, paid_minor in ((False, 0), (True, 5_00)):
        town = charge(Town().invoice(A, 100_00), FEE, 5_00, first=is_first).let(promise(1, 100_00, A))
        assert town.pay(50, 5_00, FEE).book.promises["paid_minor"].to_list() == [paid_minor]
