"""What two plans of one book decide otherwise, and that nothing of it is lost or counted twice."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.difference import SCHEMAS, SORT_KEYS, Difference, compared, difference, joined, nothing
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy
from tests.engine.plain_difference import plain_difference
from tests.engine.policy_strategies import parsed, policies
from tests.engine.strategies import POLICY_NAMES, Case, cases
from tests.engine.town import D, policy
from tests.examples import examples

Pair = tuple[Case, Plan, Plan]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A book decided on one day under two sets of policies; now and then one of them is in both, or there are none."""
    case = draw(cases())
    others = [parsed(keys) for keys in draw(policies(POLICY_NAMES[: draw(st.sampled_from((1, 2, 3)))]))]
    kept = draw(st.sampled_from(("all other", "the first stays", "none")))
    after = {"all other": others, "the first stays": [case.policies[0], *others[1:]], "none": []}[kept]
    return case, decide(case.book, case.policies, case.as_of), decide(case.book, after, case.as_of)


def swapped(column: str) -> str:
    """What a column is called when the plans change places."""
    turned = {"before": "after", "after": "before", "more": "fewer", "fewer": "more"}
    return "_".join(turned.get(word, word) for word in column.split("_"))


def total(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum())


def tables(found: Difference) -> dict[str, list[dict[str, Any]]]:
    return {name: getattr(found, name).to_dicts() for name in SCHEMAS}


@given(cases())
@settings(max_examples=examples(40))
def test_a_plan_differs_from_itself_in_nothing(case: Case) -> None:
    plan = decide(case.book, case.policies, case.as_of)
    found = difference(plan, plan, case.book)
    assert found.is_empty
    assert total(found.groups, "items") == plan.decisions.height
    assert total(found.groups, "notices_after") == plan.notices.height
    assert found.groups.select(r"^.*_(changed|change_.*|otherwise|more|fewer|other_stage)$").sum().row(0) == (0,) * 8


@given(pairs())
def test_it_is_what_a_slow_comparison_of_plain_rows_says(pair: Pair) -> None:
    case, before, after = pair
    found = difference(compared(before), compared(after), case.book)
    assert tables(found) == {name: plain_difference(before, after, case.book)[name] for name in SCHEMAS}


@given(pairs())
@settings(max_examples=examples(40))
def test_the_other_way_round_it_is_the_same_with_its_signs_turned(pair: Pair) -> None:
    case, before, after = pair
    there, back = difference(before, after, case.book), difference(after, before, case.book)
    assert there.is_empty == back.is_empty
    for name in SCHEMAS:
        mirrored = getattr(back, name).rename(swapped)
        if name == "accounts":
            turned = {"newly": "no_more", "no_more": "newly"}
            mirrored = mirrored.with_columns(pl.col("hears").cast(pl.String).replace(turned))
        mine = getattr(there, name).with_columns(pl.col(pl.Enum).cast(pl.String))
        columns = [pl.col(column).cast(mine.schema[column]) for column in mine.columns]
        key = SORT_KEYS[name]
        assert mirrored.select(columns).sort(key).equals(mine.sort(key)), name


@given(pairs())
@settings(max_examples=examples(40))
def test_the_sums_are_those_of_the_rows(pair: Pair) -> None:
    case, before, after = pair
    found = difference(before, after, case.book)
    items, groups, accounts = found.items, found.groups, found.accounts
    assert total(groups, "items") == case.book.items.height
    assert total(groups, "items_changed") == items.height
    for column, flag in {"policy": "policy", "stage": "stage"}.items():
        assert total(groups, f"items_change_{column}") == total(items, f"{flag}_changes")
    assert total(groups, "items_dunned_otherwise") == total(items, "dunning_changes")
    assert total(found.moves, "items") == total(items, "stage_changes")
    dunned = {when: items[f"dunned_{when}"].count() for when in ("before", "after")}
    assert total(groups, "dunned_after") - total(groups, "dunned_before") == dunned["after"] - dunned["before"]
    for name in ("more", "fewer", "other_stage", "otherwise"):
        assert total(groups, f"notices_{name}") == total(accounts, f"notices_{name}")
    more, fewer = (total(groups, f"notices_{name}") for name in ("more", "fewer"))
    assert more - fewer == after.notices.height - before.notices.height
    assert total(found.notices, "notices_after") == after.notices.height
    for when, plan in (("before", before), ("after", after)):
        assert total(found.charges, f"{when}_minor") == total(plan.charges, "amount_minor")
        assert total(found.outcomes, f"items_{when}") == case.book.items.height
    by_items = total(items, "charged_after_minor") - total(items, "charged_before_minor")
    by_notices = total(accounts, "charged_after_minor") - total(accounts, "charged_before_minor")
    assert total(found.charges, "after_minor") - total(found.charges, "before_minor") == by_items == by_notices


@given(pairs())
@settings(max_examples=examples(40))
def test_payers_apart_come_to_what_they_come_to_together(pair: Pair) -> None:
    """Entities, as the flow does it: each is decided by itself, and the differences are joined."""
    case, before, after = pair

    def of_entity(plan: Plan, entity_id: int) -> Plan:
        mine = pl.col("entity_id") == entity_id
        items, notices = plan.decisions.filter(mine), plan.notices.filter(mine)
        return Plan(
            decisions=items, notices=notices, alerts=plan.alerts.filter(mine), anchors=plan.anchors,
            lines=plan.lines, actions=plan.actions.join(notices, on="notice_no", how="semi"),
            charges=plan.charges.join(items, on="item_id", how="semi"),
            tasks=plan.tasks.join(items, on="item_id", how="semi"),
        )  # fmt: skip

    parts = [difference(of_entity(before, pk), of_entity(after, pk), case.book) for pk in (2, 1)]
    assert tables(joined(parts)) == tables(difference(before, after, case.book))


