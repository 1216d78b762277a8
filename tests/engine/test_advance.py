"""What each event does to a book, and what it leaves alone."""

from dataclasses import fields, replace
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dunwell.engine.book import Book, BookError
from dunwell.engine.events import (
    AccountsChanged,
    Allocated,
    Disputed,
    Held,
    PromiseEnded,
    Released,
    Resolved,
    Reversed,
)
from tests.engine.town import CHILD, OTHER, PARENT, D, Town, promise


def changed(before: Book, after: Book) -> set[str]:
    """The names of the tables that are not as they were."""
    names = [field.name for field in fields(Book)]
    return {name for name in names if not _same(getattr(before, name), getattr(after, name))}


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    try:
        assert_frame_equal(one, other, check_row_order=False)
    except AssertionError:
        return False
    return True


def test_an_account_changes_in_what_is_given_and_in_nothing_else() -> None:
    town = Town()
    before = town.book
    town.let(AccountsChanged(on=D[2], accounts=pl.DataFrame({"account_id": [CHILD], "segment": ["key"]})))
    child = town.book.accounts.filter(pl.col("account_id") == CHILD).row(0, named=True)
    assert (child["segment"], child["account"], child["parent_id"], child["channels"]) == ("key", "CHILD", PARENT, 1)
    assert changed(before, town.book) == {"accounts"}


def test_one_account_is_opened_and_another_changed() -> None:
    rows = pl.DataFrame({"account_id": [CHILD, 9], "entity_id": [1, 1], "segment": ["key", "smb"]})
    town = Town().let(AccountsChanged(on=D[2], accounts=rows))
    child = town.book.accounts.filter(pl.col("account_id") == CHILD).row(0, named=True)
    assert (child["segment"], child["account"], child["parent_id"], child["channels"]) == ("key", "CHILD", PARENT, 1)


def test_a_draft_is_booked_again_as_a_claim() -> None:
    town = Town().invoice(1, 100_00, draft=True).invoice(1, 120_00)
    assert town.book.items.height == 1
    assert (town.item(1)["draft"], town.open(1)) == (False, [120_00])


def test_a_draft_booked_again_keeps_what_is_disputed_paid_and_under_way() -> None:
    town = Town().invoice(1, 100_00, draft=True, attr_contract="C-1").pay(3, 40_00, 1).pay(4, 50_00, 1, pending=True)
    town.let(Disputed(on=D[2], dispute_id=1, item_id=1, amount_minor=10_00)).invoice(1, 80_00)
    row = town.item(1)
    assert (row["open_minor"], row["in_flight_minor"], row["disputed_minor"]) == (40_00, 40_00, 10_00)
    assert (row["draft"], row["amount_minor"], row["attr_contract"]) == (False, 80_00, "C-1")


def test_what_was_paid_of_a_draft_beyond_its_claim_is_a_credit_again() -> None:
    town = Town().invoice(1, 100_00, draft=True).pay(3, 70_00, 1).pay(4, 30_00, 1).invoice(1, 80_00)
    assert town.open(1, 3, 4) == [0, 0, 20_00]
    assert town.let(Reversed(on=D[9], item_id=3)).open(1, 3, 4) == [70_00, 0, 20_00]


def test_an_item_that_comes_with_a_notice_after_its_due_date_dates_the_payers_contact() -> None:
    town = Town().invoice(1, 100_00, due=D[5], level=1, last_notice_on=D[9])
    assert town.heard_on(PARENT) == D[9]
    town.invoice(2, 100_00, due=D[5], level=1, last_notice_on=D[7])
    assert town.heard_on(PARENT) == D[9]  # the later of them
    town.invoice(3, 100_00, due=D[20], level=1, last_notice_on=D[15])
    assert town.heard_on(PARENT) == D[9]  # a note before the due date is no contact


def test_a_credit_note_goes_to_its_invoices_in_their_order() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00)
    town.invoice(3, 130_00, kind="credit", applies_to=[(3, 2), (3, 1)])
    assert town.open(1, 2, 3) == [70_00, 0, 0]


def test_a_credit_note_that_is_too_large_stays_open_for_the_rest() -> None:
    town = Town().invoice(1, 100_00).invoice(3, 130_00, kind="credit", applies_to=[(3, 1)])
    assert town.open(1, 3) == [0, 30_00]


