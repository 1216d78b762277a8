"""`decide`: what a book and its policies ask for on a date, with a trace for every item.

A pipeline of named steps (engine/steps), each adding columns to the item's row. docs/semantics.md says what they mean.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import chain, islice
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.law.series import AllSeries, series_of
from dunwell.engine.plan import Plan
from dunwell.engine.policy.expressions import TEXT_COLUMNS
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps import anchor, charging, fees, group, minimum, outcome, result
from dunwell.engine.steps.age import age, days_since
from dunwell.engine.steps.alerts import alerts
from dunwell.engine.steps.assign import assign_policy, with_policies
from dunwell.engine.steps.block import dispute, hold, left_to_dun, promise
from dunwell.engine.steps.cap import contact_cap
from dunwell.engine.steps.closed import add_calendar, asked_of_accounts, with_calendars
from dunwell.engine.steps.closing import with_closings
from dunwell.engine.steps.credits import net_credits
from dunwell.engine.steps.laws import has_law
from dunwell.engine.steps.parties import OF_ACCOUNT, active_holds, parties, with_contacts
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.reach import reach
from dunwell.engine.steps.resumed import resumed
from dunwell.engine.steps.rows import collected
from dunwell.engine.steps.slices import in_order, sliced
from dunwell.engine.steps.stage import as_set, judge, level
from dunwell.engine.steps.sums import account_sums

# What the steps after the stage look at; the rest of a row's columns would only be carried along.
CANDIDATE: Final = (
    "row", "item_id", "account_id", "entity_id", "payer_id", "currency", "due_on", "amount_minor", "open_minor",
    "dunnable_minor", "policy_ix", "position", "level", "stored_level", "stored_stage", "last_deadline_on", "version",
    "channels", "reasons", "problem", "lacks_currency", "repeats", "repeats_after",
)  # fmt: skip
# One more than the cores that are usual, since part of a slice runs on one thread; more take more memory than time.
SLICES_AT_ONCE: Final = 3
SOMETIMES: Final = ("account_open_minor", "as_of", "calendar")
_STATE: Final = {"level": "stored_level", "stage": "stored_stage"}


def decide(book: Book, policies: Sequence[Policy], as_of: date) -> Plan:
    """Decide for every item of `book` whether a notice is due on `as_of`, and if not, why not and when.

    Pure: the same book, policies and date give the same plan, whatever the order of their rows.
    """
    return _decide(book, Procedures.of(policies), pl.lit(as_of))


def standing(book: Book, policies: Sequence[Policy], as_of: date) -> pl.DataFrame:
    """Say of every item what stands in its way whatever its stage, and what is left to dun: the first half of `decide`.

    Columns: `item_id`, `reasons` (without `not_due`, `finished`, `pending`, `too_soon` and the later ones), and
    `dunnable_minor`, as `decide` has them.
    """
    on, procedures = pl.lit(as_of), Procedures.of(policies)
    book = replace(book, holds=active_holds(book, on))
    known = _known(book, procedures, on)
    items, _payer = in_order(book.items, known)
    rows = _left(replace(book, items=items), known, procedures, on)
    found = outcome.standing_reasons(rows.lazy())
    return found.select("item_id", "reasons", "dunnable_minor").pipe(collected)


def decide_apart(book: Book, asked: Mapping[int, tuple[Sequence[Policy], date]]) -> Plan:
    """Decide for several entities at once, each under its own policies on its own date: `asked` by `entity_id`.

    The same as asking for one after the other, in a fraction of the time when each has only a few items. No account,
    payer or item of one may belong to another, and no entity may name a policy twice.
    """
    # Entities under the same policies share a roster: thousands of them ask as little of the look-up tables as one.
    rosters = {tuple(map(id, policies)): policies for policies, _as_of in asked.values()}
    number = {key: at for at, key in enumerate(rosters)}
    rows = [(entity_id, number[tuple(map(id, policies))], on) for entity_id, (policies, on) in asked.items()]
    dates = pl.DataFrame(rows, {"entity_id": pl.Int32, "roster": pl.UInt32, "as_of": pl.Date}, orient="row")
    procedures = Procedures.apart(list(rosters.values()), pl.col("roster"))
    return _decide(_dated(book, dates), procedures, pl.col("as_of"))


def _dated(book: Book, dates: pl.DataFrame) -> Book:
    """Give rows the date and the roster of their entity; entities without one drop out."""
    accounts = book.accounts.join(dates, on="entity_id")
    date_of = accounts.select("account_id", "as_of")
    items = book.items.join(dates, on="entity_id", maintain_order="left")
    of_item = items.select("item_id", item_as_of="as_of")
    holds = book.holds.join(date_of, on="account_id", how="left").join(of_item, on="item_id", how="left")
    return replace(
        book,
        accounts=accounts,
        items=items,
        holds=holds.with_columns(as_of=pl.coalesce("as_of", "item_as_of")),
        promises=book.promises.join(date_of, on="account_id"),
        anchors=book.anchors.join(dates, on="entity_id"),
        closings=book.closings.join(dates, on="entity_id"),
        alerts=book.alerts.join(dates, on="entity_id"),
    )


def _decide(book: Book, procedures: Procedures, as_of: pl.Expr) -> Plan:
    """Decide in slices, some at a time. `as_of`: a literal, or the column of that name."""
    book = replace(book, holds=active_holds(book, as_of))
    known = _known(book, procedures, as_of)
    series = series_of(book) if has_law(procedures) else {}

    def decided(part: tuple[Book, pl.DataFrame]) -> Plan:
        return _decide_slice(part[0], part[1], procedures, series, as_of)

    slices = sliced(book, known)
    first, *second = islice(slices, 2)
    if second:
        with ThreadPoolExecutor(SLICES_AT_ONCE) as pool:  # the first are worked on while the others are cut
            plan = result.joined(list(pool.map(decided, chain([first], second, slices))))
    else:
        plan = decided(first)
    plan = replace(plan, alerts=alerts(book, plan.decisions, known, procedures, as_of))
    return with_closings(plan, book, known, procedures, as_of)


def _known(book: Book, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """What is known of every account. The holds of `book` are those in force."""
    columns = procedures.columns | asked_of_accounts(procedures)
    known = with_calendars(parties(book, columns=columns, as_of=as_of), procedures)
    return with_policies(known, procedures)


def _decide_slice(book: Book, known: pl.DataFrame, procedures: Procedures, series: AllSeries, as_of: pl.Expr) -> Plan:
    """Decide for payers with all that they owe."""
    left = resumed(_left(book, known, procedures, as_of), book, known, procedures, as_of=as_of)
    rows, anchors = _staged(left, book, procedures, as_of)
    rows = outcome.outcome(outcome.reasons(rows.lazy())).pipe(collected)
    candidates = _candidates(rows, book, procedures, series, as_of)
    return result.plan(rows, candidates, anchors, procedures, series, as_of=as_of)


def _left(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The items' rows with what is left to dun of each, after all that is in the way, and credits."""
    rows = promise(_aged(book, known, procedures, as_of), book, known, as_of=as_of)
    return net_credits(_freed(rows, book, procedures, as_of), procedures)


