"""A book for one command: filled from a file, in a folder that goes with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dunwell.cli import clock
from dunwell.cli.book import DATABASE_VARIABLES
from dunwell.cli.doors import WrongUsage, open_book
from dunwell.config import PREFIX

if TYPE_CHECKING:
    from dunwell.flows.progress import Progress


@contextmanager
def book_of(file: Path | None, mapping: Path | None, tell: "Progress") -> Iterator[None]:
    """Let the book be one of a file of items, as its mapping reads it; without a file it is the one that is there.

    Errors: WrongUsage; those of an import.
    """
    if (file is None) != (mapping is None):
        raise WrongUsage("--file and --mapping belong together: a table of items, and how it is read")
    if file is None or mapping is None:
        yield
        return
    with TemporaryDirectory(prefix="dunwell-", ignore_cleanup_errors=True) as folder:
        for name in DATABASE_VARIABLES:
            os.environ.pop(name, None)
        os.environ[f"{PREFIX}HOME"] = folder
        os.environ[DATABASE_VARIABLES[0]] = f"sqlite:///{folder}/dunwell.sqlite3"
        open_book(must_exist=False)
        from dunwell.flows.book.importing import import_file
        from dunwell.flows.book.starting import start_book

        tell("making a book for the moment")
        start_book(Path(folder), by=clock.actor(), at=clock.now())
        import_file(file, mapping, by=clock.actor(), at=clock.now(), on=clock.today(), progress=tell)
        yield
