"""What a file changes of a book: rows to add, rows to change, and what cannot be, worked out on frames alone."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS
from dunwell.sources.mapping import ItemMapping
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE

ITEM_KEY: Final = ["entity_id", "number", "kind"]
# What an item has beside its amounts and dates.
ALONGSIDE: Final = ("item_max_stage", "interest_from_on", "discount_minor", "discount_until_on")
_BOOK: Final = "_book"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Rows to add and to change, with all their columns; rows that stay are counted.

    `met`: the items that were in the book. `told`: of those that stay, what the file says is open where it said
    otherwise before (item_id, source_open_minor). `put_off`: the items that are due later now. `lowered`: claims of
    which less is open now (item_id, account_id, less_minor). `paid`: claims of whose amount more is paid by what the
    file says, or less (item_id, amount_minor, and settled_on where the file has it). `settled`: when items were
    settled, where the file says so (item_id, closed_on). `fresh`: the lines whose dates or amount the book did not
    know. `turned`: open items of the book whose number is a credit's here by its sign, and was a claim's, or the other
    way round, unless the file names them too (the columns of the book, `open_minor` as their source would say).
    """

    added: pl.DataFrame
    changed: pl.DataFrame
    unchanged: int
    told: pl.DataFrame = field(default_factory=pl.DataFrame)
    put_off: tuple[int, ...] = ()
    lowered: pl.DataFrame = field(default_factory=pl.DataFrame)
    paid: pl.DataFrame = field(default_factory=pl.DataFrame)
    settled: pl.DataFrame = field(default_factory=pl.DataFrame)
    fresh: pl.Series = field(default_factory=pl.Series)
    met: pl.Series = field(default_factory=pl.Series)
    turned: pl.DataFrame = field(default_factory=pl.DataFrame)
    warnings: tuple[str, ...] = ()


def item_changes(items: pl.DataFrame, book: pl.DataFrame, mapping: ItemMapping, problems: Problems) -> Changes:
    """Compare a file's items (with entity_id, account_id) with those of the book that have their key.

    Where the file says what is open (`open`), the book follows it: up by as much as it says more than the last time, to
    no more and down to what it says, and never above what Dunwell's own allocations leave of the amount. So a payment
    that Dunwell knows and the source does not yet know stays paid, and once the source knows it too both say the same:
    to the source it is paid of the item, also where it went first to what was charged on it here. Without
    `open` the file says only what was invoiced: what is open is the book's own matter and moves only with the amount,
    unless the item had vanished from exports that are whole (`vanished: settle`), and is open again by being there.
    Empty dates and attributes of the file say nothing.

    Refused: another currency than the book's, an amount below what is already settled of it, another account
    while a notice with the item is on its way.
    """
    attributes = [name for name in items.columns if name.startswith("attr_") or name in ALONGSIDE]
    both = items.join(book, on=ITEM_KEY, how="left", suffix=_BOOK, maintain_order="left")
    is_new = pl.col("item_id").is_null()
    added = both.filter(is_new).select(*items.columns, source_open_minor="open_minor")
    added = added.with_columns(open_minor=pl.coalesce("open_minor", "amount_minor"))
    met = (
        both.filter(~is_new)
        .with_columns(_amount(mapping))
        .with_columns(told_minor="open_minor", left_minor=_left(mapping))
        .with_columns(told_here_minor=pl.col("told_minor") + pl.col("on_charges_minor"))
    )
    met = met.with_columns(
        open_minor=pl.min_horizontal(_told(mapping), "left_minor"),
        told_before_minor="source_open_minor",
        source_open_minor=pl.coalesce("told_minor", pl.when(~_is_back(mapping)).then("source_open_minor")),
    )
    met = met.with_columns(pl.coalesce(name, f"{name}{_BOOK}") for name in ["issued_on", "due_on", *attributes])
    _refuse(met, mapping, problems)
    compared = ["account_id", "amount_minor", "open_minor", "issued_on", "due_on", *attributes]
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}{_BOOK}")) for name in compared)
    changed = met.filter(differs)
    less = pl.col(f"open_minor{_BOOK}") - pl.col("open_minor")
    lowered = changed.filter(less > 0, ~pl.col("kind").is_in(CREDIT_KINDS))
    said = met.filter(~differs & pl.col("source_open_minor").ne_missing(pl.col("told_before_minor")))
    return Changes(
        added=added,
        changed=changed.select(LINE, "item_id", "entity_id", "source_open_minor", *compared),
        unchanged=met.height - changed.height,
        told=said.select("item_id", "source_open_minor"),
        put_off=tuple(changed.filter(pl.col("due_on") > pl.col(f"due_on{_BOOK}"))["item_id"]),
        lowered=lowered.select("item_id", "account_id", less_minor=less),
        paid=_paid(changed),
        settled=_settled(changed),
        fresh=pl.concat([added[LINE], changed.filter(_is_fresh())[LINE]]),
        met=met["item_id"],
        turned=_turned(items, book, mapping),
        warnings=(*_kept(met), *_moved(changed)),
    )


