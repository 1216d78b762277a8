"""What runs need of the archive, which archives are there, and which may go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final

import polars as pl
from django.conf import settings
from django.db.models import Q

from dunwell.flows.errors import Conflict
from dunwell.records import archive
from dunwell.records.models import Run, RunEdit, RunShard, RunState

# What is being written now is named by no run yet.
SAFE_AGE: Final = timedelta(days=1)
OVER: Final = (RunState.DONE, RunState.CANCELLED, RunState.SUPERSEDED, RunState.REVERSED)


def archived(run_id: int, digest: str, name: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return a table that a run goes on with, such as `plan-notices`. Errors: Conflict where it is gone or altered."""
    try:
        return archive.table(settings.CONFIG.archive_dir, digest, name, columns)
    except archive.ArchiveError as error:
        raise Conflict(f"nothing can be done with run {run_id}: {error}, or propose anew") from None


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


def incomplete(*, at: datetime) -> tuple[int, list[str]]:
    """How many archives must be there, and what is wrong with those that are not whole. Nothing past its retention."""
    digests = _named(Q()) - {""}
    if (past := _past_retention(at)) is not None:
        digests -= _named(past) - _named(~past)
    wrong = (archive.lacking(settings.CONFIG.archive_dir, digest) for digest in sorted(digests))
    return len(digests), [each for each in wrong if each]


def _orphans(folder: Path) -> Iterator[Path]:
    """Archives without a run, and folders that were never finished."""
    found = list(archive.kept(folder))
    named = _named(Q())
    return (path for path in found if path.name not in named)


def _expired(at: datetime) -> Iterator[Path]:
    """Archives of runs that ended so long ago that the setting lets them go; none that another run still needs."""
    past = _past_retention(at)
    for digest in sorted(_named(past) - _named(~past)) if past else ():
        path = settings.CONFIG.archive_dir / digest
        if digest and path.is_dir():
            yield path


def _past_retention(at: datetime) -> Q | None:
    """The runs that ended so long ago that their archives may go; None where all are kept."""
    days = settings.CONFIG.archive_retention_days
    return None if days is None else Q(state__in=OVER, proposed_at__lt=at - timedelta(days=days))


def _named(which: Q) -> set[str]:
    """The archives of some runs: their own, those of their shards, and those of their changes."""
    runs = Run.objects.filter(which)
    found = set(runs.values_list("archive_digest", flat=True))
    for model in (RunShard, RunEdit):
        found.update(model.objects.filter(run__in=runs).values_list("archive_digest", flat=True))
    return found


def _age(path: Path, at: datetime) -> timedelta:
    return at - datetime.fromtimestamp(path.stat().st_mtime, UTC)
