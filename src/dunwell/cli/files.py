"""Files that other programs wait for: written whole or not at all, and harmless in a spreadsheet."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dunwell.flows.errors import Invalid

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_whole(path: Path, content: str | bytes, *, option: str = "--out") -> None:
    """Write a whole file or none: another program may be waiting for it.

    A link stays one, and what it leads to is written. Errors: OSError; Invalid for a folder, a device or a pipe.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise Invalid(f"{option}: {path} is no regular file")
    written = target.with_name(f".{target.name}.{os.getpid()}.writing")
    try:
        written.unlink(missing_ok=True)  # of a process of this number that was killed
        with written.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as CSV, lines ended by a line feed."""
    text = _Lines()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: harmless(row.get(name)) for name in columns} for row in rows)
    return text.getvalue()


def harmless(value: object) -> object:
    """Put an apostrophe before what a spreadsheet would take for a formula, as a debtor or item may be called."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


class _Lines(io.StringIO):
    """Lines that end with a line feed alone; told to end them so, the writer would leave a carriage return bare."""

    def write(self, text: str, /) -> int:
        """Take a row."""
        return super().write(text.removesuffix("\r\n") + "\n")
