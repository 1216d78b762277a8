"""The archive: what a run read and decided, as Parquet under the run's digest.

Written to a temporary name, synced, and renamed by digest before the transaction that records the run.
Names and addresses stay out of it.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import polars as pl

from dunwell.engine.book import KEYS, Book
from dunwell.engine.plan import Plan

ROW_GROUP_SIZE: Final = 100_000
MANIFEST: Final = "manifest.json"
PACKAGES: Final = ("dunwell", "polars")


class ArchiveError(RuntimeError):
    """An archive that is missing or not what its digest says."""


def write(folder: Path, book: Book, plan: Plan, *, about: dict[str, Any]) -> str:
    """Keep a book and the plan made of it; return the digest they are found under. The same content is kept once.

    `about`: what else is needed to decide again, as JSON values. Errors: OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        files = {f"plan-{field.name}": getattr(plan, field.name) for field in fields(plan)}
        for field in fields(book):
            frame: pl.DataFrame = getattr(book, field.name)
            files[f"book-{field.name}"] = frame.sort(KEYS.get(field.name, frame.columns))
        digests = {name: _write_frame(temporary / f"{name}.parquet", frame) for name, frame in files.items()}
        packages = {name: version(name) for name in PACKAGES}
        manifest = json.dumps({"files": digests, "packages": packages, **about}, sort_keys=True, indent=1).encode()
        _sync_bytes(temporary / MANIFEST, manifest)
        digest = hashlib.sha256(manifest).hexdigest()
        if not (folder / digest).exists():
            _sync_folder(temporary)
            try:
                temporary.rename(folder / digest)
            except OSError:
                if not (folder / digest).exists():
                    raise  # else another proposal of the same content came first
            _sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return digest


def decision(folder: Path, digest: str, item_id: int) -> dict[str, Any] | None:
    """Return what a run decided on one item, or None if the item was not in it. Errors: ArchiveError."""
    found = _scan(folder, digest, "plan-decisions").filter(pl.col("item_id") == item_id).collect()
    return found.row(0, named=True) if found.height else None


def plan_table(folder: Path, digest: str, name: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return one of the plan's tables as it was kept, or only some of its columns. Errors: ArchiveError."""
    return _scan(folder, digest, f"plan-{name}").select(columns or pl.all()).collect()


def _scan(folder: Path, digest: str, name: str) -> pl.LazyFrame:
    path = folder / digest / f"{name}.parquet"
    if not path.exists():
        raise ArchiveError(f"the archive {digest[:12]} is not in {folder}: restore it from a backup")
    return pl.scan_parquet(path)


def _write_frame(path: Path, frame: pl.DataFrame) -> str:
    with path.open("w+b") as file:
        frame.rechunk().write_parquet(file, row_group_size=ROW_GROUP_SIZE, statistics=True)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
