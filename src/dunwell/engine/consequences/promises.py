"""Which promises the payments keep, and which come to less while nothing is owed of what they were for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, SCHEMAS, Book
from dunwell.engine.consequences.appropriation import charged_on
from dunwell.engine.events import (
    Allocated,
    Effects,
    ItemsBooked,
    Paid,
    PaidElsewhere,
    Payments,
    Reversed,
    Unallocated,
    payments_of,
)
from dunwell.engine.steps.parties import is_ended, is_kept, payer_of_family, payers, promise_over_on

COME_TO = {name: SCHEMAS["promises"][name] for name in ("promise_id", "amount_minor", "ended_on", "promised_minor")}
PAID = {name: SCHEMAS["promises"][name] for name in ("promise_id", "paid_minor")}


@dataclass(frozen=True)
class Received:
    """Money as it came, and what of it went to which item."""

    account_id: int
    on: date
    amount_minor: int
    applied: Mapping[int, int]


def promises_with(book: Book, received: Received, currency: str) -> pl.DataFrame:
    """Count a payment towards the promises it was in time for: the `paid_minor` that change, by `promise_id`.

    A promise with named items counts what went to them, one of another account with the same payer what went to its
    items; what is left counts towards the others of the account or its payer, earliest `by_on` first.
    """
    if book.promises.is_empty():
        return pl.DataFrame(schema=PAID)
    promises = _Promises(book, received.account_id, currency)
    paid = dict(promises.before)
    promises.count(received, paid)
    return promises.changed(paid)


def promises_without(book: Book, payment: Mapping[str, Any]) -> pl.DataFrame:
    """Take a payment back from the promises: the `paid_minor` that change, by `promise_id`.

    The payments are counted again, in the order in which they came, with it and without it: a promise loses the
    difference, and nothing where another payment takes its place. What the book cannot tell again, such as money that
    came earlier on the day of the promise, is in both counts alike.
    """
    if book.promises.is_empty():
        return pl.DataFrame(schema=PAID)
    promises = _Promises(book, payment["account_id"], payment["currency"])
    with_it, without_it = dict.fromkeys(promises.before, 0), dict.fromkeys(promises.before, 0)
    most_minor = dict.fromkeys(promises.before, 0)  # what came in time and is still there can have counted at most
    for item_id, received in _payments(book, promises.family, payment["currency"]):
        promises.count(received, with_it)
        if item_id != payment["item_id"]:
            promises.count(received, without_it)
            for row in promises.rows:
                most_minor[row["promise_id"]] += received.amount_minor if _in_time(row, received) else 0
    after = dict(promises.before)
    for each, paid_minor in promises.before.items():
        if with_it[each] != without_it[each]:
            untold = max(paid_minor - with_it[each], 0)  # paid where Dunwell did not see the money
            after[each] = min(max(paid_minor - with_it[each] + without_it[each], 0), most_minor[each] + untold)
    return promises.changed(after)


def fallen_away(book: Book, event: Allocated | ItemsBooked | Paid | PaidElsewhere | Payments) -> Effects:
    """Let promises come to what was paid of them once nothing is open any more of what they were for.

    So a promise of more than was owed, or of what a credit note has taken off since, is kept and not broken. One of
    which nothing was paid ends. What was promised is kept in `promised_minor`, see `promised_again`.
    """
    if book.promises.is_empty():
        return Effects()
    runs_on = ~is_kept() & (promise_over_on() >= event.on) & ~is_ended(pl.lit(event.on))
    running = book.promises.filter(runs_on)
    accounts = _accounts_of(book, event) if running.height else []
    found: dict[int, dict[str, object]] = {}
    seen: set[int] = set()
    for account_id in accounts:
        if account_id in seen:
            continue
        payer_of = payer_of_family(book.accounts, account_id)
        seen.update(payer_of)
        owed = _Owed(book, payer_of)
        for row in running.filter(pl.col("account_id").is_in(list(payer_of))).to_dicts():
            if owed.nothing_for(row):
                paid_minor = row["paid_minor"]
                left = {"amount_minor": paid_minor} if paid_minor else {"ended_on": event.on}
                promised_minor = row["promised_minor"] or row["amount_minor"]
                found[row["promise_id"]] = {**row, **left, "promised_minor": promised_minor}
    if not found:
        return Effects()
    rows = [[row[name] for name in COME_TO] for row in found.values()]
    return Effects(changes={"promises": pl.DataFrame(rows, schema=COME_TO, orient="row")})


def promised_again(book: Book, event: Reversed | Unallocated) -> Effects:
    """Let promises that came to less by themselves be what they were, once money is taken off what they were for.

    As long as they run: one whose time is over covers nothing, and was not broken while nothing was owed.
    """
    fell = book.promises.filter(pl.col("promised_minor").is_not_null(), promise_over_on() >= event.on)
    if fell.is_empty():
        return Effects()
    items = [event.item_id]
    if isinstance(event, Reversed):
        items = book.allocations.filter(source_item_id=event.item_id)["item_id"].to_list()
    is_claim = ~pl.col("kind").is_in(CREDIT_KINDS) & ~pl.col("draft")
    owed = book.items.filter(pl.col("item_id").is_in(items), is_claim, pl.col("open_minor") > 0)
    concerned = owed.join(payers(book.accounts), on="account_id")
    named = fell.join(book.promise_items, on="promise_id")
    of_items = named.join(owed, on="item_id", how="semi")
    of_nothing_named = fell.join(named, on="promise_id", how="anti")
    owners = [concerned.select("currency", account_id=pl.col(name)) for name in ("account_id", "payer_id")]
    of_accounts = of_nothing_named.join(pl.concat(owners), on=["account_id", "currency"], how="semi")
    again = pl.concat([of_items.select(fell.columns), of_accounts]).unique("promise_id", maintain_order=True)
    nothing = [pl.lit(None, SCHEMAS["promises"][name]).alias(name) for name in ("ended_on", "promised_minor")]
    told = again.select("promise_id", *nothing, amount_minor="promised_minor")
    return Effects(changes={"promises": told})


def _accounts_of(book: Book, event: Allocated | ItemsBooked | Paid | PaidElsewhere | Payments) -> list[int]:
    """The accounts of which less may be open after an event."""
    match event:
        case Paid() | Payments():
            return [payment.account_id for payment in payments_of(event) if not payment.pending]
        case Allocated():
            items = [event.item_id]
        case ItemsBooked():
            items = [item_id for _source, item_id in event.applies_to]
        case PaidElsewhere():
            items = event.items["item_id"].to_list()
    return book.items.filter(pl.col("item_id").is_in(items))["account_id"].unique().sort().to_list()


class _Owed:
    """What is open of the claims and charges of a family, by item, and by account and currency."""

    def __init__(self, book: Book, payer_of: Mapping[int, int | None]) -> None:
        is_owed = ~pl.col("kind").is_in(CREDIT_KINDS) & ~pl.col("draft")
        rows = book.items.filter(is_owed, pl.col("account_id").is_in(list(payer_of)))
        self.of_item: dict[int, int] = dict(rows.select("item_id", "open_minor").iter_rows())
        self.of_account: dict[tuple[int | None, str], int] = {}
        for account_id, currency, open_minor in rows.select("account_id", "currency", "open_minor").iter_rows():
            for owner in {account_id, payer_of[account_id]}:
                self.of_account[owner, currency] = self.of_account.get((owner, currency), 0) + open_minor
        mine = book.promises.filter(pl.col("account_id").is_in(list(payer_of)))
        self.named = _items_named(book, mine["promise_id"])

    def nothing_for(self, promise: Mapping[str, Any]) -> bool:
        """Whether there is something that a promise is for, and nothing of it is open."""
        if named := self.named.get(promise["promise_id"]):
            known = [self.of_item[item_id] for item_id in named if item_id in self.of_item]
            return bool(known) and not any(known)
        return self.of_account.get((promise["account_id"], promise["currency"])) == 0


def _payments(book: Book, accounts: list[int], currency: str) -> list[tuple[int, Received]]:
    """The payments of some accounts that have arrived and were not taken back, as they were when they came."""
    money = book.items.filter(pl.col("account_id").is_in(accounts), kind="payment", currency=currency, draft=False)
    payments = money.drop_nulls(["issued_on", "open_minor"]).sort("issued_on", "item_id")
    ledger = book.allocations.filter(pl.col("source_item_id").is_in(payments["item_id"].to_list()), ~pl.col("pending"))
    stands: dict[int, int] = dict(payments.select("item_id", "open_minor").iter_rows())
    came_on: dict[int, date] = dict(payments.select("item_id", "issued_on").iter_rows())
    applied: dict[int, dict[int, int]] = {}
    columns = ("source_item_id", "item_id", "amount_minor", "on")
    for source_id, item_id, amount_minor, on in ledger.select(columns).iter_rows():
        stands[source_id] += amount_minor
        if on == came_on[source_id]:
            to_items = applied.setdefault(source_id, {})
            to_items[item_id] = to_items.get(item_id, 0) + amount_minor
    rows = payments.select("item_id", "account_id", "issued_on").iter_rows()
    return [(id_, Received(account, on, stands[id_], applied.get(id_, {}))) for id_, account, on in rows if stands[id_]]


class _Promises:
    """The promises in one currency of an account and of all that have the same payer."""

    def __init__(self, book: Book, account_id: int, currency: str) -> None:
        self.book = book
        self.payer_of = payer_of_family(book.accounts, account_id)
        self.family = list(self.payer_of)
        rows = (
            book.promises.filter(pl.col("account_id").is_in(self.family), currency=currency)
            .sort("by_on", "promise_id")
            .to_dicts()
        )
        self.before = {row["promise_id"]: row["paid_minor"] for row in rows}
        self.named = _with_what_goes_first(book, _items_named(book, self.before))
        # Named promises first: what they take is not there for the others.
        self.rows = sorted(rows, key=lambda row: row["promise_id"] not in self.named)

    @cached_property
    def owner_of(self) -> dict[int, int]:
        """The account of each item of the family."""
        items = self.book.items.filter(pl.col("account_id").is_in(self.family))
        return dict(items.select("item_id", "account_id").iter_rows())

    def count(self, received: Received, paid: dict[int, int]) -> None:
        """Add to `paid`, by promise, what a payment counts towards each; no cent counts twice."""
        rest, to_items = received.amount_minor, dict(received.applied)
        to_none = rest - sum(to_items.values())
        broken = {row["plan_id"] for row in self.rows if _is_over(row, received.on) and _is_unpaid(row, paid)}
        for row in self.rows:
            promise_id = row["promise_id"]
            if not _in_time(row, received) or (row["plan_id"] and row["plan_id"] in broken):
                continue
            own = self._items_of(row, received)
            offered = rest if own is None else sum(to_items.get(item, 0) for item in own)
            # Who pays an instalment seldom says for which invoice.
            offered += to_none if row["plan_id"] and self._pays_for(row, received) else 0
            part = min(offered, rest, row["amount_minor"] - paid[promise_id])
            rest -= part
            missing = _use(to_items, own or set(), part)
            to_none -= missing if row["plan_id"] else 0
            paid[promise_id] += part

    def _items_of(self, row: Mapping[str, Any], received: Received) -> set[int] | None:
        """The items for which money must have gone to count towards a promise; None: any money of the account."""
        if row["promise_id"] in self.named:
            return self.named[row["promise_id"]]
        if self._pays_for(row, received):
            return None
        return {item for item in received.applied if self.owner_of.get(item) == row["account_id"]}

    def _pays_for(self, row: Mapping[str, Any], received: Received) -> bool:
        """Whether money is of the account that made a promise, or of one that it pays for."""
        return row["account_id"] in (received.account_id, self.payer_of.get(received.account_id))

    def changed(self, paid: Mapping[int, int]) -> pl.DataFrame:
        """What counts towards each promise, where it is another than before."""
        rows = [(promise_id, minor) for promise_id, minor in paid.items() if minor != self.before[promise_id]]
        return pl.DataFrame(rows, schema=PAID, orient="row")


def _items_named(book: Book, promise_ids: Iterable[int]) -> dict[int, set[int]]:
    """The items that these promises name, by `promise_id`."""
    links = book.promise_items.filter(pl.col("promise_id").is_in(list(promise_ids)))
    named: dict[int, set[int]] = {}
    for promise_id, item_id in links.iter_rows():
        named.setdefault(promise_id, set()).add(item_id)
    return named


def _with_what_goes_first(book: Book, named: dict[int, set[int]]) -> dict[int, set[int]]:
    """The same with the charges that money for the items goes to first: who pays the promised sum keeps the promise."""
    charges: dict[int, set[int]] = {}
    for charge_id, item_id in charged_on(book).items() if named else ():
        charges.setdefault(item_id, set()).add(charge_id)
    return {each: items.union(*(charges.get(item, set()) for item in items)) for each, items in named.items()}


def _in_time(promise: Mapping[str, Any], received: Received) -> bool:
    is_ended = promise["ended_on"] is not None and promise["ended_on"] <= received.on
    return bool(promise["made_on"] <= received.on and not _is_over(promise, received.on) and not is_ended)


def _is_over(promise: Mapping[str, Any], on: date) -> bool:
    return bool((on - promise["by_on"]).days > promise["tolerance_days"])


def _is_unpaid(promise: Mapping[str, Any], paid: Mapping[int, int]) -> bool:
    return bool(paid[promise["promise_id"]] < promise["amount_minor"])


def _use(to_items: dict[int, int], own: set[int], amount_minor: int) -> int:
    """Take an amount from what went to some items, so that no other promise counts it too; return what is missing."""
    for item_id in sorted(own & set(to_items)):
        part = min(to_items[item_id], amount_minor)
        to_items[item_id] -= part
        amount_minor -= part
    return amount_minor