def test_a_payment_is_applied_to_its_items_and_the_rest_stays_on_the_account() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00).pay(3, 130_00, 1)
    assert town.open(1, 2, 3) == [0, 50_00, 30_00]
    assert (town.item(3)["kind"], town.item(3)["issued_on"], town.item(3)["draft"]) == ("payment", D[2], False)


def test_a_payment_without_items_stays_on_the_account() -> None:
    assert Town().invoice(1, 100_00).pay(3, 60_00).open(1, 3) == [100_00, 60_00]


def test_a_payment_leaves_the_dunning_state_alone() -> None:
    town = Town().invoice(1, 100_00, level=2, stage="two", last_notice_on=D[1])
    before = town.book
    town.pay(3, 100_00, 1)
    keys = ("level", "stage", "last_notice_on", "version")
    assert [town.item(1)[key] for key in keys] == [2, "two", D[1], 0]
    assert changed(before, town.book) == {"items", "allocations"}


def test_an_announced_payment_is_under_way_and_the_claim_stays_open() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1, pending=True)
    assert (town.open(1), town.item(1)["in_flight_minor"], town.item(3)["draft"]) == ([100_00], 60_00, True)


def test_an_announced_payment_without_items_is_for_the_oldest_due() -> None:
    town = Town().invoice(1, 100_00, due=D[9]).invoice(2, 50_00, due=D[3]).pay(3, 80_00, pending=True)
    assert [town.item(number)["in_flight_minor"] for number in (1, 2)] == [30_00, 50_00]


def test_no_more_is_under_way_than_is_owed() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1, pending=True).pay(4, 60_00, 1, pending=True)
    assert town.item(1)["in_flight_minor"] == 100_00


@pytest.mark.parametrize(("arrived", "open_minor"), [(60_00, [40_00, 0]), (20_00, [80_00, 0]), (150_00, [0, 50_00])])
def test_an_announced_payment_arrives(arrived: int, open_minor: list[int]) -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1, pending=True).pay(3, arrived)
    assert town.open(1, 3) == open_minor
    assert town.item(1)["in_flight_minor"] == 0


def test_an_announced_payment_that_fails_is_under_way_no_longer() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1, pending=True).let(Reversed(on=D[5], item_id=3))
    assert (town.open(1, 3), town.item(1)["in_flight_minor"]) == ([100_00, 0], 0)


@pytest.mark.parametrize(
    ("asked", "open_minor"), [(10_00, [90_00, 50_00]), (60_00, [40_00, 0]), (500_00, [40_00, 0]), (0, [100_00, 60_00])]
)
def test_no_more_is_allocated_than_both_have_open(asked: int, open_minor: list[int]) -> None:
    assert Town().invoice(1, 100_00).pay(3, 60_00).allocate(3, 1, asked).open(1, 3) == open_minor


def test_an_item_is_never_paid_below_nothing() -> None:
    assert Town().invoice(1, 40_00).pay(3, 60_00).allocate(3, 1, 60_00).open(1, 3) == [0, 20_00]


def test_a_payment_taken_back_restores_what_it_had_paid() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00).pay(3, 130_00, 2, 1).allocate(3, 1, 1)
    town.let(Reversed(on=D[5], item_id=3))
    assert town.open(1, 2, 3) == [100_00, 50_00, 0]
    assert town.book.allocations["amount_minor"].sum() == 0


def test_a_payment_is_taken_back_once() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1).let(Reversed(on=D[5], item_id=3))
    before = town.book
    town.let(Reversed(on=D[6], item_id=3))
    assert changed(before, town.book) == set()


def test_a_hold_begins_and_ends() -> None:
    town = Town()
    before = town.book
    town.let(Held(on=D[2], hold_id=1, account_id=CHILD, until_on=D[9]))
    assert town.book.holds.row(0) == (1, CHILD, None, D[2], D[9], None)
    assert changed(before, town.book) == {"holds"}
    town.let(Released(on=D[5], hold_id=1))
    assert town.book.holds.row(0) == (1, CHILD, None, D[2], D[9], D[5])


