"""Which message of ISO 20022 a file holds, by its first elements, and whether it is one that may be read at all.

A document type is refused before anything of it is read: with it go entities, inner or from elsewhere.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from xml.parsers import expat

from dunwell.sources.bank.pieces import Kind
from dunwell.sources.problems import Problems, shown

HEAD_BYTES_MAX: Final = 1_000_000  # within which the message begins, in whatever envelope
CHUNK_BYTES: Final = 16_384
# The element of the message, what it holds for each account, and what that is.
MESSAGES: Final = {
    "BkToCstmrAcctRpt": ("Rpt", Kind.INTERIM),
    "BkToCstmrStmt": ("Stmt", Kind.STATEMENT),
    "BkToCstmrDbtCdtNtfctn": ("Ntfctn", Kind.ADVICE),
}
FIRST_VERSION: Final = "V01"  # which its elements had in their names
_ISO_20022: Final = re.compile(r"\b([a-z]{4}\.\d{3})\.\d{3}\.\d{2}\b")
_CALLED: Final = {
    "acmt": "a message about accounts",
    "camt.029": "the answer to a call for money back",
    "camt.055": "a call for money back",
    "camt.056": "a call for money back",
    "camt.060": "a request for statements",
    "camt.086": "a bill of a bank for its services",
    "head": "the head of a message",
    "pacs": "a message between banks",
    "pain.001": "an order to pay",
    "pain.002": "a report on the state of orders",
    "pain.007": "an order to take direct debits back",
    "pain.008": "an order of direct debits",
    "pain": "an order to a bank",
}
_READ: Final = "statements come as camt.053, camt.052 or camt.054"


@dataclass(frozen=True, slots=True)
class Message:
    """What a file holds: the name of its element, that of one account in it, what kind it is, and their namespace."""

    name: str
    element: str
    kind: Kind
    namespace: str = ""


class _FoundError(Exception):
    """The message has begun."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__()


class _RefusedError(Exception):
    """The file holds something else, or something that is not read."""


def message_of(path: Path, problems: Problems) -> Message | None:
    """Say which message a file holds, or None with the problem. Errors: OSError."""
    head = _Head()
    try:
        with path.open("rb") as file:
            head.read(file.read(HEAD_BYTES_MAX))
    except _FoundError as found:
        return found.message
    except _RefusedError as refused:
        problems.add(head.line, "", str(refused))
    except expat.ExpatError as error:
        problems.add(error.lineno, "", _no_xml(error))
    except (LookupError, ValueError) as error:
        problems.add(head.line, "", f"the encoding that it names is not known ({error}): save it as UTF-8")
    return None


class _Head:
    """The elements that have begun, until one of them is a message."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._begins
        self.root = ""
        self.document = ""  # the namespace of the element that has a message in it

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def read(self, head: bytes) -> NoReturn:
        """Read until it is clear what the file is, which an exception says."""
        if not head.strip():
            raise _RefusedError("the file is empty")
        for at in range(0, len(head), CHUNK_BYTES):
            self.parser.Parse(head[at : at + CHUNK_BYTES], False)  # noqa: FBT003  # C takes it by its place only
        if len(head) < HEAD_BYTES_MAX:
            self.parser.Parse(b"", True)  # noqa: FBT003  # as above
        within = f" within its first {HEAD_BYTES_MAX:,} bytes" if len(head) == HEAD_BYTES_MAX else ""
        raise _RefusedError(f"this is XML ({shown(self.root)}), and no message of a bank{within}: {_READ}")

    def _doctype(self, *_said: object) -> NoReturn:
        raise _RefusedError("a document type (<!DOCTYPE>) begins here: no bank writes one, and none is read")

    def _begins(self, name: str, _attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self.root = self.root or local
        if known := MESSAGES.get(local.removesuffix(FIRST_VERSION)):
            raise _FoundError(Message(local, *known, namespace))
        if self.document:
            called = _called(self.document)
            raise _RefusedError(f"this is {called} ({shown(local)}), and no message of what was booked: {_READ}")
        if local == "Document":
            self.document = namespace or "Document"


def _called(namespace: str) -> str:
    """Name a message by its namespace."""
    written = _ISO_20022.search(namespace)
    if written is None:
        return "a document"
    name = written[1]
    meaning = _CALLED.get(name) or _CALLED.get(name[:4])
    return f"{name}, {meaning}" if meaning else name


def _no_xml(error: expat.ExpatError) -> str:
    said = expat.ErrorString(error.code)
    return f"this is no XML, or damaged: {said} at character {error.offset + 1}; fetch it again from the bank"
