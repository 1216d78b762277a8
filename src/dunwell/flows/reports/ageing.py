"""What is owed by how long it is past due: today by the book, on a day of the past by its history."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from dunwell.engine.book import Book, BookError
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.plausible import require_day
from dunwell.flows.reports.known import history_on
from dunwell.flows.reports.report import Report, require_by, rows_of
from dunwell.insight.ageing import ageing
from dunwell.insight.standing import book_on
from dunwell.insight.trade import PARTY
from dunwell.records import frames
from dunwell.records.models import Entity

ABOUT: Final = (
    "Open invoices, instalments and charges by days past due, with tax, whole where they are disputed. Credit notes and"
    " money not yet set off stand apart."
)


def ageing_of(entity: Entity, *, as_of: date, today: date, by: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the ageing of an entity's open items, one row a currency and `by`; amounts in minor units.

    On a day of the past, of what was open at its end; on one to come, of what is open today. Errors: Invalid for a day
    of which nothing is known, and for a book that cannot be read.
    """
    book = book_on(history_on(entity, as_of), as_of) if as_of < today else _book(entity, as_of)
    return rows_of(ageing(book, as_of=as_of, by=by), entity)


def ageing_report(entities: Sequence[Entity], *, as_of: date | None, at: datetime, by: str | None = None) -> Report:
    """Report the ageing of entities, on a day or today. Those of which nothing is known then are named.

    `by`: one of PARTY, of the account. Errors: Invalid, also where nothing is known of any.
    """
    require_by("ageing", by, PARTY)
    if as_of:
        require_day("--as-of", as_of)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    refused: list[str] = []
    shown = as_of
    for entity in entities:
        today = local_day(entity, at)
        shown = on = as_of or today
        try:
            rows += ageing_of(entity, as_of=on, today=today, by=(by,) if by else ())
        except Invalid as error:
            refused.append(error.message)
            continue
        if on > today:
            notes.append(f"{entity.code}: {on} is yet to come: this is what is open today, by its age then")
    if refused and len(refused) == len(entities):
        raise Invalid(refused[0], refused[1:])
    if any(row["undecidable_count"] for row in rows):
        notes.append("items whose open amount is missing, negative or beyond bounds are in no sum")
    return Report("ageing", "Ageing", ABOUT, rows, [*notes, *refused], to_on=shown, by=by or "")


def _book(entity: Entity, as_of: date) -> Book:
    try:
        return frames.book(entity.pk, as_of=as_of)
    except BookError as error:
        raise Invalid(f"the book of {entity.code} cannot be read: {error}") from error
