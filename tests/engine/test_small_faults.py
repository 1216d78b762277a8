"""Cases that tell a small fault from the rule: each for a fault that stories and random books had not seen."""

from datetime import date
from typing import Final

import polars as pl
import pytest

from dunwell.engine.book import Book
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import Judge
from tests.engine.test_oracle_examples import (
    TODAY,
    account,
    ago,
    book,
    item,
    judged_by,
    outcomes,
    policy,
    state,
)

__all__ = ["judged_by"]

ONE: Final = "policy: p\nstages: [{stage: first, days_past_due: 5, send: [email]}]"
PROMISE: Final = {
    "promise_id": 1, "account_id": 1, "currency": "EUR", "made_on": ago(1), "by_on": TODAY, "amount_minor": 6_001,
}  # fmt: skip


def dunnable(plan_decisions: dict[int, dict[str, object]]) -> dict[int, object]:
    return {item_id: row["dunnable_minor"] for item_id, row in plan_decisions.items()}


@pytest.mark.parametrize("part", ["disputed_minor", "in_flight_minor"])
def test_a_promise_covers_what_is_neither_disputed_nor_under_way(judged_by: Judge, part: str) -> None:
    items = [item(1, 30, 10_000, **{part: 4_000}), item(2, 20, 1), item(3, 10, 500)]
    plan = judged_by(book(*items, promises=[PROMISE]), [policy(ONE)], TODAY)
    # 60.00 of the first, and the last cent is the second's; nothing is left for the third.
    assert outcomes(plan) == {1: "promised" if part == "in_flight_minor" else "disputed", 2: "promised", 3: "dun"}
    assert [plan.decisions[number]["promised_minor"] for number in (1, 2, 3)] == [6_000, 1, 0]
    assert dunnable(plan.decisions) == {1: 0, 2: 0, 3: 500}


@pytest.mark.parametrize(("paid_minor", "outcome"), [(6_000, "promised"), (6_001, "dun")])
def test_a_promise_that_lacks_one_cent_still_covers_it(judged_by: Judge, paid_minor: int, outcome: str) -> None:
    plan = judged_by(book(item(1, 30, 1), promises=[{**PROMISE, "paid_minor": paid_minor}]), [policy(ONE)], TODAY)
    assert outcomes(plan) == {1: outcome}


@pytest.mark.parametrize(("overdue_days", "credited"), [(0, 0), (1, 700)])
def test_a_credit_covers_what_is_overdue_and_not_what_falls_due_today(
    judged_by: Judge, overdue_days: int, credited: int
) -> None:
    items = [item(1, overdue_days, 1_000), item(2, 0, 700, kind="credit", due_on=None)]
    plan = judged_by(book(*items), [policy(ONE)], TODAY)
    assert plan.decisions[1]["credited_minor"] == credited


def test_credits_of_an_account_go_from_the_oldest_on_and_no_further_than_they_reach(judged_by: Judge) -> None:
    items = [item(3, 20, 500), item(2, 20, 500), item(1, 9, 500), item(9, 0, 700, kind="credit", due_on=None)]
    items += [item(4, 30, 500, account_id=2), item(5, 30, 500, currency="JPY")]
    plan = judged_by(book(*items), [policy(ONE)], TODAY)
    assert {n: plan.decisions[n]["credited_minor"] for n in (1, 2, 3, 4, 5)} == {1: 0, 2: 500, 3: 200, 4: 0, 5: 0}


def test_a_credit_of_one_cent_covers_one_cent(judged_by: Judge) -> None:
    items = [item(1, 20, 1), item(9, 0, 1, kind="credit", due_on=None)]
    assert outcomes(judged_by(book(*items), [policy(ONE)], TODAY)) == {1: "covered_by_credit", 9: "credit"}


@pytest.mark.parametrize(("word", "outcome"), [("net", "covered_by_credit"), ("ignore", "dun")])
def test_credits_are_ignored_where_the_policy_says_so(judged_by: Judge, word: str, outcome: str) -> None:
    items = [item(1, 20, 500), item(9, 0, 700, kind="credit", due_on=None)]
    plan = judged_by(book(*items), [policy(f"credits: {word}\n{ONE}")], TODAY)
    assert outcomes(plan) == {1: outcome, 9: "credit"}


