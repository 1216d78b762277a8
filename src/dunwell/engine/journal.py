"""Charges, and what is granted beside money, as journal lines for the creditor's books, in balanced entries."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from dunwell.engine.law.regime import Vat
from dunwell.engine.money import exponent

What: TypeAlias = Literal["raised", "waived", "owed_again", "reversed", "granted", "taken_back"]
WHATS: Final[tuple[What, ...]] = ("raised", "waived", "owed_again", "reversed", "granted", "taken_back")  # of one day

GRANTS: Final = ("discount", "bank_charges", "difference")  # what is granted beside money
# The ledger accounts that an entry may name, and what they are called until a creditor says otherwise.
CODES: Final = (
    "receivable",
    "fee_income",
    "interest_income",
    "compensation_income",
    "write_off",
    *(f"{kind}_granted" for kind in GRANTS),
)

OUTSIDE: Final = Vat()


@dataclass(frozen=True, kw_only=True)
class Movement:
    """What happened on a day to a charge, or to what was granted: the `document`, which is an item of its own.

    `charge`: its kind, or one of GRANTS. `amount_minor`: of what was raised, reversed, granted or taken back all of it,
    else what was written off or is owed again. `waived_minor`: what stood written off of a charge when it was reversed.
    `vat`: what the law has charges called; of what is granted it says nothing.
    """

    on: date
    what: What
    document_id: int
    document: str
    charge: str
    account: str
    item: str
    notice_id: int | None
    currency: str
    amount_minor: int
    waived_minor: int = 0
    vat: Vat = OUTSIDE


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of an entry: `debit` and `credit` in units of the currency, with its decimals; one of them is 0."""

    entry: int
    date: str
    what: str
    document: str
    charge: str
    account: str
    item: str
    notice: int | None
    ledger_account: str
    debit: str
    credit: str
    currency: str
    vat: str


COLUMNS: Final = tuple(Line.__dataclass_fields__)


def journal(
    movements: Iterable[Movement], *, codes: Mapping[str, str] | None = None, vat: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the lines of what happened, in order of day and document: an entry each, whose debits equal its credits.

    `codes`: the creditor's own ledger accounts, by CODES; `vat`: its own VAT codes, by the kind of charge or grant.
    """
    ordered = sorted(movements, key=lambda each: (each.on, each.document_id, WHATS.index(each.what), each.charge))
    named = {code: code for code in CODES} | dict(codes or {})
    return [
        Line(
            entry=number,
            date=each.on.isoformat(),
            what=each.what,
            document=each.document,
            charge=each.charge,
            account=each.account,
            item=each.item,
            notice=each.notice_id,
            ledger_account=named[code],
            debit=_units(max(minor, 0), each.currency),
            credit=_units(max(-minor, 0), each.currency),
            currency=each.currency,
            vat=(vat or {}).get(each.charge) or str(getattr(each.vat, each.charge, "")),
        )
        for number, each in enumerate(ordered, 1)
        for code, minor in _entry(each)
    ]


def rows(lines: Iterable[Line]) -> list[dict[str, object]]:
    """Return lines as plain rows, by COLUMNS: what a CSV and a JSON document both say."""
    return [asdict(line) for line in lines]


def _entry(movement: Movement) -> list[tuple[str, int]]:
    """The ledger accounts of an entry, and what each is debited, or credited (below 0), in minor units."""
    amount, income, granted = movement.amount_minor, f"{movement.charge}_income", f"{movement.charge}_granted"
    match movement.what:
        case "raised":
            lines = [("receivable", amount), (income, -amount)]
        case "reversed":
            waived = movement.waived_minor
            lines = [(income, amount), ("receivable", waived - amount), ("write_off", -waived)]
        case "waived":
            lines = [("write_off", amount), ("receivable", -amount)]
        case "owed_again":
            lines = [("receivable", amount), ("write_off", -amount)]
        case "granted":
            lines = [(granted, amount), ("receivable", -amount)]
        case "taken_back":
            lines = [("receivable", amount), (granted, -amount)]
    return [(code, minor) for code, minor in lines if minor]


def _units(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"
