"""Small camt messages, which tests spoil one place at a time, and what is read of them."""

from pathlib import Path
from typing import Final

from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.camt import read
from dunwell.sources.bank.pieces import Closed, Line, Opened, Piece
from dunwell.sources.problems import Problems

IBAN: Final = "DE89370400440532013000"
ACCOUNT: Final = f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
MESSAGES: Final = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
DETAILS: Final = "<NtryDtls><TxDtls>{}</TxDtls></NtryDtls>"


def balance(code: str, amount: str, on: str = "2026-03-02", currency: str = "EUR") -> str:
    """A balance, negative where the amount is written so."""
    sign, amount = ("DBIT", amount[1:]) if amount.startswith("-") else ("CRDT", amount)
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>\n"
    )


def entry(
    amount: str = "100.00",
    *details: str,
    sign: str = "CRDT",
    status: str = "<Cd>BOOK</Cd>",
    before: str = "",
    after: str = "",
    currency: str = "EUR",
) -> str:
    """An entry, with a part for each of `details`."""
    parts = "".join(f"<TxDtls>{detail}</TxDtls>" for detail in details)
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{status}</Sts>'
        "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>"
        f"{before}{f'<NtryDtls>{parts}</NtryDtls>' if parts else ''}{after}</Ntry>\n"
    )


def message(*within: str, kind: str = "053", version: str = "08", head: str = ACCOUNT) -> str:
    """A message of one statement: its head, and then what stands within."""
    element, statement = MESSAGES[kind]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}">\n'
        f"<{element}><GrpHdr><MsgId>M</MsgId></GrpHdr>\n<{statement}><Id>S1</Id>{head}\n"
        f"{''.join(within)}</{statement}>\n</{element}>\n</Document>\n"
    )


def pieces(folder: Path, content: str | bytes) -> tuple[list[Piece], list[str]]:
    """Read a file: its pieces, and its problems as they are told."""
    path = folder / "a.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems(path.name)
    found = list(balanced(read(path, problems), problems))
    return found, [str(problem) for problem in problems.listed]


def lines(folder: Path, *within: str, kind: str = "053", version: str = "08") -> list[Line]:
    """Read the lines of a message with nothing wrong in it."""
    found, problems = pieces(folder, message(*within, kind=kind, version=version))
    assert problems == []
    assert isinstance(found[0], Opened)
    assert isinstance(found[-1], Closed)
    return [piece for piece in found if isinstance(piece, Line)]


def line(folder: Path, *within: str, version: str = "08") -> Line:
    """Read the only line of a message."""
    (found,) = lines(folder, *within, version=version)
    return found


def refused(folder: Path, *within: str, kind: str = "053") -> list[str]:
    """Read a message with something wrong in it: the problems, without the file's name."""
    _, problems = pieces(folder, message(*within, kind=kind))
    assert problems
    return [problem.removeprefix("a.xml:") for problem in problems]


def whole(folder: Path, content: bytes) -> None:
    """A file is read without an exception, and to statements that add up, or it has problems."""
    found, problems = pieces(folder, content)
    if problems:
        return
    assert found
    opening = booked = 0
    is_known = False
    for piece in found:
        match piece:
            case Opened():
                opening, booked, is_known = piece.opening_minor or 0, 0, piece.opening_minor is not None
            case Line():
                booked += piece.amount_minor if piece.is_booked else 0
            case Closed():
                assert not is_known or piece.closing_minor in {None, opening + booked}
    assert isinstance(found[-1], Closed)
