"""`advance`: what events do to a book. Flows persist the effects, stories and simulations fold them in memory."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from dunwell.engine import events as e
from dunwell.engine.book import Book
from dunwell.engine.consequences import (
    alerts,
    closings,
    contacts,
    elsewhere,
    late,
    money,
    notices,
    people,
    plans,
    promises,
    waiving,
)
from dunwell.engine.consequences.together import together
from dunwell.engine.events import Effects, Event

_PAID: Final = (
    money.payments_taken,
    money.payments_applied,
    promises.fallen_away,
    waiving.waived,
    late.interest_to_check,
)
# In order; each sees the book as the one before left it.
_CONSEQUENCES: Final[dict[type[Any], tuple[Callable[[Book, Any], Effects], ...]]] = {
    e.AccountsChanged: (people.accounts_changed,),
    e.ItemsBooked: (
        money.items_booked,
        money.applied_again,
        money.credits_applied,
        promises.fallen_away,
        waiving.waived,
        late.interest_to_check,
    ),
    e.Paid: _PAID,
    e.Payments: _PAID,
    e.PaidElsewhere: (elsewhere.less_open, elsewhere.promises_kept, promises.fallen_away, waiving.waived),
    e.Recounted: (waiving.waived,),
    e.Allocated: (money.allocated, promises.fallen_away, waiving.waived, late.interest_to_check),
    e.Unallocated: (money.unallocated, promises.promised_again, waiving.waived),
    e.Reversed: (money.reversed_, promises.promised_again, waiving.waived),
    e.Held: (people.held,),
    e.Released: (people.released,),
    e.Disputed: (people.disputed,),
    e.Resolved: (people.resolved,),
    e.Promised: (people.promised,),
    e.Planned: (plans.planned,),
    e.PromiseEnded: (plans.promise_ended,),
    e.Posted: (notices.posted, notices.charged, closings.closed, alerts.judged),
    e.Delivered: (notices.delivered,),
    e.Failed: (notices.failed, notices.discharged, closings.opened_again),
    e.Withdrawn: (notices.withdrawn, notices.discharged, closings.opened_again),
    e.Trimmed: (notices.trimmed, notices.fees_dropped),
    e.Contacted: (contacts.contacted,),
}


def advance(book: Book, events: Iterable[Event]) -> tuple[Book, tuple[Effects, ...]]:
    """Apply `events` in their order; return the book after them and what changed, in the order it is to be persisted.

    Errors: BookError for an event about something that is not in the book.
    """
    effects = []
    for event in together(book, events):
        for consequence in consequences_of(event):
            effect = consequence(book, event)
            book = book.merged(effect.changes)
            effects.append(effect)
    return book, tuple(effects)


def consequences_of(event: Event) -> tuple[Callable[[Book, Any], Effects], ...]:
    """What follows from an event, one after the other: each is asked of the book as the one before left it."""
    return _CONSEQUENCES[type(event)]
