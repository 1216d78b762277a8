"""What must be so when something changes between two decisions: a posting, a payment, a longer policy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.events import Delivered, Event, Paid, Posted
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Minimum, Policy, Stage
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import pipeline, plain
from tests.engine.strategies import Case, cases

EXAMPLES: Final = settings().max_examples
# What a posting or a payment changes, and so might send an item to another policy or stage.
CHANGED_BY_POSTING: Final = {"level", "days_since_previous"}
LOWERED_BY_PAYMENT: Final = {
    "open_minor", "dunnable_minor", "account_open_minor", "account_overdue_minor", "account_open_items",
    "account_overdue_items", "account_oldest_days",
}  # fmt: skip
BEYOND: Final = parse_policy(
    "policy: p\nstages: [{stage: beyond, days_past_due: 3650, when: level < 0, send: [email]}]", "p.yaml"
).stages[0]


def decided(case: Case) -> Plan:
    return decide(case.book, case.policies, case.as_of)


def bound(book: Book, plan: Plan, on: date) -> list[Event]:
    """The event that makes all of a plan binding, and the one that sends it."""
    first = 1 + max([1_000, *book.items["item_id"].to_list()])
    ids = list(range(first, first + plan.notices.height))
    charge_ids = list(range(first, first + plan.charges.height))
    notices = plan.notices.with_columns(notice_id=pl.Series(ids, dtype=pl.Int64), as_of=pl.lit(on))
    charges = plan.charges.with_columns(
        charge_item_id=pl.Series(charge_ids, dtype=pl.Int64),
        number=pl.Series([f"F-{number}" for number in charge_ids], dtype=pl.String),
    )
    posted = Posted(notices=notices, lines=plan.lines, charges=charges, anchors=plan.anchors)
    return [posted, Delivered(on=on, notice_ids=ids)]


def with_stages(policy: Policy, change: Callable[[Stage], Stage]) -> Policy:
    return policy.model_copy(update={"stages": tuple(change(stage) for stage in policy.stages)})


def without(policy: Policy, columns: set[str]) -> Policy:
    """The policy without the expressions that read any of these columns."""
    applies_to = None if policy.applies_to and policy.applies_to.columns & columns else policy.applies_to
    shorter = policy.model_copy(update={"applies_to": applies_to})
    return with_stages(
        shorter,
        lambda stage: stage.model_copy(update={"when": None}) if stage.when and stage.when.columns & columns else stage,
    )


@settings(max_examples=EXAMPLES // 3)
@given(cases(), st.booleans())
def test_deciding_again_after_posting_duns_nothing(case: Case, leaves: bool) -> None:
    policies = tuple(without(policy, CHANGED_BY_POSTING) for policy in case.policies)
    plan = decide(case.book, policies, case.as_of)
    events = bound(case.book, plan, case.as_of)
    after, _effects = advance(case.book, events if leaves else events[:1])
    again = decide(replace(after, set_stages=case.book.set_stages.clear()), policies, case.as_of)
    assert again.notices.is_empty(), case.story()
    assert again.charges.is_empty()


@settings(max_examples=EXAMPLES)
@given(cases(), st.integers(0, 99), st.integers(0, 3), st.booleans())
def test_a_payment_never_raises_a_level(case: Case, which: int, part: int, is_applied: bool) -> None:
    """Without promises (money keeps them, whatever it is for), fees and shares (of what is left of a notice)."""
    payable = case.book.items.filter(
        pl.col("kind").is_in(["invoice", "instalment"]),
        pl.col("open_minor").is_between(1, 10**12),
        pl.col("amount_minor").is_between(1, 10**12),
        pl.col("currency").is_not_null(),
        pl.col("account_id").is_in(case.book.accounts["account_id"].implode()),
        ~pl.col("draft"),
    ).sort("item_id")
    assume(not payable.is_empty())
    item = payable.row(which % payable.height, named=True)
    policies = tuple(steady(policy) for policy in case.policies)
    before = replace(case.book, promises=case.book.promises.clear(), promise_items=case.book.promise_items.clear())
    paid = Paid(
        on=case.as_of, item_id=5_000, account_id=item["account_id"], entity_id=item["entity_id"],
        currency=item["currency"], amount_minor=max(1, item["open_minor"] >> part),
        applies_to=[item["item_id"]] if is_applied else [],
    )  # fmt: skip
    after, _effects = advance(before, [paid])
    found, then = (pipeline(book, policies, case.as_of).decisions for book in (after, before))
    raised = [
        f"item {item_id}: level {row['level_after']} before, {found[item_id]['level_after']} after"
        for item_id, row in then.items()
        if found[item_id]["outcome"] == "dun"
        and row["outcome"] != "settled"
        and (found[item_id].get("level_after") or 0) > (row.get("level_after") or 0)
    ]
    assert raised == [], f"{raised} paid for {item['item_id']}: {paid.amount_minor}\n{case.story()}"


def steady(policy: Policy) -> Policy:
    """The policy without what a smaller debt may set free, on purpose."""
    columns = LOWERED_BY_PAYMENT
    if policy.anchor == "account":  # another item may become the anchor, on which another `when` is true
        columns = {column for stage in policy.stages if stage.when for column in stage.when.columns} | columns
    minimum = Minimum(item=policy.minimum.item, account=policy.minimum.account)
    # A cap of contacts lets the next notice through where one is no longer needed.
    smaller = without(policy, columns).model_copy(update={"minimum": minimum, "contact": None})
    return with_stages(smaller, lambda stage: stage.model_copy(update={"fee": None}))


@settings(max_examples=EXAMPLES // 3)
@given(cases())
def test_a_stage_added_at_the_end_changes_nothing_before_it(case: Case) -> None:
    # A level beyond the last stage would be one that the longer policy has.
    fewest = min(len(policy.stages) for policy in case.policies)
    tables = {name: getattr(case.book, name) for name in ("items", "anchors")}
    known = {name: rows.with_columns(pl.col("level").clip(upper_bound=fewest)) for name, rows in tables.items()}
    case = replace(case, book=replace(case.book, **known))
    longer = tuple(policy.model_copy(update={"stages": (*policy.stages, BEYOND)}) for policy in case.policies)
    before, after = plain(decided(case)), pipeline(case.book, longer, case.as_of)
    assert (after.notices, after.charges, after.actions) == (before.notices, before.charges, before.actions)
    columns = ("outcome", "reasons", "next_on", "dunnable_minor", "level_before", "level_after")
    for item_id, row in before.decisions.items():
        if "finished" not in row["reasons"]:
            found = after.decisions[item_id]
            assert {column: found[column] for column in columns} == {column: row[column] for column in columns}, (
                f"item {item_id}\n{case.story()}"
            )


@settings(max_examples=EXAMPLES // 5)
@given(cases(), st.integers(1, 10))
def test_a_day_without_a_run_leaves_no_item_further_than_one_stage(case: Case, days: int) -> None:
    """With `escalate: step` one run never moves an item by more than one live stage, however late it comes."""
    steps = [policy for policy in case.policies if policy.escalate == "step" and policy.after_dispute != "nearest"]
    policies = {policy.policy: policy for policy in steps}
    late = replace(case, book=replace(case.book, set_stages=case.book.set_stages.clear()))
    late = replace(late, as_of=case.as_of + timedelta(days=days))
    due = dict(late.book.items.select("item_id", "due_on").iter_rows())
    for row in decided(late).decisions.filter(pl.col("outcome") == "dun", pl.col("policy").is_not_null()).to_dicts():
        if row["policy"] not in policies or (row["level_after"] or 0) <= (row["level_before"] or 0):
            continue  # a charge that rides along, a stage that is said again, or the first one anew
        skipped = policies[row["policy"]].stages[row["level_before"] : row["level_after"] - 1]
        assert all(stage.expires and due[row["item_id"]] <= late.as_of for stage in skipped), late.story()
