"""Which bank line an advice goes with that a payer sent by itself: by the amount, the day, and who paid."""

import re
from typing import Final

import polars as pl

from dunwell.cash import evidence, names, numbers
from dunwell.cash.claims import by_currency
from dunwell.cash.payers import payers as payers_of
from dunwell.cash.settings import Settings
from dunwell.cash.tables import ITEMS, LINES, REFERENCES
from dunwell.cash.texts import texts
from dunwell.engine.book import Schema

ADVICES: Final[Schema] = {
    "advice_id": pl.Int64,
    "account_id": pl.Int64,  # whose it is, where it says so, or null
    "payer_name": pl.String,
    "reference": pl.String,  # what the payer calls the payment
    "paid_on": pl.Date,  # or null
    "taken_on": pl.Date,  # when it was taken in
    "currency": pl.String,
    "total_minor": pl.Int64,
    "documents": LINES["documents"],
}
WORKING_DAYS_MAX: Final = 5  # between the payer's day and the bank's
DAYS_MAX: Final = 30  # between the bank's day and that on which an advice without a day came
REFERENCE_MIN: Final = 5  # letters and digits: a shorter one is met by chance
DIGIT: Final = r"\d"
LETTER: Final = r"[^\W\d_]"
NAME_MIN: Final = 6  # letters of a name that stands in a text
KEY: Final = ["advice_id", "line_id"]
PAIRED: Final = [*KEY, "total_minor", "paid_on", "taken_on", "amount_minor", "booked_on"]


