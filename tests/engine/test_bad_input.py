"""Books at the ends of what there can be: of the calendar, of currencies, of size; each decided rightly, or refused."""

from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.decide import decide, standing
from dunwell.engine.documents import DocumentError
from dunwell.engine.events import Delivered, Held, Paid, Posted, Promised
from dunwell.engine.explain import explain
from dunwell.engine.plan import Plan
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.steps.parties import payer_of_family, payers

POLICY: Final = parse_policy(
    """
policy: p
min_gap_days: 7
stages:
  - {stage: one, days_past_due: 3, deadline_days: 10, send: [email]}
  - {stage: two, days_past_due: 14, days_since_previous: 7, days_since_deadline: 1, fee: {percent: 1}, send: [email]}
  - {stage: three, days_past_due: 3650, month_end: true, send: [email]}
""",
    "p.yaml",
)
FIRST, LAST = date.min, date.max
LEAP: Final = date(2024, 2, 29)


def book(*items: dict[str, Any], accounts: list[dict[str, object]] | None = None, **tables: Any) -> Book:
    """A book of one entity; items are of account 1, in EUR and of 100.00 unless told otherwise."""
    usual = {"account_id": 1, "entity_id": 1, "currency": "EUR", "amount_minor": 10_000, "open_minor": 10_000}
    rows = [{"item_id": number, "number": f"A-{number}", **usual, **item} for number, item in enumerate(items, 1)]
    owners = accounts or [{"account_id": 1, "entity_id": 1, "account": "MEYER", "channels": 31}]
    return Book.of(entities=[{"entity_id": 1, "entity": "ACME"}], accounts=owners, items=rows, **tables)


def outcomes(plan: Plan) -> list[str]:
    return plan.decisions.sort("item_id")["outcome"].cast(pl.String).to_list()


def shown(plan: Plan) -> list[str]:
    """Everything a person could be shown of the decisions: each date must be one of the calendar."""
    assert plan.notices.to_dicts() is not None
    return [line for row in plan.decisions.to_dicts() for line in explain(row)]


@pytest.mark.parametrize("as_of", [FIRST, LEAP, LAST])
@pytest.mark.parametrize("due_on", [FIRST, LEAP, LAST])
@pytest.mark.parametrize("last_on", [None, FIRST, LAST])
def test_a_due_date_or_notice_at_an_end_of_the_calendar_is_decided(
    as_of: date, due_on: date, last_on: date | None
) -> None:
    level = 0 if last_on is None else 1
    contact = [{"entity_id": 1, "payer_id": 1, "last_contact_on": last_on}]
    item = {"due_on": due_on, "issued_on": due_on, "level": level}
    noticed = {"last_notice_on": last_on, "last_deadline_on": last_on}
    plan = decide(book(item | noticed, payers=contact), [POLICY], as_of)
    late = (as_of - due_on).days
    can_speak = last_on is None or (as_of - last_on).days >= 7
    wanted = 3 if level == 0 else 14
    assert (outcomes(plan) == ["dun"]) == (late >= wanted and can_speak)
    assert shown(plan)


def test_a_deadline_after_the_end_of_the_calendar_is_its_last_day() -> None:
    open_book = book({"due_on": date(9999, 12, 1)})
    plan = decide(open_book, [POLICY], LAST)
    assert plan.notices["deadline_on"].to_list() == [LAST]
    assert shown(plan)
    notices = plan.notices.with_columns(notice_id=pl.lit(1, dtype=pl.Int64), as_of=pl.lit(LAST))
    charges = plan.charges.with_columns(charge_item_id=pl.lit(0, dtype=pl.Int64), number=pl.lit(""))
    posted = Posted(notices=notices, lines=plan.lines, charges=charges, anchors=plan.anchors)
    after, _effects = advance(open_book, [posted, Delivered(on=LAST, notice_ids=[1])])
    again = decide(after, [POLICY], LAST)
    assert outcomes(again) == ["not_due"]
    assert shown(again)


