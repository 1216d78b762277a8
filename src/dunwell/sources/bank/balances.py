"""Whether a statement's figures agree: what it opens with, and its booked lines, give what it closes with."""

from dunwell.engine.money import AMOUNT_MINOR_MAX, CURRENCIES, format_minor, not_in_use
from dunwell.sources.bank.pieces import Closed, Line, Opened, Pieces
from dunwell.sources.problems import Problems


def balanced(pieces: Pieces, problems: Problems) -> Pieces:
    """Hand pieces on as they come, and note statements that do not add up, and entries whose parts do not.

    A statement that opens and never closes is noted as well. Call `problems.refuse()` at the end: until then nothing of
    the file can be relied on.
    """
    sums = _Sums(problems)
    for piece in pieces:
        match piece:
            case Opened():
                sums.opened(piece)
            case Line():
                sums.line(piece)
            case Closed():
                sums.closed(piece)
        yield piece
    sums.ended()


class _Sums:
    """The running sums of the statement that is open, and of the entry within it."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.head: Opened | None = None
        self.problems_before = 0
        self.booked_minor = 0
        self.first: Line | None = None
        self.entry_minor = 0

    def opened(self, head: Opened) -> None:
        self.ended()
        self.head, self.booked_minor, self.problems_before = head, 0, self.problems.count
        if head.currency and head.currency not in CURRENCIES:
            self.problems.add(head.line, "", f"what the account is kept in: {not_in_use(head.currency)}")
        self._bounded(head.line, head.opening_minor)

    def line(self, line: Line) -> None:
        if self.head and line.currency != self.head.currency:
            kept = (
                f"the account is kept in {self.head.currency}" if self.head.currency else "the account has no currency"
            )
            self.problems.add(line.line, "", f"{kept}, and this line is in {line.currency}")
        if self.first is None or line.entry_no != self.first.entry_no:
            self._entry_ends()
            self.first, self.entry_minor = line, 0
            self._bounded(line.line, line.entry_minor)
        if line.amount_minor != line.entry_minor:
            self._bounded(line.line, line.amount_minor)
        self.entry_minor += line.amount_minor
        self.booked_minor += line.amount_minor if line.is_booked else 0

    def closed(self, end: Closed) -> None:
        self._entry_ends()
        head, self.head = self.head, None
        self._bounded(end.line, end.closing_minor)
        if head is None or head.opening_minor is None or end.closing_minor is None:
            return
        away = end.closing_minor - head.opening_minor - self.booked_minor
        if away:
            opening, booked, closing, differs = (
                _written(minor, head.currency)
                for minor in (head.opening_minor, self.booked_minor, end.closing_minor, away)
            )
            said = f"it opens with {opening}, its lines come to {booked}, and it closes with {closing}"
            self.problems.add(end.line, "", f"the statement does not add up: {said}; {differs} are missing or too many")

    def ended(self) -> None:
        """Note a statement that is open where it cannot be, unless something within it is wrong that says why."""
        if self.head and self.problems.count == self.problems_before:
            self.problems.add(self.head.line, "", "the statement that begins here does not end: the file is cut off")
        self.head, self.first = None, None

    def _bounded(self, line: int, minor: int | None) -> None:
        if minor is not None and abs(minor) > AMOUNT_MINOR_MAX:
            self.problems.add(line, "", "the amount is larger than any that is kept")

    def _entry_ends(self) -> None:
        first, self.first = self.first, None
        if first and self.entry_minor != first.entry_minor:
            parts, whole = (_written(minor, first.currency) for minor in (self.entry_minor, first.entry_minor))
            self.problems.add(first.line, "", f"an entry of {whole} has parts that come to {parts}")


def _written(minor: int, currency: str) -> str:
    return format_minor(minor, currency if currency in CURRENCIES else None)
