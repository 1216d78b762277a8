"""Notices posted, delivered and taken back: levels, stages, deadlines, contacts and fees; nothing happens twice."""

from collections.abc import Callable
from datetime import date
from typing import Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dunwell.engine.events import Delivered, Event, Failed, Posted, Reversed, Withdrawn
from dunwell.engine.policy.expressions import compile_expression
from dunwell.engine.policy.model import Policy
from tests.engine.town import CHILD, OTHER, PARENT, D, Town, policy, state

ANCHORED: Final = policy("anchor: account")


def notices(town: Town) -> list[tuple[object, ...]]:
    return town.book.notices.sort("notice_id").select("notice_id", "state", "as_of", "sent_on", "reason").rows()


def test_posting_raises_the_level_and_waits_for_delivery() -> None:
    town = Town().invoice(1, 100_00, due=D[1]).invoice(2, 100_00, due=D[20])
    town.post(D[3])
    row = town.item(1)
    assert (row["level"], row["stage"], row["last_deadline_on"]) == (1, "one", D[13])
    assert (row["pending_notice_id"], row["last_notice_on"], row["version"]) == (1, None, 1)
    assert notices(town) == [(1, "posted", D[3], None, None)]
    assert town.heard_on(PARENT) == D[3]  # the gap starts on the date of the run
    assert [town.item(2)[key] for key in ("level", "pending_notice_id", "version")] == [0, None, 0]


def test_delivery_dates_the_notice_by_the_day_of_sending() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3])
    town.let(Delivered(on=D[5], notice_ids=[1]))
    row = town.item(1)
    assert (row["level"], row["last_notice_on"], row["pending_notice_id"], row["version"]) == (1, D[5], None, 2)
    assert notices(town) == [(1, "sent", D[3], D[5], None)]
    assert town.heard_on(PARENT) == D[5]


def test_delivery_is_that_of_the_notices_named() -> None:
    town = Town().invoice(1, 100_00, account=CHILD).invoice(2, 100_00, account=OTHER)
    town.post(D[3])
    town.let(Delivered(on=D[5], notice_ids=[1]))
    assert [town.item(number)["pending_notice_id"] for number in (1, 2)] == [None, 2]
    assert [town.heard_on(PARENT), town.heard_on(OTHER)] == [D[5], D[3]]


@pytest.mark.parametrize("procedure", [policy(), ANCHORED], ids=["by item", "by account"])
def test_notices_that_left_on_different_days_can_be_told_at_once(procedure: Policy) -> None:
    books = []
    for events in (
        [Delivered(on=D[5], notice_ids=[1]), Delivered(on=D[6], notice_ids=[2])],
        [Delivered(on=D[5], notice_ids=[1, 2], sent_on=[D[5], D[6]])],
    ):
        town = Town().invoice(1, 100_00, account=CHILD).invoice(2, 100_00, account=OTHER)
        town.post(D[3], 1, procedure)
        town.let(*events)
        books.append((state(town.book), notices(town)))
    assert books[0] == books[1]


def test_a_fee_is_booked_with_its_notice() -> None:
    town = Town().invoice(1, 100_00, level=1, stage="one", last_notice_on=D[1], due=D[1])
    town.post(D[9])
    fee = town.item(100)
    assert (fee["kind"], fee["amount_minor"], fee["open_minor"], fee["parent_item_id"]) == ("charge", 5_00, 5_00, 1)
    assert (fee["number"], fee["account_id"], fee["issued_on"], fee["due_on"]) == ("F-100", CHILD, D[9], D[14])
    roles = dict(town.book.lines.select("item_id", "role").iter_rows())
    assert roles == {1: "dunned", 100: "fee"}


@pytest.mark.parametrize("event", [Withdrawn, Failed])
@pytest.mark.parametrize("procedure", [policy(), ANCHORED], ids=["by item", "by account"])
def test_a_notice_taken_back_leaves_everything_as_it_was(event: Callable[..., Event], procedure: Policy) -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00, due=D[2]).invoice(3, 70_00, account=OTHER)
    town.post(D[3], 1, procedure)
    town.let(Delivered(on=D[3], notice_ids=[1, 2]))
    before = state(town.book)
    town.post(D[10], 3, procedure)
    assert state(town.book) != before
    assert town.book.items.filter(pl.col("kind") == "charge")["open_minor"].sum() > 0
    town.let(event(on=D[11], notice_ids=[3, 4], reason="paid"))
    assert state(town.book) == before


@pytest.mark.parametrize("procedure", [policy(), ANCHORED], ids=["by item", "by account"])
def test_the_first_notice_taken_back_leaves_no_trace(procedure: Policy) -> None:
    town = Town().invoice(1, 100_00)
    before = state(town.book)
    town.post(D[3], 1, procedure)
    town.let(Withdrawn(on=D[3], notice_ids=[1], reason="paid"))
    assert state(town.book) == before


