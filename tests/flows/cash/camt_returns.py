"""Statements (camt.053) on which payments come in, and are taken back."""

from pathlib import Path
from typing import Final

from dunwell.flows.cash.statements import FileReport
from dunwell.records.models import BankLine
from tests.flows.cash.banking import take
from tests.sources.bank.camt_files import entry, message

THEIRS: Final = "FR7630006000011234567890189"


def came(amount: str, on: str, text: str, *, ref: str, name: str = "Meyer GmbH", iban: str = THEIRS) -> str:
    """A payment that comes in."""
    details = (
        f"<Refs><AcctSvcrRef>IN-{ref}-{on}</AcctSvcrRef><EndToEndId>{ref}</EndToEndId></Refs>"
        f"<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>"
    )
    return _on(entry(amount, details), on)


def back(amount: str, on: str, *, ref: str, reason: str = "AM04", charges: str = "", more: str = "") -> str:
    """A payment that the bank takes back."""
    kept = f'<AmtDtls><InstdAmt><Amt Ccy="EUR">{charges}</Amt></InstdAmt></AmtDtls>' if charges else ""
    details = (
        f"<Refs><AcctSvcrRef>OUT-{ref}-{on}</AcctSvcrRef><EndToEndId>{ref}</EndToEndId></Refs>{kept}"
        f"{more}<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>"
    )
    return _on(entry(amount, details, sign="DBIT"), on)


def reversed_debit(amount: str, on: str, *, ref: str) -> str:
    """A debit of our own that the bank reverses."""
    details = f"<Refs><AcctSvcrRef>REV-{ref}</AcctSvcrRef><EndToEndId>{ref}</EndToEndId></Refs>"
    return _on(entry(amount, details, before="<RvslInd>true</RvslInd>"), on)


def book(folder: Path, *entries: str, name: str = "bank.xml") -> FileReport:
    """Take a statement in."""
    return take(folder, message(*entries), name)


def line_of(amount_minor: int) -> int:
    """The line of an amount."""
    return BankLine.objects.get(amount_minor=amount_minor).pk


def states() -> list[tuple[int, str]]:
    """Amount and state of every line, in the order in which they came."""
    return list(BankLine.objects.order_by("booked_on", "pk").values_list("amount_minor", "state"))


def _on(written: str, on: str) -> str:
    return written.replace("2026-03-02", on)
