"""Lines that name what is paid already: their money is for nothing else only because the amount is the same."""

import re
from itertools import accumulate, pairwise
from typing import Final

import polars as pl

from dunwell.cash import evidence, numbers
from dunwell.cash.tables import QUOTED
from dunwell.engine.book import Schema

SAID: Final[Schema] = {
    "line_id": pl.Int64,
    "payer_id": pl.Int64,
    "key": pl.String,
    "letters": pl.String,
    "is_strong": pl.Boolean,
}


def silent(payers: pl.DataFrame, named: pl.DataFrame, like: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Give lines beside their likely payers (line_id, payer_id), of whom they name nothing that is open.

    These payers owe something, or the line names what others owe: `named` is of `evidence.named` with the payers, and
    `like`, items that are nearly named, of `evidence.alike`.
    """
    told = payers.select("line_id", "payer_id").unique()
    quiet = told.join(named, on=["line_id", "payer_id"], how="anti")
    others = pl.concat([named.select("line_id"), like.select("line_id")])
    owing = pl.col("payer_id").is_in(stock["payer_id"].unique().to_list())
    return quiet.filter(owing | pl.col("line_id").is_in(others["line_id"].unique().to_list()))


def said(asked: pl.DataFrame, lines: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Give the keys that lines name beside payers, `asked` as of `silent`: SAID. `spans` is of `numbers.spans`."""
    written = spans.join(asked.select("line_id").unique(), on="line_id", how="semi")
    keys = pl.concat([
        written.select("line_id", "key", "letters", "is_strong"),
        _of_documents(lines.join(asked, on="line_id", how="semi")),
    ]).unique()  # fmt: skip
    return asked.join(keys, on="line_id").select(SAID.keys())


def named_paid(told: pl.DataFrame, lines: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Find the lines that name items which their payer has paid, `paid` as of tables.PAID: line_id, payer_id.

    A number that is weak by itself counts with the letters in front, or where the item was of the line's amount.
    """
    keyed = numbers.written(paid).rename({"letters": "in_front", "amount_minor": "was_minor", "currency": "was_in"})
    found = told.join(keyed, on=["payer_id", "key"]).join(
        lines.select("line_id", "currency", "amount_minor"), on="line_id"
    )
    is_worded = (pl.col("letters") == pl.col("in_front")).fill_null(value=False)
    is_amount = (pl.col("amount_minor") == pl.col("was_minor")) & (pl.col("currency") == pl.col("was_in"))
    return found.filter(pl.col("is_strong") | is_worded | is_amount).select("line_id", "payer_id").unique()


def quoted(asked: pl.DataFrame, lines: pl.DataFrame, spans: pl.DataFrame, forms: pl.DataFrame) -> pl.DataFrame:
    """Give what lines `asked`, as of `silent`, quote that may be a reference of the kinds of `forms`: QUOTED."""
    if forms.is_empty():
        return pl.DataFrame(schema=QUOTED)
    some = lines.join(asked, on="line_id", how="semi")
    strong = spans.filter("is_strong").join(some, on="line_id", how="semi")
    found = evidence.quoted(some, forms, strong).filter(pl.col("reference").str.len_chars() > 0)
    return found.group_by("line_id", "reference").agg(pl.col("certain").any())


def quoted_paid(asked: pl.DataFrame, quotes: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Find the lines that quote a reference of which everything is paid, as tables.PAID_REFERENCES: line_id, payer_id.

    A certain one says whoever pays that it was for something else; another says so of the payer whose it is.
    """
    found = quotes.join(paid.rename({"payer_id": "owed_by"}), on="reference").join(asked, on="line_id")
    return found.filter(pl.col("certain") | (pl.col("owed_by") == pl.col("payer_id"))).select("line_id", "payer_id")


def _of_documents(lines: pl.DataFrame) -> pl.DataFrame:
    """The keys of what an advice lists; it says what is paid, however short its numbers are."""
    documents = lines.filter(pl.col("documents").list.len() > 0).select("line_id", "documents").explode("documents")
    keyed = numbers.written(documents.unnest("documents").select("line_id", "number"))
    return keyed.select("line_id", "key", "letters", is_strong=pl.lit(value=True))


def written_otherwise(spans: pl.DataFrame, named: pl.DataFrame, keys: pl.DataFrame, stock: pl.DataFrame) -> set[str]:
    """Give the numbers that lines wrote where they name an item whose number has other letters in front.

    If one of these was paid, it is the one meant. `keys` is of `evidence.keys`.
    """
    about = keys.select("key", "item_id", in_front="letters").join(named.select("line_id", "item_id"), on="item_id")
    found = spans.filter("is_strong").join(about, on=["line_id", "key"]).filter(
        pl.col("letters").is_not_null() & pl.col("letters").ne_missing(pl.col("in_front"))
    )  # fmt: skip
    # What stands before a number is most often a word; of a number without letters only what others have counts.
    usual = pl.col("letters").is_in(keys["letters"].drop_nulls().unique().to_list())
    asked = found.filter(pl.col("in_front").is_not_null() | usual).join(stock.select("item_id", "number"), on="item_id")
    rows = asked.select("number", "letters", "in_front").unique().iter_rows()
    return {form for number, letters, in_front in rows for form in _lettered(number, letters, in_front)}


def written_alike(like: pl.DataFrame, stock: pl.DataFrame) -> set[str]:
    """Give the numbers that lines wrote in the place of those that they nearly name: `like` is of `evidence.alike`."""
    rows = like.join(stock.select("item_id", "number"), on="item_id").select("number", "digits").unique().iter_rows()
    return {form for number, digits in rows for form in _filled(number, digits)}


def _lettered(number: str, letters: str, in_front: str | None) -> list[str]:
    if in_front is None:
        return [f"{letters}{sign}{number}" for sign in ("", "-", " ", "/")]
    place = number.upper().find(in_front)
    return [number[:place] + letters + number[place + len(in_front) :]]


def _filled(number: str, digits: str) -> list[str]:
    """Write digits in the places of those of a number; where they are not as many, the last group has what is left."""
    parts = re.split(r"([0-9]+)", number)
    places = [len(group) for group in parts[1::2]]
    forms = [places, [*places[:-1], len(digits) - sum(places[:-1])]]
    written = []
    for form, told in zip(forms, (digits.zfill(sum(places)), digits), strict=True):
        if len(told) == sum(form) and form[-1] > 0:
            ends = list(accumulate(form, initial=0))
            parts[1::2] = [told[start:end] for start, end in pairwise(ends)]
            written.append("".join(parts))
    return written


def outdone(
    spans: pl.DataFrame, lines: pl.DataFrame, keys: pl.DataFrame, paid: pl.DataFrame, payers: pl.DataFrame
) -> pl.DataFrame:
    """Find the items that a paid one is meant instead of: line_id, item_id. `paid` is as tables.PAID.

    Of two with the same digits it is that with the letters of the text, or else that of a likely payer of the line.
    """
    settled = numbers.written(paid.select("number", paid_by="payer_id")).rename({"letters": "paid_letters"})
    some = spans.select("line_id", "key", "letters")
    said = pl.concat([some, _of_documents(lines).select(some.columns)]).unique()
    likely = payers.select("line_id", "payer_id").unique().with_columns(is_likely=pl.lit(value=True))
    has_paid = likely.rename({"payer_id": "paid_by", "is_likely": "has_paid"})
    each = (
        said.join(settled, on="key")
        .join(keys.select("key", "item_id", "payer_id", in_front="letters"), on="key")
        .join(likely, on=["line_id", "payer_id"], how="left")
        .join(has_paid, on=["line_id", "paid_by"], how="left")
    )
    by_letters = (pl.col("letters") == pl.col("paid_letters")).fill_null(value=False)
    by_payer = pl.col("has_paid").fill_null(value=False) & ~pl.col("is_likely").fill_null(value=False)
    found = each.group_by("line_id", "item_id").agg(
        is_outdone=(by_letters | by_payer).any(),
        is_worded=(pl.col("letters") == pl.col("in_front")).fill_null(value=False).any(),
    )
    return found.filter(pl.col("is_outdone") & ~pl.col("is_worded")).select("line_id", "item_id")


def outdone_alike(like: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Find the items that are nearly named where just that number was paid: line_id, item_id; `like` as above."""
    settled = numbers.written(paid.select("number")).select("key")
    keyed = like.with_columns(key="g" + pl.col("digits").str.replace(r"^0+([0-9])", "${1}"))
    return keyed.join(settled, on="key", how="semi").select("line_id", "item_id")
