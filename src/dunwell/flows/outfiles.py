"""Files that people ask for: whole or not there, readable by whom they were, and never over the book."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from dunwell.channels.files import NewFile
from dunwell.config import FILE_NAME, load
from dunwell.flows.errors import Invalid

BESIDE_DATABASE: Final = ("", "-wal", "-shm", "-journal")  # what SQLite keeps of a database
POLICY_FOLDER: Final = "policies"
NEW_FILE_MODE: Final = 0o666  # less what the umask takes
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet takes for the beginning of one


def require_apart(path: Path, option: str = "") -> None:
    """Refuse what would be written over the book: its database, its settings, and what is in its folders.

    Errors: Invalid; ConfigError.
    """
    target = Path(os.path.realpath(path))
    files, folders = _own()
    is_own = any(_is_same(target, own) for own in files) or any(
        folder in {target, *target.parents} for folder in folders
    )
    if is_own:
        raise Invalid(f"{_said(option)}{path} belongs to the book: nothing is written over it, nor into its folders")


def require_plain(path: Path, option: str = "") -> None:
    """Refuse what is there and no regular file, such as a folder, a device or a pipe. Errors: Invalid."""
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise Invalid(f"{_said(option)}{path} is there and no regular file: nothing is written over it")


def require_different(paths: Sequence[Path], what: str) -> None:
    """Refuse two that are one file. Errors: Invalid."""
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise Invalid(f"{what} are to be written to the same file")


def write(wanted: Iterable[tuple[Path, Callable[[], bytes]]]) -> None:
    """Write files, all or none: none has its name before all are on the disk.

    One that is there keeps who may read it; a link stays one, and what it leads to is written. Errors: OSError; Invalid
    for what belongs to the book.
    """
    begun: list[NewFile] = []
    try:
        for path, content in wanted:
            require_apart(path)
            target = Path(os.path.realpath(path))
            begun.append(NewFile.begin(target, content(), mode=NEW_FILE_MODE))
            if target.exists():
                os.fchmod(begun[-1].descriptor, stat.S_IMODE(target.stat().st_mode))
        while begun:
            begun[0].end()
            begun.pop(0)
    finally:
        for unfinished in begun:
            unfinished.give_up()


def _own() -> tuple[list[Path], list[Path]]:
    """The files of the book, and its folders; one that holds all of the book is no folder of its own."""
    config = load()
    home = Path(os.path.realpath(config.home))
    files = [home / FILE_NAME]
    if database := config.database_file:
        files += [Path(os.path.realpath(f"{database}{ending}")) for ending in BESIDE_DATABASE]
    every = (home / POLICY_FOLDER, config.archive_dir, config.outbox_dir, config.templates_dir)
    return files, list(_below(home, every))


def _below(home: Path, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        real = Path(os.path.realpath(folder))
        if real != home and real not in home.parents:
            yield real


def _is_same(target: Path, own: Path) -> bool:
    """Also by another spelling, where a disk takes large and small letters for one."""
    return target == own or (target.exists() and own.exists() and target.samefile(own))


def _said(option: str) -> str:
    return f"{option}: " if option else ""
