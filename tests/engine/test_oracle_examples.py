"""What other systems' tests and plain sense say (numbers of the conformance list), asked of rules and pipeline."""

from datetime import date, timedelta
from typing import Any

import pytest

from dunwell.engine.book import Book
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import Judge, pipeline
from tests.engine.oracle import OraclePlan, judge
from tests.engine.oracle_charges import Charged

TODAY = date(2026, 4, 15)

THREE_STAGES = """
policy: p
stages:
- {stage: first, days_past_due: 5, send: [email]}
- {stage: second, days_past_due: 20, send: [email]}
- {stage: third, days_past_due: 40, send: [letter]}
"""
ANCHORED = """
policy: p
anchor: account
escalate: jump
deescalate: true
stages:
- {stage: first, days_past_due: 30, send: [email]}
- {stage: second, days_past_due: 40, send: [email]}
- {stage: third, days_past_due: 50, send: [email]}
"""


@pytest.fixture(params=[judge, pipeline], ids=["rules", "pipeline"])
def judged_by(request: pytest.FixtureRequest) -> Judge:
    said: Judge = request.param
    return said


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def item(item_id: int, days_late: int, open_minor: int = 10000, **columns: object) -> dict[str, object]:
    standard = {"account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR", "due_on": ago(days_late)}
    return {"item_id": item_id, "amount_minor": open_minor, "open_minor": open_minor, **standard, **columns}


def credit(item_id: int, open_minor: int, **columns: object) -> dict[str, object]:
    return item(item_id, 0, open_minor, kind="payment", due_on=None, **columns)


def account(account_id: int, **columns: object) -> dict[str, object]:
    return {"account_id": account_id, "entity_id": 1, "account": f"A{account_id}", "channels": 31, **columns}


def state(level: int, anchor_item_id: int | None, **columns: object) -> dict[str, object]:
    key = {"entity_id": 1, "payer_id": 1, "currency": "EUR", "policy": "p"}
    return {**key, "level": level, "anchor_item_id": anchor_item_id, **columns}


def book(*items: dict[str, object], **tables: Any) -> Book:
    standard = {"entities": [{"entity_id": 1, "entity": "North"}], "accounts": [account(1), account(2)]}
    return Book.of(**{**standard, "items": list(items), **tables})


def policy(text: str) -> Policy:
    return parse_policy(text, "p.yaml")


def outcomes(plan: OraclePlan) -> dict[int, str]:
    return {item_id: decision["outcome"] for item_id, decision in plan.decisions.items()}


@pytest.mark.parametrize(
    ("days_late", "outcome", "next_on"),
    [(4, "not_due", ago(-1)), (5, "dun", None), (6, "dun", None), (0, "not_due", ago(-5))],
)
def test_exactly_n_days_fires(judged_by: Judge, days_late: int, outcome: str, next_on: date | None) -> None:
    plan = judged_by(book(item(1, days_late)), [policy(THREE_STAGES)], TODAY)
    assert outcomes(plan) == {1: outcome}
    assert plan.decisions[1]["next_on"] == next_on


def test_t1_posted_and_not_sent_is_pending_then_on_hold_then_goes_on(judged_by: Judge) -> None:
    pending = item(1, 31, level=1, stage="first", last_notice_on=ago(26), pending_notice_id=7)
    held = item(1, 31, level=1, stage="first", last_notice_on=ago(26))
    hold = {"hold_id": 1, "item_id": 1, "from_on": TODAY}
    procedure = [policy(THREE_STAGES)]
    assert outcomes(judged_by(book(pending), procedure, TODAY)) == {1: "pending"}
    assert outcomes(judged_by(book(held, holds=[hold]), procedure, TODAY)) == {1: "on_hold"}
    released = judged_by(book(held, holds=[{**hold, "released_on": TODAY}]), procedure, TODAY)
    assert released.decisions[1]["stage"] == "second"
    assert released.decisions[1]["level_after"] == 2


@pytest.mark.parametrize(("escalate", "stage"), [("step", "first"), ("jump", "third")])
def test_t2_an_item_first_seen_90_days_late(judged_by: Judge, escalate: str, stage: str) -> None:
    plan = judged_by(book(item(1, 90)), [policy(f"escalate: {escalate}{THREE_STAGES}")], TODAY)
    assert plan.notices[frozenset({1})]["stage"] == stage


