"""What can happen to a book. Each event names its date; `advance` says what follows.

Identities come with the event, so that `advance` stays pure: records draw them from the database,
stories count them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import polars as pl


@dataclass(frozen=True, kw_only=True)
class AccountsChanged:
    """Accounts opened or changed: rows by `account_id`; columns not given stay."""

    on: date
    accounts: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class ItemsBooked:
    """Invoices, instalments, charges or credits booked, or drafts turned into claims.

    `applies_to`: (credit item_id, item_id) pairs, allocated in that order as far as both are open.
    """

    on: date
    items: pl.DataFrame
    applies_to: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, kw_only=True)
class Paid:
    """Money received, or announced (`pending`). Without `applies_to` it stays unallocated on the account.

    `at_most_minor`: how much of it is for each of `applies_to`, with what goes before that, where somebody says so.
    Money beyond that makes up for what went before.
    A second event with the same `item_id` and `pending=False` is the arrival of an announced payment.
    Pending money without `applies_to` is taken to be for the oldest due items first.
    """

    on: date
    item_id: int
    account_id: int
    entity_id: int
    currency: str
    amount_minor: int
    number: str = ""
    applies_to: Sequence[int] = ()
    at_most_minor: Sequence[int] = ()
    pending: bool = False


@dataclass(frozen=True, kw_only=True)
class Payments:
    """Payments of one day, each of another payer, for items of theirs: what follows is what follows of each alone."""

    on: date
    payments: Sequence[Paid]


@dataclass(frozen=True, kw_only=True)
class PaidElsewhere:
    """Claims of which less is open by what their source says: paid where Dunwell does not see the money.

    `items`: `item_id`, and `less_minor`, by how much less is open; more, where it is below 0. And `on`, the day of
    each, where they are not all of one.
    """

    on: date
    items: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Recounted:
    """Items of which something else is open than before, by what their source says: it is in the book already."""

    on: date
    item_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Allocated:
    """Unallocated money or credit applied to an item; `amount_minor` is at most what both have open."""

    on: date
    source_item_id: int
    item_id: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Unallocated:
    """Money or credit taken off an item again, which it was applied to: no more than what stands applied."""

    on: date
    source_item_id: int
    item_id: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Reversed:
    """A payment taken back, or an announced one that failed: what it had paid is open again.

    `is_correction`: it had been applied wrongly, and nobody took the money itself back.
    """

    on: date
    item_id: int
    is_correction: bool = False


@dataclass(frozen=True, kw_only=True)
class Held:
    """A hold on an account (and all it pays for) or on one item; `until_on` is the last day held."""

    on: date
    hold_id: int
    account_id: int | None = None
    item_id: int | None = None
    until_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Released:
    """A hold ended: free from this date on."""

    on: date
    hold_id: int


@dataclass(frozen=True, kw_only=True)
class Disputed:
    """A dispute over an item, or over part of it (`amount_minor`)."""

    on: date
    dispute_id: int
    item_id: int
    amount_minor: int | None = None


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A dispute settled one way or another."""

    on: date
    dispute_id: int


@dataclass(frozen=True, kw_only=True)
class Promised:
    """A promise to pay by a date, for named items or for the oldest due first."""

    on: date
    promise_id: int
    account_id: int
    currency: str
    amount_minor: int
    by_on: date
    tolerance_days: int = 0
    item_ids: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An instalment plan for named items: what is to come, and by when.

    `instalments`: (promise_id, amount_minor, by_on) of each, in the order of their days.
    """

    on: date
    plan_id: int
    account_id: int
    currency: str
    item_ids: Sequence[int]
    instalments: Sequence[tuple[int, int, date]]
    tolerance_days: int = 0


@dataclass(frozen=True, kw_only=True)
class PromiseEnded:
    """Promises taken back, such as one noted in error, or all the instalments of a plan: nobody is held to them."""

    on: date
    promise_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Posted:
    """Notices of a run became binding: levels rise, charges exist, items wait for delivery.

    `notices`, `lines` and `charges` are the plan's tables of the same name, where `notices` also has `notice_id` and
    `as_of`, the date of its run, and `charges` also has `charge_item_id` and `number`. `anchors` and `alerts` are the
    plan's tables.
    """

    notices: pl.DataFrame
    lines: pl.DataFrame
    charges: pl.DataFrame
    anchors: pl.DataFrame | None = None
    alerts: pl.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """Notices left through at least one channel; `sent_on`: the day of each, where they did not all leave `on` one."""

    on: date
    notice_ids: Sequence[int]
    sent_on: Sequence[date] = ()


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Notices failed on every channel: levels and charges are taken back."""

    on: date
    notice_ids: Sequence[int]
    reason: str = "failed on every channel"


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """Notices withdrawn before they left: levels and charges are taken back."""

    on: date
    notice_ids: Sequence[int]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Trimmed:
    """Waiting notices that ask for less from now on.

    `lines`: `notice_id`, `item_id`, `amount_minor`; a line of 0 is taken off, and its item is as it was before.
    `fees`: the charge items among them that are raised no longer.
    """

    on: date
    lines: pl.DataFrame
    fees: Sequence[int] = ()

    @property
    def notice_ids(self) -> list[int]:
        """The notices."""
        return self.lines["notice_id"].unique().sort().to_list()


@dataclass(frozen=True, kw_only=True)
class Contacted:
    """Somebody spoke with an account, or wrote to it, otherwise than by a notice; `channel`: how, such as `phone`."""

    on: date
    contact_id: int
    account_id: int
    channel: str


Event: TypeAlias = (
    AccountsChanged
    | ItemsBooked
    | Paid
    | Payments
    | PaidElsewhere
    | Recounted
    | Allocated
    | Unallocated
    | Reversed
    | Held
    | Released
    | Disputed
    | Resolved
    | Promised
    | Planned
    | PromiseEnded
    | Posted
    | Delivered
    | Failed
    | Withdrawn
    | Trimmed
    | Contacted
)


@dataclass(frozen=True)
class Task:
    """Work for a person."""

    task: str
    account_id: int | None = None
    item_id: int | None = None
    notice_id: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What an event changed: rows by table (see `Book.merged`), and what it asks people to do."""

    changes: dict[str, pl.DataFrame] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()


def payments_of(event: Paid | Payments) -> Sequence[Paid]:
    """The payments of an event."""
    return event.payments if isinstance(event, Payments) else (event,)
