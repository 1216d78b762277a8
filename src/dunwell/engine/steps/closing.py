"""The messages that close: once, when a payer that reached `close.after_stage` has nothing overdue left."""

from dataclasses import replace

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, KEYS, Book
from dunwell.engine.calendars import calendar_of, is_closed
from dunwell.engine.plan import SCHEMAS, SORT_KEYS, Plan
from dunwell.engine.policy.model import CLOSE, Policy
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.reach import channels_of

OPEN = pl.col("open_minor").fill_null(1) != 0  # unknown is not settled
CLAIM = ~pl.col("kind").is_in([*CREDIT_KINDS, "charge"]) & ~pl.col("draft") & OPEN
PARTY = ["entity_id", "payer_id"]


def overdue_items(book: Book, payers: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    """The open claims that are overdue, whatever blocks them: `entity_id`, `payer_id`, `item_id`.

    `payers`: `account_id`, `payer_id`, of those who matter. A claim whose due date is unknown counts.
    """
    is_overdue = (pl.col("due_on") < as_of).fill_null(value=True)
    mine = book.items.filter(CLAIM & is_overdue).join(payers, on="account_id")
    return mine.select(*PARTY, "item_id")


def with_closings(plan: Plan, book: Book, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> Plan:
    """Add a message without lines for each open closing whose payer has nothing overdue left, after all other notices.

    It waits while its payer is held, while another account pays for it, and on a closed day of its policy's calendar.
    `known`: as `parties` tells.
    """
    ready = _ready(book, known, procedures, as_of)
    if ready.is_empty():
        return plan
    sends = dict(enumerate(procedures.policies))
    closes = [sends[ix].close for ix in ready["policy_ix"]]
    channels = [
        channels_of(close, mask) if close else "" for close, mask in zip(closes, ready["channels"], strict=True)
    ]
    zero = pl.lit(0, dtype=pl.Int64)
    notices = ready.drop("channels").with_columns(
        notice_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32) + plan.notices.height,
        split=pl.lit(CLOSE),
        stage=pl.lit(CLOSE),
        level=pl.lit(0, dtype=pl.Int16),
        anchored=pl.lit(value=False),
        contact=pl.lit(value=False),
        deadline_on=pl.lit(None, dtype=pl.Date),
        **dict.fromkeys(("due_minor", "charges_minor", "fee_minor", "total_minor"), zero),
        channels=pl.Series(channels, dtype=pl.String),
        approvals=pl.lit(0, dtype=pl.Int8),
        repeats=pl.lit(0, dtype=pl.Int16),
        contacts_max=pl.lit(None, dtype=pl.Int16),
        closing=pl.lit("closes", dtype=SCHEMAS["notices"]["closing"]),
    )
    asked = [
        (number, action)
        for number, close in zip(notices["notice_no"], closes, strict=True)
        for action in dict.fromkeys(close.do if close else ())
    ]
    actions = pl.DataFrame(asked, schema=SCHEMAS["actions"], orient="row")
    return replace(
        plan,
        notices=pl.concat([plan.notices, notices.select(list(SCHEMAS["notices"]))]),
        actions=pl.concat([plan.actions, actions]).sort(SORT_KEYS["actions"]),
    )


def _ready(book: Book, known: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The closings to be said now, in order, with `policy_ix` and the payer's `channels`."""
    closing = [ix for ix, policy in enumerate(procedures.policies) if policy.close]
    waiting = book.closings.filter("is_open") if closing else book.closings.clear()
    if waiting.is_empty():
        return waiting
    of_policy = procedures.names.filter(pl.col("policy_ix").is_in(closing))
    payers = known.filter(pl.col("account_id") == pl.col("payer_id"), ~pl.col("held")).select("payer_id", "channels")
    found = (
        waiting.with_columns(roster=procedures.roster)
        .join(of_policy, on=["roster", "policy"])
        .join(payers, on="payer_id")
    )
    theirs = known.select("account_id", "payer_id").join(found, on="payer_id", how="semi")
    busy = overdue_items(book, theirs, as_of)
    free = found.join(busy, on=PARTY, how="anti").sort(KEYS["closings"])
    return _on_open_days(free, book, procedures, as_of)


def _on_open_days(ready: pl.DataFrame, book: Book, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """Those that may leave on the day, with their `calendar`: few, and looked at one by one."""
    countries = book.accounts.select("country", payer_id="account_id")
    rows = ready.join(countries, on="payer_id", how="left", maintain_order="left").with_columns(day=as_of)
    told = rows.select("policy_ix", "country").iter_rows()
    calendars = [_calendar(procedures.policies[ix], country) for ix, country in told]
    is_open = [name is None or not is_closed(day, name) for name, day in zip(calendars, rows["day"], strict=True)]
    named = rows.with_columns(calendar=pl.Series(calendars, dtype=pl.String)).drop("country", "day")
    return named.filter(pl.Series(is_open, dtype=pl.Boolean))


def _calendar(policy: Policy, country: str | None) -> str | None:
    return (policy.calendar.name or calendar_of(country)) if policy.calendar else None
