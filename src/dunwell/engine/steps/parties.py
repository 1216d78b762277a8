"""What is known of the debtor before any item is looked at: who pays, and what is so for everything they owe."""

from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.policy.expressions import ACCOUNT_COLUMNS, TEXT_COLUMNS
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.rows import collected, is_one


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

    known: dict[int, int | None] = {}

    def payer(account: int) -> int | None:
        chain: dict[int, None] = {}  # from the account upwards, to one whose payer is known: no step is taken twice
        above: int | None = account
        while above is not None and above not in known and above not in chain:
            chain[above] = None
            above = parent_of.get(above)
        end = next(reversed(chain), account) if above is None else known.get(above)  # None in a circle
        known.update(dict.fromkeys(chain, end))
        return end

    mine = payer(account_id)
    others = sorted(relatives - {account_id})
    return {account_id: mine, **{each: mine for each in others if payer(each) == mine}}


def parties(book: Book, *, columns: frozenset[str], as_of: pl.Expr) -> pl.DataFrame:
    """One row an account: `payer_id`, what is so for it or its payer, and what reaches the payer.

    The holds of `book` are those in force.
    Columns: account_id, is_known, payer_id, legal, intercompany_any, held, channels, and those of `columns` that
    expressions read (enums as text, see TEXT_COLUMNS), or calendars (`calendar_country`, see `with_calendars`);
    `max_stage_of_account` and `max_stage_of_payer` where some account has one.
    """
    of_payer = {f"payer_{flag}": flag for flag in _FLAGS}
    of_payer |= {"max_stage_of_payer": "max_stage", "country_of_payer": "country"}
    held = pl.col("account_id").is_in(book.holds["account_id"].drop_nulls().implode())
    accounts = book.accounts.lazy().with_columns(held=held)
    if book.accounts["parent_id"].count():
        own = accounts.join(payers(book.accounts).lazy(), on="account_id")
        payer = own.select("channels", payer_id="account_id", **of_payer)
        both = own.drop("channels").join(payer, on="payer_id", how="left")
    else:  # each pays for itself, so nothing has to be joined
        both = accounts.with_columns(payer_id="account_id").with_columns(**of_payer)
    ends = [] if book.accounts["max_stage"].null_count() == book.accounts.height else _ENDS
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
        *ends,
        owed_to="entity_id",
        is_known=pl.col("payer_legal").is_not_null() | pl.col("payer_id").is_null(),
        legal=either["legal"],
        intercompany_any=either["intercompany"],
        held=either["held"],
        **({"calendar_country": pl.coalesce("country_of_payer", "country")} if "calendar_country" in columns else {}),
    )
    if "account_broken_promises" in columns:
        rows = rows.join(_broken_promises(book, rows, as_of), on=["owed_to", "payer_id"], how="left").with_columns(
            pl.col("account_broken_promises").fill_null(0).cast(pl.Int64)
        )
    return rows.drop("owed_to").sort("account_id").pipe(collected)


def with_contacts(rows: pl.DataFrame, known: pl.DataFrame, book: Book) -> pl.LazyFrame:
    """Join what is known of the debtor, and `last_contact_on` of the payer with the item's entity.

    An attribute that the item has too is called so with OF_ACCOUNT behind it.
    """
    if rows.height and is_one(rows["entity_id"]):  # of one creditor, as in every run: contacts are the payer's
        mine = book.payers.filter(pl.col("entity_id") == rows["entity_id"][0]).drop("entity_id")
        return _beside(rows, known.join(mine, on="payer_id", how="left", maintain_order="left"))
    return _beside(rows, known).join(
        book.payers.lazy(), on=["entity_id", "payer_id"], how="left", maintain_order="left"
    )


def _beside(rows: pl.DataFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """Lay what is known of its account beside each row: joined once for the rows of an account that follow each other.

    In order of account, as they come, that is once for an account; the order is not relied on.
    """
    account = rows["account_id"]
    run = account.rle_id()
    first = account.to_frame().filter(run.ne_missing(run.shift()))
    theirs = first.join(known, on="account_id", how="left", maintain_order="left").drop("account_id")
    return rows.lazy().with_columns(
        _gathered(theirs[name], run).alias(name + OF_ACCOUNT if name in rows.columns else name)
        for name in theirs.columns
    )


def _gathered(theirs: pl.Series, run: pl.Series) -> pl.Expr:
    """The value of each row's run; what is so for nobody, or for all, need not be written for every row."""
    if theirs.dtype == pl.Boolean and theirs.len() and theirs.n_unique() == 1:
        return pl.lit(theirs[0], dtype=pl.Boolean)
    return pl.lit(theirs.gather(run))


OF_ACCOUNT: Final = " of account"  # no attribute has blanks in its name
_FLAGS = ("legal", "intercompany", "held")
_ENDS = (pl.col("max_stage").alias("max_stage_of_account"), pl.col("max_stage_of_payer"))


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


def broken_promises(book: Book, as_of: pl.Expr) -> pl.LazyFrame:
    """The promises whose time is over and whose money did not come in full; of a plan, its first such instalment.

    Columns: those of `promises`, and `broken_on`, the day after the last on which money would have kept it.
    """
    broken = book.promises.lazy().filter(promise_over_on() < as_of, ~is_kept(), ~is_ended(as_of))
    first_of_plan = pl.coalesce("plan_id", -pl.col("promise_id")).is_first_distinct()
    return (
        broken.with_columns(broken_on=plus_days(promise_over_on(), 1))
        .sort("broken_on", "promise_id")
        .filter(first_of_plan)
    )


def is_kept() -> pl.Expr:
    """Whether all that was promised has come."""
    return pl.col("paid_minor") >= pl.col("amount_minor")


def is_ended(as_of: pl.Expr) -> pl.Expr:
    """Whether a promise was taken back, and counts for nothing."""
    return (pl.col("ended_on") <= as_of).fill_null(value=False)


def _broken_promises(book: Book, rows: pl.LazyFrame, as_of: pl.Expr) -> pl.LazyFrame:
    """Count, per entity and payer, the promises that were not kept; a plan is one."""
    return (
        broken_promises(book, as_of)
        .join(rows.select("account_id", "payer_id", "owed_to"), on="account_id")
        .group_by("owed_to", "payer_id")
        .agg(account_broken_promises=pl.len())
    )
