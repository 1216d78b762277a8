"""Statements, reports within the day and advices of ISO 20022: camt.053, camt.052 and camt.054, of every version.

The file is parsed as it is read, and every entry, and every payment within one, is let go once it has been read.
Definitions: the message definition reports of ISO 20022, "Bank-to-Customer Cash Management".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lxml import etree

from dunwell.sources.bank.camt_entries import Entry, alone, entry_of
from dunwell.sources.bank.camt_fields import Fields, line_of, node_of, texts
from dunwell.sources.bank.camt_head import FIRST_VERSION, MESSAGES, Message, message_of
from dunwell.sources.bank.camt_parts import part_of
from dunwell.sources.bank.camt_statement import Statement
from dunwell.sources.bank.pieces import Opened, Pieces
from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

CHUNK_BYTES: Final = 65_536
ELEMENT_BYTES_MAX: Final = 4_000_000  # of one payment, or of all that stands between two; in memory up to 30 times that
_PARTS: Final = frozenset({"NtryDtls", "TxDtls"})
_NONE: Final[frozenset[str]] = frozenset()


def read(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read the statements of a file, in one pass; what is wrong goes to `problems`. Errors: OSError.

    An entry without details is one line, as is one whose details do not say their amounts.
    """
    message = message_of(path, problems)
    if message is None:
        return
    reading = _Reading(message, problems)
    size = path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield from reading.feed(chunk)
            if reading.is_over:
                return
            if progress:
                progress(file.tell(), size)
    reading.end()