def account_changes(accounts: pl.DataFrame, book: pl.DataFrame, fields: list[str]) -> Changes:
    """Compare a file's accounts (with entity_id) with the book's; a field that is empty in the file says nothing."""
    both = accounts.join(book, on=["entity_id", "account"], how="left", suffix=_BOOK, maintain_order="left")
    is_new = pl.col("account_id").is_null()
    added = both.filter(is_new).select(accounts.columns)
    met = both.filter(~is_new).with_columns(pl.coalesce(name, f"{name}{_BOOK}") for name in fields)
    differs = [pl.col(name).ne_missing(pl.col(f"{name}{_BOOK}")) for name in fields]
    changed = met.filter(pl.any_horizontal(differs)) if differs else met.clear()
    return Changes(
        added=added, changed=changed.select("account_id", "entity_id", *fields), unchanged=met.height - changed.height
    )


def decoded(book: pl.DataFrame, types: dict[str, pl.DataType]) -> pl.DataFrame:
    """Spread the JSON text in `attributes` into typed columns `attr_*`, one for each of `types`."""
    if not types:
        return book.drop("attributes")
    wire = {name: pl.String() if dtype == pl.Date else dtype for name, dtype in types.items()}
    spread = book["attributes"].str.json_decode(pl.Struct(wire)).struct
    columns = []
    for name, dtype in types.items():
        values = spread.field(name)
        columns.append((values.str.to_date() if dtype == pl.Date else values).alias(f"attr_{name}"))
    return book.drop("attributes").with_columns(columns)


def _amount(mapping: ItemMapping) -> pl.Expr:
    """The amount: the file's; where it only says what is open, the book's, unless more is open than that."""
    told = pl.col("amount_minor") if mapping.amount else pl.max_horizontal("amount_minor", f"amount_minor{_BOOK}")
    return told.alias("amount_minor")


def _left(mapping: ItemMapping) -> pl.Expr:
    """The most that can be open."""
    unpaid = pl.col("amount_minor") - pl.col("applied_minor")
    if mapping.tells_open:
        return unpaid
    moved = pl.col(f"open_minor{_BOOK}") + pl.col("amount_minor") - pl.col(f"amount_minor{_BOOK}")
    return pl.when(_is_back(mapping)).then(unpaid).otherwise(moved)


def _is_back(mapping: ItemMapping) -> pl.Expr:
    """The item was settled since it was not in an export, and is in one again."""
    if mapping.tells_open or mapping.vanished != "settle":
        return pl.lit(value=False)
    return (pl.col("source_open_minor") == 0).fill_null(value=False)


def _paid(changed: pl.DataFrame) -> pl.DataFrame:
    """What more is paid of claims than before; where the amount itself is corrected, nothing is paid by that."""
    paid, before = (pl.col(f"amount_minor{at}") - pl.col(f"open_minor{at}") for at in ("", _BOOK))
    day = ["settled_on"] if "settled_on" in changed.columns else []
    moved = changed.with_columns(paid_minor=paid - before)
    claims = moved.filter(pl.col("paid_minor") != 0, ~pl.col("kind").is_in(CREDIT_KINDS))
    return claims.select("item_id", *day, amount_minor="paid_minor")


