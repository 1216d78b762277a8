"""OFX taken apart, of either syntax: 1.x (SGML, where only groups must be closed) and 2.x (XML).

Neither knows entities here but the five of XML and numbers of signs, and a DOCTYPE is refused.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import Progress

BYTES_PER_CHUNK: Final = 1 << 16
PIECE_CHARS_MAX: Final = 20_000
DEPTH_MAX: Final = 50
NAMES_MAX: Final = 1000
# Groups, which are open until they are closed; every other name holds a value, and need not be closed.
GROUPS: Final = frozenset({
    "OFX", "SONRS", "STATUS", "FI", "STMTTRNRS", "STMTRS", "CCSTMTTRNRS", "CCSTMTRS", "BANKACCTFROM", "CCACCTFROM",
    "BANKTRANLIST", "STMTTRN", "PAYEE", "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "LEDGERBAL", "AVAILBAL",
    "BALLIST", "BAL", "IMAGEDATA", "BANKTRANLISTP", "STMTTRNP",
})  # fmt: skip
_MESSAGES: Final = re.compile(r"[A-Z0-9]+MSGSRSV\d")
_NAME: Final = re.compile(r"(/?)([A-Za-z][A-Za-z0-9._]{0,40})(?:\s[^>]*?)?(/?)")
_ENTITY: Final = re.compile(r"&(lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")
_CDATA: Final = "![CDATA["
_SIGNS: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " "}
# A bank that forgets to close the list of movements goes on with what stands behind it.
_AFTER_LIST: Final = frozenset({"LEDGERBAL", "AVAILBAL", "BALLIST", "BANKTRANLISTP"})


@dataclass(frozen=True, slots=True)
class Event:
    """A group that opens or closes, or a name with its value; `path` are the groups it stands in."""

    line: int
    kind: Literal["opens", "closes", "value"]
    name: str
    value: str = ""
    path: tuple[str, ...] = ()


def events(path: Path, problems: Problems, progress: Progress | None = None) -> Iterator[Event]:
    """Yield what a file says, in its order; it ends with a problem where it is damaged or cut. Errors: OSError."""
    reading, before = _Reading(problems), problems.count
    for line, piece in _pieces(path, problems, progress):
        yield from reading.take(line, piece)
        if reading.is_over:
            return
    if problems.count == before:  # else it may be damaged, and that it is cut is no news
        yield from reading.ends()


class _Reading:
    """The groups that are open, and the value under way."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.groups: tuple[str, ...] = ()
        self.value: tuple[int, str, str] | None = None
        self.is_over = self.has_begun = False
        self.others: set[str] = set()  # names without a value of their own, which may be groups
        self.line = 1

    def take(self, line: int, piece: str) -> Iterator[Event]:
        """Read what begins with a `<`, up to the next one."""
        self.line = line
        if piece.startswith(("!", "?")):
            self._declared(line, piece)
            return
        inside, closed, text = piece.partition(">")
        found = _NAME.fullmatch(inside) if closed else None
        if not found:
            self._more(f"<{piece}")  # a sign that the bank forgot to write as &lt;
            return
        name = found[2].upper()
        yield from self._value_ends(name if found[1] else "")
        yield from self._tag(line, name, is_end=bool(found[1]), is_empty=bool(found[3]))
        if text and not text.isspace():
            self._text(line, text)

    def _declared(self, line: int, piece: str) -> None:
        """Take a CDATA section as text, leave comments and instructions, and refuse what declares anything."""
        if piece.startswith(_CDATA):
            plain, _, after = piece.removeprefix(_CDATA).partition("]]>")
            self._more(plain.replace("&", "&amp;") + after)
        elif piece.startswith("!--"):
            self._more(piece.partition("-->")[2])
        elif piece[:8].upper().startswith(("!DOCTYPE", "!ENTITY")):
            self._stop(line, "a document type or entity is declared, which no bank needs: it is not read")

    def ends(self) -> Iterator[Event]:
        """The file is read."""
        yield from self._value_ends("")
        if not self.has_begun:
            self._stop(1, "there is no OFX in the file: it has no <OFX>")
        elif self.groups:
            self._stop(self.line, f"the file ends within <{self.groups[-1]}>: it is cut, get it again")

    def _tag(self, line: int, name: str, *, is_end: bool, is_empty: bool) -> Iterator[Event]:
        if name not in GROUPS and not _MESSAGES.fullmatch(name):
            if not is_end:
                self.value = (line, name, "")
            return
        if name == "OFX":
            self.has_begun = True
        if not self.has_begun:
            self._stop(line, f"<{name}> stands before <OFX>")
        elif is_end:
            yield from self._closes(line, name)
        else:
            if name in _AFTER_LIST and self.groups[-1:] == ("BANKTRANLIST",):
                yield from self._closes(line, "BANKTRANLIST")
            self.groups += (name,)
            if len(self.groups) > DEPTH_MAX:
                self._stop(line, f"more than {DEPTH_MAX} groups stand in each other: this is no OFX")
            yield Event(line, "opens", name, path=self.groups)
            if is_empty:
                yield from self._closes(line, name)

    def _closes(self, line: int, name: str) -> Iterator[Event]:
        if self.groups[-1:] != (name,):
            expected = f"</{self.groups[-1]}> is expected" if self.groups else "nothing is open"
            self._stop(line, f"</{name}> stands where {expected}: a part is missing, get the file again")
            return
        yield Event(line, "closes", name, path=self.groups)
        self.groups = self.groups[:-1]

    def _text(self, line: int, text: str) -> None:
        if self.value:
            self._more(text)
        elif self.groups:
            self._stop(line, f"{shown(text.strip())} stands in <{self.groups[-1]}> without a name: it is damaged")

    def _more(self, text: str) -> None:
        if self.value:
            line, name, before = self.value
            self.value = (line, name, before + text)
            if len(before) + len(text) > PIECE_CHARS_MAX:
                self._stop(line, _too_long())

    def _value_ends(self, closing: str) -> Iterator[Event]:
        """Yield the value under way; `closing`: the name that a closing tag has."""
        value, self.value = self.value, None
        if value:
            line, name, text = value
            if not text.strip() and len(self.others) < NAMES_MAX:
                self.others.add(name)
            known = closing in GROUPS or closing in self.others or _MESSAGES.fullmatch(closing)
            if closing not in {"", name} and not known:
                self._stop(line, f"<{name}> is closed as </{closing}>: the file is damaged")
                return
            yield Event(line, "value", name, unescaped(text).strip(), self.groups)

    def _stop(self, line: int, said: str) -> None:
        if not self.is_over:
            self.problems.add(line, "", said)
        self.is_over = True


