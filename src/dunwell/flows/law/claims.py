"""An item of the book as a claim that bears interest: what was owed on which day, and what was charged on it before."""

from datetime import date, timedelta

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.calendars import next_open
from dunwell.engine.law.regime import DebtorClass
from dunwell.engine.law.working import Claim
from dunwell.engine.money import AMOUNT_MINOR_MAX
from dunwell.engine.policy.model import Policy

DAY = timedelta(days=1)


def claim_of(
    book: Book,
    item_id: int,
    *,
    base_minor: int,
    due_on: date,
    until_on: date,
    debtor_class: DebtorClass | None,
    notice_id: int | None = None,
) -> Claim:
    """Return an item as a claim through `until_on`, with all that came to it and what was charged before.

    `base_minor`: what of it is open and bears interest now. `notice_id`: as it was when this notice was posted, so that
    what it charges itself, and what came after, has not been charged yet.
    """
    item = book.items.row(by_predicate=pl.col("item_id") == item_id, named=True)
    came = [*_came(book.allocations.filter(~pl.col("pending")), item_id), *_came(book.elsewhere, item_id)]
    before = book.charges.filter(pl.col("item_id") == item_id, pl.col("reversed_on").is_null())
    if notice_id is not None:
        before = before.filter(pl.col("notice_id").is_null() | (pl.col("notice_id") < notice_id))
    charged_until = before.filter(pl.col("charge") == "interest")["until_on"].max()
    assert charged_until is None or isinstance(charged_until, date)  # noqa: S101  # as its column says
    fees = before.filter(pl.col("charge") == "fee")["amount_minor"].sum()
    principal = max(base_minor, 0) + sum(amount for _on, amount in came)
    return Claim(
        currency=item["currency"],
        principal_minor=min(max(principal, 0), AMOUNT_MINOR_MAX),
        due_on=due_on,
        until_on=until_on,
        debtor_class=debtor_class,
        reductions=tuple(came),
        from_on=charged_until + DAY if charged_until else None,
        interest_from_on=item["interest_from_on"],
        fees_minor=int(fees),
    )


def has_flat(book: Book, item_id: int, *, by: int | None = None) -> bool:
    """Whether the flat sum of an item was charged, and still is; `by` a notice or before it, where one is given."""
    return not _charged(book, item_id, "compensation", by).is_empty()


def fees_count(book: Book, item_id: int, *, by: int | None = None) -> int:
    """How many fees on an item were charged, and still are; `by` a notice or before it, where one is given."""
    return _charged(book, item_id, "fee", by).height


def open_charges(book: Book, item_id: int) -> int:
    """What is open of the charges raised on an item, in minor units."""
    is_its = (pl.col("parent_item_id") == item_id) & (pl.col("kind") == "charge")
    return int(book.items.filter(is_its)["open_minor"].sum())


def _charged(book: Book, item_id: int, charge: str, by: int | None) -> pl.DataFrame:
    stands = pl.col("reversed_on").is_null() & (pl.col("charge") == charge)
    found = book.charges.filter(pl.col("item_id") == item_id, stands)
    return found if by is None else found.filter((pl.col("notice_id") <= by).fill_null(value=True))


def due_day(due_on: date, policy: Policy | None, calendar: str | None) -> date:
    """The day on which a claim is due under a policy: on the next business day where its calendar says so."""
    rolls = policy is not None and policy.calendar is not None and policy.calendar.due == "roll"
    return next_open(due_on, calendar) if rolls and calendar else due_on


def _came(ledger: pl.DataFrame, item_id: int) -> list[tuple[date, int]]:
    rows = ledger.filter(pl.col("item_id") == item_id).select("on", "amount_minor").sort("on")
    return [(on, amount) for on, amount in rows.iter_rows() if on is not None]
