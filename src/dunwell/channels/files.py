"""Files that are whole or not there: written under another name, put on the disk, and then renamed."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class NewFile:
    """A file that is written and not yet known to be on the disk, under a name that nobody picks up."""

    path: Path
    unfinished: Path
    descriptor: int

    @classmethod
    def begin(cls, path: Path, content: bytes, *, mode: int = 0o640) -> Self:
        """Write the content, under a name with a dot; `mode`: who may read it, less the umask. Errors: OSError."""
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        begun = cls(path, unfinished, descriptor)
        try:
            while content:
                content = content[os.write(descriptor, content) :]
        except OSError:
            begun.give_up()
            raise
        return begun

    def end(self) -> None:
        """Wait until the content is on the disk, then give the file its name. Errors: OSError."""
        try:
            os.fsync(self.descriptor)
            self.unfinished.replace(self.path)
        except OSError:
            self.give_up()
            raise
        os.close(self.descriptor)

    def give_up(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            os.close(self.descriptor)
        with suppress(OSError):
            self.unfinished.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk. Errors: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
