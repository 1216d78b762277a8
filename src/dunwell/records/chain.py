"""The audit trail as a chain: each event's hash covers its fields and the hash before it, in order of id.

A hash is SHA-256 over the UTF-8 text of a JSON array: the previous hash ("" for the first), then the fields of FIELDS,
with instants as ISO 8601 in UTC and the detail's keys sorted.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import accumulate
from typing import Final

import polars as pl
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from dunwell.records.connect import is_postgresql
from dunwell.records.models import AuditEvent
from dunwell.records.stage import stage

FIELDS: Final = ("id", "at", "actor", "action", "subject_type", "subject_id", "subject_label", "entity_id", "detail")
EVENTS_PER_SEAL: Final = 10_000
LOCK_WAIT_MS: Final = 200


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold: the event, and what is wrong there."""

    event_id: int
    what: str


def seal() -> int:
    """Chain what has been committed since the last time, and return how many events that were.

    In transactions of its own, some thousand events each. Where somebody is writing events, or sealing, for longer than
    LOCK_WAIT_MS it is left for the next time: nobody waits for the sealer.
    """
    sealed = 0
    while some := _seal_some():
        sealed += some
    return sealed


def _seal_some() -> int:
    try:
        with transaction.atomic():
            _shut_out_writers()
            unsealed = list(AuditEvent.objects.filter(hash=None).order_by("pk")[:EVENTS_PER_SEAL])
            if unsealed:
                _chain(unsealed)
            return len(unsealed)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return 0
        raise


def _shut_out_writers() -> None:
    """Wait until whoever writes an event has committed, and keep others from writing until the transaction ends.

    An id is drawn before its event is committed: without it a smaller id could come after a larger one was sealed. On
    SQLite the transaction already excludes every other writer.
    """
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_MS}ms'")
            cursor.execute("LOCK TABLE records_auditevent IN SHARE ROW EXCLUSIVE MODE")


def _chain(events: Sequence[AuditEvent]) -> None:
    last = AuditEvent.objects.filter(pk__lt=events[0].pk).order_by("-pk").values_list("hash", flat=True).first()
    hashes = list(accumulate(events, lambda before, event: hash_of(event, before), initial=last or ""))
    rows = pl.DataFrame({"id": [event.pk for event in events], "previous_hash": hashes[:-1], "hash": hashes[1:]})
    stage(AuditEvent, rows, ["id"]).update()


def hash_of(event: AuditEvent, before: str) -> str:
    """The hash of an event after the one with the hash `before`."""
    fields = [getattr(event, name) for name in FIELDS]
    fields[1] = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps([before, *fields], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def breaks() -> Iterator[Break]:
    """Walk the whole chain and name where it does not hold, in constant memory."""
    before, is_over = "", False
    for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=5_000):
        if event.hash is None:
            is_over = True
            continue
        if is_over:
            yield Break(event.pk, "an event before it is not sealed: it was added later, or its hash was removed")
            is_over = False
        if event.previous_hash != before:
            yield Break(event.pk, "the event before it was removed, added or sealed anew")
        elif event.hash != hash_of(event, before):
            yield Break(event.pk, "it was changed after it was sealed")
        before = event.hash


def has(head: str) -> bool:
    """Whether an event with this hash is in the chain."""
    return AuditEvent.objects.filter(hash=head).exists()


def head() -> tuple[int, str]:
    """How many events are sealed, and the hash of the last."""
    sealed = AuditEvent.objects.filter(hash__isnull=False)
    return sealed.count(), sealed.order_by("-pk").values_list("hash", flat=True).first() or ""


def unsealed() -> int:
    """How many events wait to be sealed."""
    return AuditEvent.objects.filter(hash=None).count()
