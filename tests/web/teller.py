"""What ACME's bank says on 2 April 2026: money that names its invoice, money of nobody known, and a fee."""

from pathlib import Path
from typing import Final

from dunwell.flows.cash.accounts import add_account
from dunwell.flows.cash.matching import MatchReport, match_lines
from dunwell.flows.cash.statements import import_statements
from dunwell.records.models import Account, BankLine, KnownPayer, RemittanceAdvice
from tests.flows.town import Town, noon
from tests.sources.bank.mt940_files import IBAN, mt940

TODAY: Final = "2026-04-03"
STRANGER: Final = "<script>alert(2)</script>"
ENTRIES: Final = ["260402 100 //B1 invoice A-17", "260402 777 //B2 hello", "260402 -5 //B3 fee of the bank"]


def banked(town: Town) -> None:
    """Make ACME's account known, take its statement in, and learn who pays from the account of the stranger."""
    add_account(town.entity, IBAN, name="Main account", by="test", at=noon(TODAY))
    statement(town, ENTRIES)
    BankLine.objects.filter(amount_minor=10_000).update(party_name="Meyer GmbH")
    BankLine.objects.filter(amount_minor=77_700).update(party_name=STRANGER, party_iban="FR7630006000011234567890189")
    KnownPayer.objects.create(
        entity=town.entity, kind="name", value=STRANGER, since_on=noon(TODAY).date(),
        account=Account.objects.get(code="ODD"), line=line(777),
    )  # fmt: skip
    RemittanceAdvice.objects.create(
        entity=town.entity, account=Account.objects.get(code="ODD"), payer_name=STRANGER, reference="RUN-7",
        currency="EUR", total_minor=50_000, file="<b>avis.pdf", digest="of the teller", imported_at=noon(TODAY),
        documents=[{"number": STRANGER, "amount_minor": 50_000, "is_credit_note": False}],
    )  # fmt: skip


def statement(town: Town, entries: list[str], *, opens: int = 0, day: str = "260402", name: str = "S1") -> Path:
    """Take a statement of ACME's account in; returns its file."""
    path = town.folder / f"{name}.sta"
    path.write_text(mt940(entries, opens=opens, on=(day, day), statement=name), encoding="utf-8", newline="")
    import_statements(path, by="test", at=noon(TODAY))
    return path


def matched(town: Town, *, apply: bool = False) -> MatchReport:
    """Let the ladder look at what waits."""
    return match_lines(town.entity, apply=apply, by="anna", at=noon(TODAY))


def line(whole: int) -> BankLine:
    """The line of an amount in euros, as it is now."""
    return BankLine.objects.get(amount_minor=whole * 100)
