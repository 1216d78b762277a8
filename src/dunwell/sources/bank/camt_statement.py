"""One account's statement in a camt message: its head, its balances of booked money, and the sums it says of itself."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from lxml import etree

from dunwell.engine.money import format_minor
from dunwell.sources.bank.camt_entries import Entry
from dunwell.sources.bank.camt_fields import VALUE, Fields, Node, coded, line_of, text, under
from dunwell.sources.bank.camt_parts import account_of, bic_of
from dunwell.sources.bank.pieces import Closed, Kind, Opened
from dunwell.sources.problems import Problems, shown

OPENING: Final = ("OPBD", "PRCD")  # booked at the beginning, and at the end of the day before
CLOSING: Final = "CLBD"
INTERIM: Final = "ITBD"  # booked so far: where a page, or a report within the day, begins or ends
# What a summary adds up, and which of the entries that are.
_SUMMED: Final = (("TtlNtries", (1, -1)), ("TtlCdtNtries", (1,)), ("TtlDbtNtries", (-1,)))


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance of booked money, signed."""

    line: int
    code: str
    on: date | None
    minor: int
    currency: str


@dataclass(slots=True)
class Tally:
    """Entries that came in, or went out: how many and how much, of all and of those booked."""

    n: int = 0
    minor: int = 0
    booked_n: int = 0
    booked_minor: int = 0


