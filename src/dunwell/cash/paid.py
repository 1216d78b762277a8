"""Lines that name what is paid already: their money is for nothing else only because the amount is the same."""

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


def silent(payers: pl.DataFrame, named: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Give lines beside payers that owe something, of which they name nothing that is open: line_id, payer_id.

    `named` is of `evidence.named`; `payers`: line_id, payer_id.
    """
    owners = stock.select("item_id", "payer_id")
    open_ones = named.join(owners, on="item_id").select("line_id", "payer_id").unique()
    return (
        payers.select("line_id", "payer_id")
        .unique()
        .join(open_ones, on=["line_id", "payer_id"], how="anti")
        .join(owners.select("payer_id").unique(), on="payer_id", how="semi")
    )


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
