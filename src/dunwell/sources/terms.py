"""Terms of payment as invoices and ledgers write them: the cash discount that they grant, and within how many days.

Read is what electronic invoices say in BT-20 (`#SKONTO#TAGE=14#PROZENT=2.00#`), and short terms in English and German,
such as `2/10 net 30` or `2 % Skonto 10 Tage, 30 Tage netto`. Of several discounts the one for paying first counts.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PERCENT_DECIMALS: Final = 4
DAYS_MAX: Final = 366

_NUMBER: Final = r"[0-9]{1,3}(?:[.,][0-9]{1,4})?"
_SKONTO: Final = re.compile(
    r"#SKONTO#TAGE=([0-9]{1,3})#PROZENT=([0-9]{1,3}(?:\.[0-9]{1,4})?)#(?:BASISBETRAG=([0-9]{1,12}\.[0-9]{1,3})#)?"
)
_VERZUG: Final = re.compile(r"#VERZUG#[A-Z0-9=.#-]*#")
_SPEAKS_OF_ONE: Final = re.compile(
    rf"%|#|SKONTO|DISCOUNT|PERCENT|PROZENT|(?<![0-9./]){_NUMBER} ?/ ?[0-9]{{1,3}}(?!/?[0-9.])", re.IGNORECASE
)
_NONE: Final = re.compile(r"\b(?:ohne|kein|no|without) (?:skonto|abzug|cash discount|discount)\b", re.IGNORECASE)
# Words that change nothing of what numbers and signs say.
_WORDS: Final = re.compile(
    r"\b(?:cash|discount|skonto|abzug|rabatt|within|innerhalb|binnen|bei|zahlung|zahlbar|payable|payment|terms|if|paid"
    r"|in|of|von|and|und|or|oder|otherwise|sonst|the|after|nach|ab|from|invoice|date|rechnungsdatum|due|fällig)\b",
    re.IGNORECASE,
)
_NET: Final = re.compile(
    r"(?:net(?:to)?|n) ?/? ?[0-9]{1,3}(?: days?)?|[0-9]{1,3}(?: days?)? ?net(?:to)?|net(?:to)?", re.IGNORECASE
)
_PERCENT_FIRST: Final = re.compile(rf"({_NUMBER}) ?% ?/? ?([0-9]{{1,3}})(?: days?)?")
_DAYS_FIRST: Final = re.compile(rf"([0-9]{{1,3}})(?: days?)? ?/? ?({_NUMBER}) ?%")
_SLASHED: Final = re.compile(rf"({_NUMBER}) ?/ ?([0-9]{{1,3}})(?: days?)?")


class TermsError(ValueError):
    """Terms that speak of a discount, and not in a way that is read."""


@dataclass(frozen=True)
class Discount:
    """So many percent off for paying within so many days of the invoice; `base`: of this sum instead of all of it."""

    percent: Decimal
    days: int
    base: Decimal | None = None


def discount_of(terms: str) -> Discount | None:
    """Read the discount of terms; None where they grant none. Errors: TermsError."""
    said = _NONE.sub(" ", terms)
    if not _SPEAKS_OF_ONE.search(said):
        return None
    found = _structured(said) if "#" in said else _in_words(said)
    for each in found:
        if each.percent > 100 or each.days > DAYS_MAX:
            raise TermsError(f"{each.percent} % within {each.days} days is no discount")
    granted = [each for each in found if each.percent]
    return min(granted, key=lambda each: (each.days, -each.percent)) if granted else None


def _structured(terms: str) -> list[Discount]:
    """What stands between hashes; the text beside it is for people."""
    found = [
        Discount(Decimal(percent), int(days), Decimal(base) if base else None)
        for days, percent, base in _SKONTO.findall(terms)
    ]
    rest = _VERZUG.sub("", _SKONTO.sub("", terms))
    if "#" in rest or not (found or _VERZUG.search(terms)):
        raise TermsError("is not written as #SKONTO#TAGE=14#PROZENT=2.00#")
    return found


def _in_words(terms: str) -> list[Discount]:
    """What short terms say, one part after the other; every part must be understood."""
    plain = re.sub(r"\b(?:tagen?|tg|t|d)\b\.?", "day", terms, flags=re.IGNORECASE)
    plain = re.sub(r"\bdays\b", "day", plain, flags=re.IGNORECASE)
    plain = _WORDS.sub(" ", re.sub(r"\b(?:percent|prozent)\b", "%", plain, flags=re.IGNORECASE))
    rest = " ".join(re.sub(r"[;:()]|,(?![0-9])|(?<![0-9]),|\.(?![0-9])|-", " ", plain).split())
    found: list[Discount] = []
    while rest:
        match, discount = _part(rest)
        if match is None:
            raise TermsError("is not read: write such as 2/10 net 30, or 2% 10 days, 30 days net")
        found += [discount] if discount else []
        rest = rest[match.end() :].lstrip(" /,")
    if not found:
        raise TermsError("does not say how many percent are off, and for how many days")
    return found


def _part(rest: str) -> tuple[re.Match[str] | None, Discount | None]:
    """The next part: a discount, or the days net."""
    if match := _PERCENT_FIRST.match(rest):
        return match, Discount(_decimal(match[1]), int(match[2]))
    if match := _DAYS_FIRST.match(rest):
        return match, Discount(_decimal(match[2]), int(match[1]))
    if match := _NET.match(rest):
        return match, None
    match = _SLASHED.match(rest)
    return match, Discount(_decimal(match[1]), int(match[2])) if match else None


def _decimal(number: str) -> Decimal:
    return Decimal(number.replace(",", "."))
