"""What people type about an account, held against the book before anything happens."""

from collections.abc import Sequence
from datetime import date, datetime

from dunwell.engine.book import CREDIT_KINDS
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.runs.explain import item_called
from dunwell.records import frames
from dunwell.records.models import Account, Entity, Item
from dunwell.sources.dates import YEAR_MAX, YEAR_MIN


def require_day(what: str, on: date) -> None:
    """Refuse a day that is a typing error, as imports do. Errors: Invalid."""
    if not YEAR_MIN <= on.year <= YEAR_MAX:
        raise Invalid(f"{what}: {on} is not between {YEAR_MIN} and {YEAR_MAX}")


def require_past(what: str, on: date, entity: Entity, at: datetime) -> None:
    """Refuse a day that is yet to come where the entity is, as of the instant `at`. Errors: Invalid."""
    require_day(what, on)
    today = local_day(entity, at)
    if on > today:
        raise Invalid(f"{what}: {on} is yet to come; today is {today}")


def owed_items(entity: Entity, payer: Account, numbers: Sequence[str], *, currency: str, what: str) -> list[Item]:
    """Return the items of these numbers, for which something of an account is meant, such as `a payment`.

    Errors: NotFound; Invalid for one of an account with another payer, in another currency, or that is no claim.
    """
    items = [item_called(entity, number) for number in numbers]
    is_own = all(item.account_id == payer.pk for item in items)
    family = {payer.pk} if is_own else set(frames.family([payer.pk]))
    for item in items:
        if item.account_id not in family:
            raise Invalid(f"{item.number} is not of account {payer.code}: it is of {item.account.code}")
        require_owed(item, currency=currency, what=what)
    return items


def require_owed(item: Item, *, currency: str, what: str) -> None:
    """Refuse an item that is no claim, or in another currency, for `what` somebody means. Errors: Invalid."""
    if item.kind in CREDIT_KINDS:
        raise Invalid(f"{what} is for what is owed, and {item.number} is a {item.kind}")
    if item.currency != currency:
        raise Invalid(f"{what} in {currency} cannot be for {item.number}, which is in {item.currency}")