def test_disputes_add_up_until_they_are_resolved() -> None:
    town = Town().invoice(1, 100_00)
    town.let(Disputed(on=D[2], dispute_id=1, item_id=1, amount_minor=30_00))
    town.let(Disputed(on=D[3], dispute_id=2, item_id=1, amount_minor=20_00))
    assert town.item(1)["disputed_minor"] == 50_00
    town.let(Resolved(on=D[4], dispute_id=1))
    assert town.item(1)["disputed_minor"] == 20_00
    town.let(Resolved(on=D[4], dispute_id=1))  # again
    assert town.item(1)["disputed_minor"] == 20_00
    town.let(Resolved(on=D[5], dispute_id=2))
    assert (town.item(1)["disputed_minor"], town.open(1)) == (0, [100_00])


def test_a_dispute_without_an_amount_is_over_all_of_it() -> None:
    town = Town().invoice(1, 100_00).pay(3, 60_00, 1).let(Disputed(on=D[3], dispute_id=1, item_id=1))
    assert town.item(1)["disputed_minor"] == 100_00
    assert town.book.disputes["amount_minor"].to_list() == [None]
    town.let(Disputed(on=D[4], dispute_id=2, item_id=1, amount_minor=10_00), Resolved(on=D[5], dispute_id=1))
    assert town.item(1)["disputed_minor"] == 10_00


def test_a_dispute_over_all_of_it_is_over_what_is_added_later() -> None:
    town = Town().invoice(1, 100_00).let(Disputed(on=D[3], dispute_id=1, item_id=1))
    raised = pl.DataFrame({"item_id": [1], "amount_minor": [150_00], "open_minor": [150_00]})
    town.book = town.book.merged({"items": raised})
    assert town.decided(D[9]).decisions.select("outcome", "disputed_minor").rows() == [("disputed", 150_00)]
    town.let(Resolved(on=D[10], dispute_id=1))
    assert town.decided(D[10]).decisions["outcome"].to_list() == ["dun"]


def kept(town: Town) -> dict[int, int]:
    return dict(town.book.promises.select("promise_id", "paid_minor").iter_rows())


@pytest.mark.parametrize(
    ("on", "kept_minor"), [(D[20], 60_00), (D[22], 60_00), (D[23], 0)], ids=["in time", "within tolerance", "late"]
)
def test_a_promise_counts_what_comes_in_time(on: date, kept_minor: int) -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00)).pay(3, 60_00, 1, on=on)
    assert kept(town) == {1: kept_minor}


def test_a_promise_for_items_counts_what_went_to_them() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00).let(promise(1, 100_00, 1), promise(2, 100_00))
    assert kept(town.pay(3, 70_00, 2)) == {1: 0, 2: 70_00}
    assert kept(town.pay(4, 30_00, 1)) == {1: 30_00, 2: 70_00}


def test_one_payment_keeps_the_earliest_promise_first_and_no_cent_twice() -> None:
    town = Town().invoice(1, 200_00).let(promise(1, 50_00, by=D[20]), promise(2, 50_00, by=D[10])).pay(3, 80_00, 1)
    assert kept(town) == {1: 30_00, 2: 50_00}


def test_what_went_to_an_item_keeps_one_promise_over_it() -> None:
    town = Town().invoice(1, 30_00).let(promise(1, 30_00, 1), promise(2, 30_00, 1)).pay(3, 100_00, 1)
    assert kept(town) == {1: 30_00, 2: 0}


def test_the_parents_money_keeps_the_parents_promise() -> None:
    town = (
        Town()
        .invoice(1, 100_00, account=PARENT)
        .let(promise(1, 50_00, account=PARENT), promise(2, 50_00, account=OTHER))
    )
    assert kept(town.pay(3, 50_00, 1, account=PARENT)) == {1: 50_00, 2: 0}


def test_money_announced_keeps_no_promise_until_it_is_there() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00)).pay(3, 100_00, 1, pending=True)
    assert kept(town) == {1: 0}
    assert kept(town.pay(3, 100_00)) == {1: 100_00}


def test_a_payment_taken_back_breaks_the_promise_it_kept() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00)).pay(3, 100_00, 1).let(Reversed(on=D[9], item_id=3))
    assert kept(town) == {1: 0}


