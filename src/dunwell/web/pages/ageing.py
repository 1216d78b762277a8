"""Ageing: what is owed to an entity, by how long it is past due."""

from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dunwell.flows.entities import entity_called
from dunwell.flows.reports.ageing import ageing_of
from dunwell.records.views import entities
from dunwell.records.views.entities import EntityLine
from dunwell.web import clock
from dunwell.web.pages.scope import of_entity

KEPT_SECONDS: Final = 300  # at most, while the book seems to be as it was


@require_safe
@of_entity
def ageing(request: HttpRequest, entity: EntityLine) -> HttpResponse:
    """Show the ageing of today, one row a currency; added up again when something happened on record."""
    today = clock.today(entity.time_zone)
    key = f"ageing:{entity.id}:{today}:{entities.last_event(entity.id)}"
    kept = cache.get(key)
    if kept is None:
        kept = (ageing_of(entity_called(entity.code), as_of=today, today=today), clock.now())
        cache.set(key, kept, KEPT_SECONDS)
    rows, at = kept
    buckets = _buckets(rows)
    about = {"entity": entity, "here": "ageing", "today": today, "at": at, "rows": rows, "buckets": buckets}
    return render(request, "ageing.html", about | {"tables": [_table(row, buckets) for row in rows]})


def _buckets(rows: list[dict[str, Any]]) -> list[str]:
    memo = {"total_minor", "disputed_minor", "unapplied_minor"}
    return [name for name in (rows[0] if rows else {}) if name.endswith("_minor") and name not in memo]


def _table(row: dict[str, Any], buckets: list[str]) -> dict[str, Any]:
    """A currency's row for the page: each bucket with its part of what is owed, in tenths of a per cent."""
    owed = sum(row[bucket] for bucket in buckets)
    parts = [(_named(bucket), row[bucket], row[bucket] * 1000 // owed / 10 if owed else 0) for bucket in buckets]
    return {"row": row, "owed_minor": owed, "parts": parts}


def _named(bucket: str) -> str:
    named = {
        "not_due_minor": "not due",
        "no_due_date_minor": "without a due date",
        "days_over_90_minor": "over 90 days",
    }
    return named.get(bucket) or f"{bucket.removeprefix('days_').removesuffix('_minor').replace('_', ' to ')} days"