def test_nothing_is_empty_and_adds_nothing() -> None:
    assert nothing().is_empty
    assert tables(joined([])) == tables(nothing())


def _book() -> Book:
    """MEYER is four days late with 100.00, SMITH nine days with 200.00, JONES not due yet; SMITH has no segment."""
    days = {1: ("MEYER", "smb", D[4], 10000), 2: ("SMITH", None, D[1], 20000), 3: ("JONES", "key", D[20], 30000)}
    return Book.of(
        entities=[{"entity_id": 1, "entity": "ACME"}],
        accounts=[
            {"account_id": pk, "entity_id": 1, "account": code, "segment": segment, "channels": 1}
            for pk, (code, segment, _due, _amount) in days.items()
        ],
        items=[
            {
                "item_id": 10 * pk, "account_id": pk, "entity_id": 1, "number": f"A-{pk}", "kind": "invoice",
                "currency": "EUR", "due_on": due, "amount_minor": minor, "open_minor": minor,
            }
            for pk, (_code, _segment, due, minor) in days.items()
        ],
    )  # fmt: skip


def _between(old: Policy, new: Policy) -> Difference:
    book = _book()
    return difference(decide(book, [old], D[10]), decide(book, [new], D[10]), book)


def _jumping(first: int, second: int, fee: str = "5.00") -> Policy:
    keys = f"""
policy: p
escalate: jump
stages:
  - {{stage: one, days_past_due: {first}, send: [email]}}
  - {{stage: two, days_past_due: {second}, fee: {{EUR: {fee}}}, send: [email]}}
"""
    return parse_policy(keys, "p.yaml")


def test_an_item_that_a_later_stage_reaches_sooner_changes_stage_and_is_charged() -> None:
    found = _between(_jumping(1, 10), _jumping(1, 8))
    (item,) = found.items.to_dicts()
    assert (item["number"], item["account"], item["segment"]) == ("A-2", "SMITH", None)
    assert (item["stage_before"], item["stage_after"]) == ("one", "two")
    assert (item["dunned_before"], item["dunned_after"], item["level_after"]) == ("one", "two", 2)
    assert item["charged_after_minor"] == 500
    assert found.groups.filter(pl.col("segment").is_null())["notices_other_stage"].to_list() == [1]
    assert found.accounts.select("account", "hears", "total_before_minor", "total_after_minor").rows() == [
        ("SMITH", "other_stage", 20000, 20500)
    ]


def test_an_item_not_dunned_any_more_changes_stage_though_the_same_one_is_next() -> None:
    found = _between(_jumping(1, 20), _jumping(7, 20))
    items = {item["number"]: item for item in found.items.to_dicts()}
    assert items.keys() == {"A-1", "A-3"}  # the day of the last one moves, no more
    item = items["A-1"]
    assert (item["stage_before"], item["stage_after"], item["dunned_after"]) == ("one", "one", None)
    assert (item["stage_changes"], item["dunning_changes"], item["next_after_on"]) == (True, True, D[11])
    assert found.moves.select("stage_before", "is_dunned_before", "stage_after", "is_dunned_after", "items").rows() == [
        ("one", True, "one", False, 1)
    ]
    assert found.accounts.select("account", "hears", "stages_after").rows() == [("MEYER", "no_more", None)]
    assert total(found.groups, "notices_fewer") == 1


def test_an_item_whose_day_alone_moves_changes_and_keeps_its_stage() -> None:
    found = _between(_jumping(1, 20), _jumping(2, 20))
    changed = found.items.select("number", "stage_changes", "next_before_on", "next_after_on").rows()
    assert changed == [("A-3", False, D[21], D[22])]
    assert found.accounts.is_empty()


def test_a_higher_fee_is_a_notice_changed_otherwise_and_no_change_of_stage() -> None:
    found = _between(_jumping(1, 8), _jumping(1, 8, fee="7.50"))
    assert total(found.groups, "items_change_stage") == 0
    assert total(found.groups, "notices_otherwise") == 1
    assert found.charges.select("before_minor", "after_minor").rows() == [(500, 750)]
    assert not found.is_empty


def test_another_deadline_alone_is_told_too() -> None:
    old, new = (policy(), policy().model_copy(update={"stages": _with_deadline(policy(), 12)}))
    found = _between(old, new)
    assert found.items.is_empty()
    assert total(found.groups, "notices_otherwise") == 2
    assert not found.is_empty


def _with_deadline(old: Policy, days: int) -> tuple[Any, ...]:
    first, *others = old.stages
    return (first.model_copy(update={"deadline_days": days}), *others)


def test_plans_of_other_items_are_refused() -> None:
    book = _book()
    plan = decide(book, [policy()], D[10])
    for rows in (plan.decisions.head(2), plan.decisions.with_columns(pl.col("item_id") + 1)):
        other = Plan(**{**vars(plan), "decisions": rows})
        with pytest.raises(ValueError, match="not of the same items"):
            difference(plan, other, book)