class Statement:
    """What a statement says of itself, against its entries."""

    def __init__(self, element: etree._Element, kind: Kind, problems: Problems) -> None:
        self.element, self.kind, self.problems = element, kind, problems
        self.line = line_of(element)
        self.problems_before = problems.count
        self.account = ""
        self.currency = ""
        self.is_open = False
        self.no = 0
        self.balances: list[Balance] = []
        self.tallies = {1: Tally(), -1: Tally()}
        self.summary: Fields | None = None

    def balance(self, fields: Fields) -> None:
        """Keep a balance, if it is one of booked money."""
        code = coded(fields.node, "Tp", "CdOrPrtry") or coded(fields.node, "Tp")
        if code not in {*OPENING, CLOSING, INTERIM}:
            return
        money, sign = fields.money("Amt"), fields.sign()
        if self.is_open and code != CLOSING:
            fields.refuse((), f"the balance {code} stands after the entries: it belongs before them")
        if money and sign:
            self.balances.append(Balance(fields.line, code, fields.day("Dt"), sign * money[0], money[1]))
        elif "Amt" not in fields.node:
            fields.refuse(("Amt",), f"the balance {code} has no amount")

    def opened(self, head: Fields, currency: str) -> Opened:
        """Open it; `currency`: that of its first entry, for an account that does not say its own."""
        self.is_open = True
        node = head.node
        account = under(node, "Acct")
        self.account = "".join(account_of(account))
        if not self.account:
            head.refuse(("Acct",), "the statement does not say of which account it is (Id)")
        self.currency = text(account, "Ccy") or next((found.currency for found in self.balances), currency)
        if self.balances and not any(found.currency == self.currency for found in self.balances):
            other = self.balances[0]
            said = f"the account is kept in {self.currency}, and its balances are in {other.currency}"
            self.problems.add(other.line, "Bal/Amt", said)
        bank = under(account, "Svcr", "FinInstnId")
        opening, closing = self._opening(), self._closing()
        page = under(node, "StmtPgntn") or under(node, "RptPgntn") or under(node, "NtfctnPgntn")
        is_whole = text(page, "PgNb") in {"", "1"} and text(page, "LastPgInd") != "false"
        summary = next(self.element.iterchildren("{*}TxsSummry"), None)
        if is_whole and summary is not None:
            self.summary = Fields(summary, under(node, "TxsSummry"), self.problems)
        return Opened(
            line=self.line,
            kind=self.kind,
            account=self.account,
            currency=self.currency,
            statement_id=text(node, "Id"),
            bank=bic_of(bank) or text(bank, "Nm") or text(bank, "Othr", "Id"),
            from_on=head.day_of("FrToDt", "FrDtTm")
            or head.day_of("FrToDt", "FrDt")
            or (opening.on if opening and opening.code == OPENING[0] else None),
            to_on=head.day_of("FrToDt", "ToDtTm") or head.day_of("FrToDt", "ToDt") or (closing.on if closing else None),
            opening_minor=opening.minor if opening else None,
        )

    def next_no(self) -> int:
        """Count an entry."""
        self.no += 1
        return self.no

    def count(self, entry: Entry) -> None:
        """Add an entry to the sums."""
        tally = self.tallies[entry.whose.sign]
        tally.n += 1
        tally.minor += abs(entry.amount_minor)
        if entry.is_booked:
            tally.booked_n += 1
            tally.booked_minor += abs(entry.amount_minor)

    def closed(self) -> Closed:
        """Close it; what is wrong within makes its sums wrong as well, so that these are not told then."""
        if self.problems.count == self.problems_before and self.summary:
            self._compare(self.summary)
        if self.problems.count > self.problems_before:
            return Closed(self.line)
        closing = self._closing()
        return Closed(closing.line, closing.minor) if closing else Closed(self.line)

    def _opening(self) -> Balance | None:
        for code in OPENING:
            if found := self._of(code):
                return min(found, key=_day)
        interim = self._of(INTERIM)
        # Alone, it is where the report ends.
        return interim[0] if len(interim) > 1 or (interim and self._of(CLOSING)) else None

    def _closing(self) -> Balance | None:
        if found := self._of(CLOSING):
            return max(reversed(found), key=_day)
        interim = self._of(INTERIM)
        opening = self._opening()
        if not interim or interim[-1] is opening:
            return None
        # A report within the day may have only what is new since the last one, and tell the day's opening all the same.
        if self.kind is Kind.INTERIM and opening and opening.code != INTERIM:
            return None
        return interim[-1]

    def _of(self, code: str) -> list[Balance]:
        return [found for found in self.balances if found.code == code and found.currency == self.currency]

    def _compare(self, summary: Fields) -> None:
        """Compare the summary with the entries: all of them, or, as some banks count, those that are booked."""
        for name, signs in _SUMMED:
            said = under(summary.node, name)
            tallies = [self.tallies[sign] for sign in signs]
            if written := text(said, "NbOfNtries"):
                counts = (sum(tally.n for tally in tallies), sum(tally.booked_n for tally in tallies))
                if not (written.isascii() and written.isdecimal() and int(written[:30]) in counts):
                    told = f"there are said to be {shown(written)} entries, and there are {counts[0]:,}"
                    summary.refuse((name, "NbOfNtries"), told)
            if written := text(said, "Sum") or text(said, "Sum", VALUE):
                sums = (sum(tally.minor for tally in tallies), sum(tally.booked_minor for tally in tallies))
                self._compare_sums(summary, (name, "Sum"), written, sums)
        self._compare_net(summary, under(summary.node, "TtlNtries"))

    def _compare_net(self, summary: Fields, said: Node) -> None:
        """Compare what came in less what went out, which old versions say beside it and new ones in an element."""
        within = under(said, "TtlNetNtry")
        names = ("TtlNetNtry", "Amt") if within else ("TtlNetNtryAmt",)
        written = text(under(said, *names), VALUE) or text(said, *names)
        direction = text(within or said, "CdtDbtInd")
        if not written or not direction:
            return
        in_, out = self.tallies[1], self.tallies[-1]
        sign = -1 if direction == "DBIT" else 1
        nets = (sign * (in_.minor - out.minor), sign * (in_.booked_minor - out.booked_minor))
        self._compare_sums(summary, ("TtlNtries", *names), written, nets)

    def _compare_sums(self, summary: Fields, path: tuple[str, ...], written: str, sums: tuple[int, int]) -> None:
        found = summary.minor(written, self.currency, path)
        if found and found[0] not in sums:
            said, real, away = (format_minor(minor, self.currency) for minor in (found[0], sums[0], found[0] - sums[0]))
            summary.refuse(path, f"the entries are said to come to {said}, and come to {real}: {away} apart")


def _day(balance: Balance) -> date:
    return balance.on or date.min
