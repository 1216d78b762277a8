"""What follows for closings and alerts from what happens to notices and payments."""

from datetime import date

import polars as pl

from dunwell.engine.advance import advance
from dunwell.engine.events import Delivered, Failed, Posted, Reversed, Withdrawn
from dunwell.engine.plan import EMPTY
from tests.engine.town import PARENT, D, Town, policy

CLOSING = policy("close: {after_stage: two, send: [email], do: [restore]}")


def closings(town: Town) -> list[tuple[object, ...]]:
    return town.book.closings.select("payer_id", "policy", "currency", "reached_on", "is_open", "notice_id").rows()


def told_twice() -> Town:
    """An invoice of which the first two stages were sent, the second on the tenth."""
    town = Town().invoice(10, 100_00)
    town.post(D[3], 1, CLOSING)
    town.let(Delivered(on=D[3], notice_ids=[1]))
    town.post(D[9], 2, CLOSING)
    return town.let(Delivered(on=D[10], notice_ids=[2]))


def test_only_a_late_stage_that_was_sent_opens_a_closing() -> None:
    town = Town().invoice(10, 100_00)
    town.post(D[3], 1, CLOSING)
    town.let(Delivered(on=D[3], notice_ids=[1]))
    town.post(D[9], 2, CLOSING)
    assert closings(town) == []
    town.let(Delivered(on=D[10], notice_ids=[2]))
    assert closings(town) == [(PARENT, "p", "EUR", D[10], True, None)]


def test_a_closing_is_closed_by_posting_and_opened_by_taking_back() -> None:
    town = told_twice().pay(20, 105_00, 10)
    plan = town.post(D[12], 3, CLOSING)
    assert plan.notices.select("stage", "level", "total_minor", "closing").rows() == [("close", 0, 0, "closes")]
    assert closings(town) == [(PARENT, "p", "EUR", D[10], False, 3)]
    assert town.decided(D[13], CLOSING).notices.is_empty()
    town.let(Withdrawn(on=D[13], notice_ids=[3], reason="why not"))
    assert closings(town) == [(PARENT, "p", "EUR", D[10], True, 3)]
    town.post(D[14], 4, CLOSING)
    town.let(Withdrawn(on=D[14], notice_ids=[3], reason="again"))  # it is of the other one by now
    assert closings(town)[0][-2:] == (False, 4)
    town.let(Failed(on=D[14], notice_ids=[4]))
    assert closings(town)[0][-2:] == (True, 4)


def test_a_notice_that_is_said_to_have_left_twice_opens_nothing_again() -> None:
    town = told_twice().pay(20, 105_00, 10)
    town.post(D[12], 3, CLOSING)
    town.let(Delivered(on=D[12], notice_ids=[2, 3]))
    assert closings(town)[0][-2:] == (False, 3)


def test_failures_and_reversals_are_raised_and_judged_once() -> None:
    ruled = policy("rules: [{on: delivery_failed, do: [find]}, {on: payment_reversed, do: [call]}]")
    town = Town().invoice(10, 100_00).pay(20, 50_00, 10)
    town.post(D[3], 1, ruled)
    town.let(Failed(on=D[4], notice_ids=[1]), Reversed(on=D[4], item_id=20), Reversed(on=D[5], item_id=20))
    told = ["account_id", "policy", "event", "subject_id", "since_on", "acted_on"]
    assert sorted(town.book.alerts.select(told).rows()) == [
        (1, "", "payment_reversed", 20, D[4], None), (PARENT, "p", "delivery_failed", 1, D[4], None),
    ]  # fmt: skip
    plan = town.decided(D[6], ruled)
    assert plan.alerts.select("account_id", "actions", "acted_on").rows() == [(1, "call", D[6]), (PARENT, "find", D[6])]
    town.bind(plan, D[6], 2)
    town.book, _effects = advance(town.book, [judging(plan.alerts)])
    assert town.decided(D[7], ruled).alerts.is_empty()
    assert town.book.alerts["acted_on"].to_list() == [D[6], D[6]]


def test_who_corrects_what_money_was_applied_to_raises_nothing() -> None:
    town = Town().invoice(10, 100_00).pay(20, 50_00, 10)
    town.let(Reversed(on=D[4], item_id=20, is_correction=True))
    assert town.book.alerts.is_empty()
    assert town.open(10, 20) == [100_00, 0]


def judging(alerts: pl.DataFrame) -> Posted:
    """A posting without a notice."""
    notices = EMPTY["notices"].with_columns(notice_id=pl.lit(None, dtype=pl.Int64), as_of=pl.lit(None, dtype=pl.Date))
    extra = {"charge_item_id": pl.lit(None, dtype=pl.Int64), "number": pl.lit(None, dtype=pl.String)}
    return Posted(notices=notices, lines=EMPTY["lines"], charges=EMPTY["charges"].with_columns(**extra), alerts=alerts)


def test_an_announced_payment_that_does_not_come_is_no_reversal() -> None:
    town = Town().invoice(10, 100_00).pay(20, 50_00, 10, pending=True)
    town.let(Reversed(on=date(2026, 4, 4), item_id=20))
    assert town.book.alerts.is_empty()