def _aged(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The items' rows with what is known of their debtor, and the columns that expressions read."""
    columns = procedures.columns
    items = book.items if book.items["max_stage"].count() else book.items.drop("max_stage")
    rows = with_contacts(items.rename(_STATE), known, book)
    # An attribute of both item and account: the item's own value comes first.
    both = [name for name in known.columns if name.startswith("attr_") and name in book.items.columns]
    rows = rows.with_columns(pl.coalesce(name, name + OF_ACCOUNT).alias(name) for name in both)
    rows = dispute(age(rows, as_of=as_of), book).with_columns(
        level=pl.col("stored_level"),
        days_since_issued=days_since("issued_on", as_of),
        days_since_previous=days_since("last_notice_on", as_of),
        is_pending=pl.col("pending_notice_id").is_not_null(),
        **{TEXT_COLUMNS[name]: pl.col(name).cast(pl.String) for name in ("kind", "currency") if name in columns},
    )
    if "entity" in columns:
        rows = rows.join(book.entities.lazy(), on="entity_id", how="left", maintain_order="left")
    found = rows.with_row_index("row").pipe(collected)
    return account_sums(found, procedures.sums) if procedures.sums else found


def _freed(rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """Add the policy with its calendar, and what of each row nothing blocks."""
    lazy = left_to_dun(hold(rows.lazy(), book)).with_columns(dunnable_minor=pl.col("left_minor"))
    flags = pl.col("intercompany_any") | pl.col("legal") | pl.col("on_hold")
    free = pl.col("is_claim") & pl.col("policy_ix").is_not_null() & ~flags & (pl.col("left_minor") > 0)
    assigned = add_calendar(assign_policy(lazy, procedures), procedures, as_of=as_of)
    return assigned.with_columns(is_free=free).pipe(collected)


def _staged(
    rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: pl.Expr
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Add where each row stands in its policy; and the new state of account-anchored groups, where there are some."""
    has_groups = any(policy.anchor == "account" for policy in procedures.policies)
    lazy = anchor.blanked(rows.lazy(), procedures) if has_groups else rows.lazy()
    rows = judge(level(lazy, procedures), procedures, as_of=as_of).with_columns(
        is_not_due=pl.col("position").is_not_null() & ~pl.col("is_reached"), is_finished=pl.col("position").is_null()
    )
    rows = as_set(rows, book.set_stages, procedures)
    return anchor.grouped(rows, book, procedures, as_of=as_of) if has_groups else (rows, None)


def _candidates(
    rows: pl.DataFrame, book: Book, procedures: Procedures, series: AllSeries, as_of: pl.Expr
) -> pl.DataFrame:
    """The rows that reached a stage with nothing in the way, and what minimums, charges, reach and cap say of them."""
    wanted = [*CANDIDATE, *(name for name in SOMETIMES if name in rows.columns)]
    wanted += charging.ASKED if has_law(procedures) else []
    wanted += [TEXT_COLUMNS.get(name, name) for policy in procedures.policies for name in policy.split_by]
    is_left = pl.col("outcome").is_null() & pl.col("is_debit")
    found = rows.lazy().filter(is_left).select(list(dict.fromkeys(wanted))).pipe(collected)
    currencies = found["currency"].unique().to_list()
    found = charging.with_law(found, book, procedures, series, as_of=as_of) if has_law(procedures) else found
    slotted = found.lazy().with_columns(slot=procedures.slot(pl.col("position")))
    slotted = fees.with_claims(slotted, rows) if fees.reads_claims(procedures) else slotted
    left = minimum.item_minimum(group.split(slotted, procedures), procedures)
    left = minimum.account_minimum(left, procedures)
    left = charging.nothing_lacks(fees.fee_lacks(left, procedures, currencies))
    left = charging.law_lacks(left, procedures, pl.col("slot"))
    left = reach(minimum.percentage(left, procedures, group.NOTICE), procedures)
    left = fees.notice_fee_lacks(left, procedures, currencies, group.NOTICE)
    left = charging.notice_law_lacks(left, procedures, group.NOTICE)
    left = contact_cap(left, book, procedures, as_of=as_of)
    return outcome.late_reasons(left).pipe(collected)
