"""Numbers as people write them: with other blanks, dashes, zeros and words in front than the invoice has.

A number is digits that stand by themselves: never a part of a longer run of digits. Its keys are its digits together
(`g`), its groups of digits without leading zeros (`d`), and, where letters stand among the digits, all of it (`x`).
"""

from typing import Final

import polars as pl

from dunwell.cash.texts import BREAK

STRONG_DIGITS: Final = 5  # shorter ones are found by chance
GROUPS_MAX: Final = 4  # that a payer writes one number in
# Six or eight digits that could be a day say nothing by themselves.
DAY_LIKE: Final = (
    r"^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d"
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:1\d|2\d)|(?:1\d|2\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$"
)
ATOM: Final = rf"[0-9]+|\p{{Lu}}+|{BREAK.strip()}"
MIXED: Final = r"[0-9][^0-9]*\p{Lu}"  # letters among or behind the digits
WORD: Final = r"[\p{Lu}0-9]+(?:[-/._][\p{Lu}0-9]+)*"


def written(numbers: pl.DataFrame) -> pl.DataFrame:
    """Give the keys of numbers, in the column `number`: every other column, key, letters (in front, or null).

    A number without digits has no key.
    """
    upper = pl.col("number").str.to_uppercase()
    groups = upper.str.extract_all(r"[0-9]+")
    given = numbers.filter(pl.col("number").str.contains(r"[0-9]")).with_columns(
        is_mixed=upper.str.contains(MIXED),
        letters=upper.str.extract(r"(\p{Lu}+)[^\p{Lu}0-9]*[0-9]"),
        g=_together(groups.list.join("")),
        d=groups.list.eval(_together(pl.element())).list.join("."),
        x=upper.str.replace_all(r"[^\p{Lu}0-9]", ""),
    )
    kept = pl.exclude("number", "is_mixed", "g", "d", "x")
    plain, mixed = given.filter(~pl.col("is_mixed")), given.filter("is_mixed")
    apart = pl.col("d").str.contains(".", literal=True)
    return pl.concat([
        plain.select(kept, key="g" + pl.col("g")),
        plain.filter(apart).select(kept, key="d" + pl.col("d")),
        mixed.select(kept, key="x" + pl.col("x")),
    ])  # fmt: skip


def spans(texts: pl.DataFrame) -> pl.DataFrame:
    """Find what may be a number in texts: line_id, key, letters (before it), digits (as written), is_strong."""
    atoms = (
        texts.lazy()
        .select("line_id", atom=pl.col("text").str.extract_all(ATOM))
        .with_columns(place=pl.int_ranges(pl.col("atom").list.len()))
        .explode("atom", "place", empty_as_null=False)
        .with_columns(is_number=pl.col("atom").str.contains(r"^[0-9]"), before=pl.col("atom").shift(1).over("line_id"))
        .collect()
    )
    runs = atoms.with_columns(run=(~pl.col("is_number")).cum_sum()).filter("is_number")
    starts = runs.select(
        "line_id", "run", "atom", letters=pl.when(pl.col("before").str.contains(r"^\p{Lu}")).then("before")
    )
    bare = _together(pl.col("atom"))
    parts = [starts.select("line_id", "run", "letters", digits="atom", dotted=bare, groups=pl.lit(1))]
    for count in range(1, GROUPS_MAX):
        same = (pl.col("line_id").shift(-count) == pl.col("line_id")) & (pl.col("run").shift(-count) == pl.col("run"))
        joined = pl.concat_str([pl.col("atom").shift(-n) for n in range(count + 1)])
        dotted = pl.concat_str([bare.shift(-n) for n in range(count + 1)], separator=".")
        told = starts.select(
            "line_id", "run", "letters", digits=joined, dotted=dotted, groups=pl.lit(count + 1), same=same
        )
        parts.append(told.filter("same").drop("same"))
    found = pl.concat(parts)
    kept = ["line_id", "letters", "digits"]
    keyed = pl.concat([
        found.select(*kept, key="g" + _together(pl.col("digits"))),
        found.filter(pl.col("groups") > 1).select(*kept, key="d" + pl.col("dotted")),
    ])  # fmt: skip
    return keyed.unique().with_columns(is_strong=is_strong(pl.col("digits")))


def words(texts: pl.DataFrame) -> pl.DataFrame:
    """Find what may be a number with letters among its digits: the columns of `spans`."""
    found = (
        texts.lazy()
        .select("line_id", word=pl.col("text").str.extract_all(WORD))
        .explode("word", empty_as_null=False)
        .filter(pl.col("word").str.contains(MIXED))
        .select("line_id", digits=pl.col("word").str.replace_all(r"[^\p{Lu}0-9]", ""))
        .unique()
        .collect()
    )
    return found.select(
        "line_id",
        pl.lit(None, dtype=pl.String).alias("letters"),
        "digits",
        key="x" + pl.col("digits"),
        is_strong=pl.col("digits").str.len_chars() >= STRONG_DIGITS,
    )


def is_strong(digits: pl.Expr) -> pl.Expr:
    """Say of digits as written whether they are a number by themselves: long enough, and no day."""
    return (_together(digits).str.len_chars() >= STRONG_DIGITS) & ~digits.str.contains(DAY_LIKE)


def _together(digits: pl.Expr) -> pl.Expr:
    """Without leading zeros; a zero alone stays."""
    return digits.str.replace(r"^0+([0-9])", "${1}")