@pytest.mark.parametrize("as_of", [FIRST, LEAP, LAST])
def test_holds_and_promises_to_the_end_of_the_calendar(as_of: date) -> None:
    held = Held(on=FIRST, hold_id=1, account_id=None, item_id=1, until_on=LAST)
    promised = Promised(
        on=FIRST, promise_id=1, account_id=1, currency="EUR", amount_minor=10_000, by_on=LAST, tolerance_days=365,
        item_ids=[2],
    )  # fmt: skip
    after, _effects = advance(book({"due_on": FIRST}, {"due_on": FIRST}), [held, promised])
    plan = decide(after, [POLICY], as_of)
    assert outcomes(plan) == ["on_hold", "promised"]
    assert shown(plan)
    assert standing(after, [POLICY], as_of).height == 2


def test_a_promise_of_the_first_day_is_broken_ever_after() -> None:
    promises = [
        {"promise_id": 1, "account_id": 1, "currency": "EUR", "amount_minor": 1, "made_on": FIRST, "by_on": FIRST}
    ]
    counting = parse_policy(
        "policy: p\nstages: [{stage: one, when: account_broken_promises = 1, send: [email]}]", "p.yaml"
    )
    plan = decide(book({"due_on": FIRST}, promises=promises), [counting], LAST)
    assert outcomes(plan) == ["dun"]


@pytest.mark.parametrize(("year", "day"), [(2024, "2024-03-03"), (2028, "2028-03-03")])
def test_due_on_a_leap_day(year: int, day: str) -> None:
    item = {"due_on": date(year, 2, 29)}
    reached = date.fromisoformat(day)
    before = decide(book(item), [POLICY], reached - timedelta(days=1))
    assert before.decisions["next_on"].to_list() == [reached]
    assert outcomes(decide(book(item), [POLICY], reached)) == ["dun"]
    ten_years = decide(book(item | {"level": 2}), [POLICY], reached)
    assert ten_years.decisions["next_on"].to_list() == [date(year + 10, 2, 28)]  # 3,650 days are three days short


@pytest.mark.parametrize(
    ("currency", "amount_minor", "fee_minor"), [("JPY", 1_250, 13), ("EUR", 1_250, 13), ("KWD", 1_250, 13)]
)
def test_a_percentage_rounds_to_the_smallest_unit_of_any_currency(
    currency: str, amount_minor: int, fee_minor: int
) -> None:
    item = {"due_on": LEAP, "currency": currency, "amount_minor": amount_minor, "open_minor": amount_minor, "level": 1}
    plan = decide(book(item), [POLICY], LEAP + timedelta(days=14))
    assert plan.charges["amount_minor"].to_list() == [fee_minor]
    assert plan.notices["total_minor"].to_list() == [amount_minor + fee_minor]


def test_amounts_of_a_policy_are_in_the_units_of_each_currency() -> None:
    policy = parse_policy(
        "policy: p\nminimum: {item: {EUR: 5.00, JPY: 500, KWD: 5.000}}\n"
        "stages: [{stage: one, days_past_due: 3, send: [email]}]", "p.yaml",
    )  # fmt: skip
    items: list[dict[str, Any]] = [
        {"due_on": LEAP, "currency": currency, "amount_minor": minor, "open_minor": minor}
        for currency, least in (("EUR", 500), ("JPY", 500), ("KWD", 5_000)) for minor in (least - 1, least)
    ]  # fmt: skip
    plan = decide(book(*items), [policy], LEAP + timedelta(days=3))
    assert outcomes(plan) == ["below_item_minimum", "dun"] * 3


def test_a_promise_of_more_than_is_owed_covers_what_is_there() -> None:
    promise = {"promise_id": 1, "account_id": 1, "currency": "EUR", "made_on": LEAP}
    beyond = {**promise, "amount_minor": 10**12, "by_on": LEAP + timedelta(days=30)}
    other = {**beyond, "promise_id": 2, "currency": "JPY"}
    items: list[dict[str, Any]] = [
        {"due_on": LEAP},
        {"due_on": LEAP, "open_minor": 4_000},
        {"due_on": LEAP, "currency": "KWD"},
    ]
    plan = decide(book(*items, promises=[beyond, other]), [POLICY], LEAP + timedelta(days=5))
    assert outcomes(plan) == ["promised", "promised", "dun"]
    assert plan.decisions.sort("item_id")["promised_minor"].to_list() == [10_000, 4_000, 0]


