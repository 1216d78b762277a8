"""What holds for any lines and items: money is conserved, order does not matter, nobody takes more than is open."""

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.cash.match import match
from dunwell.cash.settings import Settings
from dunwell.cash.tables import ALLOCATIONS, GUESSES, MATCHES
from dunwell.engine.book import Currency, Kind
from tests.cash.desk import TODAY, Desk

NAMES = ("Meyer GmbH", "Meyer AG", "Northwind Traders", "Sundry Foods")
NUMBERS = ("10001", "10002", "100011", "RE-7", "12", "2026/0001", "GU-10001", "15032026")
AMOUNTS = ("10.00", "20.00", "30.00", "50.00", "99.50", "100.00", "0.01")
GIVEN = st.sampled_from([
    {}, {"oldest_first": True}, {"charges_at_most": {"EUR": 1500}}, {"threshold_permille": 900}, {"tolerances": {}},
])  # fmt: skip
TEXTS = st.lists(st.sampled_from([*NUMBERS, "10010", "1000", "rent", "10.00", "16.03.2026"]), max_size=3).map(" ".join)


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    """A small desk in which names, numbers and amounts get in each other's way."""
    desk = Desk()
    for place, name in enumerate(NAMES):
        desk.debtor(name, iban=f"DE0{place}" if draw(st.booleans()) else "")
    for _ in range(draw(st.integers(1, 8))):
        desk.owes(
            draw(st.sampled_from(NAMES)),
            draw(st.sampled_from(NUMBERS)),
            draw(st.sampled_from(AMOUNTS)),
            discount=draw(st.sampled_from(("", "", "0.50"))),
            until=TODAY,
            kind=draw(st.sampled_from(("invoice", "invoice", "invoice", "credit"))),
            currency=draw(st.sampled_from(("EUR", "EUR", "USD"))),
            reference=draw(st.sampled_from(("", "", "RF18539007547034"))),
        )
    for _ in range(draw(st.integers(1, 8))):
        desk.comes(
            draw(st.sampled_from(AMOUNTS)),
            draw(TEXTS),
            of=draw(st.sampled_from((*NAMES, "MEYER", "Nobody", None))),
            on=TODAY - timedelta(days=draw(st.integers(0, 1))),
            party_iban=draw(st.sampled_from((None, "DE00", "DE01", "FR99"))),
            reference=draw(st.sampled_from((None, None, "RF18 5390 0754 7034"))),
            charges_minor=draw(st.sampled_from((None, 50))),
        )
    return desk


@settings(max_examples=40, deadline=None)
@given(desks(), GIVEN)
def test_money_is_conserved_and_nothing_is_paid_beyond_what_is_open(desk: Desk, given_settings: dict[str, Any]) -> None:
    lines, items, *_others = frames = desk.frames()
    found = match(*frames, Settings(**given_settings))
    assert dict(found.matches.schema) == {
        name: pl.DataFrame(schema={name: kind}).schema[name] for name, kind in MATCHES.items()
    }
    assert list(found.allocations.columns) == list(ALLOCATIONS)
    assert list(found.guesses.columns) == list(GUESSES)
    assert found.matches["line_id"].to_list() == lines["line_id"].sort().to_list()
    assert (found.matches["applied_minor"] + found.matches["left_minor"]).to_list() == lines["amount_minor"].to_list()
    assert (found.matches["left_minor"] >= 0).all()
    sums = found.allocations.group_by("line_id").agg(pl.col("amount_minor").sum())
    applied = found.matches.filter(pl.col("applied_minor") != 0).select("line_id", amount_minor="applied_minor")
    assert sums.filter(pl.col("amount_minor") != 0).sort("line_id").rows() == applied.sort("line_id").rows()
    _nothing_beyond_what_is_open(found.allocations, items)
    rates = found.matches.filter(pl.col("outcome") == "apply")["confidence_permille"]
    assert all(rate >= given_settings.get("threshold_permille", 950) for rate in rates)


def _nothing_beyond_what_is_open(allocations: pl.DataFrame, items: pl.DataFrame) -> None:
    granted = ["discount_minor", "charges_minor", "difference_minor"]
    assert all((allocations[column] >= 0).all() for column in granted)
    used = allocations.join(items, on="item_id").with_columns(
        used=pl.sum_horizontal("amount_minor", *granted), sign=pl.when(pl.col("kind") == "credit").then(-1).otherwise(1)
    )
    assert used.filter(pl.col("amount_minor") * pl.col("sign") < 0).is_empty()
    whole = used.group_by("item_id").agg((pl.col("used") * pl.col("sign")).sum(), pl.col("open_minor").first())
    assert whole.filter(pl.col("used") > pl.col("open_minor")).is_empty()


@settings(max_examples=25, deadline=None)
@given(desks(), GIVEN, st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(desk: Desk, given_settings: dict[str, Any], seed: int) -> None:
    frames = desk.frames()
    one = match(*frames, Settings(**given_settings))
    lines, items, accounts, references, payers = (frame.sample(fraction=1, shuffle=True, seed=seed) for frame in frames)
    other = match(lines, items, accounts, references, payers, Settings(**given_settings))
    for name in ("matches", "allocations", "guesses"):
        assert getattr(one, name).equals(getattr(other, name)), name


@settings(max_examples=25, deadline=None)
@given(desks(), GIVEN)
def test_a_line_for_another_payer_changes_nothing_of_others(desk: Desk, given_settings: dict[str, Any]) -> None:
    desk.debtor("Quite Another One", iban="ES77")
    desk.owes("Quite Another One", "8881234", "777.77")
    before = match(*desk.frames(), Settings(**given_settings))
    line = desk.comes("777.77", "8881234", of="Quite Another One", party_iban="ES77")
    after = match(*desk.frames(), Settings(**given_settings))
    for name in ("matches", "allocations", "guesses"):
        assert getattr(after, name).filter(pl.col("line_id") != line).equals(getattr(before, name)), name


def test_enums_of_the_book_are_taken_as_they_are() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "1000001", "10.00")
    desk.comes("10.00", "1000001")
    lines, items, *others = desk.frames()
    typed = items.with_columns(pl.col("currency").cast(Currency), pl.col("kind").cast(Kind))
    found = match(lines, typed, others[0], others[1], others[2], Settings())
    assert found.matches["outcome"].to_list() == ["apply"]


def test_nothing_comes_of_nothing() -> None:
    """No lines, or no items, or neither: frames of the right shape, and exceptions."""
    desk = Desk()
    assert match(*desk.frames(), Settings()).matches.is_empty()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "10001", "10.00")
    assert match(*desk.frames(), Settings()).allocations.is_empty()
    empty = Desk()
    empty.comes("10.00", "10001")
    assert match(*empty.frames(), Settings()).matches["outcome"].to_list() == ["exception"]
