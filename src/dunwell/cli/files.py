"""Files that other programs wait for: written whole or not at all, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from dunwell.flows.outfiles import FORMULAS, require_apart, require_different, require_plain, write


def write_whole(path: Path, content: str | bytes, *, option: str = "--out") -> None:
    """Write a whole file or none: another program may be waiting for it.

    Errors: OSError; Invalid for a folder, a device or a pipe, and for what belongs to the book.
    """
    write_all([(path, content, option)])


def write_all(wanted: Sequence[tuple[Path, str | bytes, str]]) -> None:
    """Write files, all or none, each with the option that asks for it. Errors: as `write_whole`."""
    for path, _content, option in wanted:
        require_plain(path, option)
        require_apart(path, option)
    require_different([path for path, _content, _option in wanted], " and ".join(option for *_rest, option in wanted))
    write([(path, partial(_encoded, content)) for path, content, _option in wanted])


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


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
