"""`decide`: what a book and its policies ask for on a date, with a trace for every item.

A pipeline of named steps (engine/steps), each adding columns to the item's row. docs/semantics.md says what they mean.
"""

from collections.abc import Sequence
from datetime import date

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
from dunwell.engine.steps.stage import fall, judge, level
from dunwell.engine.steps.sums import account_sums

_STATE = {"level": "stored_level", "stage": "stored_stage"}


def decide(book: Book, policies: Sequence[Policy], as_of: date) -> Plan:
    """Decide for every item of `book` whether a notice is due on `as_of`, and if not, why not and when.

    Pure: the same book, policies and date give the same plan, whatever the order of their rows.
    """
    procedures = Procedures.of(policies)
    rows = promise(_aged(book, procedures, as_of), book, as_of=as_of)
    rows = net_credits(_freed(rows, book, procedures, as_of), procedures)
    rows, anchors = _staged(rows, book, procedures, as_of)
    rows = outcome.outcome(outcome.reasons(rows.lazy())).collect()
    candidates = _candidates(rows, procedures)
    return result.plan(rows, candidates, anchors, procedures, as_of=as_of)


def _aged(book: Book, procedures: Procedures, as_of: date) -> pl.DataFrame:
    """The items' rows with what is known of their debtor, and the columns that expressions read."""
    columns = procedures.columns
    known = parties(book, columns=columns, as_of=as_of)
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
    return rows.collect()


def _freed(rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: date) -> pl.DataFrame:
    """Add the policy, and what of each row nothing blocks."""
    lazy = left_to_dun(hold(rows.lazy(), book, as_of=as_of)).with_columns(dunnable_minor=pl.col("left_minor"))
    flags = pl.col("intercompany_any") | pl.col("legal") | pl.col("on_hold")
    free = pl.col("is_claim") & pl.col("policy_ix").is_not_null() & ~flags & (pl.col("left_minor") > 0)
    return assign_policy(lazy, procedures).with_columns(is_free=free).collect()


def _staged(
    rows: pl.DataFrame, book: Book, procedures: Procedures, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Add where each row stands in its policy; and the new state of account-anchored groups, if there are such policies."""
    if all(policy.anchor == "item" for policy in procedures.policies):
        return _judged(rows.lazy(), procedures, as_of).collect(), None
    by_account = procedures.of_policy(lambda policy: policy.anchor == "account", pl.Boolean).fill_null(value=False)
    by_items = rows.filter(~by_account)
    anchorable = pl.col("is_free") & pl.col("is_overdue") & (pl.col("dunnable_minor") > 0)
    grouped = rows.filter(by_account).with_columns(is_anchorable=anchorable)
    stored = anchor.stored_anchors(book, procedures)
    speaking = anchor.anchors(grouped, stored, procedures, as_of=as_of)
    judged = fall(level(speaking.lazy(), procedures), procedures, as_of=as_of)
    judged = judge(judged, procedures, as_of=as_of).collect()
    rows = pl.concat(
        [
            _judged(by_items.lazy(), procedures, as_of).collect(),
            anchor.spoken_for(grouped, judged),
            anchor.waiting(grouped, judged, stored, procedures, as_of=as_of),
        ],
        how="diagonal",
    )
    return rows, anchor.states(grouped, judged, stored, procedures)


def _judged(rows: pl.LazyFrame, procedures: Procedures, as_of: date) -> pl.LazyFrame:
    """Judge item-anchored rows, each by itself."""
    return judge(level(rows, procedures), procedures, as_of=as_of).with_columns(
        is_not_due=pl.col("position").is_not_null() & ~pl.col("is_reached"), is_finished=pl.col("position").is_null()
    )


def _candidates(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """The rows that reached a stage with nothing in the way, and what minimums, fees and reach say of them."""
    found = rows.filter(pl.col("outcome").is_null() & pl.col("is_debit"))
    currencies = found["currency"].unique().to_list()
    slotted = found.lazy().with_columns(slot=procedures.slot(pl.col("position")))
    slotted = fees.with_claims(slotted, rows) if fees.reads_claims(procedures) else slotted
    left = minimum.item_minimum(group.split(slotted, procedures), procedures)
    left = minimum.account_minimum(left, procedures)
    left = fees.fee_lacks(left, procedures, currencies)
    left = minimum.percentage(left, procedures, group.NOTICE)
    return outcome.late_reasons(reach(left, procedures)).collect()