def test_what_one_payment_covers_is_not_lost_with_another() -> None:
    town = Town().invoice(1, 200_00).let(promise(1, 100_00)).pay(3, 100_00, 1).pay(4, 100_00, 1, on=D[3])
    town.let(Reversed(on=D[9], item_id=3))
    assert kept(town) == {1: 100_00}
    assert kept(town.let(Reversed(on=D[9], item_id=4))) == {1: 0}


def test_what_remains_keeps_the_earliest_promise_first() -> None:
    town = Town().invoice(1, 500_00).let(promise(1, 50_00, by=D[20]), promise(2, 80_00, by=D[10]))
    town.pay(3, 100_00, 1).pay(4, 60_00, 1, on=D[3])
    assert kept(town) == {1: 50_00, 2: 80_00}
    assert kept(town.let(Reversed(on=D[9], item_id=3))) == {1: 0, 2: 60_00}


def test_money_that_came_late_does_not_stand_in_for_what_is_taken_back() -> None:
    town = Town().invoice(1, 500_00).let(promise(1, 100_00, by=D[10])).pay(3, 100_00, 1).pay(4, 100_00, 1, on=D[13])
    assert kept(town.let(Reversed(on=D[14], item_id=3))) == {1: 0}


def test_what_remains_counts_for_the_items_it_went_to() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00).let(promise(1, 60_00, 1), promise(2, 60_00, 2))
    town.pay(3, 50_00, 1).pay(4, 50_00, 1).pay(5, 50_00, 2)
    assert kept(town) == {1: 60_00, 2: 50_00}
    assert kept(town.let(Reversed(on=D[9], item_id=3))) == {1: 50_00, 2: 50_00}


def test_the_money_of_the_others_of_a_payer_still_counts() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00, account=PARENT)
    town.let(promise(1, 80_00), promise(2, 80_00, account=PARENT))
    town.pay(3, 40_00, 1, 2, account=PARENT).pay(4, 70_00, 2, account=PARENT).pay(5, 60_00, 1)
    before = kept(town)
    assert kept(town.pay(6, 10_00).let(Reversed(on=D[9], item_id=6))) == before
    assert kept(town.let(Reversed(on=D[9], item_id=3))) == {1: 60_00, 2: 70_00}


def test_a_reversal_makes_no_promise_count_what_came_before_it() -> None:
    town = Town().invoice(1, 300_00).pay(3, 50_00, 1, on=D[1]).let(promise(1, 100_00)).pay(4, 30_00, 1).pay(5, 10_00)
    assert kept(town) == {1: 40_00}
    assert kept(town.let(Reversed(on=D[9], item_id=5))) == {1: 30_00}


def test_no_promise_is_kept_by_money_that_is_gone() -> None:
    """Also where it went to another promise's item after it had counted."""
    town = Town().invoice(1, 100_00).invoice(2, 100_00).let(promise(1, 100_00), promise(2, 100_00, 1)).pay(3, 100_00)
    town.let(Allocated(on=D[2], source_item_id=3, item_id=1, amount_minor=100_00))
    assert kept(town) == {1: 100_00, 2: 0}
    assert kept(town.let(Reversed(on=D[9], item_id=3))) == {1: 0, 2: 0}


@pytest.mark.parametrize("days", [-1, 366, 150_000_000])
def test_a_promise_with_no_sensible_tolerance_is_refused(days: int) -> None:
    with pytest.raises(BookError, match="tolerance of 0 to 365 days"):
        Town().let(replace(promise(1, 100_00), tolerance_days=days))


def test_a_promise_for_a_day_that_is_over_is_refused() -> None:
    with pytest.raises(BookError, match=f"a promise made on {D[2]} cannot be for {D[1]}, which is over"):
        Town().let(replace(promise(1, 100_00, by=D[1]), on=D[2]))
    assert kept(Town().let(promise(1, 100_00, by=D[1]))) == {1: 0}


def test_a_promise_is_for_items_in_its_own_currency() -> None:
    town = Town().invoice(1, 100_00, currency="USD")
    with pytest.raises(BookError, match="a promise in EUR cannot be for A-1, which is in USD"):
        town.let(promise(1, 100_00, 1))


def test_a_promise_may_end_with_the_calendar() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00, by=date.max)).pay(3, 100_00, 1)
    assert kept(town) == {1: 100_00}


