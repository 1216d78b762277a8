"""Figures over the book of an entity."""

from datetime import date
from typing import Any

from dunwell.insight.ageing import ageing
from dunwell.records import frames
from dunwell.records.models import Entity


def ageing_of(entity: Entity, *, as_of: date) -> list[dict[str, Any]]:
    """Return the ageing of an entity's open items, one row a currency; amounts in minor units."""
    return ageing(frames.book(entity.pk, as_of=as_of), as_of=as_of).to_dicts()
