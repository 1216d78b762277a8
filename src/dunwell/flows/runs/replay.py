"""Decide a run again from its archive, and say whether it comes out the same."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

import polars as pl
from django.conf import settings

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.plan import SORT_KEYS, Plan
from dunwell.flows import policies
from dunwell.flows.errors import Conflict
from dunwell.flows.runs.locked import run_called
from dunwell.records import archive
from dunwell.records.models import RunEdit

OF_RUN: Final = "the run"


@dataclass(frozen=True)
class Difference:
    """A table that came out otherwise: how many rows, and the first of them, as it was kept and as it is now."""

    of: str  # the run, or a change of it
    table: str
    rows: int
    kept: str
    now: str


@dataclass(frozen=True)
class Replay:
    """What replaying a run came to."""

    items: int
    changes: int  # of the proposal, each decided again as well
    identical_bytes: bool  # under the same versions, the files are the same byte for byte
    same_versions: bool
    differences: list[Difference]


def replay_run(run_id: int) -> Replay:
    """Decide a run again, with every change of the proposal, from what its archives keep.

    Under the versions that decided it the files must be the same byte for byte, under others the rows. Errors:
    NotFound; Conflict for an archive that is missing or was altered; Invalid for a policy that no longer parses.
    """
    run = run_called(run_id)
    if not run.archive_digest:
        raise Conflict(f"run {run_id} is {run.state}, and was never decided whole")
    changes = RunEdit.objects.filter(run=run).order_by("pk").values_list("pk", "archive_digest")
    try:
        parts = archive.parts(settings.CONFIG.archive_dir, run.archive_digest)
        of_run = [_replay(OF_RUN if len(parts) == 1 else f"shard {n}", digest) for n, digest in enumerate(parts)]
        of_changes = [_replay(f"change {number}", digest) for number, digest in changes]
    except archive.ArchiveError as error:
        raise Conflict(str(error)) from None
    replayed = [*of_run, *of_changes]
    return Replay(
        items=sum(each.items for each in of_run),
        changes=len(of_changes),
        identical_bytes=all(each.identical_bytes for each in replayed),
        same_versions=all(each.same_versions for each in replayed),
        differences=[difference for each in replayed for difference in each.differences],
    )


def _replay(of: str, digest: str) -> Replay:
    folder = settings.CONFIG.archive_dir
    about = archive.manifest(folder, digest)
    book, kept = archive.book(folder, digest), archive.plan(folder, digest)
    now = decide(book, policies.of_a_run(about), date.fromisoformat(about["as_of"]))
    written = {f"plan-{field.name}": archive.digest_of(getattr(now, field.name)) for field in fields(Plan)}
    read = {f"book-{field.name}": archive.digest_of(getattr(book, field.name)) for field in fields(Book)}
    return Replay(
        items=now.decisions.height,
        changes=0,
        identical_bytes={**written, **read} == about["files"],
        same_versions=about["packages"] == archive.packages(),
        differences=list(_differences(of, kept, now)),
    )


def _differences(of: str, kept: Plan, now: Plan) -> Iterator[Difference]:
    for field in fields(Plan):
        before, after = getattr(kept, field.name), getattr(now, field.name)
        if before.equals(after):
            continue
        gone = before.join(after, on=before.columns, how="anti", nulls_equal=True)
        new = after.join(before, on=before.columns, how="anti", nulls_equal=True)
        first = pl.concat([gone, new]).sort(SORT_KEYS[field.name]).head(1)
        key = SORT_KEYS[field.name]
        yield Difference(
            of=of,
            table=field.name,
            rows=max(gone.height, new.height),
            kept=_shown(gone.join(first, on=key, how="semi", nulls_equal=True)),
            now=_shown(new.join(first, on=key, how="semi", nulls_equal=True)),
        )


def _shown(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "nothing"
    return ", ".join(f"{name} {value}" for name, value in rows.row(0, named=True).items() if value is not None)