def _settled(changed: pl.DataFrame) -> pl.DataFrame:
    if "settled_on" not in changed.columns:
        return pl.DataFrame()
    dated = changed.filter(pl.col("settled_on").is_not_null(), pl.col("open_minor") == 0)
    return dated.select("item_id", closed_on="settled_on")


def _is_fresh() -> pl.Expr:
    told = ["amount_minor", "issued_on", "due_on"]
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}{_BOOK}")) for name in told)


def _told(mapping: ItemMapping) -> pl.Expr:
    """What is open by what the file says, and said the last time. An amount is open or paid until both have said so."""
    if not mapping.tells_open:
        return pl.col("left_minor")
    here, told, before = pl.col(f"open_minor{_BOOK}"), pl.col("told_minor"), pl.col("source_open_minor")
    since = pl.min_horizontal(here + pl.max_horizontal(told - before, 0), "told_here_minor")
    return pl.when(before.is_null()).then("told_here_minor").otherwise(since)


def _turned(items: pl.DataFrame, book: pl.DataFrame, mapping: ItemMapping) -> pl.DataFrame:
    """Two that were both open are two documents of one number, neither of which has turned."""
    if not mapping.sign_tells_kind:
        return book.clear()
    said = book.with_columns(open_minor=pl.col("open_minor") - pl.col("on_charges_minor"))
    was_open = said.filter(pl.col("open_minor") > 0, pl.col("kind").is_in(mapping.kinds))
    key = ["entity_id", "account_id", "number", "currency"]
    now = items.join(was_open, on=ITEM_KEY, how="anti").select(*key, kind_now="kind")
    return was_open.join(now, on=key).filter(pl.col("kind") != pl.col("kind_now"))


def _refuse(met: pl.DataFrame, mapping: ItemMapping, problems: Problems) -> None:
    other = met.filter(pl.col("currency") != pl.col(f"currency{_BOOK}"))
    problems.add_rows(
        other.select(LINE, "number", "currency", f"currency{_BOOK}"),
        mapping.label("currency"),
        lambda number, here, there: (
            f"{shown(number)} is in {here} here and in {there} in the book; a currency never changes: settle"
            " the old item and give the new one a number of its own, or name another entity"
        ),
    )
    less = met.filter((pl.col("left_minor") < 0) & (pl.col("currency") == pl.col(f"currency{_BOOK}")))
    problems.add_rows(
        less.select(LINE, "number"),
        mapping.label("amount"),
        lambda number: (
            f"the amount of {shown(number)} is less than what is already settled of it; take a payment back first"
        ),
    )
    under_way = met.filter(
        (pl.col("account_id") != pl.col(f"account_id{_BOOK}")) & pl.col("pending_notice_id").is_not_null()
    )
    problems.add_rows(
        under_way.select(LINE, "number", "pending_notice_id"),
        mapping.label("account"),
        lambda number, notice: (
            f"{shown(number)} belongs to another account in the book, and notice {notice} about it is on its"
            " way there: deliver or withdraw the notice, then import again"
        ),
    )


def _kept(met: pl.DataFrame) -> list[str]:
    """Warn of items that the file has open by more than Dunwell's own payments leave."""
    kept = met.filter((pl.col("told_here_minor") > pl.col("left_minor")) & (pl.col("left_minor") >= 0))
    if kept.is_empty():
        return []
    line, number = kept.sort(LINE).select(LINE, "number").row(0)
    kinds = "credits used" if kept["kind"].is_in(CREDIT_KINDS).all() else "payments applied"
    example = f"first line {line} ({number})"
    return [
        f"{kept.height:,} open by more in the file than {kinds} in Dunwell leave, {example}; the smaller amount stays"
    ]


def _moved(changed: pl.DataFrame) -> list[str]:
    moved = changed.filter(pl.col("account_id") != pl.col(f"account_id{_BOOK}"))
    if moved.is_empty():
        return []
    line, number = moved.sort(LINE).select(LINE, "number").row(0)
    return [f"{moved.height:,} moved to another account, first line {line} ({number})"]
