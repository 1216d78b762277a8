"""The lines of a bank's text file, one at a time, each with its number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

LINE_BYTES_MAX: Final = 20_000
LINES_PER_TELL: Final = 5_000
# Of no use in a text, and some databases refuse them; a transfer leaves them at the ends of messages.
UNSEEN: Final = {code: None for code in [*range(32), 127] if code != 9}  # a tab is a blank
BOM: Final = b"\xef\xbb\xbf"


class TextLines:
    """The number, from 1, and the text of every line, without its end and without signs that cannot be seen.

    A line is read as UTF-8 where it is that, else as Windows-1252, of which Latin-1's letters are a part: banks say
    nothing of it, and mix them. At a line that is too long, or of UTF-16, it ends with a problem, and `is_whole` is
    no longer true: what is missing at the end is then no news. Errors: OSError.
    """

    def __init__(self, path: Path, problems: Problems, progress: Progress | None = None) -> None:
        self.is_whole = True
        self._path, self._problems, self._progress = path, problems, progress

    def __iter__(self) -> Iterator[tuple[int, str]]:
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_BYTES_MAX + 1):
                number += 1
                if number == 1:
                    line = line.removeprefix(BOM)
                if refused := _about(line):
                    self._problems.add(number, "", refused)
                    self.is_whole = False
                    return
                for text in _decoded(line.rstrip(b"\r\n")).split("\r"):  # a lone CR ends a line, too
                    yield number, text.translate(UNSEEN)
                if self._progress and number % LINES_PER_TELL == 0:
                    self._progress(file.tell(), size)
        if self._progress:
            self._progress(size, size)


def _about(line: bytes) -> str:
    """Say why nothing can be read from a line on, or nothing."""
    if b"\0" in line:
        return "there is a NUL byte: the file is damaged, or UTF-16; get it again, as UTF-8"
    if len(line) > LINE_BYTES_MAX:
        return f"the line is longer than {LINE_BYTES_MAX:,} bytes, which no bank writes: get the file again"
    return ""


def _decoded(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")  # five bytes have no sign in Windows-1252
