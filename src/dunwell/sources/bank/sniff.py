"""Which reader reads a bank's file, by what is in it and not by what it is called."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from dunwell.sources.bank import bai2, camt, mt940, ofx
from dunwell.sources.bank.pieces import Pieces
from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

Reader: TypeAlias = Callable[[Path, Problems, Progress | None], Pieces]

BYTES_LOOKED_AT: Final = 16_384
WHAT_IS_READ: Final = (
    "camt.052, 053 and 054, MT940 and MT942, BAI2, OFX, tables (CSV, Excel, Parquet) by a mapping, and ZIPs of these"
)
_ARCHIVES: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"(\xb5/\xfd")
_TABLES: Final = (b"PAR1", b"\xd0\xcf\x11\xe0")
_OFX: Final = re.compile(r"OFXHEADER|<OFX>|<\?OFX", re.IGNORECASE)
_ISO: Final = re.compile(r"urn:iso:std:iso:20022|<(?:\w+:)?(?:Document|BkToCstmr\w+)[\s>]")
_XML: Final = re.compile(r"\s*<(\?xml|!doctype|[a-z])", re.IGNORECASE)
_BAI2: Final = re.compile(r"\s*01,[^,\n]*,[^,\n]*,\d{6},")
_MT940: Final = re.compile(r"(?:^|[\r\n])(?::(?:20|25|28C?|60[FM]|61|62[FM]):|\{1:F)")


def read(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read a file of any format that banks send; what is wrong goes to `problems`. Errors: OSError."""
    return reader_of(path)(path, problems, progress)


def reader_of(path: Path) -> Reader:
    """Say which reader reads a file. One that none reads gets a reader which refuses it. Errors: OSError."""
    with path.open("rb") as file:
        first = file.read(BYTES_LOOKED_AT)
    text = _text(first)
    if _OFX.search(text):
        return ofx.read
    if _XML.match(text):
        if _ISO.search(text):
            return camt.read
        return _refusing("it is HTML or XML, and no message of ISO 20022")
    if _BAI2.match(text):
        return bai2.read
    if _MT940.search(text):
        return mt940.read
    return _refusing(_about(first))


def _text(first: bytes) -> str:
    """The beginning of a file as text: a byte of an encoding that is not known is no sign of any format."""
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return first.decode("utf-16", "replace")
    return first.removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip("\x01\x02\x03\0 \t\r\n")


def _about(first: bytes) -> str:
    """Say what a file is that no reader knows."""
    if not first.strip():
        return "the file is empty"
    if first.startswith(_ARCHIVES):
        return "it is a packed file or an Excel file: unpack it, or read it by a mapping"
    if first.startswith(_TABLES):
        return "it is a table: read it by a mapping"
    if first.startswith(b"%PDF"):
        return "it is a PDF: ask the bank for one of these"
    return "nothing in it looks like a bank's format"


def _refusing(said: str) -> Reader:
    def refuse(_path: Path, problems: Problems, _progress: Progress | None = None) -> Pieces:
        problems.add(1, "", f"{said}; what is read: {WHAT_IS_READ}")
        return iter(())

    return refuse
