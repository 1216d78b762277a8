"""The book: what is owed, by whom, and what has been said about it, as frames with declared schemas.

Amounts are minor units, dates the entity's local dates. `Book.of` validates once, at the wall.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Final, Self, TypeAlias

import polars as pl

from dunwell.engine.money import CURRENCIES

Schema: TypeAlias = dict[str, "pl.DataType | type[pl.DataType]"]

KINDS: Final = ("invoice", "instalment", "charge", "credit", "payment")
CREDIT_KINDS: Final = ("credit", "payment")
DEBTOR_CLASSES: Final = ("business", "consumer", "public")
CHANNELS: Final = ("email", "letter", "sms", "chat", "webhook")
NOTICE_STATES: Final = ("posted", "sent", "failed", "withdrawn")
# charge: an earlier one riding along; fee: raised by this notice; withdrawn: no longer asked for; listed: open too, and
# not asked for
ROLES: Final = ("dunned", "charge", "fee", "withdrawn", "listed")
# reached: sent, the policy's `close` awaits its payer; closes: the message that says nothing is overdue any more
CLOSINGS: Final = ("reached", "closes")
# What an event rule may be about: the first three and the last happen once each, the others are so, or are not.
EVENTS: Final = (
    "promise_broken",
    "dispute_overdue",
    "delivery_failed",
    "credit_limit_exceeded",
    "risk_above",
    "payment_reversed",
)
STATES: Final = ("credit_limit_exceeded", "risk_above")

# What a notice may charge beside what it duns.
CHARGES: Final = ("fee", "interest", "compensation")

Currency: Final = pl.Enum(CURRENCIES)
Kind: Final = pl.Enum(KINDS)

# What an expression may call an attribute's type, and the column it becomes.
ATTRIBUTE_TYPES: Final[dict[str, pl.DataType]] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
}

STATE: Final[Schema] = {
    "level": pl.Int16,
    "stage": pl.String,
    "last_notice_on": pl.Date,
    "last_deadline_on": pl.Date,
    "repeats": pl.Int16,  # how often the stage of the level was said again
    "pending_notice_id": pl.Int64,
    "version": pl.Int32,
}
SCHEMAS: Final[dict[str, Schema]] = {
    "entities": {"entity_id": pl.Int32, "entity": pl.String},
    "accounts": {
        "account_id": pl.Int64,
        "entity_id": pl.Int32,
        "account": pl.String,
        "parent_id": pl.Int64,
        "segment": pl.String,
        "country": pl.String,
        "language": pl.String,
        "debtor_class": pl.Enum(DEBTOR_CLASSES),
        "risk": pl.Float64,
        "credit_limit_minor": pl.Int64,
        "customer_since_on": pl.Date,
        "legal": pl.Boolean,
        "intercompany": pl.Boolean,
        "channels": pl.UInt8,  # bit i: CHANNELS[i] reaches this account
        "max_stage": pl.String,  # no item of it goes beyond this stage of its policy
    },
    "items": {
        "item_id": pl.Int64,
        "account_id": pl.Int64,
        "entity_id": pl.Int32,
        "number": pl.String,
        "kind": Kind,
        "currency": Currency,
        "issued_on": pl.Date,
        "due_on": pl.Date,
        "amount_minor": pl.Int64,  # never negative: the kind says which side it is on
        "open_minor": pl.Int64,
        "disputed_minor": pl.Int64,
        "in_flight_minor": pl.Int64,
        "parent_item_id": pl.Int64,  # what a charge was raised on
        "draft": pl.Boolean,  # not yet a claim, or money not yet received
        "max_stage": pl.String,  # it goes no further than this stage of its policy
        **STATE,
        "waivable": pl.Boolean,  # a fee that is written off when its item is settled
        "waived_minor": pl.Int64,  # what was written off of it
        "interest_from_on": pl.Date,  # no interest before this day, where it is later than the law's
    },
    # When each payer of an entity last heard from us after the due date of something.
    "payers": {"entity_id": pl.Int32, "payer_id": pl.Int64, "last_contact_on": pl.Date},
    # State of account-anchored procedures.
    "anchors": {
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "currency": Currency,
        "policy": pl.String,
        "anchor_item_id": pl.Int64,
        **STATE,
    },
    "holds": {
        "hold_id": pl.Int64,
        "account_id": pl.Int64,  # either the account or the item is given
        "item_id": pl.Int64,
        "from_on": pl.Date,
        "until_on": pl.Date,  # the last day held; null: until released
        "released_on": pl.Date,  # free from this day on
    },
    "disputes": {
        "dispute_id": pl.Int64,
        "item_id": pl.Int64,
        "amount_minor": pl.Int64,  # null: all of the item
        "opened_on": pl.Date,
        "resolved_on": pl.Date,
    },
    "promises": {
        "promise_id": pl.Int64,
        "account_id": pl.Int64,
        "currency": Currency,
        "amount_minor": pl.Int64,
        "paid_minor": pl.Int64,  # received in time towards it
        "made_on": pl.Date,
        "by_on": pl.Date,
        "tolerance_days": pl.Int32,
        "plan_id": pl.Int64,  # of which instalment plan it is an instalment
        "ended_on": pl.Date,  # taken back: from this day on as if it had never been made
        "promised_minor": pl.Int64,  # what it was, where it came to less, or ended, since nothing was owed any more
    },
    "promise_items": {"promise_id": pl.Int64, "item_id": pl.Int64},
    # A ledger: what money went to which item; taking it back is a row with the opposite sign.
    "allocations": {
        "source_item_id": pl.Int64,  # the payment or credit
        "item_id": pl.Int64,
        "amount_minor": pl.Int64,
        "pending": pl.Boolean,  # under way: counted in the item's in_flight_minor
        "on": pl.Date,
        "for_item_id": pl.Int64,  # the item that it was meant for, where it went first to what was charged on that
    },
    # A ledger: what less is open of an item by what its source says; more is a row with the opposite sign.
    "elsewhere": {"item_id": pl.Int64, "amount_minor": pl.Int64, "on": pl.Date},
    # What was charged on account of an item, and by which charge.
    "charges": {
        "charge_item_id": pl.Int64,
        "notice_id": pl.Int64,
        "item_id": pl.Int64,
        "account_id": pl.Int64,
        "currency": Currency,
        "charge": pl.Enum(CHARGES),
        "stage": pl.String,
        "amount_minor": pl.Int64,
        "posted_on": pl.Date,
        "sent_on": pl.Date,  # when its notice left; null while it waits
        "until_on": pl.Date,  # the last day of interest that is charged
        "first": pl.Boolean,  # money for the item goes to it before the principal
        "reversed_on": pl.Date,  # from this day on as if it had never been raised
    },
    "notices": {
        "notice_id": pl.Int64,
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "currency": Currency,
        "policy": pl.String,
        "stage": pl.String,
        "level": pl.Int16,
        "anchored": pl.Boolean,  # by an account-anchored policy
        "contact": pl.Boolean,  # starts the gap: not a purely pre-due notice
        "as_of": pl.Date,
        "deadline_on": pl.Date,
        "total_minor": pl.Int64,
        "state": pl.Enum(NOTICE_STATES),
        "reason": pl.String,
        "sent_on": pl.Date,
        "contact_before_on": pl.Date,  # the payer's last contact before this notice
        "level_before": pl.Int16,  # of the account-anchored group
        "stage_before": pl.String,
        "deadline_before_on": pl.Date,
        "repeats": pl.Int16,  # of the account-anchored group, with this notice
        "repeats_before": pl.Int16,
        "channels": pl.String,  # comma-separated; empty: nothing leaves
        "calendar": pl.String,  # whose closed days its deadline keeps clear of, see engine.calendars
        "closing": pl.Enum(CLOSINGS),
    },
    # What people note that they told a payer, beside the notices.
    "contacts": {
        "contact_id": pl.Int64,
        "entity_id": pl.Int32,
        "account_id": pl.Int64,
        "payer_id": pl.Int64,
        "on": pl.Date,
        "channel": pl.String,
    },
    # What a person set in a proposal, and the stage they chose.
    "set_stages": {"item_id": pl.Int64, "stage": pl.String},
    "lines": {
        "notice_id": pl.Int64,
        "item_id": pl.Int64,
        "role": pl.Enum(ROLES),
        "amount_minor": pl.Int64,
        "level": pl.Int16,
        "stage": pl.String,
        "level_before": pl.Int16,
        "stage_before": pl.String,
        "deadline_before_on": pl.Date,
        "repeats": pl.Int16,
        "repeats_before": pl.Int16,
    },
    # Payers to whom a stage from `close.after_stage` on was sent; open until they have been told that all is well.
    "closings": {
        "entity_id": pl.Int32,
        "payer_id": pl.Int64,
        "policy": pl.String,
        "currency": Currency,
        "reached_on": pl.Date,
        "is_open": pl.Boolean,
        "notice_id": pl.Int64,  # the last message that closed it, sent or not
    },
    # What event rules are about, as far as it has come up; no rule acts twice on one of these.
    "alerts": {
        "entity_id": pl.Int32,
        "account_id": pl.Int64,
        "policy": pl.String,  # empty: whatever policy the account is under
        "event": pl.Enum(EVENTS),
        "subject_id": pl.Int64,  # promise (-plan_id), dispute, notice or payment; of a state, the account
        "measure": pl.String,  # the rule's `above` or `after_days`, or the currency; else empty
        "since_on": pl.Date,
        "acted_on": pl.Date,  # null until a run has judged it
        "over_on": pl.Date,  # of a state: when a run found that it is so no longer
    },
    # Reference rates and exchange rates, as far as the policies need them; complete_until_on: the last day known.
    "series": {"series": pl.String, "complete_until_on": pl.Date},
    "rates": {"series": pl.String, "from_on": pl.Date, "value_millionths": pl.Int64},
}

# What identifies a row; tables without a key are ledgers, to which rows are only added.
KEYS: Final[dict[str, list[str]]] = {
    "entities": ["entity_id"],
    "accounts": ["account_id"],
    "items": ["item_id"],
    "payers": ["entity_id", "payer_id"],
    "anchors": ["entity_id", "payer_id", "currency", "policy"],
    "holds": ["hold_id"],
    "disputes": ["dispute_id"],
    "promises": ["promise_id"],
    "notices": ["notice_id"],
    "lines": ["notice_id", "item_id"],
    "set_stages": ["item_id"],
    "contacts": ["contact_id"],
    "closings": ["entity_id", "payer_id", "policy"],
    "alerts": ["entity_id", "account_id", "policy", "event", "subject_id", "measure"],
    "charges": ["charge_item_id"],
    "series": ["series"],
    "rates": ["series", "from_on"],
}

DEFAULTS: Final[dict[str, dict[str, object]]] = {
    "accounts": {"legal": False, "intercompany": False, "channels": 0},
    "items": {
        "disputed_minor": 0,
        "in_flight_minor": 0,
        "draft": False,
        "level": 0,
        "repeats": 0,
        "version": 0,
        "kind": "invoice",
        "waivable": False,
        "waived_minor": 0,
    },
    "anchors": {"level": 0, "repeats": 0, "version": 0},
    "promises": {"paid_minor": 0, "tolerance_days": 0},
    "notices": {"channels": "", "repeats": 0},
    "lines": {"repeats": 0, "repeats_before": 0},
    "charges": {"charge": "fee", "first": False},
    "closings": {"is_open": True},
    "alerts": {"policy": "", "measure": ""},
}


class BookError(ValueError):
    """A frame that is not of the declared schema, with the table and column."""


def table(name: str, rows: pl.DataFrame | list[dict[str, object]] | None = None) -> pl.DataFrame:
    """Shape `rows` as the book's table `name`: missing columns get their default or null, the order is the schema's.

    Columns named `attr_*` are kept on items and accounts. Errors: BookError for any other column.
    """
    schema = SCHEMAS[name]
    if rows is None or (isinstance(rows, list) and not rows):
        return pl.DataFrame(schema=schema)
    defaults = DEFAULTS.get(name, {})
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
    given = frame.schema
    extra = [column for column in given if column not in schema]
    if strange := [c for c in extra if name not in {"items", "accounts"} or not c.startswith("attr_")]:
        raise BookError(f"{name}: no column is called {strange[0]!r}")
    columns: list[pl.Series | pl.Expr] = []
    for column, dtype in schema.items():
        if column not in given:
            columns.append(_not_given(name, column))
        elif given[column] == dtype and (column not in defaults or not frame[column].null_count()):
            columns.append(frame[column])
        else:
            expr = pl.col(column).cast(dtype)
            columns.append(expr.fill_null(defaults[column]).cast(dtype) if column in defaults else expr)
    try:
        return frame.select(*columns, *extra)
    except pl.exceptions.PolarsError as error:
        raise BookError(f"{name}: {str(error).splitlines()[0]}") from error


@cache
def _not_given(name: str, column: str) -> pl.Expr:
    return pl.lit(DEFAULTS.get(name, {}).get(column), dtype=SCHEMAS[name][column]).alias(column)


def shaped(name: str, rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Shape `rows` as the book's table `name`; of those that are in it `before`, columns not given stay.

    Errors: BookError for a column that the table does not have.
    """
    known = rows.join(before, on=KEYS[name], how="semi")
    if known.is_empty():
        return table(name, rows)
    new = rows.join(known, on=KEYS[name], how="anti")
    others = [column for column in before.columns if column not in rows.columns]
    changed = known.join(before.select(*KEYS[name], *others), on=KEYS[name])
    return pl.concat([table(name, new), table(name, changed)], how="diagonal")