@pytest.mark.parametrize("as_of", [FIRST, LEAP, LAST])
def test_an_empty_book_is_an_empty_plan(as_of: date) -> None:
    for empty in (Book.of(), book(), book(accounts=[])):
        plan = decide(empty, [POLICY], as_of)
        assert plan.decisions.is_empty()
        assert plan.notices.is_empty()
        assert standing(empty, [POLICY], as_of).is_empty()
    assert outcomes(decide(book({"due_on": LEAP}), [], as_of)) == ["no_policy"]


def test_an_item_of_nobody_in_a_book_without_accounts_is_an_exception_whatever_the_calendar() -> None:
    text = "policy: p\ncalendar: {country: account}\nstages: [{stage: one, days_past_due: 3, send: [email]}]"
    item = {"item_id": 1, "account_id": 7, "entity_id": 1, "currency": "EUR", "due_on": LEAP, "open_minor": 10_000}
    alone = Book.of(entities=[{"entity_id": 1, "entity": "ACME"}], accounts=[], items=[item])
    assert outcomes(decide(alone, [parse_policy(text, "p.yaml")], LEAP + timedelta(days=9))) == ["exception"]


CONTRADICTIONS: Final = {
    "days since the notice before the first": "stages: [{stage: one, days_since_previous: 3, send: [email]}]",
    "two stages of one name": "stages: [{stage: one, days_past_due: 3, send: [email]},"
    " {stage: one, days_past_due: 9, send: [email]}]",
    "before the due date, of an account that is overdue": "anchor: account\n"
    "stages: [{stage: one, days_past_due: -3, send: [email]}]",
    "before the due date, after a stage past it": "stages: [{stage: one, days_past_due: 3, send: [email]},"
    " {stage: two, days_past_due: -3, send: [email]}]",
    "a stage that does nothing": "stages: [{stage: one, days_past_due: 3}]",
    "a stage without a condition": "stages: [{stage: one, send: [email]}]",
    "for nothing at all": "applies_to: 1 = 2\nstages: [{stage: one, days_past_due: 3, send: [email]}]",
    "a stage that never comes": "stages: [{stage: one, days_past_due: 3, when: 1 = 2, send: [email]}]",
    "closed after a stage it lacks": "stages: [{stage: one, days_past_due: 3, send: [email]}]\n"
    "close: {after_stage: two, send: [email]}",
    "a fixed part of the claim": "stages: [{stage: one, days_past_due: 3, fee: {EUR: 5.00, of: claim}, send: [email]}]",
    "said twice over one channel": "stages: [{stage: one, days_past_due: 3, send: [email, email]}]",
    "how often, but not when": "stages: [{stage: one, days_past_due: 3, repeat_max: 2, send: [email]}]",
    "no stage": "stages: []",
}  # fmt: skip


