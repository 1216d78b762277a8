"""The plan: what a run decided, item by item, and the notices, charges and tasks that follow from it.

Every table has a unique sort key and holds integers, dates, enums and strings, so that it can be archived
and compared byte for byte. Outcomes stand in their order of precedence: the first reason is the outcome.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dunwell.engine.book import CHARGES, CLOSINGS, EVENTS, KEYS, ROLES, Currency, Schema

OUTCOMES: Final = (
    "exception",
    "settled",
    "credit",
    "intercompany",
    "no_policy",
    "legal",
    "on_hold",
    "disputed",
    "promised",
    "in_plan",
    "payment_in_flight",
    "not_due",
    "finished",
    "pending",
    "covered_by_credit",
    "too_soon",
    "below_item_minimum",
    "below_account_minimum",
    "below_percentage",
    "unreachable",
    "contact_cap",
    "dun",
)
BIT: Final = {outcome: 1 << position for position, outcome in enumerate(OUTCOMES)}

# Why an item whose data are sound cannot be decided: its policies, or the law, lack something.
OF_POLICY: Final = (
    "policies_tie",
    "minimum_lacks_currency",
    "fee_lacks_currency",
    "debtor_class_missing",
    "rates_missing",
)
# Why an item alone cannot be decided.
PROBLEMS: Final = (
    "account_unknown",
    "parent_cycle",
    "currency_unknown",
    "due_date_missing",
    "amount_missing",
    "amount_negative",
    "amount_beyond_bound",
    *OF_POLICY,
)

SCHEMAS: Final[dict[str, Schema]] = {
    "decisions": {
        "item_id": pl.Int64,
        "account_id": pl.Int64,
        "payer_id": pl.Int64,
        "entity_id": pl.Int32,
        "currency": Currency,
        "policy": pl.String,
        "outcome": pl.Enum(OUTCOMES),
        "reasons": pl.UInt32,  # bit i: OUTCOMES[i] holds
        "problem": pl.Enum(PROBLEMS),
        "stage": pl.String,  # the stage judged: the next one, or the highest reached
        "level_before": pl.Int16,
        "level_after": pl.Int16,
        "next_on": pl.Date,
        "days_past_due": pl.Int32,
        "open_minor": pl.Int64,
        "disputed_minor": pl.Int64,
        "in_flight_minor": pl.Int64,
        "planned_minor": pl.Int64,  # covered by an instalment plan
        "promised_minor": pl.Int64,
        "credited_minor": pl.Int64,
        "dunnable_minor": pl.Int64,
        "last_notice_on": pl.Date,
        "free_on": pl.Date,  # the first day outside the payer's gap
        "notice_no": pl.Int32,
        "closed_by": pl.String,  # the calendar by which the day is closed
        "by_law": pl.String,  # what the regime left out of the charges, or lacks: comma-separated, see engine.law
    },
    "notices": {
        "notice_no": pl.Int32,  # from 1, in order of entity, payer, currency, policy, split; those that close last
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "currency": Currency,
        "policy": pl.String,
        "split": pl.String,
        "stage": pl.String,
        "level": pl.Int16,
        "anchored": pl.Boolean,
        "contact": pl.Boolean,
        "deadline_on": pl.Date,
        "due_minor": pl.Int64,  # the dunned lines
        "charges_minor": pl.Int64,  # earlier charges that ride along
        "fee_minor": pl.Int64,  # charged by this notice: fees, interest and compensation
        "total_minor": pl.Int64,
        "channels": pl.String,  # comma-separated, in the order of the policy
        "approvals": pl.Int8,
        "repeats": pl.Int16,  # how often its stage has been said again with it
        "calendar": pl.String,  # whose closed days count, see engine.calendars
        "contacts_max": pl.Int16,  # it leaves with at most so many contacts in the seven days before it; null: no cap
        "closing": pl.Enum(CLOSINGS),
    },
    "lines": {
        "notice_no": pl.Int32,
        "item_id": pl.Int64,
        "role": pl.Enum(ROLES),
        "amount_minor": pl.Int64,
        "level": pl.Int16,
        "stage": pl.String,
        "level_before": pl.Int16,
        "stage_before": pl.String,
        "deadline_before_on": pl.Date,
        "version": pl.Int32,
        "repeats": pl.Int16,
        "repeats_before": pl.Int16,
    },
    "charges": {
        "notice_no": pl.Int32,
        "item_id": pl.Int64,  # the item it is raised on
        "account_id": pl.Int64,
        "currency": Currency,
        "amount_minor": pl.Int64,
        "stage": pl.String,
        "waivable": pl.Boolean,  # written off when the item is settled
        "charge": pl.Enum(CHARGES),
        "until_on": pl.Date,  # the last day of interest
        "first": pl.Boolean,  # money for the item goes to it before the principal
    },
    "actions": {"notice_no": pl.Int32, "action": pl.String},
    # New state of account-anchored procedures: falls, and changes of anchor.
    "anchors": {
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "currency": Currency,
        "policy": pl.String,
        "anchor_item_id": pl.Int64,
        "level": pl.Int16,
        "stage": pl.String,
        "version": pl.Int32,
        "repeats": pl.Int16,
    },
    "tasks": {"item_id": pl.Int64, "account_id": pl.Int64, "task": pl.String, "detail": pl.String},
    # What event rules come to: what is new, with the actions it asks for, and what is over (`over_on`).
    "alerts": {
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "account_id": pl.Int64,
        "policy": pl.String,
        "event": pl.Enum(EVENTS),
        "subject_id": pl.Int64,
        "measure": pl.String,
        "since_on": pl.Date,
        "acted_on": pl.Date,
        "over_on": pl.Date,
        "actions": pl.String,  # comma-separated, in the order of their names
    },
}

SORT_KEYS: Final[dict[str, list[str]]] = {
    "decisions": ["payer_id", "account_id", "item_id"],
    "notices": ["notice_no"],
    "lines": ["notice_no", "item_id"],
    "charges": ["notice_no", "item_id", "charge"],
    "actions": ["notice_no", "action"],
    "anchors": ["entity_id", "payer_id", "currency", "policy"],
    "tasks": ["item_id", "task"],
    "alerts": KEYS["alerts"],
}


EMPTY: Final = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The tables of SCHEMAS, one frame each, sorted by SORT_KEYS."""

    decisions: pl.DataFrame
    notices: pl.DataFrame
    lines: pl.DataFrame
    charges: pl.DataFrame
    actions: pl.DataFrame
    anchors: pl.DataFrame
    tasks: pl.DataFrame
    alerts: pl.DataFrame


def reasons_of(bits: int) -> list[str]:
    """Spell out a `reasons` value in order of precedence."""
    return [outcome for outcome in OUTCOMES if bits & BIT[outcome]]