def upsert(frame: pl.DataFrame, rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Replace the rows of `frame` that share a key with `rows`, and add the others; columns not given stay.

    A column that only `rows` has (an attribute not seen before) is null on the rows that stay.
    """
    if rows.is_empty():
        return frame
    if new := [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in rows.schema.items() if name not in frame.columns
    ]:
        frame = frame.with_columns(new)
    missing = [column for column in frame.columns if column not in rows.columns]
    if missing:
        rows = rows.join(frame[[*key, *missing]], on=key, how="left", nulls_equal=True)
    kept = frame.join(rows, on=key, how="anti", nulls_equal=True)
    return kept.vstack(rows[frame.columns])


@dataclass(frozen=True, kw_only=True)
class Book:
    """The tables of SCHEMAS, one frame each."""

    entities: pl.DataFrame
    accounts: pl.DataFrame
    items: pl.DataFrame
    payers: pl.DataFrame
    anchors: pl.DataFrame
    holds: pl.DataFrame
    disputes: pl.DataFrame
    promises: pl.DataFrame
    promise_items: pl.DataFrame
    allocations: pl.DataFrame
    notices: pl.DataFrame
    lines: pl.DataFrame
    set_stages: pl.DataFrame
    contacts: pl.DataFrame
    closings: pl.DataFrame
    alerts: pl.DataFrame
    elsewhere: pl.DataFrame
    charges: pl.DataFrame
    series: pl.DataFrame
    rates: pl.DataFrame

    @classmethod
    def of(cls, **tables: pl.DataFrame | list[dict[str, object]]) -> Self:
        """Build a book from the tables given; the others are empty. Errors: BookError."""
        if strange := set(tables) - set(SCHEMAS):
            raise BookError(f"a book has no table {sorted(strange)[0]!r}")
        return cls(**{field.name: table(field.name, tables.get(field.name)) for field in fields(cls)})

    def merged(self, changes: Mapping[str, pl.DataFrame]) -> Self:
        """Return the book after `changes`: keyed tables replace rows by key, ledgers add them."""
        after = {
            name: upsert(getattr(self, name), rows, KEYS[name])
            if name in KEYS
            else pl.concat([getattr(self, name), rows.select(list(SCHEMAS[name]))])
            for name, rows in changes.items()
        }
        return replace(self, **after)
