"""One payment within an entry of a camt message, or an entry that says no more: whose it is, what it is for.

What the versions of the standard call differently is read as what it is, whichever version the file names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from dunwell.sources.bank.camt_fields import (
    CURRENCY,
    VALUE,
    Fields,
    Money,
    Node,
    coded,
    nodes,
    reference,
    text,
    texts,
    under,
)
from dunwell.sources.bank.pieces import Document, Party

_NOBODY: Final = Party()
CREDIT_NOTE: Final = "CREN"
# What the amounts of a payment are called beside its own, first what is booked of it.
_AMOUNTS: Final = tuple(("AmtDtls", name, "Amt") for name in ("TxAmt", "CntrValAmt", "InstdAmt"))
# What is paid of a document, first what is said to be sent.
_OF_DOCUMENTS: Final = ("RmtdAmt", "DuePyblAmt", "CdtNoteAmt")


@dataclass(slots=True)
class Part:
    """One payment of an entry, as it is read: what is known of its amount, and the fields of the line that it becomes.

    `amount_minor` is signed, and null where none is said in the entry's currency. `bank_ref`: what some bank on the
    way calls it, which is used where the account's own has no name for it.
    """

    line: int
    amount_minor: int | None
    charges_minor: int = 0
    bank_ref: str = ""
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Whose:
    """What the entry says for all its parts: the account, the currency, the sign, and whether it takes back another."""

    account: str
    currency: str
    sign: int
    is_reversal: bool


def part_of(fields: Fields, whose: Whose) -> Part:
    """Read one payment: an element `TxDtls`, or an entry of which there is none."""
    node = fields.node
    sign = fields.sign(default=whose.sign) or whose.sign
    amounts = [money for path in (("Amt",), *_AMOUNTS) if path[0] in node and (money := fields.money(*path))]
    amount = next((minor for minor, currency in amounts if currency == whose.currency), None)
    charged = charges_minor(fields, whose.currency)
    said: dict[str, Any] = {}
    on_the_way = _references(node, said)
    _reason(node, said)
    _remitted(fields, said, whose.currency)
    _parties(node, said, whose, is_credit=(sign > 0) != (whose.is_reversal or "return_reason" in said))
    if code := code_of(node):
        said["code"] = code
    ordered = _ordered(fields, amounts, whose.currency)
    if ordered and ordered != (amount, whose.currency):
        said["instructed_minor"], said["instructed_currency"] = sign * ordered[0], ordered[1]
    return Part(fields.line, None if amount is None else sign * amount, charged, on_the_way, said)


def code_of(node: Node) -> str:
    """Return what kind of movement it is: domain, family and sub-family of ISO 20022, or the bank's own code."""
    found = under(node, "BkTxCd")
    if not found:
        return ""
    domain = under(found, "Domn")
    family = under(domain, "Fmly")
    standard = "/".join(filter(None, (text(domain, "Cd"), text(family, "Cd"), text(family, "SubFmlyCd"))))
    return standard or text(found, "Prtry", "Cd")


def charges_minor(fields: Fields, currency: str) -> int:
    """Add up what banks kept, in the entry's currency; the total where they say it."""
    total = 0
    if "Chrgs" not in fields.node:
        return total
    for said in nodes(fields.node, "Chrgs"):
        for name, held in [("TtlChrgsAndTaxAmt", said)] if "TtlChrgsAndTaxAmt" in said else _records(said):
            money = under(held, name)
            if text(money, CURRENCY) == currency:
                found = fields.minor(text(money, VALUE), currency, ("Chrgs", name))
                # A credit is what a bank gives back of its charges.
                total += (found[0] if found else 0) * (-1 if text(held, "CdtDbtInd") == "CRDT" else 1)
        if "TtlChrgsAndTaxAmt" in said:
            return total
    return total


def _records(said: Node) -> list[tuple[str, Node]]:
    """The single charges: in records, or, in old versions, in the element itself."""
    return [("Amt", held) for held in (nodes(said, "Rcrd") if "Rcrd" in said else [said])]


def _references(node: Node, said: dict[str, Any]) -> str:
    """What the payer, the bank and the mandate call it; and, returned, what a bank on the way does."""
    refs = under(node, "Refs")
    if not refs:
        return ""
    bank = reference(refs, "AcctSvcrRef")
    payer = reference(refs, "EndToEndId") or reference(refs, "InstrId") or reference(refs, "PmtInfId")
    mandate = reference(refs, "MndtId")
    if bank:
        said["bank_ref"] = bank
    if payer:
        said["end_to_end_ref"] = payer
    if mandate:
        said["mandate_ref"] = mandate
    if cheque := reference(refs, "ChqNb"):
        said["text"] = cheque
    return reference(refs, "TxId") or reference(refs, "ClrSysRef") or reference(refs, "UETR")


