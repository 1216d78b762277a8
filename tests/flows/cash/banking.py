"""Small bank files for the flows' tests: ACME's account, and what its bank says of it."""

from datetime import datetime
from pathlib import Path
from typing import Final

from dunwell.flows.cash.accounts import add_account
from dunwell.flows.cash.statements import FileReport, import_statements
from dunwell.records.models import BankLine, Entity
from tests.flows.town import noon
from tests.sources.bank.mt940_files import IBAN

AT: Final[datetime] = noon("2026-03-10")


def bank_account(entity: Entity, number: str = IBAN, currency: str = "EUR") -> None:
    """Make an account known."""
    add_account(entity, number, currency=currency, by="bert", at=AT)


def take(
    folder: Path, content: str, name: str = "bank.sta", entity: Entity | None = None, at: datetime = AT
) -> FileReport:
    """Take a file in."""
    path = folder / name
    path.write_bytes(content.encode())
    (report,) = import_statements(path, entity=entity, by="bert", at=at)
    return report


def kept() -> list[tuple[str, int, str]]:
    """Day, sum and text of every line, in order."""
    lines = BankLine.objects.order_by("booked_on", "amount_minor", "occurrence", "part_no")
    return [(str(line.booked_on), line.amount_minor, line.text) for line in lines]
