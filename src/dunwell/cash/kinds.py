"""How banks say of a line that it takes back another: by a mark, a reason, a code, or only in words of a free text."""

from collections.abc import Collection
from typing import Final

import polars as pl

from dunwell.cash import names

# SWIFT's type of a returned item, and the sub-families of ISO 20022 for returns, rejects and reversals.
CODES: Final = (
    "[NFS]RTI", "RRTN", "UPDD", "PRDD", "RPCR", "RCDD", "ARET", "AREV", "UPCT", "UPCQ", "URCQ", "CQRV",
)  # fmt: skip
# The German numbers of kinds of movement, alone or behind SWIFT's type, and of BAI2 what debits what was deposited.
NUMBERS: Final = ("009", "108", "109", "110", "111", "193", "552", "555", "557", "558", "566")
# What banks write in words, in capitals without accents and signs.
WORDS: Final = (
    "RUECKLASTSCHRIFT", "RUECKBELASTUNG", "RUECKLAST", "RETOURE", "STORNO", "STORNIERUNG", "STORNERING", "CHARGEBACK",
    "REVERSAL", "RETURNED", "IMPAYE", "INSOLUTO", "INSOLUTI", "DEVOLUCION RECIBO", "REJET",
)  # fmt: skip
# In a free text some of these words are of goods and deposits as well, so there only what banks alone write counts.
PHRASES: Final = (
    "RUECKLASTSCHRIFT", "RUECKBELASTUNG", "CHARGEBACK", "ACH RETURN", "DEVOLUCION RECIBO", "UNPAID DIRECT DEBIT",
    "RETURNED (?:ITEM|CHECK|CHEQUE|DEPOSIT|DIRECT DEBIT)", "(?:ITEM|CHECK|CHEQUE|DIRECT DEBIT) RETURNED",
    "(?:PRLV|PRELEVEMENT|CHEQUE) (?:SEPA )?(?:IMPAYE|REJETE)", "(?:SEPA UEBERW|LASTSCHRIFT|UEBERWEISUNG) STORNO",
)  # fmt: skip
# What stands in each of these codes, words and phrases, accents or not: where it does not, none of them does.
HINTS: Final = [
    "RTI", "RTN", "PDD", "RDD", "PCR", "CDD", "ARE", "UPC", "URC", "CQRV", *NUMBERS,
    "CKLAST", "BELAST", "RETOUR", "STORN", "CHARGEBACK", "REVERSAL", "RETURN", "IMPAY", "INSOLUT", "DEVOLUCI", "REJET",
    "UNPAID",
]  # fmt: skip
# What a bank asks for its work is a line of its own, and no return.
FEES: Final = (
    r"\b(?:ITEM|CHECK|CHEQUE|DEPOSIT|DEBIT|CHARGEBACK|RETURN|RETURNED) (?:FEE|CHARGE)S?\b"
    r"|^(?:ENTGELT|GEBUEHR|GEBUEHREN)\b"
)
# How banks mark money of our own that comes back: by SWIFT's type, the standard's code, a German number, BAI2's types.
OWN_CODES: Final = ("[NFS]RTI", "RRTN")
OWN_NUMBERS: Final = ("159", "181", "184", "255", "257", "258")


def is_told() -> pl.Expr:
    """Say whether a bank itself says that a line takes back another: by a mark, a reason or a code, of MOVEMENTS."""
    code = names.plain(pl.col("code"))
    in_code = _has(code, (*CODES, *WORDS), NUMBERS) & ~code.str.contains(FEES)
    return (pl.col("is_reversal") | (pl.col("return_reason") != "") | in_code).fill_null(value=False)


def taking_back(lines: pl.DataFrame) -> pl.DataFrame:
    """Keep the lines that take back another: money that had come in, or a debit of our own.

    `lines` have amount_minor, is_reversal, return_reason, code and text of MOVEMENTS. Most of what goes out takes
    nothing back, so words are looked for as they are before they are looked at closely.
    """
    is_marked, is_out = pl.col("is_reversal") | (pl.col("return_reason") != ""), pl.col("amount_minor") < 0
    is_hinted = pl.any_horizontal(pl.col("code", "text").str.contains_any(HINTS, ascii_case_insensitive=True))
    few = lines.filter((is_out & (is_marked | is_hinted)) | (~is_out & pl.col("is_reversal")))
    text = names.plain(pl.col("text"))
    in_text = text.str.contains(rf"\b(?:{'|'.join(PHRASES)})\b") & ~text.str.contains(FEES)
    return few.filter(is_told() | in_text)


def own_money_back(codes: Collection[str]) -> list[str]:
    """Keep the codes by which banks mark what we had paid ourselves, and that came back."""
    frame = pl.DataFrame({"code": sorted(codes)}, schema={"code": pl.String})
    return frame.filter(_has(names.plain(pl.col("code")), OWN_CODES, OWN_NUMBERS))["code"].to_list()


def _has(code: pl.Expr, words: Collection[str], numbers: Collection[str]) -> pl.Expr:
    """Whether a plain code has one of some words, or is of a kind with one of some numbers.

    Only the first number is the kind: those behind it are of the bank's own bookkeeping.
    """
    return code.str.contains(rf"\b(?:{'|'.join(words)})\b|^(?:[NFS][A-Z0-9]{{3}} )?(?:{'|'.join(numbers)})\b")
