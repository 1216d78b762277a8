"""Who paid: what is known of an account, the number of a customer in the text, then the name."""

from typing import Final

import polars as pl

from dunwell.cash import names
from dunwell.cash.confidence import KNOWN
from dunwell.cash.settings import Settings

# What each sign is worth; the payer with the most is the one, and it is unclear where two have as much.
WORTH: Final = {
    "on_behalf_of": 20,
    "iban": 8,
    "account": 8,
    "customer_number": 6,
    "name": 4,
    "core_name": 2,
    "like_name": 1,
}
SURE: Final = ("on_behalf_of", "iban", "account")
ACCOUNTS: Final = ("iban", "account", "customer_number")
PAYERS_MAX: Final = 20  # an account that pays for more is that of a payment service, and tells nothing
NAMES_MAX: Final = 60  # a name that more have tells nothing


def payers(
    lines: pl.DataFrame, accounts: pl.DataFrame, known: pl.DataFrame, spans: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Find the likeliest payers of lines: line_id, payer_id, how (a key of WORTH), known (of confidence.KNOWN).

    A line has one, or several that are `unclear`; lines of nobody known are not there. `spans` is of `numbers.spans`.
    """
    owner = accounts.select("account_id", "payer_id").unique()
    learned = known.join(owner, on="account_id").select("kind", "value", "payer_id").unique()
    ibans = learned.filter(pl.col("kind") == "iban").select("value", "payer_id")
    others = learned.filter(pl.col("kind") == "account").select("value", "payer_id")
    named = pl.concat([
        accounts.select("payer_id", name=names.plain(pl.col("name"))),
        learned.filter(pl.col("kind") == "name").select("payer_id", name=names.plain(pl.col("value"))),
    ]).filter(pl.col("name").str.len_chars() > 0).unique()  # fmt: skip
    sure = pl.concat([
        _by_value(lines.select("line_id", value=names.plain_iban(pl.col("party_iban"))), ibans, "iban"),
        _by_value(lines.select("line_id", value=names.plain_iban(pl.col("party_account"))), others, "account"),
    ])  # fmt: skip
    by_name = _by_name(lines, named, sure.select("line_id"), settings)
    return _likeliest(pl.concat([sure, _by_number(accounts, spans), *by_name]))


def _by_value(lines: pl.DataFrame, known: pl.DataFrame, how: str) -> pl.DataFrame:
    few = known.filter(pl.len().over("value") <= PAYERS_MAX)
    return lines.join(few, on="value").select("line_id", "payer_id", how=pl.lit(how))


def _by_number(accounts: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The number of a customer in the text: where it is long enough, and of one payer alone."""
    digits = pl.col("account").str.replace_all(r"[^0-9]", "").str.replace(r"^0+([0-9])", "${1}")
    keyed = accounts.filter(~pl.col("account").str.contains(r"\p{L}[^0-9]*$")).select("payer_id", key="g" + digits)
    alone = keyed.unique().filter(pl.len().over("key") == 1)
    found = spans.filter("is_strong").select("line_id", "key").unique().join(alone, on="key")
    return found.select("line_id", "payer_id", how=pl.lit("customer_number"))


def _by_name(lines: pl.DataFrame, known: pl.DataFrame, sure: pl.DataFrame, settings: Settings) -> list[pl.DataFrame]:
    """Names: the same, the same without the form of the company, and for lines that are not `sure` names alike."""
    few = known.filter(pl.len().over("name") <= NAMES_MAX)
    cores = known.select("payer_id", core=names.core(pl.col("name"))).unique()
    some = cores.filter(pl.len().over("core") <= NAMES_MAX)
    parties = [
        lines.select("line_id", name=names.plain(pl.col(column)), is_debtor=pl.lit(column == "on_behalf_of"))
        for column in ("on_behalf_of", "party_name")
    ]
    asked = pl.concat(parties).filter(pl.col("name").str.len_chars() > 0)
    asked = asked.with_columns(core=names.core(pl.col("name")))
    same, by_core = asked.join(few, on="name"), asked.join(some, on="core")
    rest = asked.join(sure, on="line_id", how="anti")
    near = names.likest(
        rest["core"].to_list(), cores, score_min=settings.name_score_min, margin=settings.name_margin
    ).filter(pl.len().over("name") <= NAMES_MAX)
    by_likeness = rest.join(near, left_on="core", right_on="name")
    exactly = pl.when("is_debtor").then(pl.lit("on_behalf_of")).otherwise(pl.lit("name"))
    return [
        same.select("line_id", "payer_id", how=exactly),
        by_core.select("line_id", "payer_id", how=pl.lit("core_name")),
        by_likeness.select("line_id", "payer_id", how=pl.lit("like_name")),
    ]


def _likeliest(signs: pl.DataFrame) -> pl.DataFrame:
    """The payers with the most signs of each line; the strongest sign is how they are known.

    Where that is a name, all that have the same but for the form of the company may be meant as well: `unclear`. So may
    all where the customer's number is one's and the name another's: it may be the number of an order.
    """
    worth = pl.col("how").replace_strict(WORTH, return_dtype=pl.Int64)
    each = signs.unique().with_columns(worth=worth)
    each = each.sort("line_id", "payer_id", "worth", "how", descending=[False, False, True, False])
    whole = each.group_by("line_id", "payer_id", maintain_order=True).agg(
        worth=pl.col("worth").sum(), how=pl.col("how").first(), fits_name=(~pl.col("how").is_in(ACCOUNTS)).any()
    )
    line, is_sure = "line_id", pl.col("how").is_in(SURE)
    best = whole.with_columns(
        is_best=pl.col("worth") == pl.col("worth").max().over(line),
        has_sure=is_sure.any().over(line),
        # Where the account is one's and the name another's, neither is sure.
        is_torn=~pl.col("fits_name") & pl.col("how").is_in(["name", "on_behalf_of"]).any().over(line),
    ).filter(pl.col("is_best") | ~pl.col("has_sure"))
    by_number = (pl.col("how") == "customer_number") & ~pl.col("fits_name")
    is_unclear = by_number.any().over(line) & pl.col("fits_name").any().over(line)
    level = (
        pl.when((pl.col("is_best").sum().over(line) > 1) | ~pl.col("is_best") | is_unclear)
        .then(pl.lit("unclear"))
        .when(is_sure & ~pl.col("is_torn"))
        .then(pl.lit("sure"))
        .when(is_sure | (pl.col("how").is_in(["name", "customer_number"])))
        .then(pl.lit("name"))
        .otherwise(pl.lit("alike"))
    )
    return best.select("line_id", "payer_id", "how", known=level.cast(pl.Enum(KNOWN)))
