"""Names and accounts as banks write them, and how much alike two names are."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from rapidfuzz import fuzz

# What says how a company is constituted, and not which one it is.
FORMS: Final = (
    "AB|AG|APS|AS|ASA|BV|BVBA|CO|COMPANY|CORP|CORPORATION|CV|DAC|EG|EK|EV|GBR|GESMBH|GMBH|INC|INCORPORATED|KG|KGAA|LIMITED"
    "|LLC|LLP|LP|LTD|MBH|NV|OHG|OY|OYJ|PLC|PTY|PVT|SA|SARL|SAS|SE|SL|SNC|SP|SPA|SPZOO|SRL|SRO|UG|ZOO|UND|AND|ET|THE"
)
_SPELT: Final = {"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "Æ": "AE", "Ø": "OE", "Å": "AA", "Ł": "L"}
CORE_MIN: Final = 4  # letters that a name must have, beside its form, to be like another
PART_MIN: Final = 0.5  # how much of a name must be there where the rest is missing
PART_SCORE: Final = 92
BLOCK_MAX: Final = 60  # names that share a word; a word that more of them share tells nobody apart
PREFIX: Final = 4


def plain(name: pl.Expr) -> pl.Expr:
    """Write a name in capitals, its words parted by one blank, umlauts spelt out, without accents and signs."""
    upper = name.str.to_uppercase().str.replace_many(_SPELT).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    dotted = upper.str.replace_all(r"\b(\p{Lu})\.", "${1}").str.replace_all("['\u2019`]", "")
    return dotted.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()


def core(name: pl.Expr) -> pl.Expr:
    """Take off a plain name what says how a company is constituted; the first word always stays."""
    return name.str.replace_all(rf" (?:{FORMS})\b", "")


def plain_iban(iban: pl.Expr) -> pl.Expr:
    """Write an IBAN or another account in capitals without blanks and signs."""
    return iban.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def alike(one: str, other: str) -> int:
    """Say of 100 how much alike two names are, without their forms: typing errors, other order, or words missing."""
    score = int(max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other)))
    short, long = sorted((one, other), key=len)
    has_all = set(short.split()) <= set(long.split())
    if has_all and len(short) >= CORE_MIN and len(short) >= PART_MIN * len(long):
        return max(score, PART_SCORE)
    return score


def likest(names: Sequence[str], known: pl.DataFrame, *, score_min: int, margin: int) -> pl.DataFrame:
    """Find whose name each of `names` is: name, payer_id, and all that are within `margin` of the best.

    `known` has payer_id and core, the names without their forms. Only names that share a rare word, or the beginning
    of one, are compared: the work grows with the names, not with their product.
    """
    asked = pl.DataFrame({"name": sorted(set(names))}, schema={"name": pl.String}).filter(
        pl.col("name").str.len_chars() >= CORE_MIN
    )
    blocks = _blocks(known.select("core").unique(), "core").filter(pl.len().over("block") <= BLOCK_MAX)
    pairs = _blocks(asked, "name").join(blocks, on="block").select("name", "core").unique().sort("name", "core")
    scores = [alike(name, core) for name, core in pairs.iter_rows()]
    scored = pairs.with_columns(score=pl.Series(scores, dtype=pl.Int64)).filter(pl.col("score") >= score_min)
    near = scored.filter(pl.col("score") > pl.col("score").max().over("name") - margin)
    return near.join(known, on="core").select("name", "payer_id").unique().sort("name", "payer_id")


def _blocks(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Each name with its words, and the beginnings and ends of long ones: a typing error changes one of them."""
    parts = frame.with_columns(block=pl.col(column).str.split(" ")).explode("block", empty_as_null=False)
    long = parts.filter(pl.col("block").str.len_chars() > PREFIX)
    starts = long.with_columns(block="^" + pl.col("block").str.slice(0, PREFIX))
    ends = long.with_columns(block="$" + pl.col("block").str.slice(-PREFIX, PREFIX))
    return pl.concat([parts.filter(pl.col("block").str.len_chars() >= 3), starts, ends]).unique()