@pytest.mark.parametrize("days_late", [2, 0, -3])
@pytest.mark.parametrize(("anchor", "outcome"), [("item", "dun"), ("account", "not_due")])
def test_a_stage_is_set_for_items_that_keep_their_own_level(
    judged_by: Judge, anchor: str, outcome: str, days_late: int
) -> None:
    text = f"anchor: {anchor}\n{ONE}"
    chosen = [{"item_id": 1, "stage": "first"}]
    assert outcomes(judged_by(book(item(1, days_late), set_stages=chosen), [policy(text)], TODAY)) == {1: outcome}


def test_a_pre_due_stage_that_cannot_come_any_more_leaves_the_date_of_the_next(judged_by: Judge) -> None:
    first = "{stage: first, days_past_due: 3, send: [email]}"
    never = f"{{stage: early, days_past_due: -5, when: segment = 'smb', send: [email]}}, {first}"
    early = f"{{stage: early, days_past_due: -5, send: [email]}}, {first}"
    waiting = policy(f"policy: p\nstages: [{never}]")
    due = date(2026, 4, 25)
    plan = judged_by(book(item(1, -10)), [waiting], TODAY)
    assert (TODAY.month, plan.decisions[1]["next_on"]) == (4, due.replace(day=28))
    told = item(1, -1, last_notice_on=TODAY)  # heard from us today; tomorrow it is due, and too late to be early
    assert judged_by(book(told), [policy(f"policy: p\nstages: [{early}]")], TODAY).decisions[1]["next_on"] == (
        due.replace(day=19)
    )


def test_days_since_a_notice_that_never_was_count_for_the_first_live_stage_alone(judged_by: Judge) -> None:
    text = (
        "policy: p\nescalate: jump\nstages: [{stage: one, days_past_due: -9, when: segment = 'smb', send: [email]},"
        " {stage: two, days_past_due: -6, days_since_previous: 1, send: [email]}]"
    )
    assert outcomes(judged_by(book(item(1, -4)), [policy(text)], TODAY)) == {1: "not_due"}
    with_late = f"{text[:-1]}, {{stage: three, days_past_due: 3, send: [email]}}]"
    assert outcomes(judged_by(book(item(1, -4)), [policy(with_late)], TODAY)) == {1: "not_due"}
    second = item(1, -4, level=1)
    assert outcomes(judged_by(book(second), [policy(text)], TODAY)) == {1: "dun"}


@pytest.mark.parametrize(("days_late", "outcome"), [(-1, "dun"), (0, "not_due")])
@pytest.mark.parametrize("escalate", ["step", "jump"])
def test_a_pre_due_stage_is_over_on_the_due_date(judged_by: Judge, escalate: str, days_late: int, outcome: str) -> None:
    stages = "{stage: early, days_past_due: -5, send: [email]}, {stage: first, days_past_due: 3, send: [email]}"
    text = f"policy: p\nescalate: {escalate}\nstages: [{stages}]"
    assert outcomes(judged_by(book(item(1, days_late)), [policy(text)], TODAY)) == {1: outcome}


@pytest.mark.parametrize("days_ago", [0, -1, -30])
def test_an_item_that_was_noticed_on_the_day_or_later_is_not_noticed_again(judged_by: Judge, days_ago: int) -> None:
    text = f"{ONE[:-1]}, {{stage: second, days_past_due: 10, send: [email]}}]"
    noticed = item(1, 30, level=1, last_notice_on=ago(days_ago))
    plan = judged_by(book(noticed), [policy(text)], TODAY)
    assert outcomes(plan) == {1: "too_soon"}
    assert plan.decisions[1]["next_on"] == ago(days_ago - 1)


