"""CSV, plain or gzipped, as batches of texts: every row with the line it begins on.

Lines are read as bytes, so that a byte which is not of the encoding has its line too.
"""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Final

import polars as pl

from dunwell.sources.mapping import Layout
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE, Progress, column, places, stripped

BYTES_PER_BATCH: Final = 4 * 1024**2
LINE_BYTES_MAX: Final = 1_000_000
GZIP_MAGIC: Final = b"\x1f\x8b"
BARE_CR: Final = (
    "a carriage return (CR) stands here without a line feed (LF), as at the line ends of old Mac programs; save the"
    " file with the line ends of Windows or Unix (in Excel as `CSV UTF-8`), and put a text that holds one in quotes"
)


class _UnreadableError(Exception):
    """A line after which nothing can be read: its message."""


@dataclass
class _Reading:
    """Where the row under way begins."""

    line: int


def batches(
    path: Path, mapping: Layout, problems: Problems, progress: Progress | None = None
) -> Iterator[pl.DataFrame]:
    """Read the columns that `mapping` names, as stripped texts: `line`, and `column(name)` for each.

    What is wrong with the file itself, or with how many fields a row has, goes to `problems`; such rows are left out.
    """
    with _opened(path) as (lines, tell):
        reader = _Rows(lines, mapping, problems)
        found = reader.header()
        if found is None:
            return
        size = path.stat().st_size
        for batch in reader.batches(found):
            yield stripped(batch)
            if progress:
                progress(tell(), size)


def _frame(begins: list[int], rows: list[tuple[str, ...]], names: list[str]) -> pl.DataFrame:
    """Turn rows into columns."""
    data = {LINE: pl.Series(LINE, begins, dtype=pl.Int64)}
    texts = zip(*rows, strict=True) if rows else [()] * len(names)
    for name, fields in zip(names, texts, strict=True):
        data[column(name)] = pl.Series(fields, dtype=pl.String)
    return pl.DataFrame(data)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Open a file, unpacked if it is gzip, and tell how far it has been read."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == GZIP_MAGIC
        if packed:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield io.BufferedReader(unpacked, 1 << 20), raw.tell
        else:
            yield raw, raw.tell


