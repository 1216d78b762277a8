"""The totals of a report within the day (:90D:, :90C:), over all its messages."""

from dunwell.engine.money import format_minor
from dunwell.sources.bank.codes import FieldError
from dunwell.sources.bank.mt940_fields import Field, total_of


class Totals:
    """How many movements a report has, and their sums, over all its messages."""

    def __init__(self) -> None:
        self.of: tuple[str, str] = ("", "")
        self.page = 0
        self.is_whole = True
        self.counts = {"D": 0, "C": 0}
        self.sums = {"D": 0, "C": 0}

    def begins(self, number: str, account: str) -> None:
        """Go on with the report of the message before, or begin one."""
        report, _, page = number.partition("/")
        at = int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 1
        goes_on = at > 1 and (report, account) == self.of and at == self.page + 1
        if not goes_on:
            self.counts, self.sums, self.is_whole = {"D": 0, "C": 0}, {"D": 0, "C": 0}, at <= 1
        self.of, self.page = (report, account), at

    def add(self, minor: int) -> None:
        """Count a movement."""
        side = "D" if minor < 0 else "C"
        self.counts[side] += 1
        self.sums[side] += abs(minor)

    def check(self, found: Field, currency: str) -> None:
        """Compare with what the bank says. Errors: FieldError, MoneyError."""
        n, told, minor = total_of(found.texts[0])
        side = found.tag[-1]
        if told != currency:
            raise FieldError(f"it is in {told}, and the report in {currency}")
        if self.is_whole and (n, minor) != (self.counts[side], self.sums[side]):
            said, have = format_minor(minor, currency), format_minor(self.sums[side], currency)
            raise FieldError(f"the bank counts {n} of {said}, and there are {self.counts[side]} of {have}")
