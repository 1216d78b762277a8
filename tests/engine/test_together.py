"""Payments of a day that are taken in at once leave what each alone, one after the other, leaves."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.advance import advance
from dunwell.engine.book import Book, BookError
from dunwell.engine.consequences.together import together
from dunwell.engine.events import AccountsChanged, Event, Held, Paid, Payments, Promised
from tests.engine.policy_strategies import pick
from tests.engine.strategies import Case, cases
from tests.engine.test_changes import same
from tests.engine.test_laws_of_change import bound, decided
from tests.engine.town import D, Town


@st.composite
def payments(draw: st.DrawFn, case: Case) -> list[Event]:
    """Some payments of a day, for items of whomever, in whole or in part, some with how much is for what."""
    claims = case.book.items.filter(~pl.col("kind").is_in(["credit", "payment"]), ~pl.col("draft")).rows(named=True)
    first = 90_000 + max([0, *case.book.items["item_id"].to_list()])
    events: list[Event] = []
    for number in range(draw(st.integers(2, 6)) if claims else 0):
        items = [draw(st.sampled_from(claims)) for _ in range(draw(pick(0, 1, 1, 2)))]
        items = list({item["item_id"]: item for item in items if item["currency"] == items[0]["currency"]}.values())
        of = items[0] if items else draw(st.sampled_from(claims))
        amount = max(1, sum(item["open_minor"] for item in items) - draw(pick(0, 0, 1, -70)))
        most = [item["open_minor"] // 2 for item in items] if draw(st.booleans()) else []
        events.append(
            Paid(on=case.as_of, item_id=first + number, account_id=of["account_id"], entity_id=of["entity_id"],
                 currency=of["currency"], amount_minor=amount, applies_to=[item["item_id"] for item in items],
                 at_most_minor=most, pending=draw(pick(False, False, False, True)))
        )  # fmt: skip
    return events


def one_by_one(book: Book, events: Sequence[Event]) -> Book:
    for event in events:
        book, _effects = advance(book, [event])
    return book


@given(st.data())
def test_at_once_and_one_after_the_other_come_to_the_same(data: st.DataObject) -> None:
    drawn = data.draw(cases())
    whole = drawn.book.items.drop_nulls(["open_minor", "amount_minor", "currency"])  # as a database has them
    case = replace(drawn, book=replace(drawn.book, items=whole))
    events = data.draw(payments(case))
    before, _effects = advance(case.book, bound(case.book, decided(case), case.as_of))
    at_once, effects = advance(before, events)
    apart = one_by_one(before, events)
    same(*(sorted_ledger(book) for book in (at_once, apart)))
    asked = [task for effect in effects for task in effect.tasks]
    assert len(asked) == len(set(asked))


def sorted_ledger(book: Book) -> Book:
    ledger = book.allocations.sort(pl.all())
    return book.merged({}) if ledger.is_empty() else Book(**{**vars(book), "allocations": ledger})


def town() -> Town:
    return Town().invoice(1, 100_00).invoice(2, 50_00).invoice(5, 70_00, account=2)


def paid(item_id: int, *applies_to: int, account: int, minor: int = 10_00) -> Paid:
    return Paid(on=D[2], item_id=item_id, account_id=account, entity_id=1, currency="EUR", amount_minor=minor,
                applies_to=applies_to)  # fmt: skip


def test_those_of_one_payer_stay_in_their_order() -> None:
    book = town().book
    accounts = dict(book.items.select("item_id", "account_id").iter_rows())
    first, second = (paid(number, 1, account=accounts[1], minor=80_00) for number in (11, 12))
    after, _effects = advance(book, [first, second])
    rows = dict(after.items.select("item_id", "open_minor").iter_rows())
    assert (rows[1], rows[11], rows[12]) == (0, 0, 60_00)
    assert [len(each.payments) for each in together(book, [first, second]) if isinstance(each, Payments)] == [1, 1]


def test_what_is_no_payment_parts_those_before_it_from_those_after() -> None:
    book = town().book
    hold = Held(on=D[2], hold_id=1, account_id=int(book.accounts["account_id"][0]))
    account = hold.account_id or 0
    promise = Promised(on=D[2], promise_id=1, account_id=account, currency="EUR", amount_minor=1, by_on=D[9])
    events: list[Event] = [paid(11, account=account), hold, paid(12, account=account), promise]
    assert list(together(book, events)) == events


def test_one_that_is_refused_is_refused_among_others() -> None:
    book = town().book
    account = int(book.accounts["account_id"][0])
    with pytest.raises(BookError, match="a payment"):
        advance(book, [paid(11, account=account), paid(12, account=account, minor=0)])


def test_five_payers_are_taken_in_at_once_with_their_promises_and_fees() -> None:
    accounts = [101, 102, 103, 104, 105]
    rows = pl.DataFrame({"account_id": accounts, "account": [f"D{each}" for each in accounts]})
    given_town = Town().let(AccountsChanged(on=D[1], accounts=rows.with_columns(entity_id=1)))
    for account in accounts:
        given_town.invoice(account, 100_00, account=account)
        given_town.invoice(account + 100, 5_00, account=account, kind="charge", parent_item_id=account, waivable=True)
        given_town.let(
            Promised(
                on=D[1], promise_id=account, account_id=account, currency="EUR", amount_minor=account * 40, by_on=D[9]
            )
        )
    events = [paid(500 + account, account, account=account, minor=account * 99) for account in accounts]
    (at_once,) = together(given_town.book, events)
    assert isinstance(at_once, Payments)
    assert at_once.payments == events
    after, _effects = advance(given_town.book, events)
    same(after, one_by_one(given_town.book, events))
    assert dict(after.items.filter(kind="charge").select("item_id", "waived_minor").iter_rows()) == {
        201: 0, 202: 5_00, 203: 5_00, 204: 5_00, 205: 5_00,
    }  # fmt: skip
    assert after.promises.sort("promise_id")["paid_minor"].to_list() == [account * 40 for account in accounts]
