"""References within running text, as payers write them: with blanks, hyphens, slashes, and a line's end in the middle.

Check digits alone prove little: every tenth number has the right one. So a reference is certain only where its form is
that of no mere number, too.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import polars as pl

from dunwell.cash.texts import CHARACTERS_MAX
from dunwell.engine.references import RF, SCHEMES, canonical, schemes_of, valid

DIGITS_MIN: Final = 4  # of a number that may be a reference
PARTED_MIN: Final = 6  # and of one that is parted
_DIGITS_MAX: Final = 27
_GROUPS_MAX: Final = 7
_RF_MAX: Final = 21
_WORD_MIN: Final = 5  # letters of a word that belongs to no reference any more

_HYPHENS: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_PARTING: Final = r"(?: ?[-/] ?| )"
_RF_START: Final = re.compile(r"(?<![0-9A-Z])RF( ?)([0-9]{2})(?=[ /-]{0,3}[0-9A-Z])")
_RF_PIECE: Final = re.compile(rf"({_PARTING}?)([0-9A-Z]+)")
_INNER_END: Final = re.compile(r"(?<=[0-9])(?=[A-Z])")
_OGM: Final = re.compile(
    r"(?<![0-9/])[0-9]{3} ?/ ?[0-9]{4} ?/ ?[0-9]{5}(?![0-9/])|(?<=\+{3})[0-9 /-]{12,20}(?=\+{3})"
    r"|(?<=\*{3})[0-9 /-]{12,20}(?=\*{3})"
)
_QRR: Final = re.compile(rf"(?<![0-9])[0-9]{{2}}(?:{_PARTING}[0-9]{{5}}){{5}}(?![0-9])")
_RF_SCHEMES: Final = ("rf", "viite_rf")
_NAMES: Final = ("KID", "OCR", "VIITE")
_NAMED: Final = {"KID": ("kid10", "kid11"), "OCR": ("ocr", "ocr_length"), "VIITE": ("viite",)}
_SAID: Final = re.compile(
    rf"(?<![0-9A-Z])(KID|OCR|VIITE)-?(?:NUMERO|NUMMER|NRO|NR)?[ .:#-]{{0,3}}([0-9]+(?:{_PARTING}[0-9]+){{0,6}}-?)"
)
# Digits that stand alone: no part of a word, an amount, a date or an IBAN.
_NUMBER: Final = re.compile(r"(?<![0-9A-Z])(?<![0-9][.,])[0-9]+(?![0-9A-Z]|[.,][0-9])")
_DATE: Final = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}([-/])[01]?[0-9]\1[0-3]?[0-9](?![0-9])")
_PARTED: Final = re.compile(_PARTING)
# What a text must have that could hold a certain reference: reading one in Python takes a thousand times longer.
_MAY_HAVE_RF: Final = r"R\s*F\s*[0-9]\s*[0-9]"
_MAY_HAVE_NUMBER: Final = r"KID|OCR|VIITE|[+]{3}|[*]{3}|[0-9]\s*/\s*(?:[0-9]\s*){4}/|[0-9](?:[\s/\p{Pd}]{0,3}[0-9]){26}"

_Place: TypeAlias = tuple[str, str, str, bool]  # the words it was read from, the reference, its scheme, is it certain


@dataclass(frozen=True)
class Found:
    """A reference in its canonical form, the schemes that it would be one of, and whether it can be nothing else.

    One that is not certain is a candidate: a number whose check digits are right, as those of every tenth are.
    """

    reference: str
    schemes: tuple[str, ...]
    certain: bool


def found(text: str, schemes: Collection[str] = SCHEMES) -> list[Found]:
    """Find the references of some schemes in running text, each once: certain ones first, then in the text's order.

    Only those whose check digits hold. Errors: KeyError for a scheme that is none of SCHEMES.
    """
    certain: dict[str, set[str]] = {}
    candidates: dict[str, set[str]] = {}
    for line in _readings(text):
        for reference, scheme, is_certain in _in_line(line, schemes):
            (certain if is_certain else candidates).setdefault(canonical(reference), set()).add(scheme)
    others = {reference: named for reference, named in candidates.items() if reference not in certain}
    return [
        Found(reference, tuple(scheme for scheme in SCHEMES if scheme in named), is_certain)
        for known, is_certain in ((certain, True), (others, False))
        for reference, named in known.items()
    ]


def within(lines: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Find references in the texts of lines, of the kinds that are `given` (reference): line_id, reference, certain.

    Both references are as `canonical` writes them. Bare numbers that nothing calls a reference are not looked for.
    """
    is_rf = given["reference"].str.starts_with(RF)
    schemes = [scheme for scheme in SCHEMES if (is_rf if scheme in _RF_SCHEMES else ~is_rf).any()]
    forms = [form for form, is_there in ((_MAY_HAVE_RF, is_rf), (_MAY_HAVE_NUMBER, ~is_rf)) if is_there.any()]
    said = pl.concat_str("text", "end_to_end_ref", "reference", separator=" | ", ignore_nulls=True)
    texts = lines.select("line_id", text=said.str.slice(0, CHARACTERS_MAX).str.to_uppercase())
    asked = texts.filter(pl.any_horizontal(pl.lit(value=False), *(pl.col("text").str.contains(form) for form in forms)))
    rows = [
        (line_id, each.reference, each.certain) for line_id, text in asked.iter_rows() for each in found(text, schemes)
    ]
    return pl.DataFrame(rows, schema={"line_id": pl.Int64, "reference": pl.String, "certain": pl.Boolean}, orient="row")


