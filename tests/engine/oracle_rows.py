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


def add_sums(rows: Sequence[Row], book: Book) -> None:
    """The payer's sums, on every valid row."""
    for row in rows:
        if row.bad_data:
            continue
        claims = [other for other in rows if other.is_claim and other.payer_group == row.payer_group]
        overdue = [other for other in claims if other.overdue]
        row.sums = {
            "account_open_minor": sum(claim.item["open_minor"] for claim in claims),
            "account_overdue_minor": sum(claim.item["open_minor"] for claim in overdue),
            "account_open_items": len(claims),
            "account_overdue_items": len(overdue),
            "account_oldest_days": max(((row.as_of - claim.due_on).days for claim in overdue), default=0),
            "account_broken_promises": broken_promises(row, book),
        }


def broken_promises(row: Row, book: Book) -> int:
    """How many promises the accounts of this payer have broken with this entity."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    broken = set()
    for promise in book.promises.to_dicts():
        account = accounts.get(promise["account_id"])
        if account is None or account["entity_id"] != row.item["entity_id"]:
            continue
        if is_broken(promise, row.as_of) and payer_of(account["account_id"], accounts)[0] == row.payer["account_id"]:
            broken.add(("plan", promise["plan_id"]) if promise["plan_id"] else ("promise", promise["promise_id"]))
    return len(broken)


def over_on(promise: Data) -> date:
    """The last day on which money keeps a promise."""
    day: date = promise["by_on"] + timedelta(days=promise["tolerance_days"])
    return day


def is_ended(promise: Data, as_of: date) -> bool:
    return promise["ended_on"] is not None and promise["ended_on"] <= as_of


def is_broken(promise: Data, as_of: date) -> bool:
    unpaid = promise["paid_minor"] < promise["amount_minor"]
    return unpaid and over_on(promise) < as_of and not is_ended(promise, as_of)


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


def apply_promises(rows: Sequence[Row], book: Book, as_of: date) -> None:
    """Plans first, then promises with named items, those of accounts that another pays for, and those of payers."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    named = items_named(book)

    def rank(promise: Data) -> int:
        if promise["promise_id"] in named:
            return 0
        return 2 if payer_of(promise["account_id"], accounts)[0] == promise["account_id"] else 1

    known = [promise for promise in book.promises.to_dicts() if promise["account_id"] in accounts]
    claims = sorted((row for row in rows if row.is_claim), key=lambda row: (row.due_on, row.item_id))
    apply_plans(claims, known, named, accounts, as_of)
    for promise in sorted(known, key=lambda promise: (rank(promise), promise["promise_id"])):
        if promise["plan_id"] or is_ended(promise, as_of) or not promise["made_on"] <= as_of <= over_on(promise):
            continue
        left = promise["amount_minor"] - promise["paid_minor"]
        concerns = ("item_id", "account_id", "payer_id")[rank(promise)]
        payer_id = payer_of(promise["account_id"], accounts)[0]
        for row in claims:
            if row.payer["account_id"] != payer_id:
                continue
            ids = {"item_id": row.item_id, "account_id": row.item["account_id"], "payer_id": row.payer["account_id"]}
            wanted = named.get(promise["promise_id"], {promise["account_id"]})
            if ids[concerns] in wanted and row.item["currency"] == promise["currency"] and left > 0:
                covered = min(left, row.dunnable)
                row.promised += covered
                left -= covered


def apply_plans(
    claims: Sequence[Row],
    promises: Sequence[Data],
    named: dict[int, set[int]],
    accounts: Mapping[int, Data],
    as_of: date,
) -> None:
    """A plan covers the items it names up to what is still to come of it, unless one instalment was broken."""
    for plan_id in sorted({promise["plan_id"] for promise in promises if promise["plan_id"]}):
        instalments = [promise for promise in promises if promise["plan_id"] == plan_id]
        if any(is_broken(promise, as_of) for promise in instalments):
            continue
        standing = [p for p in instalments if p["made_on"] <= as_of and not is_ended(p, as_of)]
        left = sum(max(promise["amount_minor"] - promise["paid_minor"], 0) for promise in standing)
        payer_id = payer_of(instalments[0]["account_id"], accounts)[0]
        for row in claims:
            is_named = any(row.item_id in named.get(promise["promise_id"], ()) for promise in standing)
            if is_named and row.payer["account_id"] == payer_id and row.item["currency"] == instalments[0]["currency"]:
                covered = min(left, row.dunnable)
                row.planned += covered
                left -= covered


def items_named(book: Book) -> dict[int, set[int]]:
    """The items that promises name, by promise_id."""
    named: dict[int, set[int]] = {}
    for link in book.promise_items.to_dicts():
        named.setdefault(link["promise_id"], set()).add(link["item_id"])
    return named


def note_what_resumes(rows: Sequence[Row], book: Book, as_of: date) -> None:
    """When the last promise for a row was broken, and the last dispute over it resolved."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    named = items_named(book)
    for row in rows:
        if not row.is_claim:
            continue
        days = [
            broken_on(promise, book, as_of)
            for promise in book.promises.to_dicts()
            if is_broken(promise, as_of)
            and promise["account_id"] in accounts
            and payer_of(promise["account_id"], accounts)[0] == row.payer["account_id"]
            and promise["currency"] == row.item["currency"]
            and concerns(promise, row, named)
        ]
        row.broken_on = max(days, default=None)
        over = [dispute["resolved_on"] for dispute in book.disputes.to_dicts() if dispute["item_id"] == row.item_id]
        row.dispute_over_on = max((day for day in over if day is not None and day <= as_of), default=None)


def broken_on(promise: Data, book: Book, as_of: date) -> date:
    """The day after the last that would have kept it; of a plan, its first instalment that was broken."""
    others = [each for each in book.promises.to_dicts() if each["plan_id"] == promise["plan_id"]]
    family = others if promise["plan_id"] else [promise]
    return min(over_on(each) for each in family if is_broken(each, as_of)) + timedelta(days=1)


def concerns(promise: Data, row: Row, named: dict[int, set[int]]) -> bool:
    """Whether a promise was for a row: it names it, or names none and the row was due by its day."""
    if promise["promise_id"] in named:
        return row.item_id in named[promise["promise_id"]]
    made_by: int = promise["account_id"]
    return made_by in {row.item["account_id"], row.payer["account_id"]} and row.item["due_on"] <= promise["by_on"]


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