def _reason(node: Node, said: dict[str, Any]) -> None:
    """Why a payment came back: the code, and what else is said of it."""
    returned = under(node, "RtrInf")
    if returned:
        code = coded(returned, "Rsn") or coded(returned, "RtrRsn")
        said["return_reason"] = " ".join(filter(None, (code, *texts(returned, "AddtlInf")))) or "returned"


def _parties(node: Node, said: dict[str, Any], whose: Whose, *, is_credit: bool) -> None:
    """The other side: who paid, or was paid; for a payment that comes back, who it had gone to, or come from."""
    parties, agents = under(node, "RltdPties"), under(node, "RltdAgts")
    if not parties and not agents:
        return
    roles = ("Dbtr", "Cdtr") if is_credit else ("Cdtr", "Dbtr")
    sides = {role: _party(parties, agents, role) for role in roles}
    other, own = (sides[role] for role in roles)
    # Of what comes back, banks name the sides as they were or as they are now: the account's own is not the other.
    is_back = whose.is_reversal or "return_reason" in said
    is_turned = whose.account in {other.iban, other.account} or (is_back and not (other.name or other.iban))
    if is_turned and own != _NOBODY:
        other, roles = own, roles[::-1]
    if other != _NOBODY:
        said["party"] = other
    if behalf := _name(parties, f"Ultmt{roles[0]}") or (is_credit and _name(_structured(node), "Invcee")):
        said["on_behalf_of"] = behalf


def _structured(node: Node) -> Node:
    return under(node, "RmtInf", "Strd")


def _party(parties: Node, agents: Node, role: str) -> Party:
    agent = under(agents, f"{role}Agt", "FinInstnId")
    if not agent and role not in parties and f"{role}Acct" not in parties:
        return _NOBODY
    iban, account = account_of(under(parties, f"{role}Acct"))
    return Party(_name(parties, role), iban, account, bic_of(agent))


def _name(parties: Node, role: str) -> str:
    """Return a name: of a party, in newer versions of a party or a bank; else the first line of its address."""
    held = under(parties, role)
    if not held:
        return ""
    held = under(held, "Pty") or under(held, "Agt", "FinInstnId") or held
    return reference(held, "Nm") or text(held, "PstlAdr", "AdrLine")


def account_of(account: Node) -> tuple[str, str]:
    """Return the IBAN, without blanks, and the number where it is none; the other of them is empty."""
    held = under(account, "Id")
    if iban := text(held, "IBAN"):
        return "".join(iban.split()).upper(), ""
    return "", text(held, "Othr", "Id") or text(held, "PrtryAcct", "Id") or text(held, "BBAN")


def bic_of(institution: Node) -> str:
    """Return the BIC of a bank, whatever the version calls it."""
    return reference(institution, "BICFI") or reference(institution, "BIC")


def _remitted(fields: Fields, said: dict[str, Any], currency: str) -> None:
    """What it is for: the creditor's reference and documents from fields of their own, and all that is free text."""
    node = fields.node
    held = under(node, "RmtInf")
    lines = [said["text"]] if "text" in said else []
    lines += texts(held, "Ustrd")
    documents: list[Document] = []
    for structured in nodes(held, "Strd"):
        told = under(structured, "CdtrRefInf")
        found = reference(told, "Ref") or reference(told, "CdtrRef")
        if found and said.setdefault("reference", found) != found:
            lines.append(found)
        documents += _documents(fields, structured, currency)
        lines += texts(structured, "AddtlRmtInf")
    lines += texts(node, "AddtlTxInf")
    if documents:
        said["documents"] = tuple(documents)
    if lines:
        said["text"] = "\n".join(dict.fromkeys(lines))


def _documents(fields: Fields, structured: Node, currency: str) -> Iterator[Document]:
    """The documents that one structured text names, with what is paid of it where it names one."""
    named = []
    for held in nodes(structured, "RfrdDocInf"):
        kind = coded(held, "Tp", "CdOrPrtry") or coded(held, "RfrdDocTp")
        if number := text(held, "Nb") or text(held, "RfrdDocNb"):
            named.append((number, kind == CREDIT_NOTE))
    amounts = _of_document(fields, under(structured, "RfrdDocAmt"), currency) if len(named) == 1 else None
    return (Document(number, amounts, is_credit) for number, is_credit in named)


def _of_document(fields: Fields, amounts: Node, currency: str) -> int | None:
    for name in _OF_DOCUMENTS:
        money = under(amounts, name)
        if text(money, CURRENCY) == currency:
            found = fields.minor(text(money, VALUE), currency, ("RmtInf", "Strd", "RfrdDocAmt", name))
            return found[0] if found else None
    return None


def _ordered(fields: Fields, amounts: list[Money], currency: str) -> Money | None:
    """What the payer ordered: as it is said, or else the first sum in a currency that is not the account's."""
    said = fields.money("AmtDtls", "InstdAmt", "Amt") if "AmtDtls" in fields.node else None
    return said or next((money for money in amounts if money[1] != currency), None)
