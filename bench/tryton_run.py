"""Run by `bench.tryton` in an environment of its own, where Tryton is: its dunning run over a book, timed.

Takes the book as CSV (account, issued, due, amount_minor, kind, level), the day, and the days of each level; prints one
line of JSON: the seconds of `generate_dunnings`, how many dunnings wait to be sent after it, and the peak memory.
"""

import csv
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from trytond.modules.account.tests.test_module import create_chart, get_fiscalyear
from trytond.modules.company.tests import create_company, set_company
from trytond.pool import Pool
from trytond.tests.test_tryton import activate_module, with_transaction
from trytond.transaction import Transaction

BATCH: Final = 1_000
Row: TypeAlias = Mapping[str, str]
Record: TypeAlias = Any  # Tryton has no types


def run(path: Path, as_of: date, levels: Sequence[int]) -> dict[str, float]:
    """Make the book, then let Tryton dun it."""
    company = create_company()
    with set_company(company):
        with path.open(newline="", encoding="utf-8") as file:
            _Book(company, levels, as_of).fill(list(csv.DictReader(file)))
        Transaction().commit()
        start = time.perf_counter()
        _model("account.dunning").generate_dunnings(date=as_of)
        Transaction().commit()
        seconds = time.perf_counter() - start
        made = _model("account.dunning").search([("state", "=", "draft")], count=True)
    return {
        "seconds": seconds, "dunnings": made, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


class _Book:
    """A company with its accounts and one dunning procedure, and what is owed to it."""

    def __init__(self, company: Record, levels: Sequence[int], as_of: date) -> None:
        self.company, self.as_of = company, as_of
        create_chart(company)
        self.receivable, self.revenue = self._account("receivable"), self._account("revenue")
        (self.journal,) = _model("account.journal").search([("code", "=", "REV")])
        (self.procedure,) = _model("account.dunning.procedure").create([{"name": "bench"}])
        _model("account.dunning.level").create(
            [
                {"procedure": self.procedure.id, "sequence": at, "overdue": timedelta(days=days)}
                for at, days in enumerate(levels)
            ]
        )

    def fill(self, rows: Sequence[Row]) -> None:
        """Book every row, and let those that were noticed before wait at the first level."""
        period = self._period(min(date.fromisoformat(row["issued"]) for row in rows))
        parties = self._parties(sorted({row["account"] for row in rows}))
        for batch in _batches(rows):
            values = [self._move(row, period, parties[row["account"]]) for row in batch]
            moves = _model("account.move").create(values)
            noticed = [
                move for move, row in zip(moves, batch, strict=True) if int(row["level"]) and row["kind"] != "credit"
            ]
            lines = [line for move in noticed for line in move.lines if line.account == self.receivable]
            _model("account.dunning").create([self._waiting(line) for line in lines])

    def _account(self, kind: str) -> Record:
        wanted = [(f"type.{kind}", "=", True), ("closed", "=", False), ("company", "=", self.company.id)]
        return _model("account.account").search(wanted, limit=1)[0]

    def _period(self, first: date) -> Record:
        start, end = first.replace(day=1), self.as_of + timedelta(days=30)
        year = get_fiscalyear(self.company, start_date=start, end_date=end)
        year.save()
        values = {"name": "all", "start_date": start, "end_date": end, "fiscalyear": year.id}
        return _model("account.period").create([values])[0]

    def _parties(self, names: Sequence[str]) -> dict[str, int]:
        values = [{"name": name, "dunning_procedure": self.procedure.id} for name in names]
        made = [party for batch in _batches(values) for party in _model("party.party").create(batch)]
        return {party.name: party.id for party in made}

    def _move(self, row: Row, period: Record, party: int) -> dict[str, object]:
        amount = Decimal(row["amount_minor"]) / 100
        own, other = ("credit", "debit") if row["kind"] == "credit" else ("debit", "credit")
        due_on = date.fromisoformat(row["due"])
        owed = {"account": self.receivable.id, own: amount, "party": party, "maturity_date": due_on}
        lines = [("create", [owed, {"account": self.revenue.id, other: amount}])]
        issued_on = date.fromisoformat(row["issued"])
        return {"period": period.id, "journal": self.journal.id, "date": issued_on, "lines": lines}

    def _waiting(self, line: Record) -> dict[str, object]:
        level = self.procedure.levels[0].id
        about = {"company": self.company.id, "line": line.id, "procedure": self.procedure.id}
        return {**about, "level": level, "state": "waiting"}


def _model(name: str) -> Record:
    return Pool().get(name)


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), BATCH):
        yield rows[at : at + BATCH]


if __name__ == "__main__":
    activate_module(["account_dunning"])
    given = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), [int(days) for days in sys.argv[3].split(",")]
    print(json.dumps(with_transaction()(run)(*given)))
