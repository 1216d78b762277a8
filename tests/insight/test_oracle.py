"""Every measure agrees with its plain count, on histories of chance; and what must be so of any of them."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.history import History
from dunwell.insight.ageing import ageing
from dunwell.insight.cei import cei
from dunwell.insight.dso import dso, turnover
from dunwell.insight.lateness import lateness
from dunwell.insight.promises import promises_kept
from dunwell.insight.received import received
from dunwell.insight.rolling import roll_rates
from dunwell.insight.standing import book_on, standing
from dunwell.insight.success import responses, success
from dunwell.insight.trade import Days
from tests.examples import examples
from tests.insight.oracle import Told, half_up
from tests.insight.told import told

BEGINS = date(2025, 1, 15)
# Few days, so that things happen on one and the same, and exactly at the end of some days.
EVERY = [date(2024, 12, 28) + timedelta(days=4 * n) for n in range(20)]
LAST = EVERY[-1]
CURRENCIES = ("EUR", "JPY")
CURRENCY = st.sampled_from(["EUR", "EUR", "EUR", "JPY"])
ANY_DAY = st.sampled_from(EVERY[10:] + EVERY[:10])  # what comes first is drawn more often
KNOWN = st.sampled_from([on for on in EVERY if on > BEGINS])
EARLY = st.sampled_from([on for on in EVERY if BEGINS < on < date(2025, 2, 10)])
WITHIN = st.sampled_from([12, 8, 4, 3, 0])
AMOUNTS = st.integers(1, 5000) | st.integers(10**11, 4 * 10**11)


@st.composite
def histories(draw: st.DrawFn, *, plain: bool = False) -> History:
    """Items with moves, credited parts, notices, answers and promises; `plain`: invoices and payments alone."""
    kinds = ["invoice"] if plain else ["invoice", "invoice", "instalment", "charge", "credit", "payment"]
    items, moves, credited = [], [], []
    for item_id in range(draw(st.integers(1, 7))):
        issued = draw(ANY_DAY) if plain else draw(st.none() | ANY_DAY)
        due = ANY_DAY | st.dates(date(2024, 10, 1), date(2025, 6, 1))
        amount = draw(AMOUNTS)
        items.append({
            "item_id": item_id, "account_id": draw(st.integers(1, 3)), "entity_id": 1, "issued_on": issued,
            "kind": draw(st.sampled_from(kinds)), "currency": draw(CURRENCY),
            "due_on": draw(due) if plain else draw(st.none() | due), "amount_minor": amount, "open_minor": amount,
        })  # fmt: skip
        left = amount
        for on in sorted(draw(st.lists(ANY_DAY, min_size=1, max_size=4, unique=True))):
            if plain and issued and on < issued:
                continue
            taken_back = not plain and draw(st.sampled_from([False, False, False, True]))
            less = -draw(st.integers(1, amount // 2 + 1)) if taken_back else draw(st.integers(0, left))
            left -= less
            moves.append({"item_id": item_id, "on": on, "less_minor": less})
            if less > 0 and not plain and draw(st.booleans()):
                credited.append({"item_id": item_id, "on": on, "less_minor": draw(st.integers(1, less))})
    notices, lines = [], []
    for notice_id in range(0 if plain else draw(st.integers(1, 5))):
        sent = draw(EARLY)
        notices.append({
            "notice_id": notice_id, "entity_id": 1, "payer_id": draw(st.integers(1, 3)), "sent_on": sent, "as_of": sent,
            "currency": draw(CURRENCY), "state": draw(st.sampled_from(["sent", "sent", "withdrawn"])),
        })  # fmt: skip
        mine = [row["item_id"] for row in items if row["currency"] == notices[-1]["currency"]]
        chosen = draw(st.lists(st.sampled_from(mine), unique=True, min_size=1, max_size=4)) if mine else []
        lines += [{"notice_id": notice_id, "item_id": each, "amount_minor": draw(AMOUNTS)} for each in chosen]
    heard = st.fixed_dictionaries({
        "payer_id": st.integers(1, 3), "on": KNOWN, "response": st.sampled_from(["promise", "dispute", "contact"]),
    })  # fmt: skip
    made = st.fixed_dictionaries({
        "account_id": st.integers(1, 3), "currency": CURRENCY, "amount_minor": AMOUNTS,
        "paid_minor": st.just(0) | AMOUNTS, "by_on": KNOWN, "tolerance_days": st.integers(0, 5),
        "ended_on": st.none() | KNOWN, "made_on": st.just(BEGINS),
    })  # fmt: skip
    promises = [row | {"promise_id": n} for n, row in enumerate(draw(st.lists(made, max_size=0 if plain else 5)))]
    return told(
        BEGINS.isoformat(), items=items, moves=moves, credited=credited, notices=notices, lines=lines,
        responses=draw(st.lists(heard, max_size=0 if plain else 5)), promises=promises,
    )  # fmt: skip


PERIODS = st.tuples(EARLY, st.sampled_from([0, 7, 12, 30, 50])).map(
    lambda given: Days(given[0], given[0] + timedelta(days=given[1]))
)
chance = settings(max_examples=examples(80), derandomize=True, deadline=None, database=None)


def by_currency(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    assert frame.select("entity_id", "currency").is_unique().all()
    return {row["currency"]: row for row in frame.to_dicts()}


def agree(row: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    """A row says what is wanted; without one, nothing is to be said."""
    rounded = {name: half_up(value) for name, value in wanted.items()}
    assert {name: (row or {}).get(name) for name in wanted} == rounded


@chance
@given(histories(), PERIODS)
def test_what_is_owed_and_sold(history: History, days: Days) -> None:
    frames = by_currency(dso(history, days))
    for currency in CURRENCIES:
        slow = Told(history, currency)
        row = frames.get(currency)
        agree(row, slow.dso(days.from_on, days.to_on) if row else {})
        if row:
            assert row["receivables_minor"] == slow.receivables(days.to_on)
            assert row["sales_minor"] == slow.sales(days.from_on, days.to_on)
        else:
            assert (slow.receivables(days.to_on), slow.sales(days.from_on, days.to_on)) == (0, 0)
        if slow.receivables(days.to_on):
            agree(row, {"countback_dso_days_hundredths": slow.countback(days.to_on)})


@chance
@given(histories(), PERIODS)
def test_what_was_collected(history: History, days: Days) -> None:
    measures = by_currency(cei(history, days)), by_currency(turnover(history, days))
    for currency in CURRENCIES:
        slow = Told(history, currency)
        agree(measures[0].get(currency), {"cei_percent_hundredths": slow.cei(days.from_on, days.to_on)})
        agree(measures[1].get(currency), {"turnover_times_hundredths": slow.turnover(days.from_on, days.to_on)})


@chance
@given(histories(), PERIODS)
def test_how_late_it_was(history: History, days: Days) -> None:
    frames = by_currency(lateness(history, days))
    for currency in CURRENCIES:
        slow = Told(history, currency)
        agree(frames.get(currency), slow.lateness(days.from_on, days.to_on))


@chance
@given(histories(), st.just(Days(BEGINS + timedelta(days=1), LAST)) | PERIODS, WITHIN, st.just(LAST) | KNOWN)
def test_what_came_of_notices(history: History, days: Days, within: int, known_to: date) -> None:
    paid = by_currency(success(history, days, within_days=within, known_to=known_to))
    heard = by_currency(responses(history, days, within_days=within, known_to=known_to))
    in_all = [row for each in CURRENCIES for row in Told(history, each).sent if row["sent_on"] <= known_to]
    for currency in CURRENCIES:
        slow = Told(history, currency)
        row = paid.get(currency, {})
        found = tuple(row.get(name, 0) for name in ("noticed_minor", "collected_minor", "waiting_count"))
        assert found == slow.success(days.from_on, days.to_on, within, known_to)
        told_of = heard.get(currency, {})
        counts = tuple(told_of.get(name, 0) for name in ("notices_count", "answered_count"))
        assert counts == slow.answered(days.from_on, days.to_on, within, known_to, in_all)


@chance
@given(histories(), PERIODS)
def test_where_it_rolled(history: History, days: Days) -> None:
    found = roll_rates(history, days.before, days.to_on)
    for currency in CURRENCIES:
        rows = found.filter(currency=currency)
        amounts = {(row["from_bucket"], row["to_bucket"]): row["amount_minor"] for row in rows.to_dicts()}
        assert amounts == Told(history, currency).roll(days.before, days.to_on)
    whole = found.group_by("currency", "from_bucket").agg(pl.col("amount_minor").sum(), pl.col("of_minor").first())
    assert (whole["amount_minor"] == whole["of_minor"]).all()


@chance
@given(histories(), PERIODS, KNOWN)
def test_what_was_promised(history: History, days: Days, known_to: date) -> None:
    frames = by_currency(promises_kept(history, days, known_to=known_to))
    columns = ("promises_count", "kept_count", "partly_kept_count", "promised_minor", "kept_minor")
    for currency in CURRENCIES:
        found = tuple(frames.get(currency, {}).get(name, 0) for name in columns)
        assert found == Told(history, currency).promises_kept(days.from_on, days.to_on, known_to)


@chance
@given(histories(), KNOWN)
def test_the_buckets_of_a_day_are_the_receivables_and_the_charges(history: History, on: date) -> None:
    owed = by_currency(standing(history, on))
    old = by_currency(ageing(book_on(history, on), as_of=on))
    assert set(owed) == set(old)
    for currency, row in owed.items():
        aged = old[currency]
        assert aged["total_minor"] == row["receivables_minor"] + row["charges_minor"] + row["unapplied_minor"]
        assert aged["not_due_minor"] >= row["not_due_minor"]
        assert aged["unapplied_minor"] == row["unapplied_minor"] == -Told(history, currency).unapplied(on)
        assert row["receivables_minor"] == Told(history, currency).receivables(on)
        assert row["not_due_minor"] + row["overdue_minor"] + row["no_due_date_minor"] == row["receivables_minor"]


@chance
@given(histories(plain=True), PERIODS)
def test_bounds_where_nothing_was_credited(history: History, days: Days) -> None:
    for row in dso(history, days).to_dicts():
        if row["dso_days_hundredths"] is not None:
            assert 0 <= row["best_possible_dso_days_hundredths"] <= row["dso_days_hundredths"]
        if row["countback_dso_days_hundredths"] is not None:
            assert row["countback_dso_days_hundredths"] >= 0
    percents = cei(history, days)["cei_percent_hundredths"].drop_nulls()
    assert percents.is_between(0, 10_000).all()


@chance
@given(histories(), PERIODS)
def test_no_more_is_paid_than_was_owed_and_each_money_once(history: History, days: Days) -> None:
    paid = received(history, until=days.to_on)
    assert (paid["amount_minor"] > 0).all()
    of_item = paid.group_by("item_id").agg(pl.col("amount_minor").sum()).join(history.items, on="item_id")
    assert (of_item["amount_minor"] <= of_item["amount_minor_right"]).all()