def plain(references: pl.Series) -> pl.Series:
    """Write references as `canonical` does, all at once."""
    signs = references.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    without_zeros = (
        signs.str.replace(r"^(RF[0-9]{2})0+(.)", "${1}${2}")
        .to_frame("signs")
        .select(
            pl.when(pl.col("signs").str.contains(r"^[0-9]*$"))
            .then(pl.col("signs").str.strip_chars_start("0"))
            .otherwise("signs")
        )
        .to_series()
    )
    hyphened = references.filter(references.str.contains(r"-\s*$")).unique()
    exact = references.replace_strict(
        {text: canonical(text) for text in hyphened}, default=None, return_dtype=pl.String
    )
    return exact.fill_null(without_zeros)


def _readings(text: str) -> Iterator[str]:
    """The text in one line, twice where it has several: a bank breaks lines between words and within them."""
    plain = text.upper() if text.isascii() else text.upper().translate(_HYPHENS)
    lines = [" ".join(line.split()) for line in plain.splitlines()]
    filled = [line for line in lines if line]
    yield " ".join(filled)
    if len(filled) > 1:
        yield "".join(filled)


def _in_line(line: str, schemes: Collection[str]) -> Iterator[tuple[str, str, bool]]:
    """References in one line, each with its scheme and whether it is certain; one that is, is no other number."""
    rest = line
    for read in (_in_form, _labelled, _rf):
        for words, reference, scheme, is_certain in list(read(rest, schemes)):
            yield reference, scheme, is_certain
            rest = rest.replace(words, "|") if is_certain else rest
    numeric = [scheme for scheme in schemes if scheme not in _RF_SCHEMES]
    for number in _numbers(_DATE.sub("|", rest)) if numeric else ():
        for scheme in schemes_of(number, numeric):
            yield number, scheme, False


def _in_form(line: str, schemes: Collection[str]) -> Iterator[_Place]:
    """What is written as only a Belgian or Swiss reference is."""
    forms = (("ogm", _OGM), ("qrr", _QRR))
    for scheme, form in forms:
        for match in form.finditer(line) if scheme in schemes else ():
            digits = re.sub(r"[^0-9]", "", match[0])
            if valid(scheme, digits):
                yield match[0], digits, scheme, True


def _labelled(line: str, schemes: Collection[str]) -> Iterator[_Place]:
    """Numbers that the text itself calls a KID, an OCR number or a viite: as far as check digits hold."""
    if not any(name in line for name in _NAMES):
        return
    for match in _SAID.finditer(line):
        of_scheme = [name for name in _NAMED[match[1]] if name in schemes]
        groups = _PARTED.split(match[2].rstrip("-"))
        hyphen = "-" if match[2].endswith("-") else ""
        written = ["".join(groups) + hyphen, *("".join(groups[:upto]) for upto in range(len(groups), 0, -1))]
        holding = next(((each, names) for each in written if (names := schemes_of(each, of_scheme))), None)
        if holding:
            yield from ((match[0], holding[0], name, True) for name in holding[1])


def _rf(line: str, schemes: Collection[str]) -> Iterator[_Place]:
    """Where an RF reference ends is not always clear: with one end alone at which its check digits hold, it is."""
    if RF not in line or not any(scheme in schemes for scheme in _RF_SCHEMES):
        return
    for start in _RF_START.finditer(line):
        ends = [(words, reference) for words, reference in _rf_ends(line, start) if valid("rf", reference)]
        is_certain = len(ends) == 1 and not start[1]
        for words, reference in ends:
            for scheme in _RF_SCHEMES:
                if scheme in schemes and valid(scheme, reference):
                    yield words, reference, scheme, is_certain


def _rf_ends(line: str, start: re.Match[str]) -> Iterator[tuple[str, str]]:
    """What an RF reference may be that starts there, with the words that it is read from."""
    head, body, at = RF + start[2], "", start.end()
    while (piece := _RF_PIECE.match(line, at)) and len(body) < _RF_MAX:
        signs = piece[2]
        if piece[1] and signs.isalpha() and len(signs) >= _WORD_MIN:
            return
        for inner in _INNER_END.finditer(signs):  # a word may follow without a blank
            upto = inner.start()
            yield line[start.start() : piece.start(2) + upto], head + body + signs[:upto]
        body += signs
        at = piece.end()
        yield line[start.start() : at], head + body


def _numbers(line: str) -> Iterator[str]:
    """Numbers that stand alone, and those that neighbours make together; also with the hyphen that follows one."""
    pieces = list(_NUMBER.finditer(line))
    joined = [bool(_PARTED.fullmatch(line, one.end(), other.start())) for one, other in pairwise(pieces)]
    for first, piece in enumerate(pieces):
        number = piece[0]
        if len(number) >= DIGITS_MIN:
            yield from _with_hyphen(line, number, piece.end())
        for last in range(first + 1, min(first + _GROUPS_MAX, len(pieces))):
            number += pieces[last][0]
            if not joined[last - 1] or len(number) > _DIGITS_MAX:
                break
            if len(number) >= PARTED_MIN:
                yield from _with_hyphen(line, number, pieces[last].end())


def _with_hyphen(line: str, number: str, end: int) -> Iterator[str]:
    yield number
    if line[end : end + 1] == "-" and not line[end + 1 : end + 2].isalnum():
        yield f"{number}-"