@pytest.mark.parametrize(("days", "level"), [(29, 0), (30, 1)])
def test_a_level_falls_to_the_highest_stage_that_holds(judged_by: Judge, days: int, level: int) -> None:
    text = (
        "policy: p\nanchor: account\ndeescalate: true\nstages: [{stage: one, days_past_due: 30, send: [email]},"
        " {stage: two, days_past_due: 40, send: [email]}]"
    )
    kept = [state(2, 1, last_notice_on=ago(3))]
    plan = judged_by(book(item(1, days), accounts=[account(1)], anchors=kept), [policy(text)], TODAY)
    assert plan.anchors[(1, 1, "EUR", "p")] == (1, level)


@pytest.mark.parametrize("by_account", [1, 2])
def test_a_promise_covers_the_account_that_made_it_or_all_that_it_pays_for(judged_by: Judge, by_account: int) -> None:
    family = [account(1), account(2, parent_id=1)]
    promise = {**PROMISE, "account_id": by_account, "amount_minor": 500}
    asked = book(item(1, 30, 500, account_id=2), accounts=family, promises=[promise])
    assert outcomes(judged_by(asked, [policy(ONE)], TODAY)) == {1: "promised"}


def test_what_an_account_promised_comes_before_what_its_payer_did(judged_by: Judge) -> None:
    family = [account(1), account(2, parent_id=1)]
    items = [item(1, 30, 10_000, account_id=2), item(2, 20, 10_000)]
    promises = [
        {**PROMISE, "promise_id": 1, "account_id": 1, "amount_minor": 6_000},
        {**PROMISE, "promise_id": 2, "account_id": 2, "amount_minor": 10_000},
    ]
    plan = judged_by(book(*items, accounts=family, promises=promises), [policy(ONE)], TODAY)
    assert {number: plan.decisions[number]["promised_minor"] for number in (1, 2)} == {1: 10_000, 2: 6_000}


def test_after_a_dispute_the_highest_stage_is_next_where_no_other_policy_jumps(judged_by: Judge) -> None:
    stages = ", ".join(f"{{stage: s{days}, days_past_due: {days}, send: [email]}}" for days in (5, 10, 20))
    text = f"policy: p\nafter_dispute: nearest\nstages: [{stages}]"
    disputes = [{"dispute_id": 1, "item_id": 1, "opened_on": ago(8), "resolved_on": ago(1)}]
    told = item(1, 30, level=1, stage="s5", last_notice_on=ago(20))
    plan = judged_by(book(told, disputes=disputes), [policy(text)], TODAY)
    assert plan.notices[frozenset({1})]["stage"] == "s20"


def test_a_stage_of_a_condition_alone_holds_from_the_first_day_past_due(judged_by: Judge) -> None:
    text = (
        "policy: p\nanchor: account\ndeescalate: true\nstages: [{stage: one, when: disputed_minor = 0, send: [email]}]"
    )
    kept = [state(1, 1, stage="one", last_notice_on=ago(3))]
    plan = judged_by(book(item(1, 1), anchors=kept), [policy(text)], TODAY)
    assert (1, 1, "EUR", "p") not in plan.anchors or plan.anchors[(1, 1, "EUR", "p")] == (1, 1)
    assert outcomes(plan) == {1: "finished"}


def test_a_procedure_that_begins_anew_does_not_say_its_last_stage_again(judged_by: Judge) -> None:
    text = (
        "policy: p\nafter_dispute: restart\nstages: [{stage: one, days_past_due: 5, min_overdue: {EUR: 100}, send:"
        " [email]}, {stage: two, days_past_due: 9, repeat_every_days: 3, send: [email]}]"
    )
    disputes = [{"dispute_id": 1, "item_id": 1, "opened_on": ago(8), "resolved_on": ago(1)}]
    told = item(1, 30, 5_000, level=2, stage="two", last_notice_on=ago(20))
    assert outcomes(judged_by(book(told, disputes=disputes), [policy(text)], TODAY)) == {1: "not_due"}
    assert outcomes(judged_by(book(told), [policy(text)], TODAY)) == {1: "dun"}


