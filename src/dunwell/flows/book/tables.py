"""Files that are imported, of whatever: their mapping, their digest, and how one says that they are refused."""

import errno
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from dunwell.engine.documents import DocumentError
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.progress import Progress
from dunwell.sources.mapping import AccountMapping, ItemMapping, read_mapping
from dunwell.sources.problems import SourceError
from dunwell.sources.tables import Progress as Told

Read = TypeVar("Read")


def read_from(path: Path) -> ItemMapping | AccountMapping:
    """Read a mapping file of items or accounts. Errors: NotFound; Invalid with the line of every problem."""
    return mapped_by(path, read_mapping)


def mapped_by(path: Path, read: Callable[[str, str], Read]) -> Read:
    """Read a mapping file by `read`, of its text and its name. Errors: NotFound; Invalid with every problem's line."""
    try:
        return read(path.read_text(encoding="utf-8"), path.name)
    except DocumentError as error:
        raise Invalid("the mapping cannot be taken", [str(each) for each in error.problems]) from None
    except UnicodeDecodeError:
        raise Invalid(f"{path.name} is not UTF-8") from None
    except OSError as error:
        raise NotFound(f"the mapping {path} cannot be read: {error.strerror}") from None


def read_table(path: Path, read: Callable[[Told], Read], progress: Progress) -> tuple[Read, str]:
    """Read a file by `read`; return what it says, and its SHA-256. Errors: NotFound; Invalid; Conflict."""
    try:
        progress(f"reading {path.name}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with refusing(path):
            return read(partial(progress, f"reading {path.name}")), digest
    except OSError as error:
        if error.errno == errno.ENOSPC:
            where = f"the folder for temporary files, {tempfile.gettempdir()}, is full"
            raise Conflict(f"{where}: make room, or set TMPDIR; nothing was written") from None
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Say that a file was refused, with its problems. Errors: Invalid."""
    try:
        yield
    except SourceError as error:
        count = f"{error.count:,} problem{'' if error.count == 1 else 's'}"
        more = error.count - len(error.problems)
        rest = [f"and {more:,} more"] if more else []
        raise Invalid(f"{path.name}: {count}; nothing was written", [*map(str, error.problems), *rest]) from None
