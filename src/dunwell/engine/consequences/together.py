"""Payments of one day that have nothing to do with each other, taken in at once: one takes as long as hundreds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.events import Event, Paid, Payments
from dunwell.engine.steps.parties import payers


def together(book: Book, events: Iterable[Event]) -> Iterator[Event]:
    """The events, where payments that follow each other on one day are put together as far as each is of another payer.

    Those of one payer stay in their order; what is for items of another, or was announced before, stays alone.
    """
    for key, some in groupby(events, key=_key):
        following = list(some)
        if key is None or len(following) == 1:
            yield from following
        else:
            yield from _rounds(book, following)


def _key(event: Event) -> object:
    """Payments of a day have one key; null for what stays as it is."""
    return (event.on, Paid) if isinstance(event, Paid) and not event.pending else None


def _rounds(book: Book, events: Sequence[Event]) -> Iterator[Event]:
    """The first payment of each payer, then the second: up to one that stays alone, and so on behind it."""
    payments = [event for event in events if isinstance(event, Paid)]
    payer_of = dict(payers(book.accounts).iter_rows())
    named = {item_id for event in payments for item_id in event.applies_to}
    known = book.items.filter(pl.col("item_id").is_in([*named, *(event.item_id for event in payments)]))
    account_of = dict(known.select("item_id", "account_id").iter_rows())

    def payer(event: Paid) -> int | None:
        """Whose payment it is, and whose items: null where that is not one, or the payment is in the book."""
        accounts = {event.account_id, *(account_of.get(item_id) for item_id in event.applies_to)}
        whose = {payer_of.get(account) for account in accounts}
        return None if event.item_id in account_of or len(whose) > 1 else whose.pop()

    for is_alone, some in groupby(payments, key=lambda event: payer(event) is None):
        if is_alone:
            yield from some
            continue
        rounds: defaultdict[int, list[Paid]] = defaultdict(list)
        before: Counter[int | None] = Counter()
        for event in some:
            rounds[before[payer(event)]].append(event)
            before[payer(event)] += 1
        yield from (Payments(on=each[0].on, payments=each) for each in rounds.values())