def test_a_notice_taken_back_keeps_its_reason() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3])
    town.let(Withdrawn(on=D[4], notice_ids=[1], reason="settled"))
    assert notices(town) == [(1, "withdrawn", D[3], None, "settled")]
    assert town.effects[0].tasks == ()


def test_a_notice_that_reached_nobody_becomes_a_task() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3])
    town.let(Failed(on=D[4], notice_ids=[1]))
    (task,) = town.effects[0].tasks
    assert (task.task, task.account_id, task.notice_id) == ("delivery_failed", PARENT, 1)
    assert task.detail == "failed on every channel"


def test_the_version_rises_with_every_step_and_never_falls() -> None:
    town = Town().invoice(1, 100_00)
    seen = [town.item(1)["version"]]
    town.post(D[3])
    seen.append(town.item(1)["version"])
    town.let(Withdrawn(on=D[3], notice_ids=[1], reason="x"))
    seen.append(town.item(1)["version"])
    town.post(D[3], 2)
    seen.append(town.item(1)["version"])
    town.let(Delivered(on=D[4], notice_ids=[2]))
    seen.append(town.item(1)["version"])
    assert seen == [0, 1, 2, 3, 4]


ENDS: Final[list[Event]] = [
    Delivered(on=D[5], notice_ids=[1]),
    Failed(on=D[5], notice_ids=[1]),
    Withdrawn(on=D[5], notice_ids=[1], reason="paid"),
]


@pytest.mark.parametrize("first", ENDS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("second", ENDS, ids=lambda event: type(event).__name__)
def test_what_has_ended_does_not_end_again(first: Event, second: Event) -> None:
    town = Town().invoice(1, 100_00, level=1, stage="one", last_notice_on=D[1])
    town.post(D[9])
    town.let(first)
    before = town.book
    town.let(second)
    assert not [task for effect in town.effects for task in effect.tasks]
    for table in ("items", "payers", "notices", "anchors", "lines", "allocations"):
        assert_frame_equal(getattr(town.book, table), getattr(before, table), check_row_order=False)


def test_posting_a_notice_twice_is_posting_it_once() -> None:
    town = Town().invoice(1, 100_00)
    plan = town.post(D[3])
    before = town.book
    numbered = plan.notices.with_columns(notice_id=pl.col("notice_no").cast(pl.Int64), as_of=pl.lit(D[3]))
    charges = plan.charges.with_columns(charge_item_id=pl.lit(1, pl.Int64), number=pl.lit("F")).clear()
    town.let(Posted(notices=numbered, lines=plan.lines, charges=charges, anchors=plan.anchors))
    for table in ("items", "payers", "lines"):
        assert_frame_equal(getattr(town.book, table), getattr(before, table), check_row_order=False)


def test_a_later_notice_to_the_payer_is_remembered_when_an_earlier_one_is_taken_back() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3], 1)
    town.invoice(2, 100_00, account=PARENT)
    town.post(D[6], 2)  # the first is still waiting
    town.let(Delivered(on=D[7], notice_ids=[2]), Withdrawn(on=D[8], notice_ids=[1], reason="paid"))
    assert town.heard_on(PARENT) == D[7]
    assert [town.item(number)["level"] for number in (1, 2)] == [0, 1]


def test_money_that_paid_a_fee_is_a_credit_again_when_the_fee_is_taken_back() -> None:
    town = Town().invoice(1, 100_00, level=1, stage="one", last_notice_on=D[1])
    town.post(D[9])
    town.pay(3, 80_00, 100, 1)
    assert town.open(1, 3, 100) == [25_00, 0, 0]
    town.let(Withdrawn(on=D[11], notice_ids=[1], reason="mistake"))
    assert town.open(1, 3, 100) == [25_00, 5_00, 0]
    town.let(Reversed(on=D[12], item_id=3))
    assert town.open(1, 3, 100) == [100_00, 0, 0]


def test_an_early_note_is_no_contact() -> None:
    town = Town().invoice(1, 100_00, due=D[10])
    early = policy().model_copy(update={"stages": (policy().stages[0].model_copy(update={"days_past_due": -5}),)})
    town.post(D[6], 1, early)
    town.let(Delivered(on=D[6], notice_ids=[1]))
    assert (town.item(1)["level"], town.item(1)["last_notice_on"], town.heard_on(PARENT)) == (1, D[6], None)


def test_the_state_of_an_account_rises_and_is_dated_as_an_items_is() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3], 1, ANCHORED)
    columns = ["payer_id", "policy", "anchor_item_id", "level", "stage", "pending_notice_id", "last_notice_on"]
    assert town.book.anchors.select(columns).rows() == [(PARENT, "p", 1, 1, "one", 1, None)]
    town.let(Delivered(on=D[4], notice_ids=[1]))
    assert town.book.anchors.select(columns).rows() == [(PARENT, "p", 1, 1, "one", None, D[4])]
    assert town.book.anchors["last_deadline_on"].to_list() == [D[14]]  # it left a day late


