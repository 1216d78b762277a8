"""What stands in a payment's texts, without what only looks like a number of an invoice."""

import re
from typing import Final

import polars as pl

# In the place of what was taken out: what stands before it and behind it does not belong together.
BREAK: Final = " ¦ "
CHARACTERS_MAX: Final = 20_000
BEGINS: Final = r"(^|[^-/A-Z0-9])"
DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])"
DATE: Final = (
    rf"{BEGINS}(?:{DAY}[./-]{DAY}[./-](?:(?:19|20)[0-9][0-9]|[0-9][0-9])|(?:19|20)[0-9][0-9][./-]{DAY}[./-]{DAY}|{DAY}\.{DAY}\.)"
    r"(?:\b|$| )"
)
AMOUNT: Final = (
    r"(^|[^-/.,A-Z0-9])(?:[0-9]{1,3}(?:[.,'][0-9]{3})+[.,][0-9]{2}|[0-9]+[.,][0-9]{2}|[0-9]{1,3}(?:[.'][0-9]{3})+,-)\b"
)
PRICED: Final = r"(^|[^A-Z0-9])(?:EUR|USD|GBP|CHF|CAD|AUD|SEK|NOK|DKK|PLN|CZK|€|\$|£) ?[0-9][0-9.,']{0,11}\b"
PHONE: Final = (
    r"(^|[^A-Z0-9])(?:(?:TELEFON|TEL|PHONE|FON|FAX|MOBILE?|HANDY)[.:]* *[+0-9][0-9 /()-]{4,18}[0-9]"
    r"|\+[0-9]{2}[0-9 /()-]{6,16}[0-9])"
)
IBAN: Final = r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"
_IBAN: Final = re.compile(IBAN)


def texts(lines: pl.DataFrame) -> pl.DataFrame:
    """Join what a payer wrote, in capitals, without IBANs, telephone numbers, dates and amounts: line_id, text."""
    told = pl.concat_str("text", "reference", "end_to_end_ref", separator=BREAK, ignore_nulls=True)
    text = told.str.slice(0, CHARACTERS_MAX).str.to_uppercase()
    with_ibans = lines.select("line_id", text=text).with_columns(
        pl.when(pl.col("text").str.contains(IBAN))
        .then(pl.col("text").map_elements(_without_ibans, return_dtype=pl.String))
        .otherwise("text")
        .alias("text")
    )
    clean = pl.col("text")
    for pattern in (PHONE, DATE, AMOUNT, PRICED):
        clean = clean.str.replace_all(pattern, "${1}" + BREAK)
    return with_ibans.with_columns(text=clean)


def _without_ibans(text: str) -> str:
    return _IBAN.sub(_unless_valid, text)


def _unless_valid(found: re.Match[str]) -> str:
    """Take out what has the check digits of an IBAN; a number in groups is left, and one behind an IBAN, too."""
    words = found.group().split(" ")
    for count in range(len(words), 0, -1):
        if _is_iban("".join(words[:count])):
            return BREAK + " ".join(words[count:])
    return found.group()


def _is_iban(text: str) -> bool:
    turned = text[4:] + text[:4]
    return 15 <= len(text) <= 34 and int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
