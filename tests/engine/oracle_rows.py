"""The first half of docs/semantics.md in plain Python: rows, sums, assignment, the reasons up to 8, promises, credits.

Slow and obvious on purpose: one dictionary per item, one rule after the other, no frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from dunwell.engine.book import CREDIT_KINDS, Book
from dunwell.engine.calendars import calendar_of, is_closed
from dunwell.engine.money import AMOUNT_MINOR_MAX
from dunwell.engine.policy.model import Calendar, Policy
from tests.engine.expression_pairs import true_of

Data: TypeAlias = dict[str, Any]

AMOUNTS: Final = ("amount_minor", "open_minor", "disputed_minor", "in_flight_minor")


@dataclass
class Row:
    """One item with all that is found out about it."""

    item: Data
    as_of: date
    entity: str | None = None
    account: Data = field(default_factory=dict)
    payer: Data = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)
    problem: str | None = None
    bad_data: bool = False
    policy: Policy | None = None
    sums: Data = field(default_factory=dict)
    disputed: int = 0
    in_flight: int = 0
    planned: int = 0
    promised: int = 0
    broken_on: date | None = None  # the last promise for it that was broken
    dispute_over_on: date | None = None  # the last dispute over it that was resolved
    credited: int = 0
    level_before: int = 0
    level: int = 0  # after a fall
    last_notice_on: date | None = None
    position: int = 0  # of the stage judged, 0: none
    repeats: int = 0  # how often that stage has been said again, this time included
    next_on: date | None = None
    free_on: date | None = None
    calendar: str | None = None
    stored_due_on: date | None = None
    by_law: str | None = None  # what the law left out of the charges, or lacks

    @property
    def closed(self) -> bool:
        return self.calendar is not None and is_closed(self.as_of, self.calendar)

    @property
    def item_id(self) -> int:
        return int(self.item["item_id"])

    @property
    def is_credit(self) -> bool:
        return self.item["kind"] in CREDIT_KINDS

    @property
    def is_charge(self) -> bool:
        return bool(self.item["kind"] == "charge")

    @property
    def is_claim(self) -> bool:
        """A valid, open debit row that is no draft."""
        return (
            not (self.is_credit or self.is_charge or self.bad_data or self.item["draft"])
            and self.item["open_minor"] > 0
        )

    @property
    def due_on(self) -> date:
        due_on: date = self.item["due_on"]
        return due_on

    @property
    def overdue(self) -> bool:
        return self.due_on < self.as_of

    @property
    def payer_group(self) -> tuple[int, int, str]:
        return self.item["entity_id"], self.payer["account_id"], self.item["currency"]

    @property
    def dunnable(self) -> int:
        covered = self.disputed + self.in_flight + self.planned + self.promised + self.credited
        return int(self.item["open_minor"]) - covered

    @property
    def current_policy(self) -> Policy:
        assert self.policy is not None
        return self.policy

    def problem_is(self, problem: str) -> None:
        self.problem = problem
        self.reasons.add("exception")

    def columns(self) -> Data:
        """What an expression sees."""

        def days_since(day: date | None) -> int | None:
            return (self.as_of - day).days if day else None

        item = self.item
        return {
            **{name: value for name, value in self.account.items() if name != "entity_id"},
            **item,
            **self.sums,
            "entity": self.entity,
            "dunnable_minor": self.dunnable,
            "days_past_due": days_since(item["due_on"]),
            "days_since_issued": days_since(item["issued_on"]),
            "level": self.level_before,
            "days_since_previous": days_since(self.last_notice_on),
        }


def payer_of(account_id: int, accounts: Mapping[int, Data]) -> tuple[int | None, str | None]:
    """Follow the parents to their end: the payer, or the problem."""
    seen = {account_id}
    while (parent := accounts[account_id]["parent_id"]) is not None:
        if parent in seen:
            return None, "parent_cycle"
        if parent not in accounts:
            return None, "account_unknown"
        seen.add(parent)
        account_id = parent
    return account_id, None


def rows_of(book: Book, as_of: date) -> list[Row]:
    """One row per item, with its account, its payer and what is wrong with its data."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    entities = {entity["entity_id"]: entity["entity"] for entity in book.entities.to_dicts()}
    all_disputed = {
        dispute["item_id"]
        for dispute in book.disputes.to_dicts()
        if dispute["amount_minor"] is None and dispute["resolved_on"] is None
    }
    rows = []
    for item in book.items.to_dicts():
        row = Row(item, as_of, entities.get(item["entity_id"]))
        row.level_before, row.last_notice_on = item["level"], item["last_notice_on"]
        row.account = accounts.get(item["account_id"], {})
        payer_id, problem = payer_of(item["account_id"], accounts) if row.account else (None, "account_unknown")
        row.payer = accounts[payer_id] if payer_id is not None else {}
        if problem := problem or bad_data(row):
            row.bad_data = True
            row.problem_is(problem)
        else:
            if row.item_id in all_disputed:
                item["disputed_minor"] = max(
                    item[column] for column in ("disputed_minor", "amount_minor", "open_minor")
                )
            cut_parts(row)
        rows.append(row)
    return rows