def test_the_last_contact_never_goes_back() -> None:
    town = Town().invoice(1, 100_00)
    town.post(D[3], 1)
    town.invoice(2, 100_00, account=PARENT)
    plan = town.decided(D[8])
    town.let(Delivered(on=D[10], notice_ids=[1]))
    town.bind(plan, D[8], 2)  # proposed before the first was sent
    assert town.heard_on(PARENT) == D[10]
    town.let(Withdrawn(on=D[11], notice_ids=[2], reason="paid"))
    assert town.heard_on(PARENT) == D[10]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("earlier", [None, D[2]])
def test_runs_reversed_one_after_the_other_leave_no_contact(order: tuple[int, int], earlier: date | None) -> None:
    town = Town()
    if earlier:
        town.invoice(9, 1_00, due=D[1], level=3, stage="three", last_notice_on=earlier)
    town.invoice(1, 100_00, due=D[4]).post(D[6], 1)
    town.invoice(2, 100_00, account=PARENT, due=D[4]).post(D[9], 2)
    town.let(*(Withdrawn(on=D[9], notice_ids=[notice], reason="wrong") for notice in order))
    assert town.heard_on(PARENT) == earlier


class TestSeveralNoticesToAGroup:
    """An account-anchored group posted as one notice for each item."""

    procedure = policy("anchor: account\none_notice_per: item")

    def town(self) -> Town:
        town = Town().invoice(1, 100_00).invoice(2, 50_00, due=D[2])
        town.post(D[3], 1, self.procedure)
        return town.let(Delivered(on=D[4], notice_ids=[1, 2]))

    def group(self, town: Town) -> tuple[object, ...]:
        columns = ["level", "stage", "last_notice_on", "last_deadline_on", "pending_notice_id"]
        (row,) = town.book.anchors.select(columns).rows()
        return row

    @pytest.mark.parametrize("gone", [3, 4])
    @pytest.mark.parametrize("event", [Withdrawn, Failed])
    def test_it_keeps_its_level_while_another_waits_or_has_left(self, gone: int, event: Callable[..., Event]) -> None:
        town = self.town()
        town.post(D[10], 3, self.procedure)
        town.let(event(on=D[10], notice_ids=[gone], reason="paid"))
        stays = 7 - gone
        assert self.group(town) == (2, "two", D[4], D[15], stays)
        town.let(Delivered(on=D[11], notice_ids=[stays]))
        assert self.group(town) == (2, "two", D[11], D[16], None)

    @pytest.mark.parametrize("sent", [3, 4])
    def test_it_keeps_the_day_of_sending_when_another_is_taken_back(self, sent: int) -> None:
        town = self.town()
        town.post(D[10], 3, self.procedure)
        town.let(Delivered(on=D[11], notice_ids=[sent]), Failed(on=D[12], notice_ids=[7 - sent]))
        assert self.group(town) == (2, "two", D[11], D[16], None)

    @pytest.mark.parametrize("order", [(3, 4), (4, 3)])
    def test_it_is_as_before_when_all_are_taken_back(self, order: tuple[int, int]) -> None:
        town = self.town()
        before = state(town.book)
        town.post(D[10], 3, self.procedure)
        for notice in order:
            town.let(Failed(on=D[11], notice_ids=[notice]))
        assert state(town.book) == before
        assert self.group(town) == (1, "one", D[4], D[14], None)


def test_a_group_that_fell_while_its_notice_waited_stays_down_when_that_is_taken_back() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00, due=D[18])
    for on, notice in ((D[3], 1), (D[10], 2)):
        town.post(on, notice, ANCHORED)
        town.let(Delivered(on=on, notice_ids=[notice]))
    town.post(D[17], 3, ANCHORED)
    town.pay(5, 100_00, 1, on=D[17])
    town.post(D[19], 4, ANCHORED)
    assert town.book.anchors.select("level", "pending_notice_id").rows() == [(1, 3)]
    town.let(Failed(on=D[20], notice_ids=[3]))
    columns = ["level", "stage", "pending_notice_id", "last_notice_on"]
    assert town.book.anchors.select(columns).rows() == [(1, "one", None, D[10])]


def test_a_fall_stands_when_the_notice_of_the_same_run_is_taken_back() -> None:
    one, two, three = ANCHORED.stages
    after_one = ANCHORED.model_copy(
        update={"stages": (one, two.model_copy(update={"when": compile_expression("level = 1", {})}), three)}
    )
    town = Town().invoice(1, 100_00).invoice(2, 50_00, due=D[8])
    for on, notice in ((D[3], 1), (D[10], 2), (D[17], 3)):
        town.post(on, notice, ANCHORED)
        town.let(Delivered(on=on, notice_ids=[notice]))
    town.pay(5, 100_00, 1, on=D[17])
    town.post(D[21], 4, after_one)
    assert town.book.anchors["level"].to_list() == [2]
    town.let(Withdrawn(on=D[21], notice_ids=[4], reason="wrong"))
    assert town.book.anchors.select("level", "stage", "last_notice_on").rows() == [(1, "one", D[17])]
