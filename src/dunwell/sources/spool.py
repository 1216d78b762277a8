"""Typed rows laid aside until the whole file is checked: a few in memory, many in a temporary file without a name."""

import io
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, Final

import polars as pl

ROWS_PER_PART: Final = 200_000


class Spool:
    """Rows in the order in which they were laid aside, given back in parts of about ROWS_PER_PART.

    The file is gone with the process, however that ends. Errors: OSError, such as a full disk.
    """

    def __init__(self) -> None:
        self._last: list[pl.DataFrame] = []
        self._places: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None
        self.height = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Lay rows aside, where there are any."""
        if rows.is_empty():
            return
        self._last.append(rows)
        self.height += rows.height
        if sum(part.height for part in self._last) >= ROWS_PER_PART:
            self._write(pl.concat(self._last, rechunk=True))
            self._last = []

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for start, length in self._places:
            yield self._read(start, length)
        if self._last:
            yield pl.concat(self._last, rechunk=True)

    def _write(self, part: pl.DataFrame) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="dunwell-import-")  # noqa: SIM115  # closed with the spool
            weakref.finalize(self, self._file.close)
        packed = io.BytesIO()
        part.write_ipc(packed, compression="lz4")
        start = self._file.seek(0, io.SEEK_END)
        self._file.write(packed.getbuffer())
        self._file.flush()
        self._places.append((start, packed.tell()))

    def _read(self, start: int, length: int) -> pl.DataFrame:
        if self._file is None:
            raise AssertionError("a part that was written is in a file")
        self._file.seek(start)
        return pl.read_ipc(io.BytesIO(self._file.read(length)))
