"""A desk where money is applied: debtors, what they owe, and what comes in."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import polars as pl

from dunwell.cash.match import Matched, read
from dunwell.cash.repeats import EARLIER
from dunwell.cash.settings import Settings
from dunwell.cash.tables import ACCOUNTS, ITEMS, LINES, PAID, PAID_REFERENCES, PAYERS, REFERENCES
from dunwell.engine.references import canonical

Frames: TypeAlias = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]
TODAY = date(2026, 3, 16)


def minor(amount: str) -> int:
    """Cents of an amount with two decimals."""
    return int(Decimal(amount) * 100)


@dataclass
class Desk:
    """Collects lines and items, and matches them; lines are called 1, 2, ... and items by their numbers."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    payers: list[dict[str, Any]] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    paid: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)

    def debtor(self, name: str, *, number: str = "", iban: str = "", also: str = "", payer: str = "") -> str:
        """Add a debtor, with an account and another name that it is known by; `payer` pays for it."""
        account_id = len(self.accounts) + 1
        payer_id = self._id_of(payer) if payer else account_id
        self.accounts.append(
            {"account_id": account_id, "payer_id": payer_id, "account": number or f"D{account_id}", "name": name}
        )
        if iban:
            self.payers.append({"kind": "iban", "value": iban.replace(" ", ""), "account_id": account_id})
        if also:
            self.payers.append({"kind": "name", "value": also, "account_id": account_id})
        return name

    def owes(
        self,
        debtor: str,
        number: str,
        amount: str,
        *,
        due: date | None = None,
        kind: str = "invoice",
        currency: str = "EUR",
        discount: str = "",
        until: date | None = None,
        reference: str = "",
    ) -> str:
        """Add an open item, due as many days ago as there are items unless `due` says otherwise."""
        item_id, account_id, payer_id = len(self.items) + 1, self._id_of(debtor), self._payer_of(debtor)
        due_on = due or TODAY - timedelta(days=30) + timedelta(days=item_id)
        self.items.append({
            "item_id": item_id, "account_id": account_id, "payer_id": payer_id, "number": number, "kind": kind,
            "currency": currency, "issued_on": due_on - timedelta(days=30), "due_on": due_on,
            "amount_minor": minor(amount), "open_minor": minor(amount),
            "discount_minor": minor(discount) if discount else None, "discount_until_on": until,
        })  # fmt: skip
        if reference:
            self.references.append({"reference": reference, "item_id": item_id})
        return number

    def has_paid(self, debtor: str, number: str, amount: str) -> str:
        """Add an item that was paid lately."""
        payer_id = self._payer_of(debtor)
        self.paid.append({"payer_id": payer_id, "number": number, "currency": "EUR", "amount_minor": minor(amount)})
        return number

    def has_settled(self, debtor: str, reference: str) -> None:
        """Add the reference of a notice on which everything was paid lately."""
        self.settled.append({"reference": canonical(reference), "payer_id": self._payer_of(debtor)})

    def comes(
        self,
        amount: str,
        text: str = "",
        *,
        of: str | None = None,
        currency: str = "EUR",
        on: date = TODAY,
        **given: Any,
    ) -> int:
        """Add a line: an amount, what it says, and who it is of by name."""
        line_id = len(self.lines) + 1
        self.lines.append({
            **dict.fromkeys(LINES), "line_id": line_id, "currency": currency, "amount_minor": minor(amount),
            "booked_on": on, "text": text, "party_name": of, "documents": [], **given,
        })  # fmt: skip
        return line_id

    def match(self, **settings: Any) -> "Result":
        """Match all that has come."""
        said = read(*self.frames(), Settings(**settings))
        settled = pl.DataFrame(self.settled, schema=PAID_REFERENCES)
        quotes = said.quoted(settled.select("reference"))
        earlier = pl.DataFrame(self.earlier, schema=EARLIER)
        return Result(self, said.match(pl.DataFrame(self.paid, schema=PAID), quotes, settled, earlier))

    def is_applied(self, line_id: int) -> None:
        """Take a line away as one that was applied."""
        line = next(line for line in self.lines if line["line_id"] == line_id)
        self.lines.remove(line)
        self.earlier.append({name: line[name] for name in EARLIER})

    def frames(self) -> Frames:
        """Lines, items, accounts, references and payers as frames."""
        return (
            pl.DataFrame(self.lines, schema=LINES),
            pl.DataFrame(self.items, schema=ITEMS),
            pl.DataFrame(self.accounts, schema=ACCOUNTS),
            pl.DataFrame(self.references, schema=REFERENCES),
            pl.DataFrame(self.payers, schema=PAYERS),
        )

    def _id_of(self, debtor: str) -> int:
        return next(int(account["account_id"]) for account in self.accounts if account["name"] == debtor)

    def _payer_of(self, debtor: str) -> int:
        return next(int(account["payer_id"]) for account in self.accounts if account["name"] == debtor)


@dataclass
class Result:
    """What became of lines, by their number."""

    desk: Desk
    found: Matched

    def of(self, line_id: int) -> dict[str, Any]:
        """The match of a line."""
        return self.found.matches.row(by_predicate=pl.col("line_id") == line_id, named=True)

    def outcome(self, line_id: int) -> str:
        """The outcome of a line."""
        return str(self.of(line_id)["outcome"])

    def step(self, line_id: int) -> str:
        """The step of the ladder of a line."""
        return str(self.of(line_id)["step"])

    def why(self, line_id: int) -> set[str]:
        """The codes of a line."""
        return set(self.of(line_id)["why"].split(","))

    def paid(self, line_id: int, column: str = "amount_minor") -> dict[str, int]:
        """What of a line goes to which item, in minor units."""
        rows = self.found.allocations.filter(pl.col("line_id") == line_id).iter_rows(named=True)
        return {self.desk.items[row["item_id"] - 1]["number"]: row[column] for row in rows}

    def applied(self, line_id: int) -> dict[str, int]:
        """What goes to which item without a person: empty unless the line is applied."""
        return self.paid(line_id) if self.outcome(line_id) == "apply" else {}

    def guesses(self, line_id: int) -> list[list[str]]:
        """The items of each guess, the best first."""
        rows = self.found.guesses.filter(pl.col("line_id") == line_id).sort("place")["item_ids"].to_list()
        return [[self.desk.items[item_id - 1]["number"] for item_id in ids] for ids in rows]
