"""The text of a movement in MT940 (:86:): which part of it is a reference, a name, an account, or what the payer wrote.

Three ways are known: numbered parts, as German banks and their neighbours write them (`166?00...?20EREF+...`); words
between slashes, as Dutch banks do (`/EREF/.../NAME/...`); and words with a plus sign alone. A word's value goes to the
field it belongs to, and everything else stays text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from dunwell.sources.bank.codes import iban_of, party_of, reference_of
from dunwell.sources.bank.pieces import Party

NOBODY: Final = Party()
_NUMBERED: Final = re.compile(r"(\d{3})([?>@~^|<])(\d\d)")
_PART_CHARS: Final = 27  # a part of this length goes on in the next one
_LINE_CHARS: Final = 65
_PURPOSE: Final = frozenset([*map(str, range(20, 30)), *map(str, range(60, 64))])
_RETURNS: Final = frozenset({"108", "109", "159", "184"})  # of direct debits, and of transfers
_PLUS: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP|RTRN|ANAM|IBAN|BIC)\+(?=\s*[^\s+])")
_SLASHED: Final = re.compile(
    r"/(TRTP|TRCD|TYPE|IBAN|BIC|NAME|REMI|EREF|KREF|PREF|MARF|CSID|ORDP|BENM|ULTD|ULTC|ULTB|CNTP|ACCW|ISDT|RTRN|PURP"
    r"|SVCL|ADDR|ID|TRAN|RTYP|CREF|INIT)/"
)
_STRUCTURED: Final = re.compile(r"STRD/+(?:[A-Z]{3}/+)?([^/]+)/*")
_SECTIONS: Final = frozenset({"ORDP", "BENM", "ULTD", "ULTC", "ULTB"})  # whose the name is that follows


@dataclass(frozen=True, slots=True)
class Details:
    """What a text says; `code` is the German number of the kind of movement."""

    text: str = ""
    code: str = ""
    reference: str = ""
    end_to_end_ref: str = ""
    mandate_ref: str = ""
    party: Party = NOBODY
    on_behalf_of: str = ""
    return_reason: str = ""


@dataclass
class _Found:
    """What is gathered of a text: values by the field they go to, and lines of text."""

    fields: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def put(self, name: str, value: str, otherwise: str) -> None:
        """Keep a value; a second one of its field stays in the text, as it was written."""
        plain = " ".join(value.split()) if name != "text" else value.strip()
        if not plain:
            return
        if name == "text":
            self.texts.append(plain)
        elif name in self.fields or not name:
            self.texts.append(otherwise)
        else:
            self.fields[name] = plain

    def details(self, code: str = "") -> Details:
        known = self.fields
        end_to_end_ref, own_ref = (reference_of(known.get(name, "")) for name in ("end_to_end_ref", "own_ref"))
        also = [f"KREF+{own_ref}"] if own_ref and end_to_end_ref else []
        return Details(
            text="\n".join(self.texts + also),
            code=code,
            reference=known.get("reference", ""),
            end_to_end_ref=end_to_end_ref or own_ref,
            mandate_ref=reference_of(known.get("mandate_ref", "")),
            party=party_of(known.get("name", ""), known.get("account", ""), known.get("bank", "")),
            on_behalf_of=known.get("on_behalf_of", ""),
            return_reason=known.get("return_reason", ""),
        )


def details(lines: Sequence[str]) -> Details:
    """Read the lines of a text."""
    joined = "".join(lines).lstrip()
    numbered = _NUMBERED.match(joined)
    if numbered and (numbered[2] == "?" or joined.count(numbered[2]) > 1):
        return _numbered(joined, numbered[1], numbered[2])
    found = _Found()
    if _SLASHED.match(joined):
        _slashed(joined, found)
    elif _PLUS.match(joined):
        _plus(_continued(lines, _LINE_CHARS), found)
    else:
        told = _continued(lines, _LINE_CHARS).splitlines()
        found.texts += [line.strip() for line in told if line.strip()]
    return found.details()


def coded(lines: Iterable[str]) -> Details:
    """Read lines that each begin with a number of two digits (:NS:): 01 to 14 the text, 15 and 16 the name."""
    found = _Found()
    names = []
    for line in lines:
        number = line[:2]
        if number in {"15", "16"}:
            names.append(line[2:])
        else:
            found.put("text", line[2:] if "01" <= number <= "14" else line, line)
    found.put("name", _continued(names, _PART_CHARS), "")
    return found.details()


def _continued(parts: Sequence[str], chars: int) -> str:
    """Join parts: a full one goes on in the next, a shorter one ends its line."""
    return "".join(part if len(part) >= chars else f"{part}\n" for part in parts)


def _purpose(parts: Sequence[tuple[str, str]]) -> str:
    """Join the parts of a purpose; a full one goes on in the next only where that has the next number."""
    found = [(int(number), text) for number, text in parts if number in _PURPOSE]
    joined = ""
    for at, (number, text) in enumerate(found):
        follows = found[at + 1][0] if at + 1 < len(found) else 0
        goes_on = len(text) >= _PART_CHARS and (follows == number + 1 or (number, follows) == (29, 60))
        joined += text if goes_on else f"{text}\n"
    return joined


def _numbered(joined: str, code: str, sign: str) -> Details:
    """Read `166?00...?20...`: 00 the kind in words, 20 to 29 and 60 to 63 the purpose, 30 to 34 and 38 the other side.

    Part 10 is the bank's number for its own books: nobody else needs it.
    """
    pieces = re.split(rf"{re.escape(sign)}(\d\d)", joined[3:])
    parts = list(zip(pieces[1::2], pieces[2::2], strict=True))
    told = dict(reversed(parts))
    found = _Found()
    _plus(_purpose(parts), found)
    found.put("name", _continued([text for number, text in parts if number in {"32", "33"}], _PART_CHARS), "")
    iban = iban_of(told.get("38", ""))
    found.put("account", iban or told.get("31", ""), "")
    found.put("bank", told.get("30", ""), told.get("30", ""))
    if code in _RETURNS:
        found.put("return_reason", told.get("34", ""), told.get("34", ""))
    taken = _PURPOSE | {"00", "10", "30", "32", "33", "34"} | ({"38"} if iban else {"31"})
    if told.get("31", "").lstrip("0") in iban:
        taken |= {"31"}
    for number, text in parts:
        if number not in taken:
            found.put("text", text, text)
    found.put("text", told.get("00", ""), "")
    return found.details(code)


def _plus(text: str, found: _Found) -> None:
    """Read `EREF+... SVWZ+...`. A reference ends with its line, and what follows there is text."""
    names = {
        "EREF": "end_to_end_ref", "KREF": "own_ref", "MREF": "mandate_ref", "SVWZ": "text",
        "ABWA": "on_behalf_of", "ABWE": "on_behalf_of", "RTRN": "return_reason", "ANAM": "name",
        "IBAN": "account", "BIC": "bank",
    }  # fmt: skip
    pieces = _PLUS.split(text)
    after = [pieces[0]] if pieces[0].strip() else []
    for word, value in zip(pieces[1::2], pieces[2::2], strict=True):
        name = names.get(word, "")
        own, _, rest = (value, "", "") if name == "text" else value.strip("\n").partition("\n")
        found.put(name, own, f"{word}+{own.strip()}")
        after.append(rest)
    for rest in after:
        found.put("text", rest, "")


def _slashed(joined: str, found: _Found) -> None:
    """Read `/EREF/.../NAME/...`; a name after ULTD and its like is of whom the payment is made for."""
    names = {
        "EREF": "end_to_end_ref", "KREF": "own_ref", "MARF": "mandate_ref", "IBAN": "account", "ACCW": "account",
        "BIC": "bank", "NAME": "name", "RTRN": "return_reason",
    }  # fmt: skip
    pieces = _SLASHED.split(joined)
    section = ""
    for word, raw in zip(pieces[1::2], pieces[2::2], strict=True):
        value = raw.strip(" /") if word != "REMI" else raw.strip()
        if word in _SECTIONS:
            section = word
            found.put("on_behalf_of" if word.startswith("ULT") else "name", value, f"/{word}/{value}")
        elif word == "REMI":
            _remittance(value, found)
        elif word == "CNTP":
            for name, part in zip(("account", "bank", "name", "text"), value.split("/", 3), strict=False):
                found.put(name, part.strip("/"), part)
        elif word == "NAME" and section.startswith("ULT"):
            found.put("on_behalf_of", value, f"/{word}/{value}")
        else:
            found.put(names.get(word, ""), value, f"/{word}/{value}")


def _remittance(value: str, found: _Found) -> None:
    """Read what follows /REMI/: free, `USTD//...`, or structured, `STRD/CUR/...`."""
    structured = _STRUCTURED.fullmatch(value)
    if structured:
        found.put("reference", structured[1], value)
    else:
        found.put("text", re.sub(r"^/*(USTD/+)?", "", value).rstrip("/ "), value)
