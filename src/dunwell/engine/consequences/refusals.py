"""What no event may say: things that are not in the book, and amounts that are none."""

from typing import Final

import polars as pl

from dunwell.engine.book import BookError
from dunwell.engine.money import AMOUNT_MINOR_MAX, CURRENCIES, format_minor, not_in_use

# What an id that is not there is called. Those of holds and disputes are what people call them by; accounts and items
# have names, which a book that does not have them cannot tell.
_MISSING: Final = {
    "account_id": "the account named is not in the book",
    "item_id": "one of the items named is not of this payer",
    "hold_id": "there is no hold {} in the book",
    "dispute_id": "there is no dispute {} in the book",
    "promise_id": "there is no promise {} in the book",
}


def only(frame: pl.DataFrame, key: str, value: int) -> pl.DataFrame:
    """Return the row of the book with this key. Errors: BookError when there is none."""
    at = frame[key].index_of(value)
    if at is None:
        raise BookError(_MISSING[key].format(value))
    return frame.slice(at, 1)


def require_amount(what: str, amount_minor: int, currency: str | None) -> None:
    """Refuse an unknown currency, and an amount that is not above 0 or beyond the bound. Errors: BookError."""
    if currency is not None and currency not in CURRENCIES:
        raise BookError(f"{what}: {not_in_use(currency)}")
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        most, given = format_minor(AMOUNT_MINOR_MAX, currency), format_minor(amount_minor, currency)
        raise BookError(f"{what} is of more than 0 and at most {most}, not of {given}")
