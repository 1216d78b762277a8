"""What a line itself names: references, documents of an advice, and numbers in its texts."""

from typing import Final

import polars as pl
from rapidfuzz.distance import DamerauLevenshtein

from dunwell.cash import numbers, references
from dunwell.engine.book import Schema

NAMED: Final[Schema] = {
    "line_id": pl.Int64,
    "item_id": pl.Int64,
    "payer_id": pl.Int64,
    "by": pl.String,  # reference, document, number
    "cap_minor": pl.Int64,  # signed: what is open, or less where the advice says so
    "advised_minor": pl.Int64,  # what the advice says, signed
}
ITEMS_MAX: Final = 20  # a number that more items have names none of them by itself
TOKEN_MIN: Final = 5
TOKEN_MAX: Final = 35
SHARE_MIN: Final = 0.6  # how much of a number must be left where it is cut off
TYPO_MIN: Final = 6
LETTERS_MIN: Final = 2  # and WORDED_MIN digits: with them the letters in front make a number of a short one
WORDED_MIN: Final = 3
REFERENCE_MIN: Final = 8  # a shorter one says as much as a number does
BARE_MIN: Final = 10  # and so does a shorter one that nothing in the text calls a reference


def keys(stock: pl.DataFrame) -> pl.DataFrame:
    """The keys of the items' numbers: item_id, payer_id, currency, letters, key, same (items with this key)."""
    about = stock.select("item_id", "payer_id", "currency", "number")
    return numbers.written(about).with_columns(same=pl.len().over("key"))


