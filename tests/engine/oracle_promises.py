"""Sums and promises of docs/semantics.md in plain Python: what promises and plans cover, count and bring about."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from dunwell.engine.book import Book
from tests.engine.oracle_rows import Data, Row, payer_of


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
