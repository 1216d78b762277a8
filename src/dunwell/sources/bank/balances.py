"""Whether a statement's figures agree: what it opens with, and its booked lines, give what it closes with."""

from dunwell.engine.money import AMOUNT_MINOR_MAX, format_minor
from dunwell.sources.bank.pieces import Closed, Line, Opened, Pieces
from dunwell.sources.problems import Problems


def balanced(pieces: Pieces, problems: Problems) -> Pieces:
    """Hand pieces on as they come, and note statements that do not add up, and entries whose parts do not.

    Call `problems.refuse()` at the end: until then nothing of the file can be relied on.
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


class _Sums:
    """The running sums of the statement that is open, and of the entry within it."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.head: Opened | None = None
        self.booked_minor = 0
        self.first: Line | None = None
        self.entry_minor = 0

    def opened(self, head: Opened) -> None:
        self.head, self.booked_minor = head, 0

    def line(self, line: Line) -> None:
        if self.head and line.currency != self.head.currency:
            self.problems.add(
                line.line, "", f"the account is kept in {self.head.currency}, and this line is in {line.currency}"
            )
        if abs(line.amount_minor) > AMOUNT_MINOR_MAX:
            self.problems.add(line.line, "", "the amount is larger than any that is kept")
        if self.first is None or line.entry_no != self.first.entry_no:
            self._entry_ends()
            self.first, self.entry_minor = line, 0
        self.entry_minor += line.amount_minor
        self.booked_minor += line.amount_minor if line.is_booked else 0

    def closed(self, end: Closed) -> None:
        self._entry_ends()
        head, self.head = self.head, None
        if head is None or head.opening_minor is None or end.closing_minor is None:
            return
        away = end.closing_minor - head.opening_minor - self.booked_minor
        if away:
            opening, booked, closing, differs = (
                format_minor(minor, head.currency)
                for minor in (head.opening_minor, self.booked_minor, end.closing_minor, away)
            )
            said = f"it opens with {opening}, its lines come to {booked}, and it closes with {closing}"
            self.problems.add(end.line, "", f"the statement does not add up: {said}; {differs} are missing or too many")

    def _entry_ends(self) -> None:
        first, self.first = self.first, None
        if first and self.entry_minor != first.entry_minor:
            parts, whole = (format_minor(minor, first.currency) for minor in (self.entry_minor, first.entry_minor))
            self.problems.add(first.line, "", f"an entry of {whole} has parts that come to {parts}")
