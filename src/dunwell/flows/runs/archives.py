"""Which archives are there, which are needed, and which may go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final

from django.conf import settings
from django.db.models import Q

from dunwell.records import archive
from dunwell.records.models import Run, RunEdit, RunShard, RunState

# What is being written now is named by no run yet.
SAFE_AGE: Final = timedelta(days=1)
OVER: Final = (RunState.DONE, RunState.CANCELLED, RunState.SUPERSEDED, RunState.REVERSED)


@dataclass(frozen=True)
class Swept:
    """How many archives went: those that no run names, and those that retention no longer keeps."""

    orphans: int
    expired: int


def sweep(*, at: datetime) -> Swept:
    """Remove archives that no run names, left by a proposal that came to nothing, and those past their retention.

    Only what is older than SAFE_AGE: what is being written now is named later. Errors: OSError.
    """
    orphans = [path for path in _orphans(settings.CONFIG.archive_dir) if _age(path, at) > SAFE_AGE]
    expired = list(_expired(at))
    for path in (*orphans, *expired):
        rmtree(path)
    return Swept(len(orphans), len(expired))


def _orphans(folder: Path) -> Iterator[Path]:
    """Archives without a run, and folders that were never finished."""
    found = list(archive.kept(folder))
    named = _named(Q())
    return (path for path in found if path.name not in named)


def _expired(at: datetime) -> Iterator[Path]:
    """Archives of runs that ended so long ago that the setting lets them go; none that another run still needs."""
    days = settings.CONFIG.archive_retention_days
    if days is None:
        return
    ended = Q(state__in=OVER, proposed_at__lt=at - timedelta(days=days))
    mine, needed = _named(ended), _named(~ended)
    for digest in sorted(mine - needed):
        path = settings.CONFIG.archive_dir / digest
        if digest and path.is_dir():
            yield path


def _named(which: Q) -> set[str]:
    """The archives of some runs: their own, those of their shards, and those of their changes."""
    runs = Run.objects.filter(which)
    found = set(runs.values_list("archive_digest", flat=True))
    for model in (RunShard, RunEdit):
        found.update(model.objects.filter(run__in=runs).values_list("archive_digest", flat=True))
    return found


def _age(path: Path, at: datetime) -> timedelta:
    return at - datetime.fromtimestamp(path.stat().st_mtime, UTC)