def bad_data(row: Row) -> str | None:
    """What else is wrong with the row alone; the first that applies."""
    amounts = [row.item[column] for column in AMOUNTS]
    if row.item["currency"] is None:
        return "currency_unknown"
    if row.item["due_on"] is None and not row.is_credit and not row.is_charge:
        return "due_date_missing"
    if None in amounts:
        return "amount_missing"
    if min(amounts) < 0:
        return "amount_negative"
    return "amount_beyond_bound" if max(amounts) > AMOUNT_MINOR_MAX else None


def assign(row: Row, policies: Sequence[Policy]) -> bool:
    """The applicable policy of lowest priority; two of them are a problem of the row, and no other reason is judged."""
    columns = row.columns()
    applicable = [p for p in policies if p.applies_to is None or true_of(p.applies_to.sql, columns)]
    lowest = min((policy.priority for policy in applicable), default=None)
    first = [policy for policy in applicable if policy.priority == lowest]
    if len(first) > 1:
        row.problem_is("policies_tie")
        return False
    row.policy = first[0] if first else None
    if not first:
        row.reasons.add("no_policy")
    elif row.policy and row.policy.calendar:
        take_calendar(row, row.policy.calendar)
    return True


def take_calendar(row: Row, calendar: Calendar) -> None:
    """The calendar of the row's policy; with `due: roll` the due date counts as the next open day from here on."""
    if calendar.country == "account":
        row.calendar = calendar_of(row.payer["country"] or row.account["country"])
    else:
        row.calendar = calendar.country + (f"-{calendar.region}" if calendar.region else "")
    row.stored_due_on = row.due_on
    while calendar.due == "roll" and is_closed(row.item["due_on"], row.calendar):
        row.item["due_on"] += timedelta(days=1)


def block(row: Row, book: Book) -> None:
    """The reasons of the account and the holds."""
    either = (row.account, row.payer)
    if any(account["intercompany"] for account in either):
        row.reasons.add("intercompany")
    if any(account["legal"] for account in either):
        row.reasons.add("legal")
    held_ids = {account["account_id"] for account in either}
    for hold in book.holds.to_dicts():
        concerned = hold["item_id"] == row.item_id or hold["account_id"] in held_ids
        if concerned and hold_is_on(hold, row.as_of):
            row.reasons.add("on_hold")


def hold_is_on(hold: Data, as_of: date) -> bool:
    """Through its last day; free from the day of its release."""
    begun = hold["from_on"] <= as_of
    released = hold["released_on"] is not None and hold["released_on"] <= as_of
    over = hold["until_on"] is not None and hold["until_on"] < as_of
    return bool(begun and not released and not over)


def cut_parts(row: Row) -> None:
    """The disputed part and the part in flight, each cut at what is still left."""
    row.disputed = min(row.item["disputed_minor"], row.item["open_minor"])
    row.in_flight = min(row.item["in_flight_minor"], row.item["open_minor"] - row.disputed)


def note_parts(row: Row) -> None:
    """A part is a reason only when nothing is left beside it."""
    if row.dunnable > 0:
        return
    if row.disputed:
        row.reasons.add("disputed")
    if row.promised:
        row.reasons.add("promised")
    if row.planned:
        row.reasons.add("in_plan")
    if row.item["in_flight_minor"]:
        row.reasons.add("payment_in_flight")


def apply_credits(rows: Sequence[Row]) -> None:
    """Each account's open credits, to its oldest overdue rows that nothing blocks."""
    sums: dict[tuple[int, int, str], int] = {}
    for row in rows:
        if row.is_credit and not row.bad_data and not row.item["draft"]:
            key = (row.item["entity_id"], row.item["account_id"], row.item["currency"])
            sums[key] = sums.get(key, 0) + row.item["open_minor"]
    takers = [row for row in rows if row.is_claim and row.overdue and not row.reasons]
    for row in sorted(takers, key=lambda row: (row.stored_due_on or row.due_on, row.item_id)):
        key = (row.item["entity_id"], row.item["account_id"], row.item["currency"])
        if row.current_policy.credits == "net":
            row.credited = min(sums.get(key, 0), row.dunnable)
            sums[key] = sums.get(key, 0) - row.credited