def in_reach(advices: pl.DataFrame, lines: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Find the lines whose amount and day are those of an advice: advice_id, line_id, is_exact.

    Frames are ADVICES and tables.LINES. The amount is all of it, or less by what banks kept: as much as the line says,
    or at most what the settings allow. A line with documents of its own needs none.
    """
    total, amount = pl.col("total_minor"), pl.col("amount_minor")
    free = lines.filter(pl.col("documents").list.len().fill_null(0) == 0, amount > 0).select(
        "line_id", "currency", "amount_minor", "booked_on", "charges_minor", "instructed_minor", "instructed_currency"
    )
    asked = advices.select("advice_id", "currency", "total_minor", "paid_on", "taken_on")
    is_told = pl.col("instructed_currency") == pl.col("currency")
    pairs = pl.concat([
        _of_sum(asked, free.with_columns(total_minor=amount)),
        _of_sum(asked, free.with_columns(total_minor=amount + pl.col("charges_minor").fill_null(0))),
        _of_sum(asked, free.filter(is_told).with_columns(total_minor=pl.col("instructed_minor"))),
        _nearly(asked, free, by_currency(settings.charges_at_most)),
    ]).filter(amount <= total).unique(KEY)  # fmt: skip
    working = pl.business_day_count("paid_on", "booked_on").abs() <= WORKING_DAYS_MAX
    around = (pl.col("booked_on") - pl.col("taken_on")).dt.total_days().abs() <= DAYS_MAX
    is_dated = pl.col("paid_on").is_not_null()
    dated, undated = pairs.filter(is_dated).filter(working), pairs.filter(~is_dated).filter(around)
    found = pl.concat([dated, undated]).with_columns(is_exact=amount == total)
    return found.select(*KEY, "is_exact").sort(KEY)


def _of_sum(advices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Pairs of exactly the same `total_minor`, as PAIRED."""
    return advices.join(lines, on=["currency", "total_minor"]).select(PAIRED)


def _nearly(advices: pl.DataFrame, lines: pl.DataFrame, at_most: pl.Expr) -> pl.DataFrame:
    """Pairs of a line that is less than its advice, by at most so much: looked for among those of near amounts only."""
    width, total, amount = pl.col("width"), pl.col("total_minor"), pl.col("amount_minor")
    asked = advices.with_columns(width=at_most).filter(width > 0)
    step = total // width
    asked = asked.with_columns(near=pl.concat_list(step - 1, step)).explode("near")
    free = lines.with_columns(width=at_most).filter(width > 0).with_columns(near=amount // width).drop("width")
    found = asked.join(free, on=["currency", "near"])
    return found.filter(amount < total, total - amount <= width).select(PAIRED)


def going_with(
    reach: pl.DataFrame, advices: pl.DataFrame, lines: pl.DataFrame, *,
    items: pl.DataFrame, accounts: pl.DataFrame, payers: pl.DataFrame, settings: Settings,
) -> pl.DataFrame:  # fmt: skip
    """Say which advice goes with which line, as far as there is no other: advice_id, line_id, by (what says so).

    `reach` is of `in_reach`; an advice must name something that is open. Who paid must be who advises: by the payer's
    own reference in the line, by the debtor that both are known as, or by the name. Of advices that say the same, the
    first is the one.
    """
    told, known = _advisers(advices, items, accounts, payers, settings)
    near = lines.join(reach.select("line_id").unique(), on="line_id", how="semi").select(
        pl.col(name).cast(dtype) for name, dtype in LINES.items()
    )
    paying = payers_of(near, accounts, payers, numbers.spans(texts(near)), settings).select("line_id", "payer_id")
    pairs = reach.join(told.select("advice_id").unique(), on="advice_id", how="semi")
    signs = pl.concat([
        _of_no_other(_by_reference(pairs, advices, near), paying, known),
        pairs.join(paying, on="line_id").join(known, on=["advice_id", "payer_id"], how="semi")
        .select(*KEY, by=pl.lit("payer")),
        _by_name(pairs, advices, near, known, accounts=accounts, settings=settings),
    ]).unique(KEY, keep="first", maintain_order=True)  # fmt: skip
    weighed = signs.join(pairs, on=KEY).with_columns(
        weight=2 * (pl.col("by") == "reference").cast(pl.Int8) + pl.col("is_exact").cast(pl.Int8)
    )
    same = advices.select(
        "advice_id",
        content=pl.concat_str(
            "currency", "total_minor", pl.col("documents").list.eval(pl.element().struct.json_encode()).list.join(",")
        ),
    )
    first = (
        weighed.join(same, on="advice_id").sort(KEY).unique(["content", "line_id"], keep="first", maintain_order=True)
    )
    return _alone(first).select(*KEY, "by").sort(KEY)


def _alone(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs of which each side has no other that is as good."""
    for side in KEY:
        pairs = pairs.filter(pl.col("weight") == pl.col("weight").max().over(side))
    return pairs.filter(pl.all_horizontal(pl.len().over(side) == 1 for side in KEY))


def _advisers(
    advices: pl.DataFrame, items: pl.DataFrame, accounts: pl.DataFrame, payers: pl.DataFrame, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who owes the open items that advices name, and who else they may be of: advice_id, payer_id, both."""
    stock = items.select(pl.col(name).cast(dtype) for name, dtype in ITEMS.items())
    asked = advices.select(
        pl.col("advice_id").alias("line_id"), "currency", "documents", pl.col("payer_name").alias("party_name"),
        *(pl.lit(None).alias(name) for name in LINES if name not in ("line_id", "currency", "documents", "party_name")),
    ).select(pl.col(name).cast(dtype) for name, dtype in LINES.items())  # fmt: skip
    spans = numbers.spans(texts(asked))
    named = evidence.named(asked, pl.DataFrame(schema=REFERENCES), spans, evidence.keys(stock))
    owed = named.join(stock.select("item_id", "payer_id"), on="item_id").select(
        pl.col("line_id").alias("advice_id"), "payer_id"
    )
    by_name = payers_of(asked, accounts, payers, spans, settings).select(
        pl.col("line_id").alias("advice_id"), "payer_id"
    )
    by_account = advices.join(accounts.select("account_id", "payer_id"), on="account_id").select(
        "advice_id", "payer_id"
    )
    # Where the account is told, it is what counts, and not whose number a document happens to have, too.
    rest = pl.concat([owed, by_name]).join(by_account, on="advice_id", how="anti")
    return owed.unique(), pl.concat([by_account, rest]).unique()


def _by_reference(pairs: pl.DataFrame, advices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose line has the payer's own name for the payment, standing alone."""
    bare = names.plain_iban(pl.col("reference").fill_null(""))
    asked = advices.select("advice_id", "reference", bare=bare).filter(pl.col("bare").str.len_chars() >= REFERENCE_MIN)
    said = pl.concat_str("text", "reference", "end_to_end_ref", separator="¦", ignore_nulls=True)
    told = lines.select("line_id", said=said)
    both = pairs.join(asked, on="advice_id").join(told, on="line_id")
    found = both.filter(names.plain_iban(pl.col("said")).str.contains(pl.col("bare"), literal=True))
    alone = [_stands_alone(one, said) for one, said in found.select("reference", "said").iter_rows()]
    return found.filter(pl.Series(alone, dtype=pl.Boolean)).select(*KEY, by=pl.lit("reference"))


def _stands_alone(reference: str, said: str) -> bool:
    """Whether a line has a reference as no part of anything longer, whatever signs and blanks part it.

    Parted elsewhere than its payer does, as banks break lines, it needs a digit, and digits next to it are part of it.
    """
    groups = re.findall(r"[^\W_]+", reference.upper())
    whole = "".join(groups)
    first, last = (DIGIT if sign.isdigit() else LETTER for sign in (whole[0], whole[-1]))
    patterns = [rf"(?<!{first}){' ?'.join(groups)}(?!{last})"]
    if re.search(DIGIT, whole):
        before = rf"(?<!{DIGIT} )" if first == DIGIT else ""
        behind = rf"(?! {DIGIT})" if last == DIGIT else ""
        patterns.append(rf"{before}(?<!{first}){' ?'.join(whole)}(?!{last}){behind}")
    told = [re.sub(r"[\W_]+", " ", text) for text in said.upper().split("¦")]
    return any(re.search(pattern, text) for pattern in patterns for text in told)


def _of_no_other(pairs: pl.DataFrame, paying: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The pairs whose line is of one of the advisers, or of nobody known: what somebody else sends is theirs."""
    own = paying.join(known, on="payer_id").select(KEY)
    theirs = pairs.join(paying, on="line_id", how="semi").join(own, on=KEY, how="anti")
    return pairs.join(theirs, on=KEY, how="anti")


def _by_name(
    pairs: pl.DataFrame, advices: pl.DataFrame, lines: pl.DataFrame, known: pl.DataFrame, *, accounts: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:  # fmt: skip
    """Pairs whose payers are called the same, or alike; or whose line has the name somewhere in its text."""
    core = names.core(names.plain(pl.col("name").fill_null("")))
    debtors = known.join(accounts, on="payer_id").select("advice_id", "name")
    asked = pl.concat([advices.select("advice_id", name="payer_name"), debtors])
    asked = asked.select("advice_id", asked=core).filter(pl.col("asked") != "").unique()
    told = lines.select("line_id", "text", name="party_name").with_columns(told=core)
    both = pairs.join(asked, on="advice_id").join(told.drop("name"), on="line_id")
    alike = [
        bool(one) and names.alike(one, other) >= settings.name_score_min
        for one, other in both.select("told", "asked").iter_rows()
    ]
    text = pl.format(" {} ", names.core(names.plain(pl.col("text").fill_null(""))))
    is_long = pl.col("asked").str.len_chars() >= NAME_MIN
    is_in_text = is_long & text.str.contains(pl.format(" {} ", "asked"), literal=True)
    found = both.filter(pl.Series(alike, dtype=pl.Boolean) | is_in_text)
    return found.select(*KEY, by=pl.lit("name")).unique(maintain_order=True)