def named(lines: pl.DataFrame, given: pl.DataFrame, spans: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Find the items that lines name for certain: line_id, item_id, by, advised_minor; the strongest way of each.

    `given`: references that were given out, as tables.REFERENCES; `spans` is of `numbers.spans`, `known` of `keys`.
    """
    strong = spans.filter("is_strong")
    by_number = _joined(strong, known.filter(pl.col("same") <= ITEMS_MAX), lines)
    by_document = _by_document(lines, known)
    by_reference = _by_reference(lines, given, strong)
    found = pl.concat([
        by_reference.with_columns(advised_minor=pl.lit(None, dtype=pl.Int64)),
        by_document.with_columns(by=pl.lit("document")).select("line_id", "item_id", "by", "advised_minor"),
        by_number.with_columns(by=pl.lit("number"), advised_minor=pl.lit(None, dtype=pl.Int64)),
    ])  # fmt: skip
    first = found.with_columns(rank=pl.col("by").replace_strict({"reference": 0, "document": 1, "number": 2}))
    return (
        first.sort("line_id", "item_id", "rank", "advised_minor", nulls_last=True)
        .unique(["line_id", "item_id"], keep="first", maintain_order=True)
        .drop("rank")
    )


def shaped(found: pl.DataFrame, lines: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Make NAMED of line_id, item_id, by and advised_minor: what is open and of the line's currency.

    Nothing is paid of an invoice that an advice takes off, nor set off of a credit note that it pays.
    """
    about = stock.select("item_id", "payer_id", "currency", "signed_minor")
    each = found.join(lines.select("line_id", "currency"), on="line_id").join(about, on=["item_id", "currency"])
    is_owed, advised = pl.col("signed_minor") > 0, pl.col("advised_minor")
    return each.with_columns(
        cap_minor=pl.when(is_owed)
        .then(pl.min_horizontal("signed_minor", advised.clip(lower_bound=0)))
        .otherwise(pl.max_horizontal("signed_minor", advised.clip(upper_bound=0)))
    ).select(NAMED.keys())


def weak(
    lines: pl.DataFrame, stock: pl.DataFrame, spans: pl.DataFrame, known: pl.DataFrame, payers: pl.DataFrame
) -> pl.DataFrame:
    """Find items by numbers that say nothing by themselves: short, like a day, or had by many.

    They are items of a likely payer, or have the letters in front that the text has, too.
    """
    mine = payers.select("line_id", "payer_id")
    own = known.join(mine.select("payer_id").unique(), on="payer_id", how="semi")
    of_payer = (
        spans.join(mine, on="line_id")
        .join(own, on=["payer_id", "key"])
        .filter(~pl.col("is_strong") | (pl.col("same") > ITEMS_MAX))
    )
    has_word = (pl.col("letters").str.len_chars() >= LETTERS_MIN) & (pl.col("digits").str.len_chars() >= WORDED_MIN)
    worded = spans.filter(has_word & ~pl.col("is_strong")).join(
        known.filter(pl.col("same") <= ITEMS_MAX), on=["key", "letters"]
    )
    found = pl.concat([of_payer.select("line_id", "item_id"), worded.select("line_id", "item_id")]).unique()
    return shaped(
        found.with_columns(by=pl.lit("number"), advised_minor=pl.lit(None, dtype=pl.Int64)), lines, stock
    ).sort("line_id", "item_id")


def like(lines: pl.DataFrame, stock: pl.DataFrame, spans: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Find items as `alike` does, in the shape of NAMED."""
    found = alike(lines, stock, spans, known).select("line_id", "item_id").unique()
    return shaped(
        found.with_columns(by=pl.lit("number"), advised_minor=pl.lit(None, dtype=pl.Int64)), lines, stock
    ).sort("line_id", "item_id")


def alike(lines: pl.DataFrame, stock: pl.DataFrame, spans: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Find items of exactly the line's amount whose number the text has cut off, or with one typing error.

    With the `digits` that the text has. An amount that more than ITEMS_MAX items have says too little, and is not
    asked; a number that another item has, by its key among the `known`, is no typing error.
    """
    amounts = lines.select("currency", open_minor="amount_minor").unique()
    asked_for = stock.filter(~pl.col("is_credit")).join(
        amounts, on=["currency", "open_minor"], how="semi", maintain_order="left"
    )
    of_amount = asked_for.with_columns(alike=pl.len().over("currency", "open_minor"))
    pairs = (
        lines.select("line_id", "currency", "amount_minor")
        .join(of_amount, left_on=["currency", "amount_minor"], right_on=["currency", "open_minor"])
        .filter(pl.col("alike") <= ITEMS_MAX)
        .select("line_id", "item_id", number=pl.col("number").str.replace_all(r"[^0-9]", ""))
        .filter(pl.col("number").str.len_chars() >= TYPO_MIN)
    )
    others = spans.filter("is_strong").join(known, on="key", how="semi")
    tokens = (
        spans.join(others, on=["line_id", "digits"], how="anti")
        .select("line_id", "digits")
        .filter(
            pl.col("digits").str.len_chars().is_between(TOKEN_MIN, TOKEN_MAX)
            & ~pl.col("digits").str.contains(numbers.DAY_LIKE)
        )
    )
    asked = pairs.join(tokens.unique(), on="line_id")
    is_like = [_is_like(token, number) for token, number in asked.select("digits", "number").iter_rows()]
    return asked.filter(pl.Series(is_like, dtype=pl.Boolean)).select("line_id", "item_id", "digits")


def _is_like(token: str, number: str) -> bool:
    """Cut off in front or behind, or one digit wrong, missing, too many, or two in the wrong order."""
    is_part = len(number) > len(token) >= SHARE_MIN * len(number)
    if is_part and (number.startswith(token) or number.endswith(token)):
        return True
    return len(token) >= TYPO_MIN and DamerauLevenshtein.distance(token, number, score_cutoff=1) <= 1


def _joined(spans: pl.DataFrame, known: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Items by the keys of texts."""
    found = spans.join(known, on="key").join(lines.select("line_id", currency_of_line="currency"), on="line_id")
    return _meant(found).select("line_id", "item_id").unique()


def _meant(found: pl.DataFrame) -> pl.DataFrame:
    """Keep, where several items have the digits, those of the line's currency, and of these those with the letters."""
    ours = pl.col("currency") == pl.col("currency_of_line")
    same = (pl.col("letters") == pl.col("letters_right")).fill_null(value=False)
    paid = found.filter(ours | ~ours.any().over("line_id", "key"))
    return paid.filter(same | ~same.any().over("line_id", "key"))


def _by_reference(lines: pl.DataFrame, given: pl.DataFrame, strong: pl.DataFrame) -> pl.DataFrame:
    """Items by references that were given out: in the field of its own, or in the text, whatever parts its groups."""
    told = given.select("item_id", references.plain(given["reference"])).unique()
    told = told.filter(pl.col("reference").str.len_chars() > 0)
    if told.is_empty():
        return pl.DataFrame(schema={"line_id": pl.Int64, "item_id": pl.Int64, "by": pl.String})
    found = quoted(lines, told, strong).join(told, on="reference").group_by("line_id", "item_id").agg(
        pl.col("certain").any()
    )  # fmt: skip
    by = pl.when("certain").then(pl.lit("reference")).otherwise(pl.lit("number"))
    return found.select("line_id", "item_id", by=by)


def quoted(lines: pl.DataFrame, forms: pl.DataFrame, strong: pl.DataFrame) -> pl.DataFrame:
    """Give what lines quote that may be a reference of the kinds of `forms` (reference): line_id, reference, certain.

    All as `references.canonical` writes them; `strong` is of `numbers.spans`. One that is not certain says as much as
    a number does.
    """
    length = pl.col("reference").str.len_chars()
    field = lines.select("line_id", references.plain(lines["reference"]))
    bare = strong.filter(pl.col("key").str.starts_with("g")).select("line_id", reference=pl.col("key").str.slice(1))
    said = references.within(lines, forms)
    return pl.concat([
        field.with_columns(certain=length >= REFERENCE_MIN),
        bare.with_columns(certain=length >= BARE_MIN),
        said.with_columns(pl.col("certain") | (length >= BARE_MIN)),
    ])  # fmt: skip


def _by_document(lines: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Items by the numbers of an advice, whatever their length; what is advised of a credit note is negative.

    What several documents say of one item is one amount.
    """
    advised = (
        lines.filter(pl.col("documents").list.len() > 0)
        .select("line_id", "currency", "documents")
        .explode("documents")
        .unnest("documents")
        .with_row_index("at")
    )
    signed = pl.when("is_credit_note").then(-pl.col("amount_minor").abs()).otherwise("amount_minor")
    keyed = numbers.written(
        advised.select("line_id", "at", "number", advised_minor=signed, currency_of_line="currency")
    )
    found = keyed.join(known.filter(pl.col("same") <= ITEMS_MAX), on="key")
    each, minor = _meant(found).select("line_id", "item_id", "at", "advised_minor").unique(), pl.col("advised_minor")
    return each.group_by("line_id", "item_id").agg(pl.when(minor.is_not_null().any()).then(minor.sum()))
