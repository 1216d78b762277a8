"""What must be so of every decision, whatever the rules in detail; straight against `decide`."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dunwell.engine.book import Book
from dunwell.engine.decide import decide, decide_apart, standing
from dunwell.engine.lastlook import STANDING_IN_THE_WAY
from dunwell.engine.plan import BIT, Plan
from dunwell.engine.steps import slices
from tests.engine.compare import Judge, differences, pipeline, plain
from tests.engine.oracle import OraclePlan, judge
from tests.engine.oracle_rows import hold_is_on, payer_of
from tests.engine.policy_strategies import Keys
from tests.engine.strategies import Case, cases

EXAMPLES = settings().max_examples
DAYS_AHEAD = 60


def decided(case: Case) -> Plan:
    return decide(case.book, case.policies, case.as_of)


def payers(book: Book) -> dict[int, int | None]:
    """The payer of each account; of one in a circle of parents, none."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    return {account_id: payer_of(account_id, accounts)[0] for account_id in accounts}


def without_foreign_promises(book: Book) -> Book:
    """Leave out what ties payers together: promises that name an item of another payer."""
    payer = payers(book)
    of_item = {item["item_id"]: payer.get(item["account_id"]) for item in book.items.to_dicts()}
    of_promise = {promise["promise_id"]: payer.get(promise["account_id"]) for promise in book.promises.to_dicts()}
    own = [of_item[link["item_id"]] == of_promise[link["promise_id"]] for link in book.promise_items.to_dicts()]
    return replace(book, promise_items=book.promise_items.filter(pl.Series(own, dtype=pl.Boolean)))


