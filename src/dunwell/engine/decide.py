"""`decide`: what a book and its policies ask for on a date, with a trace for every item.

A pipeline of named steps (engine/steps), each adding columns to the item's row. docs/semantics.md says what they mean.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.plan import Plan
from dunwell.engine.policy.expressions import TEXT_COLUMNS
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps import anchor, fees, group, minimum, outcome, result
from dunwell.engine.steps.age import age, days_since
from dunwell.engine.steps.assign import assign_policy
from dunwell.engine.steps.block import hold, left_to_dun, promise
from dunwell.engine.steps.credits import net_credits
from dunwell.engine.steps.parties import parties, with_contacts
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.reach import reach
from dunwell.engine.steps.slices import sliced
from dunwell.engine.steps.stage import judge, level
from dunwell.engine.steps.sums import account_sums

# What the steps after the stage look at; the rest of a row's columns would only be carried along.
CANDIDATE: Final = (
    "row", "item_id", "account_id", "entity_id", "payer_id", "currency", "due_on", "amount_minor", "open_minor",
    "dunnable_minor", "policy_ix", "position", "level", "stored_level", "stored_stage", "last_deadline_on", "version",
    "channels", "reasons", "problem", "lacks_currency",
)  # fmt: skip
SLICES_AT_ONCE: Final = 2  # more would take more memory than time
SUMS: Final = ("account_open_minor",)
_STATE: Final = {"level": "stored_level", "stage": "stored_stage"}


def decide(book: Book, policies: Sequence[Policy], as_of: date) -> Plan:
    """Decide for every item of `book` whether a notice is due on `as_of`, and if not, why not and when.

    Pure: the same book, policies and date give the same plan, whatever the order of their rows.
    """
    procedures = Procedures.of(policies)
    known = parties(book, columns=procedures.columns, as_of=as_of)
    slices = list(sliced(book, known))

    def decided(part: tuple[Book, pl.DataFrame]) -> Plan:
        return _decide_slice(part[0], part[1], procedures, as_of)

    if len(slices) == 1:
        return decided(slices[0])
    with ThreadPoolExecutor(SLICES_AT_ONCE) as pool:
        return result.joined(list(pool.map(decided, slices)))


def _decide_slice(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: date) -> Plan:
    """Decide for payers with all that they owe."""
    rows = promise(_aged(book, known, procedures, as_of), book, known, as_of=as_of)
    rows = net_credits(_freed(rows, book, procedures, as_of), procedures)
    rows, anchors = _staged(rows, book, procedures, as_of)
    rows = outcome.outcome(outcome.reasons(rows.lazy())).collect()
    candidates = _candidates(rows, procedures)
    return result.plan(rows, candidates, anchors, procedures, as_of=as_of)


def _aged(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: date) -> pl.DataFrame:
    """The items' rows with what is known of their debtor, and the columns that expressions read."""
    columns = procedures.columns
    rows = with_contacts(book.items.lazy().rename(_STATE), known, book)
    # An attribute of both item and account: the item's own value comes first.
    both = [name for name in known.columns if name.startswith("attr_") and name in book.items.columns]
    rows = rows.with_columns(pl.coalesce(name, f"{name}_right").alias(name) for name in both)
    rows = age(rows, as_of=as_of).with_columns(
        level=pl.col("stored_level"),
        days_since_issued=days_since("issued_on", as_of),
        days_since_previous=days_since("last_notice_on", as_of),
        is_pending=pl.col("pending_notice_id").is_not_null(),
        **{TEXT_COLUMNS[name]: pl.col(name).cast(pl.String) for name in ("kind", "currency") if name in columns},
    )
    if "entity" in columns:
        rows = rows.join(book.entities.lazy(), on="entity_id", how="left", maintain_order="left")
    if procedures.needs_sums:
        rows = account_sums(rows)
    return rows.with_row_index("row").collect()


def _freed(rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: date) -> pl.DataFrame:
    """Add the policy, and what of each row nothing blocks."""
    lazy = left_to_dun(hold(rows.lazy(), book, as_of=as_of)).with_columns(dunnable_minor=pl.col("left_minor"))
    flags = pl.col("intercompany_any") | pl.col("legal") | pl.col("on_hold")
    free = pl.col("is_claim") & pl.col("policy_ix").is_not_null() & ~flags & (pl.col("left_minor") > 0)
    return assign_policy(lazy, procedures).with_columns(is_free=free).collect()


def _staged(
    rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Add where each row stands in its policy; and the new state of account-anchored groups, where there are some."""
    has_groups = any(policy.anchor == "account" for policy in procedures.policies)
    lazy = anchor.blanked(rows.lazy(), procedures) if has_groups else rows.lazy()
    rows = judge(level(lazy, procedures), procedures, as_of=as_of).with_columns(
        is_not_due=pl.col("position").is_not_null() & ~pl.col("is_reached"), is_finished=pl.col("position").is_null()
    )
    return anchor.grouped(rows, book, procedures, as_of=as_of) if has_groups else (rows, None)


def _candidates(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """The rows that reached a stage with nothing in the way, and what minimums, fees and reach say of them."""
    wanted = [*CANDIDATE, *(name for name in SUMS if name in rows.columns)]
    wanted += [TEXT_COLUMNS.get(name, name) for policy in procedures.policies for name in policy.split_by]
    is_left = pl.col("outcome").is_null() & pl.col("is_debit")
    found = rows.lazy().filter(is_left).select(list(dict.fromkeys(wanted))).collect()
    currencies = found["currency"].unique().to_list()
    slotted = found.lazy().with_columns(slot=procedures.slot(pl.col("position")))
    slotted = fees.with_claims(slotted, rows) if fees.reads_claims(procedures) else slotted
    left = minimum.item_minimum(group.split(slotted, procedures), procedures)
    left = minimum.account_minimum(left, procedures)
    left = fees.fee_lacks(left, procedures, currencies, group.NOTICE)
    left = minimum.percentage(left, procedures, group.NOTICE)
    return outcome.late_reasons(reach(left, procedures)).collect()
