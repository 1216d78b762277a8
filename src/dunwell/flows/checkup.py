"""Whether everything is in order, for a person who wonders why something does not work."""

import os
import platform
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from dunwell import __version__
from dunwell.config import unknown_variables
from dunwell.flows import policies, wording
from dunwell.flows.errors import Invalid
from dunwell.flows.law.listing import overruled_of
from dunwell.flows.law.series import described_series
from dunwell.flows.runs.archives import incomplete
from dunwell.records import queue
from dunwell.records.connect import is_postgresql
from dunwell.records.models import Delivery, DeliveryState, Entity, Item, Run, Task


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    is_fine: bool
    found: str


def check_up(*, at: datetime) -> list[Finding]:
    """Look at versions, database, folders, templates, policies, the book, the archives, and what waits.

    A broken database ends the list.
    """
    findings = [Finding("versions", is_fine=True, found=f"dunwell {__version__}, Python {platform.python_version()}")]
    database = _database()
    findings += [_settings(), database, _templates()]
    findings += [_folder("archive", settings.CONFIG.archive_dir), _folder("outbox", settings.CONFIG.outbox_dir)]
    if not database.is_fine:
        return findings
    findings += [_policies(entity) for entity in Entity.objects.order_by("code") or [None]]
    findings += [_book(), _archives(at)]
    return findings + _rates() + _creditors() + _waiting()


def _settings() -> Finding:
    home = str(settings.CONFIG.home)
    if ignored := unknown_variables():
        return Finding(
            "settings", is_fine=True, found=f"{home}; {', '.join(ignored)}: no setting is called so, ignored"
        )
    return Finding("settings", is_fine=True, found=home)


def _database() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Finding("database", is_fine=False, found=f"it does not answer: {str(error).strip()}")
    name = "PostgreSQL" if is_postgresql() else f"SQLite {'.'.join(map(str, connection.get_database_version()))}"
    if missing:
        return Finding("database", is_fine=False, found=f"{name}, {len(missing)} migrations missing: run dunwell init")
    return Finding("database", is_fine=True, found=f"{name}, up to date")


def _folder(what: str, path: Path) -> Finding:
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        return Finding(what, is_fine=False, found=f"{path} cannot be written to")
    return Finding(what, is_fine=True, found=str(path))


def _templates() -> Finding:
    try:
        wording.words_in_force()
        count = len(wording.own_templates())
    except Invalid as error:
        return Finding("templates", is_fine=False, found=str(error))
    return Finding("templates", is_fine=True, found=f"{count} of your own" if count else "those of Dunwell")


def _policies(entity: Entity | None) -> Finding:
    what = f"policies of {entity.code}" if entity else "policies"
    try:
        found = policies.parsed(policies.versions_in_force(entity))
    except Invalid as error:
        return Finding(what, is_fine=False, found=str(error))
    names = ", ".join(policy.policy for policy in found)
    return Finding(what, is_fine=bool(found), found=names or "none in force: dunwell policy apply FILE")


def _book() -> Finding:
    open_items = Item.objects.filter(closed_on=None).count()
    runs = Run.objects.exclude(posted_at=None).count()
    return Finding(
        "book", is_fine=True, found=f"{Entity.objects.count()} entities, {open_items:,} open items, {runs} runs posted"
    )


def _rates() -> list[Finding]:
    """Series of which something else was added here than this Dunwell says: it holds, and what was charged may not."""
    findings = []
    for name, known in described_series().items():
        if days := overruled_of(known):
            first, more = days[0], f"; {len(days) - 1} more: dunwell rates list {name}" if len(days) > 1 else ""
            found = f"{first.added} was added from {first.from_on} to {first.until_on}, where {first.holds} comes with"
            told = f"{found} Dunwell and holds{more}: look at what was charged by it"
            findings.append(Finding(f"rates {name}", is_fine=True, found=told))
    return findings


def _creditors() -> list[Finding]:
    """Entities whose letters do not say where to pay; some have a reason for it."""
    without = list(Entity.objects.filter(iban="").order_by("code").values_list("code", flat=True))
    if not without:
        return []
    found = f"no bank account on the letters of {', '.join(without)}: dunwell entity set {without[0]} --iban IBAN"
    return [Finding("creditors", is_fine=True, found=found)]


def _archives(at: datetime) -> Finding:
    kept, wrong = incomplete(at=at)
    if wrong:
        return Finding("runs' archives", is_fine=False, found=f"{len(wrong)} of {kept} not whole; first {wrong[0]}")
    return Finding("runs' archives", is_fine=True, found=f"{kept} there")


def _waiting() -> list[Finding]:
    doubtful = Delivery.objects.filter(state=DeliveryState.IN_DOUBT).count()
    queued = Delivery.objects.filter(state__in=[DeliveryState.QUEUED, DeliveryState.RETRYING]).count()
    claimed = Delivery.objects.filter(state=DeliveryState.CLAIMED).count()
    tasks = Task.objects.filter(closed_at=None).count()
    found = f"{queued} waiting, {claimed} being sent, {doubtful} in doubt"
    return [
        Finding("deliveries", is_fine=doubtful == 0, found=found),
        *_workers(),
        Finding("tasks", is_fine=True, found=f"{tasks} open{': dunwell task list' if tasks else ''}"),
    ]


def _workers() -> list[Finding]:
    """On PostgreSQL, whether a worker is up where runs are to begin by themselves."""
    scheduled = list(Entity.objects.exclude(run_at=None).order_by("code").values_list("code", flat=True))
    if not is_postgresql():
        return []
    alive = len(queue.workers_alive())
    missing = f"; none for the runs of {', '.join(scheduled)}: dunwell up" if scheduled and not alive else ""
    return [Finding("workers", is_fine=not missing, found=f"{alive} up{missing}")]
