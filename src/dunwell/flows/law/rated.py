"""The book with the rates that its policies ask for: they travel with it, so that an archive decides alike again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dunwell.engine.book import Book
from dunwell.engine.law.needs import reads_charges, reads_payments, series_needed
from dunwell.engine.law.series import tables
from dunwell.engine.policy.model import Policy
from dunwell.flows.law.series import known_series
from dunwell.records import frames
from dunwell.records.frames import WHOLE, Shard


def with_rates(book: Book, policies: Sequence[Policy]) -> Book:
    """Return the book with every known series that these policies may ask for what is in it."""
    if not any(policy.law for policy in policies):
        return book
    currencies = book.items["currency"].drop_nulls().unique().to_list()
    return replace(book, **tables(known_series(series_needed(policies, currencies))))


def rated_book(entity_id: int, policies: Sequence[Policy], *, as_of: date, shard: Shard = WHOLE) -> Book:
    """Read what deciding for one entity by these policies on `as_of` needs. Errors: as `frames.book`."""
    payments, charges = reads_payments(policies), reads_charges(policies)
    return with_rates(frames.book(entity_id, as_of=as_of, shard=shard, payments=payments, charges=charges), policies)
