"""An entry of a camt message as lines that add up to it: its parts, and what banks kept of them.

Parts are held until the entry ends, since only then it is known whether they are gross or net; of a large batch no more
than PARTS_HELD_MAX are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from dunwell.engine.money import format_minor
from dunwell.sources.bank.camt_fields import FIELD_CHARS_MAX, Fields, coded, reference, under
from dunwell.sources.bank.camt_parts import Part, Whose, charges_minor, code_of, part_of
from dunwell.sources.bank.pieces import Line
from dunwell.sources.problems import Problems, shown

PARTS_HELD_MAX: Final = 1_000
CHARGES: Final = "ACMT/MDOP/CHRG"  # the standard's code for charges
DOCUMENTS_MAX: Final = 10_000
_NAMED: Final = ("reference", "end_to_end_ref", "bank_ref", "mandate_ref", "return_reason", "on_behalf_of")
_BOOKED: Final = {"BOOK": True, "PDNG": False, "INFO": False, "FUTR": False}


@dataclass(slots=True)
class Entry:
    """An entry whose parts are being read."""

    line: int
    no: int
    amount_minor: int
    whose: Whose
    booked_on: date | None
    valued_on: date | None
    is_booked: bool
    code: str
    bank_ref: str
    charges_minor: int
    problems: Problems
    held: list[Part] = field(default_factory=list)
    let_go: int = 0  # parts that are lines already
    let_go_minor: int = 0
    let_go_charges_minor: int = 0
    merged: int = 0  # parts that are one, since they do not say their amounts

    def add(self, part: Part) -> Iterator[Line]:
        """Take a part, and hand on what need not be held any more."""
        self.held.append(part)
        if self.let_go:
            if part.amount_minor is None:
                said = f"in a batch of more than {PARTS_HELD_MAX:,}, this part does not say its amount"
                self.problems.add(part.line, "Amt", f"{said} in {self.whose.currency}")
            yield self._let_go(self.held.pop(0))
        elif len(self.held) > PARTS_HELD_MAX:
            if any(part.amount_minor is None for part in self.held):
                self._merge()
            else:
                while len(self.held) > 1:
                    yield self._let_go(self.held.pop(0))

    def lines(self, notes: list[str]) -> Iterator[Line]:
        """Hand on the rest of an entry that has ended, of which a part is held; `notes` are of the whole."""
        extra: list[Part] = []
        if not self.let_go:
            if len(self.held) > 1 and any(part.amount_minor is None for part in self.held):
                self._merge()
            if len(self.held) == 1:
                self._alone(self.held[0])
            else:
                self._net()
        away = self._sum_minor() - self.amount_minor
        if away and away in {self.charges_minor, self._charges_minor()}:
            extra = [Part(self.line, -away, said={"code": CHARGES})]
        _note(self.held[-1], notes)
        if self.merged:
            _note(self.held[-1], [f"({self.merged:,} TxDtls)"])
        for part in [*self.held, *extra]:
            yield self._let_go(part)

    def _alone(self, part: Part) -> None:
        """What is one movement is what was booked; another sum that it names is what was ordered."""
        named, part.charges_minor = part.amount_minor, part.charges_minor or self.charges_minor
        if named and named * self.amount_minor < 0:
            return  # the one says in, the other out
        part.amount_minor = self.amount_minor
        if named and named != self.amount_minor:
            part.said.setdefault("instructed_minor", named)
            part.said.setdefault("instructed_currency", self.whose.currency)
        if self.bank_ref:
            part.said.setdefault("bank_ref", self.bank_ref)

    def _net(self) -> None:
        """Take off each part what was kept of it, where that makes them what was booked."""
        away = self._sum_minor() - self.amount_minor
        if away and away == self._charges_minor():
            for part in self.held:
                if part.charges_minor:
                    part.said.setdefault("instructed_minor", part.amount_minor)
                    part.said.setdefault("instructed_currency", self.whose.currency)
                part.amount_minor = (part.amount_minor or 0) - part.charges_minor

    def _merge(self) -> None:
        """Make one part of all: each names a payment, and only what they come to together is known."""
        self.merged += len(self.held) - (1 if self.merged else 0)
        self.held = [_merged(self.held, self.whose.currency)]

    def _sum_minor(self) -> int:
        return self.let_go_minor + sum(part.amount_minor or 0 for part in self.held)

    def _charges_minor(self) -> int:
        return self.let_go_charges_minor + sum(part.charges_minor for part in self.held)

    def _let_go(self, part: Part) -> Line:
        self.let_go += 1
        self.let_go_minor += part.amount_minor or 0
        self.let_go_charges_minor += part.charges_minor
        return Line(
            **{
                "line": part.line,
                "entry_no": self.no,
                "entry_minor": self.amount_minor,
                "part_no": self.let_go,
                "amount_minor": part.amount_minor or 0,
                "currency": self.whose.currency,
                "booked_on": self.booked_on,
                "valued_on": self.valued_on,
                "is_booked": self.is_booked,
                "is_reversal": self.whose.is_reversal,
                "code": self.code,
                "entry_ref": self.bank_ref,
                "bank_ref": part.bank_ref,
                "charges_minor": part.charges_minor,
                **part.said,
            }
        )


def entry_of(fields: Fields, no: int, account: str) -> Entry | None:
    """Read what an entry says before its parts, or None with problems."""
    money, sign, is_booked = fields.money("Amt"), fields.sign(), _is_booked(fields)
    if money is None and "Amt" not in fields.node:
        fields.refuse(("Amt",), "the entry has no amount")
    if money is None or not sign or is_booked is None:
        return None
    minor, currency = money
    node = fields.node
    return Entry(
        line=fields.line,
        no=no,
        amount_minor=sign * minor,
        whose=Whose(account, currency, sign, fields.flag("RvslInd")),
        booked_on=fields.day("BookgDt"),
        valued_on=fields.day("ValDt"),
        is_booked=is_booked,
        code=code_of(node),
        bank_ref=reference(node, "AcctSvcrRef"),  # never NtryRef, which counts entries anew in every message
        charges_minor=charges_minor(fields, currency),
        problems=fields.problems,
    )


def alone(fields: Fields, entry: Entry) -> Part:
    """Read an entry that has no parts as one; a batch of which only the name is known is called by that."""
    part = part_of(fields, entry.whose)
    batch = under(fields.node, "NtryDtls", "Btch")
    if called := reference(batch, "PmtInfId") or reference(batch, "MsgId"):
        part.said.setdefault("end_to_end_ref", called)
    return part


def _is_booked(fields: Fields) -> bool | None:
    written = coded(fields.node, "Sts")
    if written not in _BOOKED:
        said = f"{shown(written)} is none of {', '.join(_BOOKED)}" if written else "it is missing"
        path = ("Sts", "Cd") if under(fields.node, "Sts") else ("Sts",)
        fields.refuse(path, f"{said}: whether the entry is booked is not known")
    return _BOOKED.get(written)


def _note(part: Part, notes: list[str]) -> None:
    """Add lines to a part's text, but none that it has."""
    if notes:
        lines = part.said["text"].split("\n") if "text" in part.said else []
        part.said["text"] = "\n".join(dict.fromkeys([*lines, *notes]))


def _merged(parts: list[Part], currency: str) -> Part:
    """Keep what all parts have in common, and of each its amount, names and texts, as far as a text goes."""
    first = parts[0]
    common = {name: value for name, value in first.said.items() if all(part.said.get(name) == value for part in parts)}
    lines: list[str] = []
    for part in parts:
        own = {name: value for name, value in part.said.items() if name not in common}
        words = [format_minor(part.amount_minor, currency)] if part.amount_minor else []
        if "instructed_minor" in own:
            words.append(format_minor(own["instructed_minor"], part.said["instructed_currency"]))
        words += [own["party"].name, own["party"].iban or own["party"].account] if "party" in own else []
        words += [str(own[name]) for name in _NAMED if name in own]
        lines += filter(None, [" ".join(filter(None, words)), *own.get("text", "").split("\n")])
    if lines:
        told = common["text"].split("\n") if "text" in common else []
        common["text"] = "\n".join(dict.fromkeys([*told, *lines]))[:FIELD_CHARS_MAX]
    documents = [document for part in parts for document in part.said.get("documents", ())]
    if documents:
        common["documents"] = tuple(documents[:DOCUMENTS_MAX])
    return Part(first.line, None, sum(part.charges_minor for part in parts), said=common)