def test_a_credit_taken_back_leaves_promises_alone() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 40_00)).pay(3, 40_00, 1)
    town.invoice(4, 30_00, kind="credit", applies_to=[(4, 1)]).let(Reversed(on=D[9], item_id=4))
    assert kept(town) == {1: 40_00}


def promised(town: Town) -> list[tuple[int, int, bool]]:
    """What each promise comes to, what was paid of it, and whether it has ended."""
    rows = town.book.promises.sort("promise_id").select("amount_minor", "paid_minor", pl.col("ended_on").is_not_null())
    return rows.rows()


def test_a_promise_that_ended_for_nothing_was_owed_covers_again_once_the_money_is_gone() -> None:
    """It came on a day before the promise was made, so it had kept nothing."""
    town = Town().invoice(1, 100_00).let(replace(promise(1, 100_00, 1), on=D[8])).pay(3, 100_00, 1)
    assert promised(town) == [(100_00, 0, True)]
    town.let(Reversed(on=D[10], item_id=3, is_correction=True))
    assert town.decided(D[11]).decisions.filter(item_id=1)["outcome"].item() == "promised"


def test_what_was_granted_beside_money_is_promised_again_with_it() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00, 1)).pay(3, 98_00, 1)
    town.invoice(4, 2_00, kind="credit", applies_to=[(4, 1)])
    assert promised(town) == [(98_00, 98_00, False)]
    town.let(Reversed(on=D[9], item_id=4), Reversed(on=D[9], item_id=3))
    assert promised(town) == [(100_00, 0, False)]
    assert town.decided(D[11]).decisions.filter(item_id=1)["outcome"].item() == "promised"


def test_a_credit_taken_off_an_item_brings_back_the_promises_for_it_alone() -> None:
    town = Town().invoice(1, 40_00).invoice(2, 40_00, kind="credit").invoice(3, 40_00, account=OTHER)
    town.invoice(4, 40_00, kind="credit", account=OTHER)
    town.let(promise(1, 40_00), promise(2, 40_00, account=PARENT), promise(3, 40_00, account=OTHER))
    town.allocate(2, 1, 40_00).allocate(4, 3, 40_00)
    assert promised(town) == [(40_00, 0, True)] * 3
    assert promised(town.unallocate(2, 1, 10_00)) == [(40_00, 0, False), (40_00, 0, False), (40_00, 0, True)]


def test_a_promise_whose_time_is_over_and_that_a_person_ended_stay_as_they_are() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 100_00, kind="credit")
    town.let(promise(1, 100_00, 1, by=D[5]), promise(2, 100_00, 1)).allocate(2, 1, 100_00)
    town.let(PromiseEnded(on=D[6], promise_ids=[2]), Reversed(on=D[9], item_id=2))
    assert promised(town) == [(100_00, 0, True)] * 2


def test_a_credit_that_is_taken_off_an_item_again_is_open_on_both_sides() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 40_00, kind="credit").allocate(2, 1, 40_00)
    assert town.open(1, 2) == [60_00, 0]
    assert town.unallocate(2, 1, 15_00).open(1, 2) == [75_00, 15_00]
    assert town.unallocate(2, 1, 25_00).open(1, 2) == [100_00, 40_00]


def test_no_more_is_taken_off_an_item_than_was_applied() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 40_00, kind="credit").allocate(2, 1, 40_00).unallocate(2, 1, 15_00)
    for amount_minor in (25_01, 0, -1):
        with pytest.raises(BookError, match="so much of credit A-2 is not applied to invoice A-1"):
            town.unallocate(2, 1, amount_minor)
    with pytest.raises(BookError, match="so much of invoice A-1 is not applied to credit A-2"):
        town.unallocate(1, 2, 10_00)
    assert town.open(1, 2) == [75_00, 15_00]


def test_a_fee_is_owed_again_when_a_credit_is_taken_off_its_item() -> None:
    town = Town().invoice(1, 40_00).invoice(3, 5_00, kind="charge", parent_item_id=1, waivable=True)
    town.invoice(2, 40_00, kind="credit").allocate(2, 1, 40_00)
    assert town.open(1, 3) == [0, 0]
    assert town.unallocate(2, 1, 40_00).open(1, 3) == [40_00, 5_00]
