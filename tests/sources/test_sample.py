"""The sample book is the same for a seed, and is what it says it is."""

from datetime import date

import polars as pl
import pytest

from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.engine.decide import decide
from dunwell.engine.plan import Plan
from dunwell.engine.policy.parse import attribute_types, parse_policy
from dunwell.sources.sample.book import Sample, sample_book

AS_OF = date(2026, 4, 7)


@pytest.fixture(scope="module")
def sample() -> Sample:
    """The book as the demo loads it."""
    return sample_book(seed=7, as_of=AS_OF)


@pytest.fixture(scope="module")
def plan(sample: Sample) -> Plan:
    """What the shipped policies decide for it."""
    types = attribute_types({"sales_rep": "text", "contract": "text"})
    return decide(sample.book(), [parse_policy(shipped_policy(name), name, types) for name in SHIPPED_POLICIES], AS_OF)


def test_the_same_seed_gives_the_same_book(sample: Sample) -> None:
    again = sample_book(seed=7, as_of=AS_OF)
    assert all(rows.equals(again.tables[name]) for name, rows in sample.tables.items())
    assert sample.contacts.equals(again.contacts)
    assert sample.payments.equals(again.payments)
    assert not sample.tables["items"].equals(sample_book(seed=8, as_of=AS_OF).tables["items"])


def test_it_has_the_size_asked_for(sample: Sample) -> None:
    assert (sample.tables["accounts"].height, sample.tables["items"].height) == (2000, 12000)
    small = sample_book(seed=7, as_of=AS_OF, accounts=20, items=60)
    assert (small.tables["accounts"].height, small.tables["items"].height) == (20, 60)


def test_amounts_are_whole_and_add_up(sample: Sample) -> None:
    items, ledger = sample.tables["items"], sample.tables["allocations"]
    assert items.filter((pl.col("open_minor") > pl.col("amount_minor")) | (pl.col("amount_minor") <= 0)).is_empty()
    applied = ledger.filter(~pl.col("pending"))
    for side in ("item_id", "source_item_id"):
        moved = applied.group_by(side).agg(applied=pl.col("amount_minor").sum())
        both = items.join(moved, left_on="item_id", right_on=side)
        assert both.filter(pl.col("amount_minor") - pl.col("open_minor") != pl.col("applied")).is_empty()
        assert both.height == moved.height > 300
    in_flight = ledger.filter("pending").group_by("item_id").agg(flight=pl.col("amount_minor").sum())
    both = items.join(in_flight, on="item_id", how="left").with_columns(pl.col("flight").fill_null(0))
    assert both["in_flight_minor"].equals(both["flight"], check_names=False)
    assert items.filter((pl.col("open_minor") == 0) != pl.col("closed_on").is_not_null()).is_empty()


def test_levels_are_positions_in_the_policy_that_applies(sample: Sample, plan: Plan) -> None:
    positions = {
        (name, stage.stage): position
        for name in SHIPPED_POLICIES
        for position, stage in enumerate(parse_policy(shipped_policy(name), name).stages, 1)
    }
    noticed = sample.tables["items"].filter(pl.col("level") > 0).join(plan.decisions, on="item_id", suffix="_plan")
    decided = noticed.filter(pl.col("policy").is_not_null())
    assert decided.height > 500
    assert set(noticed["level"]) >= {1, 2, 3}
    for policy, stage, level in decided.select("policy", "stage", "level").unique().iter_rows():
        assert positions[policy, stage] == level
    for policy, stage, level in sample.tables["anchors"].select("policy", "stage", "level").unique().iter_rows():
        assert positions[policy, stage] == level


def test_a_run_finds_every_kind_of_reason(plan: Plan) -> None:
    counts = dict(plan.decisions["outcome"].value_counts().iter_rows())
    expected = "not_due dun settled credit finished unreachable on_hold covered_by_credit disputed payment_in_flight"
    assert {*expected.split(), "legal", "promised", "intercompany", "exception"} <= set(counts)
    assert counts["not_due"] > 6000  # most items are not overdue, or only just
    assert 300 < counts["dun"] < 3000
    assert set(plan.decisions["problem"].drop_nulls()) == {"due_date_missing", "minimum_lacks_currency"}


def test_nobody_real_is_written_to(sample: Sample) -> None:
    mail = sample.contacts["email"]
    assert all(address == "" or address.endswith(".example") for address in mail)
    assert set(sample.contacts["phone"].str.slice(0, 5)) <= {"", "+4930", "+4416", "+3319", "+1212"}