@settings(max_examples=EXAMPLES // 5)
@given(cases(), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(case: Case, seed: int) -> None:
    frames = {table.name: getattr(case.book, table.name) for table in fields(Book)}
    mixed = {name: frame.sample(fraction=1.0, shuffle=True, seed=seed) for name, frame in frames.items()}
    before, after = decided(case), decided(replace(case, book=replace(case.book, **mixed)))
    for table in fields(Plan):
        assert_frame_equal(getattr(before, table.name), getattr(after, table.name))


@settings(max_examples=EXAMPLES // 5)
@given(cases())
def test_what_stands_in_the_way_is_the_first_half_of_a_decision(case: Case) -> None:
    bits = pl.lit(sum(BIT[name] for name in STANDING_IN_THE_WAY), dtype=pl.UInt32)
    said = pl.col("item_id"), pl.col("reasons") & bits, pl.col("dunnable_minor")
    # A charge with nothing in its own way shares what stands in its item's.
    charges = case.book.items.filter(pl.col("kind") == "charge")
    whole, half = decided(case).decisions, standing(case.book, case.policies, case.as_of)
    one, other = (rows.join(charges, on="item_id", how="anti").select(*said).sort("item_id") for rows in (whole, half))
    assert_frame_equal(other, one)


@settings(max_examples=EXAMPLES // 5)
@given(cases(), st.sampled_from([1, 2, 5]))
def test_slices_change_nothing(case: Case, rows_per_slice: int) -> None:
    case = replace(case, book=without_foreign_promises(case.book))
    before = decided(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "ROWS_PER_SLICE", rows_per_slice)
        after = decided(case)
    for table in fields(Plan):
        assert_frame_equal(getattr(before, table.name), getattr(after, table.name))


def moved(case: Case, by: int) -> Case:
    """The same case with other ids."""
    tables = {}
    for name in (table.name for table in fields(Book)):
        ids = pl.col("^.*_id$")
        tables[name] = getattr(case.book, name).with_columns(ids.exclude("entity_id") + by * 1_000_000)
        if "entity_id" in tables[name].columns:
            tables[name] = tables[name].with_columns(pl.col("entity_id") + by * 1_000)
    return replace(case, book=Book(**tables))


@settings(max_examples=EXAMPLES // 5)
@given(st.lists(cases(), min_size=2, max_size=3))
def test_to_decide_apart_is_to_decide_one_after_the_other(alone: list[Case]) -> None:
    rates = {"series": alone[0].book.series, "rates": alone[0].book.rates}  # what holds for one holds for all
    alone = [moved(replace(case, book=replace(case.book, **rates)), by) for by, case in enumerate(alone)]
    books = [case.book for case in alone]
    tables = {
        table.name: pl.concat([getattr(book, table.name) for book in books], how="diagonal") for table in fields(Book)
    }
    together = Book(**tables | rates)
    asked = {
        entity: (case.policies, case.as_of) for case in alone for entity in case.book.entities["entity_id"].to_list()
    }
    expected = [plain(decided(case)) for case in alone]
    found = plain(decide_apart(together, asked))
    for name in ("decisions", "notices", "anchors", "closings", "alerts"):
        assert getattr(found, name) == {key: row for plan in expected for key, row in getattr(plan, name).items()}
    for name in ("charges", "actions"):
        assert getattr(found, name) == set().union(*(getattr(plan, name) for plan in expected))


@settings(max_examples=EXAMPLES // 5)
@given(cases())
def test_what_is_held_disputed_promised_or_under_way_is_not_dunned(case: Case) -> None:
    lines = decided(case).lines.filter(pl.col("role") == "dunned")
    dunned: dict[int, int] = dict(lines.select("item_id", "amount_minor").iter_rows())
    items = {item["item_id"]: item for item in case.book.items.to_dicts()}
    for item_id, amount in dunned.items():
        item = items[item_id]
        assert 0 < amount <= item["open_minor"] - item["disputed_minor"] - item["in_flight_minor"]
        assert not item["draft"]
    payer = payers(case.book)
    for hold in case.book.holds.to_dicts():
        if hold_is_on(hold, case.as_of):
            held = [i for i in dunned if i == hold["item_id"]]
            accounts = {account for account in payer if hold["account_id"] in {account, payer[account]}}
            assert not held + [i for i in dunned if items[i]["account_id"] in accounts], case.story()
    for promise in case.book.promises.to_dicts():
        promised_is_left_alone(case, promise, dunned)


def promised_is_left_alone(case: Case, promise: Keys, dunned: dict[int, int]) -> None:
    """Of all that a running promise speaks of, at most what goes beyond it is dunned, however many others there are."""
    if not promise["made_on"] <= case.as_of <= promise["by_on"] + timedelta(days=promise["tolerance_days"]):
        return
    payer = payers(case.book)
    links = case.book.promise_items.filter(pl.col("promise_id") == promise["promise_id"])["item_id"].to_list()
    base = due = 0
    for item in case.book.items.filter(pl.col("kind").is_in(["invoice", "instalment"]) & ~pl.col("draft")).to_dicts():
        account_id = item["account_id"]
        meant = item["item_id"] in links if links else promise["account_id"] in {account_id, payer.get(account_id)}
        if meant and item["currency"] == promise["currency"] and item["open_minor"]:
            base += max(0, item["open_minor"] - item["disputed_minor"] - item["in_flight_minor"])
            due += dunned.get(item["item_id"], 0)
    assert due <= max(0, base - max(0, promise["amount_minor"] - promise["paid_minor"])), case.story()


@settings(max_examples=EXAMPLES // 5)
@given(cases())
def test_notices_add_up(case: Case) -> None:
    plan = decided(case)
    debits = case.book.items.filter(pl.col("kind").is_in(["invoice", "instalment"])).select("item_id")
    dun = plan.decisions.join(debits, on="item_id", how="semi").filter(pl.col("outcome") == "dun")
    lines = plan.lines.filter(pl.col("role") == "dunned")
    assert sorted(lines["item_id"]) == sorted(dun["item_id"])
    assert lines["amount_minor"].sum() == dun["dunnable_minor"].sum()
    riding = plan.lines.filter(pl.col("role") == "charge")
    for notice in plan.notices.to_dicts():
        mine = {
            "due_minor": lines.filter(pl.col("notice_no") == notice["notice_no"])["amount_minor"].sum(),
            "charges_minor": riding.filter(pl.col("notice_no") == notice["notice_no"])["amount_minor"].sum(),
            "fee_minor": plan.charges.filter(pl.col("notice_no") == notice["notice_no"])["amount_minor"].sum(),
        }
        assert mine == {key: notice[key] for key in mine}
        assert notice["total_minor"] == sum(mine.values())
    assert plan.notices["notice_no"].to_list() == list(range(1, plan.notices.height + 1))


@settings(max_examples=EXAMPLES // 5)
@given(cases())
def test_payers_can_be_decided_apart(case: Case) -> None:
    book, payer = without_foreign_promises(case.book), payers(case.book)
    of_item = {item["item_id"]: payer.get(item["account_id"]) for item in book.items.to_dicts()}
    whole = plain(decide(book, case.policies, case.as_of))
    shards = [plain(decide(shard(book, payer, of_item, n), case.policies, case.as_of)) for n in range(2)]
    told = differences(whole, joined(shards))
    assert not told, "\n".join([*told, case.story()])


def shard(book: Book, payer: dict[int, int | None], of_item: dict[int, int | None], n: int) -> Book:
    """The part of the book that belongs to the payers with `payer_id % 2 == n`; those without a payer are in part 0."""
    accounts = [account_id for account_id in payer if (payer[account_id] or 0) % 2 == n]
    items = [item_id for item_id in of_item if (of_item[item_id] or 0) % 2 == n]
    mine = {"account_id": accounts, "payer_id": accounts, "item_id": items}

    def part(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
        return frame.filter(pl.any_horizontal(pl.col(column).is_in(mine[column]) for column in columns))

    return replace(
        book,
        accounts=part(book.accounts, "account_id"),
        items=part(book.items, "item_id"),
        payers=part(book.payers, "payer_id"),
        anchors=part(book.anchors, "payer_id"),
        holds=part(book.holds, "account_id", "item_id"),
        promises=part(book.promises, "account_id"),
        promise_items=part(book.promise_items, "item_id"),
        closings=part(book.closings, "payer_id"),
        alerts=part(book.alerts, "account_id"),
    )


def joined(plans: Sequence[OraclePlan]) -> OraclePlan:
    whole = OraclePlan()
    for plan in plans:
        whole.decisions |= plan.decisions
        whole.notices |= plan.notices
        whole.charges |= plan.charges
        whole.actions |= plan.actions
        whole.anchors |= plan.anchors
        whole.closings |= plan.closings
        whole.alerts |= plan.alerts
    return whole


def first_days_dunned(case: Case, judged_by: Judge) -> dict[int, date]:
    """When each item would first be dunned, found by deciding every following day."""
    first: dict[int, date] = {}
    for days in range(1, DAYS_AHEAD + 1):
        day = case.as_of + timedelta(days=days)
        for item_id, decision in judged_by(case.book, case.policies, day).decisions.items():
            if decision["outcome"] == "dun":
                first.setdefault(item_id, day)
    return first


def next_on_is_the_first_day(case: Case, judged_by: Judge) -> None:
    horizon = case.as_of + timedelta(days=DAYS_AHEAD)
    first = first_days_dunned(case, judged_by)
    anchored = {policy.policy for policy in case.policies if policy.anchor == "account"}
    today: dict[int, dict[str, Any]] = judged_by(case.book, case.policies, case.as_of).decisions
    for item_id, decision in today.items():
        if decision["outcome"] not in {"not_due", "too_soon"} or decision["policy"] in anchored:
            continue
        promised = decision["next_on"]
        within = promised if promised is not None and promised <= horizon else None
        if within != first.get(item_id):
            text = f"item {item_id}: next_on {promised}, first dunned on {first.get(item_id)}"
            pytest.fail(f"{text}\n\n{case.story()}", pytrace=False)


@settings(max_examples=max(3, EXAMPLES // 50))
@given(cases(plain=True))
def test_next_on_is_the_first_day_it_happens(case: Case) -> None:
    next_on_is_the_first_day(case, pipeline)


@settings(max_examples=EXAMPLES // 5)
@given(cases(plain=True))
def test_the_rules_themselves_say_next_on_rightly(case: Case) -> None:
    next_on_is_the_first_day(case, judge)