class _Reading:
    """The elements of a message as they end."""

    def __init__(self, message: Message, problems: Problems) -> None:
        self.message, self.problems = message, problems
        self.cut = len(message.namespace) + 2 if message.namespace else 0
        begin = f"{{{message.namespace}}}" if message.namespace else ""
        self.statement_tag, self.entry_tag = f"{begin}{message.element}", f"{begin}Ntry"
        self.part_tag, self.balance_tag, self.note_tag = f"{begin}TxDtls", f"{begin}Bal", f"{begin}AddtlNtryInf"
        self.message_tag = f"{begin}{message.name}"
        messages = [f"{{*}}{name}{version}" for name in MESSAGES for version in ("", FIRST_VERSION)]
        self.parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=[self.statement_tag, self.entry_tag, self.part_tag, self.balance_tag, *messages],
            resolve_entities="internal", load_dtd=False, no_network=True, huge_tree=False,
            remove_blank_text=True, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        self.statement: Statement | None = None
        self.entry_element: etree._Element | None = None
        self.entry: Entry | None = None
        self.has_parts = False
        self.statements = 0
        self.bytes_since = 0
        self.line = 1
        self.is_over = False

    def feed(self, chunk: bytes) -> Pieces:
        """Take a piece of the file, and hand on what ends in it."""
        self.bytes_since += len(chunk)
        try:
            self.parser.feed(chunk)
            for event, element in self.parser.read_events():
                if event == "end":
                    yield from self._ends(element)
                else:
                    self._begins(element)
        except etree.XMLSyntaxError as error:
            self._stop(error)
        if self.bytes_since > ELEMENT_BYTES_MAX:
            said = f"after this line stands an element of more than {ELEMENT_BYTES_MAX:,} bytes"
            self.problems.add(self.line, "", f"{said}: no bank writes one; the file is damaged")
            self.is_over = True

    def end(self) -> None:
        """Note a file that ends before its message does."""
        try:
            self.parser.close()
        except etree.XMLSyntaxError as error:
            self._stop(error)
        if self.statements == 0 and not self.is_over:
            self.problems.add(1, self.message.element, "the message holds no statement of an account")

    def _stop(self, error: etree.XMLSyntaxError) -> None:
        said = f"the file is damaged here, or ends before its message does: {error.msg}"
        self.problems.add(error.lineno or self.line, "", f"{said}; fetch it again from the bank")
        self.is_over = True

    def _begins(self, element: etree._Element) -> None:
        if element.tag == self.statement_tag and self.statement is None:
            self.statement = Statement(element, self.message.kind, self.problems)
        elif element.tag == self.entry_tag:
            if self.entry_element is None and self._is_of_statement(element):
                self.entry_element, self.entry, self.has_parts = element, None, False
        elif element.tag != self.message_tag and _is_message(str(element.tag)):
            said = "a message of another kind, or of another version, begins here: keep each in a file of its own"
            self.problems.add(line_of(element), "", said)
            self.is_over = True

    def _ends(self, element: etree._Element) -> Pieces:
        """Read what has ended, and let it go; elements of these names may stand in what a bank adds of its own."""
        tag = element.tag
        if tag == self.part_tag and self._is_of_entry(element):
            yield from self._part(element)
        elif element is self.entry_element:
            yield from self._entry(element)
            self.entry_element = None
        elif tag == self.balance_tag and self.statement is not None and self._is_of_statement(element):
            self.statement.balance(self._fields(element))
            return
        elif self.statement is not None and element is self.statement.element:
            yield from self._open()
            yield self.statement.closed()
            self.statement = None
            self.statements += 1
            _let_go(element)
        else:
            return
        self.bytes_since = 0

    def _is_of_statement(self, element: etree._Element) -> bool:
        return self.statement is not None and element.getparent() is self.statement.element

    def _is_of_entry(self, element: etree._Element) -> bool:
        """Whether a part is one of the entry: within its details, or, in the first version, in the entry itself."""
        parent = element.getparent()
        if self.entry_element is None or parent is None:
            return False
        return parent is self.entry_element or parent.getparent() is self.entry_element

    def _fields(self, element: etree._Element, without: frozenset[str] = _NONE) -> Fields:
        return Fields(element, node_of(element, self.cut, self.problems, without=without), self.problems)

    def _open(self, currency: str = "") -> Iterator[Opened]:
        """Open the statement, unless it is: what it says of itself stands before its entries."""
        statement = self.statement
        if statement is None or statement.is_open:
            return
        head = node_of(statement.element, self.cut, self.problems, without=frozenset({"Bal"}), until="Ntry")
        yield statement.opened(Fields(statement.element, head, self.problems), currency)

    def _begun(self) -> Pieces:
        """Read what the entry says before its parts, once."""
        if self.has_parts or self.entry_element is None or self.statement is None:
            return
        self.has_parts = True
        fields = self._fields(self.entry_element, _PARTS)
        # The first of all opens the statement, whose currency it may be that says it.
        money = fields.money("Amt") if not self.statement.is_open else None
        yield from self._open(money[1] if money else "")
        self.entry = entry_of(fields, self.statement.next_no(), self.statement.account)
        if self.entry:
            self.statement.count(self.entry)

    def _part(self, element: etree._Element) -> Pieces:
        yield from self._begun()
        self.line = line_of(element)
        if self.entry:
            yield from self.entry.add(part_of(self._fields(element), self.entry.whose))
        _let_go(element)
        parent = element.getparent()
        if parent is not None and parent is not self.entry_element:
            _let_go_before(parent)

    def _entry(self, element: etree._Element) -> Pieces:
        had_parts = self.has_parts
        yield from self._begun()
        self.line = line_of(element)
        if self.entry:
            if not had_parts:
                self.entry.held.append(alone(self._fields(element), self.entry))
            yield from self.entry.lines(self._notes(element))
        _let_go(element)

    def _notes(self, element: etree._Element) -> list[str]:
        """What the bank says of the whole entry: the last of its elements."""
        if not len(element) or element[-1].tag != self.note_tag:
            return []
        return texts(node_of(element, self.cut, self.problems, without=_PARTS), "AddtlNtryInf")


def _let_go(element: etree._Element) -> None:
    """Drop what an element holds, and all that stands before it."""
    element.clear()
    _let_go_before(element)


def _let_go_before(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        while (before := element.getprevious()) is not None:
            parent.remove(before)


def _is_message(tag: str) -> bool:
    return tag.rpartition("}")[2].removesuffix(FIRST_VERSION) in MESSAGES