def test_t3_fees_ride_and_a_percentage_counts_from_the_original(judged_by: Judge) -> None:
    procedure = policy("""
        policy: p
        stages:
        - {stage: first, days_past_due: 5, fee: {EUR: 10.00}, send: [email]}
        - {stage: second, days_past_due: 10, fee: {percent: 15, of: original}, send: [email]}
    """)
    first = judged_by(book(item(1, 5)), [procedure], TODAY).notices[frozenset({1})]
    noticed = item(1, 10, level=1, stage="first", last_notice_on=ago(5))
    charge = item(2, 5, 1000, kind="charge", parent_item_id=1)
    second = judged_by(book(noticed, charge), [procedure], TODAY).notices[frozenset({1})]
    assert first["total_minor"] == 11000
    assert (second["due_minor"], second["charges_minor"], second["fee_minor"]) == (10000, 1000, 1500)


def test_t4_unallocated_money_lowers_what_is_dunned(judged_by: Judge) -> None:
    half = judged_by(book(item(1, 10), credit(2, 5000)), [policy(THREE_STAGES)], TODAY)
    all_of_it = judged_by(book(item(1, 10), credit(2, 10000)), [policy(THREE_STAGES)], TODAY)
    assert half.notices[frozenset({1})]["due_minor"] == 5000
    assert outcomes(all_of_it) == {1: "covered_by_credit", 2: "credit"}


def test_o2_month_end(judged_by: Judge) -> None:
    procedure = policy("{policy: p, stages: [{stage: a, days_past_due: 30, month_end: true, send: [email]}]}")
    row = item(1, 0) | {"due_on": date(2024, 12, 1)}
    before = judged_by(book(row), [procedure], date(2024, 12, 30))
    assert before.decisions[1]["next_on"] == date(2024, 12, 31)
    assert outcomes(judged_by(book(row), [procedure], date(2024, 12, 31))) == {1: "dun"}


def test_o3_a_fee_without_the_currency_is_an_exception(judged_by: Judge) -> None:
    procedure = policy("{policy: p, stages: [{stage: a, days_past_due: 1, fee: {EUR: 5.00}, send: [email]}]}")
    plan = judged_by(book(item(1, 5, currency="USD"), item(2, 5)), [procedure], TODAY)
    assert plan.decisions[1]["problem"] == "fee_lacks_currency"
    assert outcomes(plan) == {1: "exception", 2: "dun"}


@pytest.mark.parametrize(("days", "stage"), [(8, None), (30, "first"), (40, "second"), (50, "third")])
def test_k1_an_account_goes_by_its_oldest_item(judged_by: Judge, days: int, stage: str | None) -> None:
    plan = judged_by(book(item(1, days), item(2, 5)), [policy(ANCHORED)], TODAY)
    dunned = {notice["stage"] for notice in plan.notices.values()}
    assert dunned == ({stage} if stage else set())
    assert set(plan.notices) == ({frozenset({1, 2})} if stage else set())


def test_k2_the_level_falls_when_the_anchor_is_gone(judged_by: Judge) -> None:
    plan = judged_by(
        book(item(1, 35, 0, amount_minor=10000), item(2, 5), anchors=[state(1, 1)]), [policy(ANCHORED)], TODAY
    )
    assert outcomes(plan) == {1: "settled", 2: "not_due"}
    assert plan.anchors == {(1, 1, "EUR", "p"): (2, 0)}
    nothing = judged_by(book(item(1, 35, 0, amount_minor=10000), anchors=[state(1, 1)]), [policy(ANCHORED)], TODAY)
    assert nothing.anchors == {(1, 1, "EUR", "p"): (None, 0)}


def test_k6_the_payer_hears_of_its_childrens_items(judged_by: Judge) -> None:
    accounts = [account(1), account(2, parent_id=1, channels=0)]
    plan = judged_by(book(item(1, 6, account_id=2), item(2, 9), accounts=accounts), [policy(THREE_STAGES)], TODAY)
    assert plan.notices[frozenset({1, 2})]["payer_id"] == 1


@pytest.mark.parametrize(
    ("overdue", "last_notice_on", "level", "outcome"),
    [
        (9900, None, 0, "not_due"),
        (10000, None, 0, "dun"),
        (10000, ago(1), 1, "not_due"),
        (10000, ago(2), 1, "dun"),
        (10000, ago(2), 2, "finished"),
    ],
)
def test_l1_a_threshold_and_a_wait(
    judged_by: Judge, overdue: int, last_notice_on: date | None, level: int, outcome: str
) -> None:
    procedure = policy("""
        policy: p
        stages:
        - {stage: a, when: account_overdue_minor >= 10000, send: [email]}
        - {stage: b, when: account_overdue_minor >= 10000, days_since_previous: 2, send: [email]}
    """)
    rows = [item(1, 9, overdue, level=level, last_notice_on=last_notice_on)]
    plan = judged_by(book(*rows), [procedure], TODAY)
    assert outcomes(plan) == {1: outcome}