def unescaped(text: str) -> str:
    """Replace the entities that are known; every other stays as it is written."""
    return _ENTITY.sub(lambda found: _sign(found[1]), text)


def _sign(entity: str) -> str:
    if not entity.startswith("#"):
        return _SIGNS[entity]
    code = int(entity[2:], 16) if entity[1] == "x" else int(entity[1:])
    return chr(code) if code in {9, 10} or 32 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF else " "


def _too_long() -> str:
    return f"a value is longer than {PIECE_CHARS_MAX:,} signs, which no bank writes: get the file again"


def _pieces(path: Path, problems: Problems, progress: Progress | None) -> Iterator[tuple[int, str]]:
    """Yield what stands between one `<` and the next, with its line; a CDATA section and a comment are whole."""
    line, rest, is_head, held = 1, "", True, ""
    for text in _texts(path, problems, progress):
        *whole, rest = (rest + text).split("<")
        for part in whole:
            if is_head:
                is_head = False
            else:
                held = f"{held}<{part}" if held else part
                if not _goes_on(held):
                    yield line, held
                    held = ""
            line += part.count("\n")
            if len(held) > PIECE_CHARS_MAX:
                break
        if len(rest) + len(held) > PIECE_CHARS_MAX:
            problems.add(line, "", _too_long())
            return
    if not is_head:
        yield line, f"{held}<{rest}" if held else rest


def _goes_on(piece: str) -> bool:
    """Whether a `<` after this belongs to it."""
    return (piece.startswith(_CDATA) and "]]>" not in piece) or (piece.startswith("!--") and "-->" not in piece)


def _texts(path: Path, problems: Problems, progress: Progress | None) -> Iterator[str]:
    """Yield the text by chunks, with plain line ends: as UTF-8, and from where it is none on as Windows-1252."""
    size = path.stat().st_size
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    ends = io.IncrementalNewlineDecoder(None, translate=True)
    is_utf8, line = True, 1
    with path.open("rb") as file:
        while chunk := file.read(BYTES_PER_CHUNK):
            if b"\0" in chunk:
                line += chunk[: chunk.index(b"\0")].count(b"\n")
                problems.add(line, "", "there is a NUL byte: the file is damaged, or UTF-16; get it again, as UTF-8")
                return
            line += chunk.count(b"\n")
            pending = decoder.getstate()[0]
            if is_utf8:
                try:
                    text = decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8, text = False, _western(pending + chunk)
            else:
                text = _western(chunk)
            yield ends.decode(text)
            if progress:
                progress(file.tell(), size)


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # five bytes have no sign in Windows-1252
