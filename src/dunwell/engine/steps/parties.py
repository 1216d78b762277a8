"""What is known of the debtor before any item is looked at: who pays, and what is so for everything they owe."""

from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.policy.expressions import ACCOUNT_COLUMNS, TEXT_COLUMNS
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.rows import collected


def payers(accounts: pl.DataFrame) -> pl.DataFrame:
    """Follow `parent_id` to its end: `account_id`, `payer_id` (null for a chain that goes round in a circle).

    A chain may end at a parent that is not among the accounts: it is the payer, and nothing is known of it.
    """
    alone = accounts.select("account_id", payer_id="account_id")
    chain = accounts.select("account_id", payer_id="parent_id").drop_nulls("payer_id")  # of those who have a parent
    if chain.is_empty():
        return alone
    children = chain["account_id"].implode()
    for _ in range(chain.height.bit_length()):  # each pass doubles how far along the chain we look
        if not chain["payer_id"].is_in(children).any():
            break
        step = chain.select(payer_id="account_id", further_id="payer_id")
        chain = chain.join(step, on="payer_id", how="left").select(
            "account_id", payer_id=pl.coalesce("further_id", "payer_id")
        )
    ends = chain.with_columns(payer_id=pl.when(~pl.col("payer_id").is_in(children)).then("payer_id"))
    others = alone.join(chain, on="account_id", how="anti")
    return pl.concat([others, ends])


def payer_of_family(accounts: pl.DataFrame, account_id: int) -> dict[int, int | None]:
    """The accounts with the same payer as one of them, itself among them, and that payer: `payers` for a few."""
    with_parent = accounts[["account_id", "parent_id"]].filter(pl.col("parent_id").is_not_null())
    parent_of: dict[int, int] = dict(with_parent.iter_rows())
    relatives = {*parent_of, *parent_of.values()}
    if account_id not in relatives:
        return {account_id: account_id}

    def payer(account: int) -> int | None:
        for _ in range(len(parent_of) + 1):
            if account not in parent_of:
                return account
            account = parent_of[account]
        return None

    mine = payer(account_id)
    others = sorted(relatives - {account_id})
    return {account_id: mine, **{each: mine for each in others if payer(each) == mine}}


def parties(book: Book, *, columns: frozenset[str], as_of: pl.Expr) -> pl.DataFrame:
    """One row an account: `payer_id`, what is so for it or its payer, and what reaches the payer.

    The holds of `book` are those in force.
    Columns: account_id, is_known, payer_id, legal, intercompany_any, held, channels, and those of `columns` that
    expressions read (enums as text, see TEXT_COLUMNS).
    """
    accounts = book.accounts.lazy()
    own = accounts.join(payers(book.accounts).lazy(), on="account_id").with_columns(
        held=pl.col("account_id").is_in(book.holds["account_id"].drop_nulls().implode())
    )
    payer = own.select(
        pl.col("account_id").alias("payer_id"), "channels", *(pl.col(flag).alias(f"payer_{flag}") for flag in _FLAGS)
    )
    both = own.drop("channels").join(payer, on="payer_id", how="left")
    either = {flag: pl.col(flag) | pl.col(f"payer_{flag}").fill_null(value=False) for flag in _FLAGS}
    read = [
        pl.col(name).cast(pl.String).alias(TEXT_COLUMNS[name])
        if name in TEXT_COLUMNS
        else pl.col(name).fill_nan(None)
        if name == "risk"
        else pl.col(name)
        for name in book.accounts.columns
        if name in columns and (name in ACCOUNT_COLUMNS or name.startswith("attr_"))
    ]
    rows = both.select(
        "account_id",
        "payer_id",
        "channels",
        *read,
        owed_to="entity_id",
        is_known=pl.col("payer_legal").is_not_null() | pl.col("payer_id").is_null(),
        legal=either["legal"],
        intercompany_any=either["intercompany"],
        held=either["held"],
    )
    if "account_broken_promises" in columns:
        rows = rows.join(_broken_promises(book, rows, as_of), on=["owed_to", "payer_id"], how="left").with_columns(
            pl.col("account_broken_promises").fill_null(0).cast(pl.Int64)
        )
    return rows.drop("owed_to").sort("account_id").pipe(collected)


def with_contacts(rows: pl.LazyFrame, known: pl.DataFrame, book: Book) -> pl.LazyFrame:
    """Join what is known of the debtor, and `last_contact_on` of the payer with the item's entity.

    An attribute that the item has too is called so with OF_ACCOUNT behind it.
    """
    entities = book.items["entity_id"]
    entity = entities.min()
    if entity is not None and entity == entities.max():  # one creditor, as in every run: contacts are the payer's
        mine = book.payers.filter(pl.col("entity_id") == entity).drop("entity_id")
        known = known.join(mine, on="payer_id", how="left", maintain_order="left")
        return rows.join(known.lazy(), on="account_id", how="left", maintain_order="left", suffix=OF_ACCOUNT)
    return rows.join(known.lazy(), on="account_id", how="left", maintain_order="left", suffix=OF_ACCOUNT).join(
        book.payers.lazy(), on=["entity_id", "payer_id"], how="left", maintain_order="left"
    )


OF_ACCOUNT: Final = " of account"  # no attribute has blanks in its name
_FLAGS = ("legal", "intercompany", "held")


def active_holds(book: Book, as_of: pl.Expr) -> pl.DataFrame:
    """The holds in force on a date; on the last day the item is still held."""
    return book.holds.filter(
        pl.col("from_on") <= as_of,
        pl.col("until_on").is_null() | (pl.col("until_on") >= as_of),
        pl.col("released_on").is_null() | (pl.col("released_on") > as_of),
    )


def promise_over_on() -> pl.Expr:
    """The last day on which money still keeps a promise."""
    return plus_days(pl.col("by_on"), pl.col("tolerance_days"))


def broken_promises(book: Book, as_of: pl.Expr) -> pl.DataFrame:
    """The promises whose time is over and whose money did not come: `promise_id`, `account_id`, `broken_on`.

    A promise is broken on the first day on which money no longer keeps it.
    """
    broken_on = plus_days(promise_over_on(), 1)
    is_broken = (broken_on <= as_of) & (pl.col("paid_minor") < pl.col("amount_minor"))
    return book.promises.filter(is_broken).select("promise_id", "account_id", broken_on=broken_on)


def _broken_promises(book: Book, rows: pl.LazyFrame, as_of: pl.Expr) -> pl.LazyFrame:
    """Count, per entity and payer, the promises whose time is over and whose money did not come."""
    return (
        broken_promises(book, as_of)
        .lazy()
        .join(rows.select("account_id", "payer_id", "owed_to"), on="account_id")
        .group_by("owed_to", "payer_id")
        .agg(account_broken_promises=pl.len())
    )