@pytest.mark.parametrize(("days", "outcome", "next_on"), [(4, "too_soon", ago(-6)), (10, "dun", None)])
def test_m1_the_gap(judged_by: Judge, days: int, outcome: str, next_on: date | None) -> None:
    contact = {"entity_id": 1, "payer_id": 1, "last_contact_on": ago(days)}
    plan = judged_by(book(item(1, 6), payers=[contact]), [policy(f"min_gap_days: 10{THREE_STAGES}")], TODAY)
    assert (plan.decisions[1]["outcome"], plan.decisions[1]["next_on"]) == (outcome, next_on)


@pytest.mark.parametrize(("until_on", "outcome"), [(TODAY, "on_hold"), (ago(1), "dun"), (None, "on_hold")])
def test_m2_on_its_last_day_an_account_is_still_held(judged_by: Judge, until_on: date | None, outcome: str) -> None:
    hold = {"hold_id": 1, "account_id": 1, "from_on": ago(9), "until_on": until_on}
    assert outcomes(judged_by(book(item(1, 6), holds=[hold]), [policy(THREE_STAGES)], TODAY)) == {1: outcome}


def test_n1_an_item_gets_one_notice_a_day(judged_by: Judge) -> None:
    noticed = item(1, 90, level=1, stage="first", last_notice_on=TODAY)
    plan = judged_by(book(noticed), [policy(THREE_STAGES)], TODAY)
    assert (plan.decisions[1]["outcome"], plan.decisions[1]["next_on"]) == ("too_soon", ago(-1))


def test_n3_one_broken_row_stops_nobody(judged_by: Judge) -> None:
    plan = judged_by(book(item(1, 9, due_on=None), item(2, 9)), [policy(THREE_STAGES)], TODAY)
    assert outcomes(plan) == {1: "exception", 2: "dun"}
    assert plan.decisions[1]["problem"] == "due_date_missing"


@pytest.mark.parametrize(("not_yet_due", "outcome"), [(90000, "dun"), (100000, "below_percentage")])
def test_s2_a_share_of_what_is_open(judged_by: Judge, not_yet_due: int, outcome: str) -> None:
    procedure = policy(f"minimum: {{percent_of_open: 10}}{THREE_STAGES}")
    plan = judged_by(book(item(1, 9, 10000), item(2, -30, not_yet_due)), [procedure], TODAY)
    assert outcomes(plan) == {1: outcome, 2: "not_due"}


@pytest.mark.parametrize(("open_minor", "fee"), [(9999, 0), (10000, 200), (99999, 200), (100000, 300)])
def test_s3_tiers(judged_by: Judge, open_minor: int, fee: int) -> None:
    tiers = "[{from: 100, EUR: 2.00}, {from: 1000, percent: 0.3}]"
    procedure = policy(f"{{policy: p, stages: [{{stage: a, days_past_due: 1, fee: {tiers}, send: [email]}}]}}")
    plan = judged_by(book(item(1, 9, open_minor)), [procedure], TODAY)
    assert plan.notices[frozenset({1})]["fee_minor"] == fee
    assert plan.charges == ({Charged(1, fee, "a")} if fee else set())


def test_a_promise_covers_the_oldest_first_and_leaves_the_rest(judged_by: Judge) -> None:
    promise = {"promise_id": 1, "account_id": 1, "currency": "EUR", "amount_minor": 12000, "made_on": ago(1)}
    rows = (item(1, 9), item(2, 8))
    running = judged_by(book(*rows, promises=[{**promise, "by_on": TODAY}]), [policy(THREE_STAGES)], TODAY)
    assert outcomes(running) == {1: "promised", 2: "dun"}
    assert running.notices[frozenset({2})]["due_minor"] == 8000
    broken = judged_by(book(*rows, promises=[{**promise, "by_on": ago(1)}]), [policy(THREE_STAGES)], TODAY)
    assert outcomes(broken) == {1: "dun", 2: "dun"}


def test_a_pre_due_stage_expires_and_knows_no_gap(judged_by: Judge) -> None:
    procedure = policy("""
        policy: p
        min_gap_days: 7
        stages:
        - {stage: courtesy, days_past_due: -3, send: [email]}
        - {stage: first, days_past_due: 5, send: [email]}
    """)
    contact = {"entity_id": 1, "payer_id": 1, "last_contact_on": ago(1)}
    plan = judged_by(book(item(1, -1), item(2, 0), item(3, 5), payers=[contact]), [procedure], TODAY)
    assert outcomes(plan) == {1: "dun", 2: "not_due", 3: "too_soon"}
    assert plan.notices[frozenset({1})]["contact"] is False
    assert plan.decisions[2]["next_on"] == ago(-6)


