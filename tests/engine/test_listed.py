"""What a notice lists beside what it duns, between the decision and the sending."""

from typing import Final

import polars as pl
import pytest

from dunwell.engine.decide import standing
from dunwell.engine.documents import DocumentError
from dunwell.engine.events import Delivered, Held
from dunwell.engine.lastlook import Look, asked_for, last_look
from dunwell.engine.since import Known, fallen_out
from tests.engine.town import CHILD, OTHER, PARENT, D, Town, policy

LISTING: Final = policy("include: open")


def town() -> Town:
    """An item to be dunned on the sixth, and two that are yet to fall due, of a payer and of its child."""
    return Town().invoice(1, 100_00, due=D[5]).invoice(2, 50_00, due=D[20]).invoice(3, 30_00, due=D[20], account=PARENT)


def lines(town: Town) -> list[tuple[int, str, int]]:
    found = town.book.lines.sort("item_id").select("item_id", pl.col("role").cast(pl.String), "amount_minor")
    return list(found.iter_rows())


def look(town: Town) -> Look:
    return last_look(town.book, standing(town.book, [LISTING], D[7]), [LISTING], [1])


def test_a_notice_lists_what_its_payer_owes_and_moves_nothing_of_it() -> None:
    there = town().invoice(4, 10_00, due=D[20], account=OTHER)
    plan = there.post(D[6], procedure=LISTING)
    assert lines(there) == [(1, "dunned", 100_00), (2, "listed", 50_00), (3, "listed", 30_00)]
    assert plan.notices["total_minor"].to_list() == [100_00]
    assert asked_for(there.book.lines)[1]["total_minor"] == 100_00
    assert [there.item(number)["version"] for number in (1, 2, 3)] == [1, 0, 0]


def test_what_changes_of_it_before_posting_lets_no_notice_fall_out() -> None:
    there = town()
    plan, before = there.decided(D[6], LISTING), there.book
    there.pay(9, 50_00, 2)
    then, now = (Known(book.items, book.anchors, book.payers) for book in (before, there.book))
    assert fallen_out(plan.notices, plan.lines, then, now).is_empty()
    there.pay(10, 1, 1)
    assert fallen_out(plan.notices, plan.lines, then, now._replace(items=there.book.items)).height == 1


@pytest.mark.parametrize("has_left", [False, True])
def test_what_is_paid_or_held_is_listed_no_longer_also_where_one_channel_has_left(has_left: bool) -> None:
    there = town()
    there.post(D[6], procedure=LISTING)
    if has_left:
        there.let(Delivered(on=D[6], notice_ids=[1]))
    there.pay(9, 20_00, 2).let(Held(on=D[7], hold_id=1, item_id=3))
    found = look(there)
    assert (found.withdrawn, found.less, found.lines) == ({}, set(), [])
    assert found.reasons == {1: {2: "less is owed", 3: "on_hold"}}
    there.let(*found.events(D[7]))
    assert lines(there) == [(1, "dunned", 100_00), (2, "listed", 30_00), (3, "withdrawn", 0)]
    assert there.book.notices["total_minor"].to_list() == [100_00]
    assert there.book.notices["state"].to_list() == ["sent" if has_left else "posted"]
    assert there.item(1)["level"] == 1


def test_what_is_listed_saves_no_notice_of_which_nothing_is_left() -> None:
    there = town()
    there.post(D[6], procedure=LISTING)
    there.pay(9, 100_00, 1, account=CHILD).pay(10, 50_00, 2)
    assert look(there).withdrawn == {1: "settled"}


def test_it_needs_one_notice_per_account() -> None:
    with pytest.raises(DocumentError) as refused:
        policy("include: overdue\none_notice_per: level")
    assert str(refused.value.problems[0]) == (
        "p.yaml:4: include: what else is open is listed on the one notice of an account: it needs"
        " `one_notice_per: account`"
    )
    assert policy("include: dunned\none_notice_per: level").include == "dunned"