def test_a_promise_takes_nothing_from_an_item_of_which_too_much_is_in_the_way(judged_by: Judge) -> None:
    items = [item(1, 30, 10_000, disputed_minor=8_000, in_flight_minor=5_000), item(2, 20, 10_000)]
    plan = judged_by(book(*items, promises=[PROMISE]), [policy(ONE)], TODAY)
    assert {number: plan.decisions[number]["promised_minor"] for number in (1, 2)} == {1: 0, 2: 6_001}


def test_a_plan_comes_before_a_promise_for_the_same_item(judged_by: Judge) -> None:
    promises = [{**PROMISE, "promise_id": 1}, {**PROMISE, "promise_id": 2, "plan_id": 7}]
    named = [{"promise_id": number, "item_id": 1} for number in (1, 2)]
    plan = judged_by(book(item(1, 30, 10_000), promises=promises, promise_items=named), [policy(ONE)], TODAY)
    assert (plan.decisions[1]["planned_minor"], plan.decisions[1]["promised_minor"]) == (6_001, 3_999)


def test_a_promise_that_names_what_another_payer_owes_covers_nothing_of_it(judged_by: Judge) -> None:
    named = [{"promise_id": 1, "item_id": 1}]
    other = item(1, 30, 500, account_id=2)
    asked = book(other, promises=[PROMISE], promise_items=named)
    assert outcomes(judged_by(asked, [policy(ONE)], TODAY)) == {1: "dun"}


@pytest.mark.parametrize("flag", ["intercompany", "legal"])
def test_a_credit_goes_to_nothing_of_an_account_that_is_not_dunned(judged_by: Judge, flag: str) -> None:
    items = [item(1, 20, 500), item(9, 0, 500, kind="credit", due_on=None)]
    plan = judged_by(book(*items, accounts=[account(1, **{flag: True})]), [policy(ONE)], TODAY)
    assert outcomes(plan) == {1: flag, 9: "credit"}
    assert plan.decisions[1]["credited_minor"] == 0


@pytest.mark.parametrize(("of_item", "outcome"), [(None, "dun"), ("C2", "no_policy")])
def test_an_attribute_is_the_items_own_before_its_accounts(judged_by: Judge, of_item: str | None, outcome: str) -> None:
    text = f"applies_to: attr_contract = 'C1'\n{ONE}"
    under = parse_policy(text, "p.yaml", {"attr_contract": pl.String()})
    accounts = pl.DataFrame([account(1, attr_contract="C1")])
    items = pl.DataFrame([item(1, 20, attr_contract=of_item)], schema_overrides={"attr_contract": pl.String})
    asked = Book.of(entities=[{"entity_id": 1, "entity": "North"}], accounts=accounts, items=items)
    assert outcomes(judged_by(asked, [under], TODAY)) == {1: outcome}


@pytest.mark.parametrize(("repeats", "outcome"), [(0, "dun"), (1, "finished"), (2, "finished")])
def test_a_stage_said_more_often_than_the_policy_now_allows_is_not_said_again(
    judged_by: Judge, repeats: int, outcome: str
) -> None:
    text = "policy: p\nstages: [{stage: one, days_past_due: 5, repeat_every_days: 3, repeat_max: 1, send: [email]}]"
    told = item(1, 30, level=1, stage="one", last_notice_on=ago(10), repeats=repeats)
    assert outcomes(judged_by(book(told), [policy(text)], TODAY)) == {1: outcome}


def test_a_payers_promise_goes_to_what_its_accounts_have_not_promised_themselves(judged_by: Judge) -> None:
    family = [account(1), account(2, parent_id=1)]
    items = [item(1, 30, 10_000), item(2, 25, 10_000, account_id=2), item(3, 20, 10_000)]
    promises = [
        {**PROMISE, "promise_id": 1, "account_id": 1, "amount_minor": 20_000},
        {**PROMISE, "promise_id": 2, "account_id": 2, "amount_minor": 10_000},
    ]
    plan = judged_by(book(*items, accounts=family, promises=promises), [policy(ONE)], TODAY)
    assert outcomes(plan) == {1: "promised", 2: "promised", 3: "promised"}