def test_a_charge_rides_or_waits(judged_by: Judge) -> None:
    charge = item(2, 1, 500, kind="charge", parent_item_id=1)
    alone = judged_by(book(item(1, 9, 0, amount_minor=10000), charge), [policy(THREE_STAGES)], TODAY)
    assert outcomes(alone) == {1: "settled", 2: "not_due"}
    with_another = judged_by(book(item(1, 9, 0, amount_minor=10000), charge, item(3, 9)), [policy(THREE_STAGES)], TODAY)
    assert outcomes(with_another) == {1: "settled", 2: "dun", 3: "dun"}
    assert with_another.notices[frozenset({3})]["total_minor"] == 10500


@pytest.mark.parametrize("reached", [True, False])
def test_a_fee_is_judged_on_the_stage_of_the_notice_that_is_left(judged_by: Judge, reached: bool) -> None:
    procedure = policy("""
        policy: p
        stages:
        - {stage: one, days_past_due: 1, send: [email]}
        - {stage: two, days_past_due: 10, send: [email], fee: [{from: 0, EUR: 2.00}, {from: 1000, percent: 1}]}
        - {stage: three, days_past_due: 30, send: [letter]}
    """)
    rows = (
        item(1, 2, 5000),
        item(2, 31, 500000, level=1, stage="one"),
        item(3, 90, 5000, level=2, stage="two"),
    )
    dollars = [{**row, "currency": "USD"} for row in rows]
    accounts = [account(1, channels=31 if reached else 1)]
    plan = judged_by(book(*dollars, accounts=accounts), [procedure], TODAY)
    if reached:  # the notice of the third stage costs nothing
        assert outcomes(plan) == {1: "dun", 2: "dun", 3: "dun"}
        assert plan.charges == set()
    else:  # it takes the second, whose fee on a small base is in euros only
        assert outcomes(plan) == {1: "exception", 2: "dun", 3: "unreachable"}
        assert plan.decisions[1]["problem"] == "fee_lacks_currency"
        assert plan.charges == {Charged(2, 5000, "two")}


def test_a_new_anchor_has_no_earlier_notice(judged_by: Judge) -> None:
    procedure = policy("""
        policy: p
        anchor: account
        stages:
        - {stage: one, days_past_due: 1, send: [email], when: days_since_previous is null}
    """)
    rows = item(1, -5, last_notice_on=ago(9), level=1, stage="one")
    before = state(1, None, stage="one", last_notice_on=ago(9))
    for anchors in ([], [before]):
        plan = judged_by(book(rows, anchors=anchors), [procedure], TODAY)
        assert (plan.decisions[1]["outcome"], plan.decisions[1]["next_on"]) == ("not_due", ago(-6))


@pytest.mark.parametrize(("level", "stage"), [(1, "renamed"), (5, "gone"), (2, "first"), (1, "second"), (3, None)])
def test_another_policy_changes_nothing_of_what_is_kept_of_an_account(
    judged_by: Judge, level: int, stage: str | None
) -> None:
    procedure = policy(ANCHORED.replace("deescalate: true", "deescalate: false"))
    kept = state(level, 1, stage=stage, last_notice_on=ago(1), pending_notice_id=7)
    plan = judged_by(book(item(1, 31), anchors=[kept]), [procedure], TODAY)
    assert plan.anchors == {}
    of_another = judged_by(book(item(2, 31), anchors=[kept]), [procedure], TODAY)
    assert of_another.anchors == {(1, 1, "EUR", "p"): (2, 1)}


@pytest.mark.parametrize("kind", ["invoice", "charge"])
def test_a_draft_that_is_disputed_is_that_first(judged_by: Judge, kind: str) -> None:
    draft = item(1, 9, kind=kind, draft=True)
    dispute = {"dispute_id": 1, "item_id": 1, "opened_on": ago(3)}
    plan = judged_by(book(draft, disputes=[dispute]), [policy(THREE_STAGES)], TODAY)
    assert plan.decisions[1]["reasons"] == {"disputed", "not_due"}
    resolved = judged_by(book(draft, disputes=[{**dispute, "resolved_on": TODAY}]), [policy(THREE_STAGES)], TODAY)
    assert plan.decisions[1]["outcome"] == "disputed"
    assert resolved.decisions[1]["reasons"] == {"not_due"}
