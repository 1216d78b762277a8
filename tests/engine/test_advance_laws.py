"""Whatever is invoiced, paid, credited, allocated and taken back, and in whatever order: money is conserved."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dunwell.engine.book import Book
from dunwell.engine.events import Delivered, Failed, Promised, Reversed, Withdrawn
from tests.engine.town import CHILD, OTHER, PARENT, D, Town, policy, state

Deed: TypeAlias = tuple[str, int, int, int]  # what, which, which other, how much

FEW: Final = settings().max_examples // 3  # each example lets dozens of things happen
DEEDS: Final = (
    "invoice",
    "draft",
    "claim",
    "credit",
    "applied credit",
    "payment",
    "applied payment",
    "announced",
    "arrival",
    "allocate",
    "reverse",
)
deeds = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.integers(0, 20), st.integers(0, 20), st.integers(1, 300)), max_size=25
)


@dataclass
class Till:
    """What a careful clerk writes down beside the book: only what came in, by item."""

    town: Town = field(default_factory=Town)
    claims: list[int] = field(default_factory=list)
    money: list[int] = field(default_factory=list)  # payments and credits
    drafts: list[int] = field(default_factory=list)
    announced: list[int] = field(default_factory=list)
    reversed: set[int] = field(default_factory=set)
    next_id: int = 1

    def do(self, deed: Deed) -> None:
        """Let one deed happen; what cannot (yet) be done is passed over."""
        what, which, other, amount = deed
        claim = self.claims[which % len(self.claims)] if self.claims else None
        source = self.money[other % len(self.money)] if self.money else None
        targets = [claim] if claim and "applied" in what else []
        account = (CHILD, PARENT, OTHER)[other % 3]
        if what == "arrival":
            if self.announced and (arriving := self.announced.pop(which % len(self.announced))) not in self.reversed:
                self.town.pay(arriving, amount, account=CHILD)
        elif what == "claim":
            if self.drafts:
                self.town.invoice(self.drafts.pop(which % len(self.drafts)), amount, account=account)
        elif what == "allocate":
            if claim and source and source not in self.announced:
                self.town.allocate(source, claim, amount)
        elif what == "reverse":
            if source:
                self.town.let(Reversed(on=D[9], item_id=source))
                self.reversed.add(source)
        else:
            self._book(what, targets, account, amount)

    def _book(self, what: str, targets: list[int], account: int, amount: int) -> None:
        number, self.next_id = self.next_id, self.next_id + 1
        if what in {"invoice", "draft"}:
            self.town.invoice(number, amount, account=account, due=D[amount % 28 + 1], draft=what == "draft")
            self.claims.append(number)
            self.drafts += [number] if what == "draft" else []
            return
        if "credit" in what:
            pairs = [(number, target) for target in targets]
            self.town.invoice(number, amount, kind="credit", account=account, applies_to=pairs)
        else:
            self.town.pay(number, amount, *targets, account=account, pending=what == "announced")
        self.money.append(number)
        if what == "announced":
            self.announced.append(number)


def total(items: pl.DataFrame, column: str) -> int:
    return sum(items[column].to_list())


def applied(book: Book, *, pending: bool, by: str) -> dict[int, int]:
    ledger = book.allocations.filter(pl.col("pending") == pending).group_by(by).agg(pl.col("amount_minor").sum())
    return dict(ledger.iter_rows())


@settings(max_examples=FEW)
@given(deeds)
def test_no_cent_comes_or_goes(story: list[Deed]) -> None:
    till = Till()
    for deed in story:
        till.do(deed)
        book = till.town.book
        paid, under_way = applied(book, pending=False, by="item_id"), applied(book, pending=True, by="item_id")
        used = applied(book, pending=False, by="source_item_id")
        sent = applied(book, pending=True, by="source_item_id")
        for row in book.items.iter_rows(named=True):
            number, amount, open_minor = row["item_id"], row["amount_minor"], row["open_minor"]
            assert 0 <= open_minor <= amount
            assert 0 <= row["in_flight_minor"] == under_way.get(number, 0)
            assert 0 <= sent.get(number, 0) <= amount
            if number in till.claims:
                assert open_minor == amount - paid.get(number, 0)
            elif number in till.reversed:
                assert (open_minor, used.get(number, 0)) == (0, 0)
            else:
                assert open_minor == amount - used.get(number, 0)
        claims, money = (
            book.items.filter(pl.col("kind").is_in(kinds)) for kinds in (["invoice"], ["credit", "payment"])
        )
        there = money.filter(~pl.col("item_id").is_in(list(till.reversed)))
        assert total(claims, "amount_minor") - total(claims, "open_minor") == sum(paid.values())
        assert total(there, "amount_minor") - total(money, "open_minor") == sum(used.values())


@settings(max_examples=FEW)
@given(deeds, st.integers(1, 400), st.lists(st.integers(0, 20), max_size=3), st.booleans())
def test_a_payment_taken_back_restores_exactly(
    story: list[Deed], amount: int, targets: list[int], announced: bool
) -> None:
    till = Till()
    for deed in story:
        till.do(deed)
    town = till.town
    before = town.book.items.sort("item_id")
    chosen = [till.claims[target % len(till.claims)] for target in targets if till.claims]
    town.pay(999, amount, *chosen, pending=announced).let(Reversed(on=D[9], item_id=999))
    after = town.book.items.filter(pl.col("item_id") != 999).sort("item_id")
    assert after.equals(before)
    assert town.item(999)["open_minor"] == 0


@settings(max_examples=FEW)
@given(st.lists(st.tuples(st.integers(1, 300), st.lists(st.integers(1, 3), unique=True)), min_size=1, max_size=4))
def test_an_announcement_takes_the_place_of_the_one_before(announcements: list[tuple[int, list[int]]]) -> None:
    def announced(told: list[tuple[int, list[int]]]) -> Town:
        town = Town()
        for number in (1, 2, 3):
            town.invoice(number, 100, due=D[number])
        for amount, targets in told:
            # without items it is for those of the announcement before, so they are named
            town.pay(9, amount, *(targets or [1, 2, 3]), pending=True)
        return town

    again, once = announced(announcements), announced(announcements[-1:])
    assert again.book.items.sort("item_id").equals(once.book.items.sort("item_id"))


Payment: TypeAlias = tuple[int, int, list[int], bool]  # day, how much, for which items, whether it remains
several_payments = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 300), st.lists(st.integers(1, 3), unique=True), st.booleans()),
    max_size=6,
).map(sorted)
several_promises = st.lists(
    st.tuples(
        st.sampled_from([CHILD, PARENT, OTHER]), st.integers(1, 300), st.integers(2, 9), st.sets(st.integers(1, 3))
    ),
    max_size=4,
)


def town_with(
    promises: list[tuple[int, int, int, set[int]]], payments: dict[int, Payment], *, of: int = 10_000
) -> Town:
    """A town with three invoices; where none is settled, each payment goes where it would go without the others."""
    town = Town()
    for number, account in enumerate((CHILD, PARENT, OTHER), 1):
        town.invoice(number, of, account=account)
    for number, (account, amount, by, items) in enumerate(promises, 1):
        town.let(
            Promised(on=D[1], promise_id=number, account_id=account, currency="EUR", amount_minor=amount, by_on=D[by],
                     item_ids=sorted(items))
        )  # fmt: skip
    for number, (day, amount, targets, _remains) in payments.items():
        town.pay(number, amount, *targets, account=(CHILD, PARENT, OTHER)[number % 3], on=D[day])
    return town


def counted(town: Town) -> dict[int, int]:
    """What counts towards each promise."""
    return dict(town.book.promises.select("promise_id", "paid_minor").iter_rows())


@settings(max_examples=FEW)
@given(several_promises, several_payments)
def test_promises_count_what_remains_as_if_the_rest_had_never_come(
    promises: list[tuple[int, int, int, set[int]]], payments: list[Payment]
) -> None:
    all_of_them = dict(enumerate(payments, 10))
    remaining = {number: each for number, each in all_of_them.items() if each[-1]}
    town = town_with(promises, all_of_them)
    before = counted(town)
    town.let(*(Reversed(on=D[10], item_id=number) for number in all_of_them.keys() - remaining.keys()))
    assert counted(town) == counted(town_with(promises, remaining))
    assert all(minor <= before[promise] for promise, minor in counted(town).items())


@settings(max_examples=FEW)
@given(several_promises, several_payments)
def test_promises_that_run_are_what_they_were_once_all_that_was_paid_is_gone(
    promises: list[tuple[int, int, int, set[int]]], payments: list[Payment]
) -> None:
    """Also where the payments had settled all that they were for."""
    lasting = [(account, amount, 20, items) for account, amount, _by, items in promises]
    before, paid = (town_with(lasting, each, of=200) for each in ({}, dict(enumerate(payments, 10))))
    paid.let(*(Reversed(on=D[10], item_id=number) for number, _payment in enumerate(payments, 10)))
    assert_frame_equal(paid.book.promises, before.book.promises, check_row_order=False)


@settings(max_examples=FEW)
@given(deeds)
def test_a_reversal_of_everything_leaves_every_claim_open(story: list[Deed]) -> None:
    till = Till()
    for deed in story:
        till.do(deed)
    till.town.let(*(Reversed(on=D[9], item_id=source) for source in till.money))
    items = till.town.book.items
    claims = items.filter(pl.col("item_id").is_in(till.claims))
    assert (claims["open_minor"] == claims["amount_minor"]).all()
    assert items["in_flight_minor"].sum() == 0
    assert items.filter(pl.col("item_id").is_in(till.money))["open_minor"].sum() == 0


@settings(max_examples=FEW)
@given(deeds, st.sampled_from(["", "anchor: account", "one_notice_per: item", "escalate: jump"]), st.booleans())
def test_posting_and_taking_back_restores_everything(story: list[Deed], more: str, fails: bool) -> None:
    till = Till()
    for deed in story:
        till.do(deed)
    town, procedure = till.town, policy(more)
    town.post(D[12], 1, procedure)
    town.let(Delivered(on=D[13], notice_ids=town.book.notices["notice_id"].to_list()))
    before = state(town.book)
    town.post(D[20], 50, procedure)
    waiting = town.book.notices.filter(pl.col("state") == "posted")["notice_id"].to_list()
    town.let(Failed(on=D[21], notice_ids=waiting) if fails else Withdrawn(on=D[21], notice_ids=waiting, reason="x"))
    assert state(town.book) == before


@settings(max_examples=FEW)
@given(
    st.sampled_from(["", "one_notice_per: item", "anchor: account\none_notice_per: item"]),
    st.lists(st.tuples(st.sampled_from(["import", "post", "post", "deliver", "fail", "withdraw"]), st.integers(0, 9)),
             max_size=25),
)  # fmt: skip
def test_the_last_contact_is_that_of_the_notices_that_stand(more: str, story: list[tuple[str, int]]) -> None:
    town, procedure = Town(), policy(more).model_copy(update={"min_gap_days": 0})
    imported: list[date] = []
    for day, (what, which) in enumerate(story, 2):
        waiting = town.book.notices.filter(pl.col("state") == "posted")["notice_id"].to_list()
        chosen = [waiting[which % len(waiting)]] if waiting else []
        if what == "import":
            town.invoice(day, 1_00, due=D[1], level=3, stage="three", last_notice_on=D[day])
            imported.append(D[day])
        elif what == "post":
            town.invoice(day, 1_00, due=D[day - 1], account=(CHILD, PARENT)[which % 2]).post(
                D[day], day * 10, procedure
            )
        elif what == "deliver":
            town.let(Delivered(on=D[day], notice_ids=chosen))
        elif what == "fail":
            town.let(Failed(on=D[day], notice_ids=chosen))
        else:
            town.let(Withdrawn(on=D[day], notice_ids=chosen, reason="x"))
        stands = town.book.notices.filter(pl.col("state").is_in(["posted", "sent"]))
        heard = stands.select(on=pl.coalesce("sent_on", "as_of"))["on"].to_list()
        assert town.heard_on(PARENT) == max([*imported, *heard], default=None)


@settings(max_examples=FEW)
@given(deeds, st.sampled_from(["", "anchor: account", "one_notice_per: item"]))
def test_delivering_twice_changes_nothing_the_second_time(story: list[Deed], more: str) -> None:
    till = Till()
    for deed in story:
        till.do(deed)
    town = till.town
    town.post(D[12], 1, policy(more))
    sent = Delivered(on=D[13], notice_ids=town.book.notices["notice_id"].to_list())
    town.let(sent)
    before = town.book
    town.let(Delivered(on=D[20], notice_ids=sent.notice_ids))
    assert town.book.items.sort("item_id").equals(before.items.sort("item_id"))
    assert state(town.book) == state(before)
    assert town.book.notices.sort("notice_id").equals(before.notices.sort("notice_id"))