class _Rows:
    """The rows of one file, with the line each begins on."""

    def __init__(self, lines: IO[bytes], mapping: Layout, problems: Problems) -> None:
        self._lines = lines
        self._mapping = mapping
        self._problems = problems
        self._width = 0
        self._waiting: deque[bytes] = deque()
        self._at_once = 0  # lines that the row-by-row reader has not seen
        self._reader = csv.reader(self._texts(), delimiter=mapping.delimiter, strict=True)

    def header(self) -> dict[str, int] | None:
        """Read the first row: where each column of the mapping stands, or None where one cannot go on."""
        with self._to_the_end(1):
            for _ in range(self._mapping.header - 1):
                next(self._reader, None)
            line = self._line
            header = self._lines.readline(LINE_BYTES_MAX + 1)
            if other := self._other_delimiter(header.decode(self._mapping.encoding, "replace")):
                advice = f"it seems to be {other!r}: say so with `delimiter` in the mapping"
                self._problems.add(line, "", f"{self._mapping.delimiter!r} does not part the columns; {advice}")
                return None
            self._waiting.append(header)
            names = [name.strip() for name in next(self._reader, [])]
            if not any(names):
                empty = "the file is empty" if line == 1 else "the line is empty or missing"
                self._problems.add(line, "", f"{empty}; its {_ordinal(self._mapping.header)} must name the columns")
                return None
            self._width = len(names)
            return places(names, self._mapping, self._problems)
        return None

    def batches(self, found: dict[str, int]) -> Iterator[pl.DataFrame]:
        """Yield `line` and the fields found of every row of the header's width, by batch; other rows are problems.

        A block in which nothing is quoted and every line is a whole row is read at once; every other row by row.
        """
        with self._to_the_end(self._line) as reading:
            while block := self._lines.read(BYTES_PER_BATCH):
                block += self._lines.readline(LINE_BYTES_MAX + 1)
                plain = self._plain(block, found)
                if plain is None:
                    self._waiting.extend(io.BytesIO(block))
                    yield from self._row_by_row(found, reading)
                else:
                    yield plain
                    self._at_once += plain.height
                reading.line = self._line

    def _plain(self, block: bytes, found: dict[str, int]) -> pl.DataFrame | None:
        """Read a block of whole lines at once, or None where it needs a closer look."""
        n = block.count(b"\n") + (not block.endswith(b"\n"))
        is_plain = (
            block.count(self._mapping.delimiter.encode()) == n * (self._width - 1)
            and b'"' not in block
            and b"\0" not in block
            and block.count(b"\r") == block.count(b"\r\n")
        )
        if not is_plain:
            return None
        try:
            names = self._mapping.delimiter.join(map(str, range(self._width)))
            text = f"{names}\n{block.decode(self._mapping.encoding)}"
            rows = pl.read_csv(
                text.encode(), separator=self._mapping.delimiter, quote_char=None,
                columns=[str(place) for place in found.values()], infer_schema=False,
            )  # fmt: skip
        except (UnicodeDecodeError, pl.exceptions.PolarsError):
            return None
        if rows.height != n:
            return None
        lines = pl.int_range(self._line, self._line + n, dtype=pl.Int64, eager=True)
        return rows.select(
            lines.alias(LINE), *(pl.col(str(place)).alias(column(name)) for name, place in found.items())
        )

    def _row_by_row(self, found: dict[str, int], reading: _Reading) -> Iterator[pl.DataFrame]:
        """Read what waits, and the row that begins there to its end."""
        pick = itemgetter(*found.values())
        begins: list[int] = []
        rows: list[tuple[str, ...]] = []
        line = self._line
        try:
            for row in self._reader:
                if len(row) == self._width:
                    begins.append(line)
                    rows.append(pick(row))
                elif row:  # a blank line is no row
                    self._problems.add(line, "", self._about_width(len(row)))
                reading.line = line = self._line
                if not self._waiting:
                    break
        finally:  # what is wrong with the rows before one that cannot be read is told, too
            if rows:
                yield _frame(begins, rows, list(found))

    @property
    def _line(self) -> int:
        """The line that comes next."""
        return self._at_once + self._reader.line_num + 1

    def _about_width(self, n: int) -> str:
        few = "few" if n < self._width else "many"
        advice = "a separator within a text must stand in quotes"
        return f"the row has too {few} fields: {n} instead of the header's {self._width}; {advice}"

    def _other_delimiter(self, header: str) -> str:
        """The sign that parts a header into columns of the mapping, where the mapping's own finds none of them."""
        wanted = set(self._mapping.columns)
        parting = [
            sign for sign in ",;\t|" if wanted.intersection(name.strip('\ufeff" \r\n') for name in header.split(sign))
        ]
        return "" if self._mapping.delimiter in parting else next(iter(parting), "")

    @contextmanager
    def _to_the_end(self, line: int) -> Iterator["_Reading"]:
        """Note what makes the rest of the file unreadable; `line` is where the row under way begins."""
        reading = _Reading(line)
        try:
            yield reading
        except csv.Error as error:
            self._problems.add(reading.line, "", f"the row that begins here is not CSV: {_meaning(str(error))}")
        except _UnreadableError as error:
            self._problems.add(self._line, "", str(error))
        except (EOFError, OSError, zlib.error) as error:
            message = f"the compressed file ends early or is damaged ({error}); copy it again"
            self._problems.add(self._line, "", message)

    def _texts(self) -> Iterator[str]:
        """Yield the lines as texts."""
        encoding: str = "utf-8-sig" if self._mapping.encoding == "utf-8" else self._mapping.encoding
        while line := self._waiting.popleft() if self._waiting else self._lines.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX:
                if b"\r" in line.rstrip(b"\r\n"):
                    raise _UnreadableError(BARE_CR)
                raise _UnreadableError(f"the line is longer than {LINE_BYTES_MAX:,} bytes: this is no table of items")
            if b"\0" in line:
                raise _UnreadableError(_about_nul(line))
            try:
                yield line.decode(encoding)
            except UnicodeDecodeError as error:
                raise _UnreadableError(self._about_encoding(line, error)) from None
            encoding = self._mapping.encoding  # a byte order mark stands at the beginning only

    def _about_encoding(self, line: bytes, error: UnicodeDecodeError) -> str:
        near = shown(line[max(0, error.start - 15) : error.start + 15].decode("ascii", "replace"))
        return (
            f"byte {error.start + 1} (0x{line[error.start]:02x}, near {near}) is not {self._mapping.encoding}; "
            "name the file's `encoding` in the mapping, often cp1252, or export it as UTF-8"
        )


def _ordinal(header: int) -> str:
    return "first line" if header == 1 else f"line {header}"


def _about_nul(line: bytes) -> str:
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or line.count(b"\0") * 3 > len(line):
        return "the file seems to be UTF-16; export it as UTF-8"
    return f"there is a NUL byte at byte {line.index(0) + 1}; the file is damaged or no text: export it again"


def _meaning(error: str) -> str:
    if "unexpected end" in error or "field larger" in error:
        return 'a quote (") opens a text and is never closed'
    if "new-line character" in error:
        return BARE_CR
    if "expected after" in error:
        return 'a text goes on after its closing quote; a quote within a text is written twice ("")'
    return error
