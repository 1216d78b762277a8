"""Small bank files for the flows' tests: ACME's account, and what its bank says of it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from dunwell.flows.cash.accounts import add_account
from dunwell.flows.cash.statements import FileReport, import_statements
from dunwell.records.models import BankLine, Entity
from tests.flows.town import noon

IBAN: Final = "DE89370400440532013000"
AT: Final[datetime] = noon("2026-03-10")


def mt940(
    entries: Sequence[str], *, opens: int, on: Sequence[str] = ("260302", "260302"), statement: str = "S1"
) -> str:
    """A statement in euros; an entry is `DAY AMOUNT [//REF] TEXT`, such as `260302 50 //B1 invoice A-17`."""
    rows, total = [], opens
    for entry in entries:
        day, amount, *words = entry.split()
        ref = words.pop(0) if words and words[0].startswith("//") else ""
        total += int(amount)
        sign = "D" if amount.startswith("-") else "C"
        rows += [f":61:{day}{day[2:]}{sign}{amount.lstrip('-')},00NTRFNONREF{ref}", f":86:{' '.join(words)}"]
    begin, end = (
        f"{'D' if minor < 0 else 'C'}{day}EUR{abs(minor)}," for day, minor in zip(on, (opens, total), strict=True)
    )
    return "\r\n".join((f":20:{statement}", f":25:{IBAN}", ":28C:1/1", f":60F:{begin}", *rows, f":62F:{end}", "-", ""))


def bank_account(entity: Entity, number: str = IBAN, currency: str = "EUR") -> None:
    """Make an account known."""
    add_account(entity, number, currency=currency, by="bert", at=AT)


def take(folder: Path, content: str, name: str = "bank.sta", entity: Entity | None = None) -> FileReport:
    """Take a file in."""
    path = folder / name
    path.write_bytes(content.encode())
    return import_statements(path, entity=entity, by="bert", at=AT)


def kept() -> list[tuple[str, int, str]]:
    """Day, sum and text of every line, in order."""
    lines = BankLine.objects.order_by("booked_on", "amount_minor", "occurrence", "part_no")
    return [(str(line.booked_on), line.amount_minor, line.text) for line in lines]
