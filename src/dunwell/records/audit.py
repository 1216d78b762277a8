"""Audit events, written in the transaction of the change they tell of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models

from dunwell.records.models import AuditEvent


def record(
    actor: str,
    action: str,
    subject: models.Model,
    *,
    at: datetime,
    entity_id: int | None,
    **detail: Any,
) -> None:
    """Tell who did what to which row; `detail` holds JSON values."""
    told(actor, action, subject, at=at, entity_id=entity_id, **detail).save()


def record_all(events: Iterable[AuditEvent]) -> None:
    """Keep what was told, in its order."""
    AuditEvent.objects.bulk_create(events, batch_size=500)


def told(
    actor: str,
    action: str,
    subject: models.Model,
    *,
    at: datetime,
    entity_id: int | None,
    **detail: Any,
) -> AuditEvent:
    """The same, to be kept with others."""
    return AuditEvent(
        at=at,
        actor=actor,
        action=action,
        subject_type=type(subject).__name__.lower(),
        subject_id=subject.pk if isinstance(subject.pk, int) else None,  # a series of rates has a name alone
        subject_label=str(getattr(subject, "code", "") or getattr(subject, "number", "") or subject.pk),
        entity_id=entity_id,
        detail=detail,
    )
