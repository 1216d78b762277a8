"""From which day on the book of an entity tells all, and its history from then on."""

from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Max, Min

from dunwell.engine.book import BookError
from dunwell.engine.history import History
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.reports.period import months_before
from dunwell.insight.trade import SOLD, Days, trade, within_group
from dunwell.records.history import history, settled_days
from dunwell.records.models import AuditEvent, Entity, Item

SAMPLE: Final = "sample.loaded"  # a book with its money, told of every day
FIRST: Final = ("items.imported", SAMPLE)
GAP_DAYS: Final = 92  # the most between two days of settling, in a book that tells of all of them
MONTHS_BACK: Final = 24  # how far sales are followed back to count what is owed in days


def known_from(entity: Entity) -> date | None:
    """Return the first day at whose end all is on record; None where nothing is.

    It is the day of the first import, or an earlier one on which something was settled that came settled, by an import
    that says when; without any import, the first day of issue; of a sample, the first of settling. From that day to the
    import, or to the last issue where that is earlier, something must have been settled every GAP_DAYS: a single day
    long before all others is a slip.
    """
    event = AuditEvent.objects.filter(action__in=FIRST, entity=entity).order_by("pk").first()
    items = Item.objects.filter(entity=entity, draft=False)
    issued = items.aggregate(first=Min("issued_on"), last=Max("issued_on"))
    closed = items.aggregate(first=Min("closed_on"))["first"]
    if event is None:
        first: date | None = issued["first"] or closed
        return first
    known = local_day(entity, event.at)
    if event.action == SAMPLE:
        return min(known, closed or known)
    days = settled_days(entity.pk, before=known)
    told_to = min(known, issued["last"] or known)
    for day in reversed(days):
        if day < told_to - timedelta(days=GAP_DAYS):
            break
        known = told_to = day
    return known


def history_on(entity: Entity, on: date) -> History:
    """Read the history of an entity from a day on, as of whose end figures are wanted. Errors: Invalid."""
    known = known_from(entity)
    if known is None or on < known:
        raise Invalid(_nothing(entity, known, on))
    return _read(entity, on)


def history_of(entity: Entity, days: Days, *, months_back: int = 0) -> History:
    """Read the trade of an entity, as far as measures of some days need it: from before the first. Errors: Invalid.

    `months_back`: how many months before the last of the days are read, where that is further back and on record.
    """
    return trade(_read(entity, _begins(entity, known_from(entity), days, months_back)))


def histories_of(entity: Entity, days: Days, earlier: Days, *, months_back: int) -> tuple[History, History]:
    """Return two of `history_of`, for some days and for earlier ones, of one reading. Errors: Invalid."""
    known = known_from(entity)
    begins, begins_earlier = (_begins(entity, known, each, months_back) for each in (days, earlier))
    told = trade(_read(entity, min(begins, begins_earlier)))
    return told.since(begins), told.since(begins_earlier)


def _begins(entity: Entity, known: date | None, days: Days, months_back: int) -> date:
    """From which day on the measures of some days need a history. Errors: Invalid."""
    if known is None or days.before < known:
        raise Invalid(_nothing(entity, known, days.before))
    return max(known, min(days.before, months_before(days.to_on, months_back)))


def notes_on(told: History) -> list[str]:
    """Say what of a trade is in no measure, or only in some."""
    notes = []
    sold = told.items.filter(told.items["kind"].is_in(SOLD))
    if undated := sold["issued_on"].null_count():
        notes.append(f"without a day of issue: {undated:,} of the invoices, in no sales, and owed from the beginning")
    if undue := sold["due_on"].null_count():
        notes.append(f"without a due date: {undue:,} of the invoices, never overdue, and neither late nor in time")
    if told.items["currency"].n_unique() > 1:
        notes.append("currencies are never added: each has a row of its own")
    if own := within_group(told).len():
        notes.append(f"left out: {own:,} of the accounts, of the own group")
    return notes


def yesterday(entity: Entity, at: datetime) -> date:
    """The last day that is over where the entity is."""
    return local_day(entity, at) - timedelta(days=1)


def _read(entity: Entity, since: date) -> History:
    try:
        return history(entity.pk, since=since)
    except BookError as error:
        raise Invalid(f"the book of {entity.code} cannot be read: {error}") from error


def _nothing(entity: Entity, known: date | None, on: date) -> str:
    if known is None:
        return f"nothing is known of {entity.code}: import a book first"
    return f"nothing is known of {entity.code} at the end of {on}: all is on record from the end of {known} on"