@pytest.mark.parametrize("text", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_policy_that_contradicts_itself_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_policy(f"policy: p\n{text}\n", "p.yaml")
    assert all(problem.line >= 2 for problem in caught.value.problems)


# Larger than any book of a customer's, and decided in seconds still.
MANY: Final = 1_000_000
PROMISED: Final = 200_000
FAMILY: Final = 10_000


def many(n: int) -> pl.DataFrame:
    """Items of 1.00 on one account, due on the leap day."""
    columns = {"account_id": 1, "entity_id": 1, "currency": "EUR", "amount_minor": 100, "open_minor": 100}
    return pl.DataFrame({"item_id": pl.int_range(1, n + 1, eager=True)}).with_columns(
        due_on=pl.lit(LEAP), **{name: pl.lit(value) for name, value in columns.items()}
    )


def test_very_many_items_of_one_account_are_one_notice() -> None:
    whole = Book.of(accounts=book().accounts, items=many(MANY))
    plan = decide(whole, [POLICY], LEAP + timedelta(days=3))
    assert plan.notices.select("due_minor", "level").rows() == [(MANY * 100, 1)]
    assert plan.lines.height == MANY
    notices = plan.notices.with_columns(notice_id=pl.lit(1, dtype=pl.Int64), as_of=pl.lit(LEAP))
    charges = plan.charges.with_columns(charge_item_id=pl.lit(0, dtype=pl.Int64), number=pl.lit(""))
    after, _effects = advance(whole, [Posted(notices=notices, lines=plan.lines, charges=charges)])
    assert after.items["level"].sum() == MANY


def test_a_promise_over_very_many_items_covers_the_oldest() -> None:
    promise = {"promise_id": 1, "account_id": 1, "currency": "EUR", "amount_minor": PROMISED * 50, "made_on": LEAP,
               "by_on": LEAP + timedelta(days=30)}  # fmt: skip
    whole = Book.of(accounts=book().accounts, items=many(PROMISED), promises=[promise])
    plan = decide(whole, [POLICY], LEAP + timedelta(days=3))
    counted = plan.decisions["outcome"].cast(pl.String).value_counts().rows()
    assert dict(counted) == {"promised": PROMISED // 2, "dun": PROMISED // 2}


@pytest.mark.parametrize("shape", ["a parent with very many children", "a chain of very many"])
def test_very_large_families_have_one_payer(shape: str) -> None:
    parents = [None, *range(1, FAMILY)] if "chain" in shape else [None, *[1] * (FAMILY - 1)]
    accounts: list[dict[str, object]] = [
        {"account_id": number, "entity_id": 1, "account": f"A{number}", "channels": 1 if number == 1 else 0,
         "parent_id": parent}
        for number, parent in enumerate(parents, 1)
    ]  # fmt: skip
    items = many(FAMILY).with_columns(account_id=pl.col("item_id"))
    whole = Book.of(accounts=accounts, items=items)
    assert payers(whole.accounts)["payer_id"].unique().to_list() == [1]
    plan = decide(whole, [POLICY], LEAP + timedelta(days=3))
    assert plan.notices.select("payer_id", "due_minor").rows() == [(1, FAMILY * 100)]


def test_a_circle_of_very_many_parents_is_an_exception_for_each() -> None:
    accounts: list[dict[str, object]] = [
        {"account_id": number, "entity_id": 1, "account": f"A{number}", "channels": 1, "parent_id": number % FAMILY + 1}
        for number in range(1, FAMILY + 1)
    ]
    items = many(FAMILY).with_columns(account_id=pl.col("item_id"))
    plan = decide(Book.of(accounts=accounts, items=items), [POLICY], LEAP + timedelta(days=3))
    assert plan.decisions["problem"].cast(pl.String).unique().to_list() == ["parent_cycle"]
    assert plan.tasks.height == FAMILY


def test_an_announcement_for_very_many_items_is_under_way_to_the_oldest() -> None:
    whole = Book.of(accounts=book().accounts, items=many(FAMILY))
    paid = Paid(on=LEAP, item_id=FAMILY + 1, account_id=1, entity_id=1, currency="EUR", amount_minor=FAMILY * 50,
                pending=True)  # fmt: skip
    after, _effects = advance(whole, [paid])
    assert after.items["in_flight_minor"].sum() == FAMILY * 50
    under_way = after.items.filter(pl.col("in_flight_minor") > 0)["item_id"]
    assert (under_way.len(), under_way.max()) == (FAMILY // 2, FAMILY // 2)


def relations(parents: list[int | None]) -> pl.DataFrame:
    columns = {"account_id": range(1, len(parents) + 1), "parent_id": parents}
    return pl.DataFrame(columns, schema={"account_id": pl.Int64, "parent_id": pl.Int64})


@given(st.lists(st.none() | st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 7))
def test_a_family_is_all_that_have_the_payer_in_common(parents: list[int | None], which: int) -> None:
    accounts, account_id = relations(parents), which % len(parents) + 1
    payer_of = dict(payers(accounts).iter_rows())
    known = {each: payer for each, payer in payer_of.items() if payer == payer_of[account_id]}
    found = payer_of_family(accounts, account_id)
    assert {each: found[each] for each in known} == known
    assert set(found.values()) == {payer_of[account_id]}


def test_a_chain_of_very_many_is_one_family() -> None:
    chain = relations([None, *range(1, FAMILY)])
    assert payer_of_family(chain, FAMILY) == dict.fromkeys(range(1, FAMILY + 1), 1)
