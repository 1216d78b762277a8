"""The archive: what a run read and decided, as Parquet under the run's digest.

Written to a temporary name, synced, and renamed by digest before the transaction that records the run.
Names and addresses stay out of it.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import polars as pl

from dunwell.engine.book import KEYS, Book
from dunwell.engine.plan import Plan

ROW_GROUP_SIZE: Final = 100_000
MANIFEST: Final = "manifest.json"
WRITING: Final = ".writing-"  # what an archive is called before it is whole
PACKAGES: Final = ("dunwell", "polars", "holidays")


class ArchiveError(RuntimeError):
    """An archive that is missing or not what its digest says."""


def write(folder: Path, book: Book, plan: Plan, *, about: dict[str, Any]) -> str:
    """Keep a book and the plan made of it; return the digest they are found under. The same content is kept once.

    `about`: what else is needed to decide again, as JSON values. Errors: OSError.
    """
    files = {f"plan-{field.name}": getattr(plan, field.name) for field in fields(plan)}
    for field in fields(book):
        frame: pl.DataFrame = getattr(book, field.name)
        files[f"book-{field.name}"] = frame.sort(KEYS.get(field.name, frame.columns))
    return _keep(folder, files, about)


def join(folder: Path, digests: Sequence[str], *, about: dict[str, Any]) -> str:
    """Keep that these archives are the parts of one, in order of their shards; return the digest of the whole.

    A single part is the whole. Errors: OSError.
    """
    return digests[0] if len(digests) == 1 else _keep(folder, {}, {"parts": list(digests), **about})


def parts(folder: Path, digest: str) -> list[str]:
    """The digests of the archives that one consists of: itself, or a part for each shard. Errors: ArchiveError."""
    found: list[str] = manifest(folder, digest).get("parts", [digest])
    return found


def decision(folder: Path, digest: str, item_id: int, account_id: int) -> dict[str, Any] | None:
    """Return what a run decided on one item of an account, or None if it was not in it. Errors: ArchiveError.

    Every file that is looked into is held against its digest first: mostly the one of the account's own shard.
    """
    is_it = (pl.col("item_id") == item_id) & (pl.col("account_id") == account_id)  # the file is in order of accounts
    shards = parts(folder, digest)
    own = account_id % len(shards)  # the shard of who pays for themselves: most do
    for part in (*shards[own:], *shards[:own]):
        found = _checked(folder, part, "plan-decisions").filter(is_it).collect()
        if found.height:
            return found.row(0, named=True)
    return None


def table(folder: Path, digest: str, name: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return a table as it was kept, such as `plan-notices` or `book-items`, or only some of its columns.

    Errors: ArchiveError.
    """
    return _checked(folder, digest, name).select(columns or pl.all()).collect()


def plan(folder: Path, digest: str) -> Plan:
    """Return the plan as it was kept. Errors: ArchiveError."""
    return Plan(**{field.name: _checked(folder, digest, f"plan-{field.name}").collect() for field in fields(Plan)})


def book(folder: Path, digest: str) -> Book:
    """Return the book as it was kept. Errors: ArchiveError."""
    return Book(**{field.name: _checked(folder, digest, f"book-{field.name}").collect() for field in fields(Book)})


def manifest(folder: Path, digest: str) -> dict[str, Any]:
    """Return what is kept about a run: `files` with their digests, `packages`, and what `write` was told.

    Errors: ArchiveError where it is missing or not what the digest says.
    """
    path = _path(folder, digest, MANIFEST)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise _altered(path)
    return dict(json.loads(content))


def lacking(folder: Path, digest: str) -> str:
    """Say what is missing of an archive, or altered in its manifest; nothing where all is there.

    Its files are not read: `replay` and posting hold them against their digests.
    """
    try:
        for name in manifest(folder, digest)["files"]:
            _path(folder, digest, name)
    except ArchiveError as error:
        return str(error)
    return ""


def digest_of(frame: pl.DataFrame) -> str:
    """The digest of the file that a frame would be kept in."""
    content = io.BytesIO()
    _write(content, frame)
    return hashlib.sha256(content.getbuffer()).hexdigest()


def packages() -> dict[str, str]:
    """The versions of what decides and writes."""
    return {name: version(name) for name in PACKAGES}


def kept(folder: Path) -> Iterator[Path]:
    """The archives in a folder, and what was left half written."""
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_dir())


def _keep(folder: Path, files: Mapping[str, pl.DataFrame], about: Mapping[str, Any]) -> str:
    """Write files and a manifest to a temporary name, and rename it to the manifest's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=WRITING, dir=folder))
    try:
        digests = {name: _write_frame(temporary / f"{name}.parquet", frame) for name, frame in files.items()}
        content = json.dumps({"files": digests, "packages": packages(), **about}, sort_keys=True, indent=1).encode()
        _sync_bytes(temporary / MANIFEST, content)
        digest = hashlib.sha256(content).hexdigest()
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


def _checked(folder: Path, digest: str, name: str) -> pl.LazyFrame:
    """A file of an archive that is what it was when it was written. Errors: ArchiveError."""
    wanted = manifest(folder, digest)["files"].get(name)
    path = _path(folder, digest, name)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
            raise _altered(path)
    return pl.scan_parquet(path)


def _altered(path: Path) -> ArchiveError:
    return ArchiveError(f"{path} was altered: restore the archive from a backup")


def _path(folder: Path, digest: str, name: str) -> Path:
    path = folder / digest / (name if name == MANIFEST else f"{name}.parquet")
    if not (folder / digest).exists():
        raise ArchiveError(f"the archive {digest[:12]} is not in {folder}: restore it from a backup")
    if not path.exists():
        raise ArchiveError(f"{path} is missing: restore the archive from a backup")
    return path


def _write(file: IO[bytes], frame: pl.DataFrame) -> None:
    frame.rechunk().write_parquet(file, row_group_size=ROW_GROUP_SIZE, statistics=True)


def _write_frame(path: Path, frame: pl.DataFrame) -> str:
    with path.open("w+b") as file:
        _write(file, frame)
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
