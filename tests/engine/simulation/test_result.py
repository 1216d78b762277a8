"""What a simulation is measured by: money is conserved on every day, and who is still open is not forgotten."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from dunwell.engine.history import MOVES, History
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.simulation.happenings import happenings
from dunwell.engine.simulation.play import Play, Scenario
from dunwell.engine.simulation.response import Response, read_model
from dunwell.engine.simulation.result import NO_STAGE, NOT_DUE, SCHEMAS, Result, measured
from tests.engine.simulation.pasts import Past, pasts
from tests.examples import examples

POLICY = """
policy: two-steps
stages:
  - {stage: first, days_past_due: 5, deadline_days: 7, send: [email]}
  - {stage: second, days_past_due: 15, fee: {EUR: 5.00}, send: [letter, email], approval: one}
close: {after_stage: second, send: [email]}
"""
MODEL = """
model: m
pays: [{from_days: -10, percent_a_day: 3}, {from_days: 1, percent_a_day: 6}]
parts: {percent_of_claims: 40, first_percent: 30}
after_notice: [{times: 3, days: 5}]
"""
FROM, UNTIL = date(2026, 1, 1), date(2026, 3, 1)
COSTS = {"email": 2, "letter": 135}


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def told(*items: tuple[int, str, str, int], paid: list[tuple[int, str, int]]) -> Result:
    """Simulate over (item_id, issued, due, amount) of one account; `paid`: (item_id, on, amount)."""
    account = {"account_id": 1, "entity_id": 1, "account": "MEYER", "segment": "smb", "channels": 3, "legal": False,
               "intercompany": False}  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"item_id": item_id, "account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR",
         "issued_on": day(issued), "due_on": day(due), "amount_minor": amount, "open_minor": 0}
        for item_id, issued, due, amount in items
    ]  # fmt: skip
    moves = [{"item_id": item_id, "on": day(on), "less_minor": less} for item_id, on, less in paid]
    history = History.of(FROM - timedelta(days=1), accounts=[account], items=rows, moves=moves)
    happens = happenings(history, FROM)
    play = Play(happens, [Scenario("one", (parse_policy(POLICY, "p.yaml"),))])
    play.until(UNTIL)
    return measured(happens, play.played(), ["one"], UNTIL, costs=COSTS)


def test_one_invoice_from_its_issue_to_its_payment() -> None:
    found = told((1, "01-05", "01-20", 10000), paid=[(1, "02-01", 4000), (1, "02-10", 6000)])
    totals = found.totals.row(0, named=True)
    money = ("opening_minor", "booked_minor", "paid_minor", "closing_minor", "overdue_minor")
    assert [totals[name] for name in money] == [0, 10000, 10000, 0, 0]
    assert (totals["settled"], totals["still_open"]) == (1, 0)
    assert (totals["days_to_pay"], totals["days_to_pay_weighted"], totals["days_late"]) == (36, 36, 21)
    stages = {}
    for on in ("01-04", "01-05", "01-20", "01-21", "01-24", "01-25", "02-01", "02-04", "02-09", "02-10"):
        rows = found.exposure.filter(pl.col("on") == day(on)).select("stage", "open_minor").rows()
        stages[on] = dict(rows)
    assert stages == {
        "01-04": {}, "01-05": {NOT_DUE: 10000}, "01-20": {NOT_DUE: 10000}, "01-21": {NO_STAGE: 10000},
        "01-24": {NO_STAGE: 10000}, "01-25": {"first": 10000}, "02-01": {"first": 6000}, "02-04": {"second": 6000},
        "02-09": {"second": 6000}, "02-10": {},
    }  # fmt: skip


def test_what_was_sent_and_what_it_cost() -> None:
    found = told((1, "01-05", "01-20", 10000), paid=[(1, "02-06", 10000)])
    assert found.messages.select("month", "stage", "channel", "messages").rows() == [
        (day("01-01"), "first", "email", 1), (day("02-01"), "close", "email", 1), (day("02-01"), "second", "email", 1),
        (day("02-01"), "second", "letter", 1),
    ]  # fmt: skip
    assert found.costs.select("channel", "messages", "cost_minor").rows() == [("email", 3, 6), ("letter", 1, 135)]
    assert found.charges.select("charge", "charges", "amount_minor").rows() == [("fee", 1, 500)]
    contacts = found.contacts.row(0, named=True)
    assert (contacts["notices"], contacts["accounts"], contacts["approvals"]) == (3, 1, 1)
    # What closes asks for nothing, so that nobody waits for its payment.
    assert (contacts["watched"], contacts["soon_paid"]) == (2, 1)


@pytest.mark.parametrize(("due", "watched"), [("02-17", 1), ("02-18", 0)])
def test_a_notice_of_the_last_days_is_not_held_against_its_payer(due: str, watched: int) -> None:
    # Noticed five days after: on 22 February there are seven days left to pay in, on the day after six.
    contacts = told((1, "01-05", due, 10000), paid=[]).contacts.row(0, named=True)
    assert (contacts["notices"], contacts["watched"], contacts["soon_paid"]) == (1, watched, 0)


class Paying:
    """Payments as stated, by scenario: (item_id, on)."""

    def __init__(self, *scenarios: list[tuple[int, str]]) -> None:
        self.scenarios = scenarios

    def at_first(self, items: pl.DataFrame) -> pl.DataFrame:
        open_minor = dict(items.select("item_id", "open_minor").iter_rows())
        count = len(self.scenarios)
        told = [(item * count + at, day(on)) for at, paid in enumerate(self.scenarios) for item, on in paid]
        rows = [(item_id, on, open_minor[item_id]) for item_id, on in told if item_id in open_minor]
        return pl.DataFrame(rows, MOVES, orient="row")

    def after(self, items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        return self.at_first(items.join(lines, on="item_id", how="semi"))


def test_who_gets_slow_payers_to_pay_too_is_not_the_slower_for_it() -> None:
    account = {"account_id": 1, "entity_id": 1, "account": "A", "segment": "smb", "channels": 1, "legal": False,
               "intercompany": False}  # fmt: skip
    item = {"account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR", "issued_on": FROM,
            "due_on": day("01-11"), "amount_minor": 100, "open_minor": 100}  # fmt: skip
    history = History.of(
        FROM - timedelta(days=1), accounts=[account], items=[{**item, "item_id": 1}, {**item, "item_id": 2}]
    )
    happens = happenings(history, FROM)
    answers = Paying([(1, "01-21")], [(1, "01-19"), (2, "02-25")])
    policy = parse_policy(POLICY, "p.yaml")
    play = Play(happens, [Scenario("slack", (policy,)), Scenario("firm", (policy,))], answers=answers)
    play.until(UNTIL)
    found = measured(happens.claims(), play.played(), ["slack", "firm"], UNTIL, costs={})
    wanted = ("settled", "settled_in_all", "days_to_pay", "days_to_pay_weighted", "days_late")
    assert found.totals.select(wanted).rows() == [(1, 1, 20, 20, 10), (2, 1, 18, 18, 8)]
    assert found.segments.select("settled", "days_to_pay").rows() == [(1, 20), (2, 18)]


def test_days_to_pay_by_amount_count_a_large_invoice_more() -> None:
    found = told(
        (1, "01-01", "01-20", 1000), (2, "01-01", "01-20", 9000), paid=[(1, "01-11", 1000), (2, "01-31", 9000)]
    )
    totals = found.totals.row(0, named=True)
    assert (totals["days_to_pay"], totals["days_to_pay_weighted"]) == (20, 28)


def test_a_claim_still_open_is_counted_apart_and_watched_as_long_as_it_was() -> None:
    found = told(
        (1, "01-02", "01-12", 1000), (2, "01-02", "01-12", 1000), (3, "02-20", "02-27", 1000),
        (4, "02-20", "02-27", 1000), paid=[(1, "01-22", 1000), (4, "02-27", 1000)],
    )  # fmt: skip
    totals = found.totals.row(0, named=True)
    assert (totals["settled"], totals["still_open"], totals["overdue_minor"]) == (2, 2, 2000)
    share = dict(found.paid_by_day.select("days", "paid_share").iter_rows())
    # One of four pays on the due date. On day 10 two are left, of which one pays: the third went out of sight on day 2.
    assert (share[-1], share[0], share[9], share[10]) == (0, 0.25, 0.25, 0.625)
    assert max(share) == (UNTIL - day("01-12")).days


def test_the_opening_book_is_what_was_open_on_the_eve() -> None:
    items = ((1, "01-01", "01-20", 1000),)
    early = [(9, "01-01", "01-20", 1)]
    found = told(*items, *early, paid=[(9, "01-02", 1)])
    assert found.totals["opening_minor"].to_list() == [0]
    assert found.totals["booked_minor"].to_list() == [1001]


def test_two_currencies_are_never_added() -> None:
    account = {"account_id": 1, "entity_id": 1, "account": "A", "channels": 1, "legal": False, "intercompany": False}
    item = {"account_id": 1, "entity_id": 1, "kind": "invoice", "issued_on": FROM, "due_on": FROM, "open_minor": 0}
    items = [{**item, "item_id": 1, "currency": "EUR", "amount_minor": 5},
             {**item, "item_id": 2, "currency": "JPY", "amount_minor": 7}]  # fmt: skip
    happens = happenings(History.of(FROM - timedelta(days=1), accounts=[account], items=items), FROM)
    play = Play(happens, [Scenario("one", (parse_policy(POLICY, "p.yaml"),))])
    play.until(UNTIL)
    found = measured(happens, play.played(), ["one"], UNTIL, costs={})
    assert found.totals.select("currency", "closing_minor").rows() == [("EUR", 5), ("JPY", 7)]
    assert found.exposure["currency"].unique().sort().to_list() == ["EUR", "JPY"]


def conserved(found: Result) -> None:
    """Opening + booked - paid = closing, in the end and on every day; all that is open is at some stage."""
    key = ["scenario", "currency"]
    totals = found.totals
    sums = totals["opening_minor"] + totals["booked_minor"] - totals["paid_minor"]
    assert sums.to_list() == totals["closing_minor"].to_list()
    days = pl.date_range(found.from_on, found.until_on, eager=True).alias("on").to_frame()
    grid = totals.select(*key, "opening_minor", "closing_minor").join(days, how="cross")
    flow = grid.join(found.daily, on=[*key, "on"], how="left").sort(*key, "on")
    moved = pl.col("booked_minor").fill_null(0) - pl.col("paid_minor").fill_null(0)
    expected = flow.with_columns(open_minor=pl.col("opening_minor") + moved.cum_sum().over(key))
    staged = found.exposure.group_by(*key, "on").agg(staged_minor=pl.col("open_minor").sum())
    both = expected.join(staged, on=[*key, "on"], how="left").with_columns(pl.col("staged_minor").fill_null(0))
    assert both.filter(pl.col("open_minor") != pl.col("staged_minor")).is_empty()
    last = both.filter(pl.col("on") == found.until_on)
    assert last["open_minor"].to_list() == last["closing_minor"].to_list()
    assert found.exposure.filter(pl.col("open_minor") < 0).is_empty()


@settings(max_examples=examples(12))
@given(pasts())
def test_money_is_conserved_on_every_day(past: Past) -> None:
    happens = happenings(past.history, past.from_on)
    play = Play(happens, past.scenarios, entities={1: "North"}, rates=past.rates)
    play.until(past.until_on)
    found = measured(happens, play.played(), ["a", "b"], past.until_on, costs=COSTS)
    conserved(found)
    for name, schema in SCHEMAS.items():
        assert getattr(found, name).schema == pl.Schema(schema)


@settings(max_examples=examples(8))
@given(pasts())
def test_money_is_conserved_where_payments_answer_by_a_model(past: Past) -> None:
    happens = happenings(past.history, past.from_on)
    model = read_model(MODEL, "m.yaml", [])
    names = dict(happens.accounts.select("account_id", "account").iter_rows())

    def played() -> Play:
        answers = Response(model, 5, names, 2, past.from_on)
        return Play(happens, past.scenarios, entities={1: "North"}, rates=past.rates, answers=answers)

    whole, parts = played(), played()
    whole.until(past.until_on)
    for days in (3, 4, 9, 16):
        parts.until(past.from_on + timedelta(days=days))
    assert whole.played().moves.equals(parts.played().moves)
    assert whole.played().notices.equals(parts.played().notices)
    conserved(measured(happens.claims(), whole.played(), ["a", "b"], past.until_on, costs=COSTS))


def test_a_history_that_begins_too_late_is_refused() -> None:
    with pytest.raises(ValueError, match="begins on 2026-01-01"):
        happenings(History.of(FROM), FROM)
