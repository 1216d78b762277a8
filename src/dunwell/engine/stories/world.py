"""The book of a story, with a name for everything in it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from dunwell.engine import events as e
from dunwell.engine.book import SCHEMAS
from dunwell.engine.documents import Document, DocumentError, dotted, hint, read_as
from dunwell.engine.lastlook import asked_for
from dunwell.engine.plan import Plan
from dunwell.engine.stories import format as told
from dunwell.engine.stories.board import ENTITIES_PER_STORY, IDS_PER_STORY, Board, ItemState
from dunwell.engine.stories.story import Story

DEFAULT_ENTITY = "ACME"


class StoryError(ValueError):
    """A step that cannot happen: it names something the story does not have."""


class PostedNotice(NamedTuple):
    """A row of the plan's notices, and the numbers of the items it duns."""

    row: dict[str, Any]
    items: list[str]


class World:
    """Turns what a story tells into events, and knows its part of the book by the names the story gives.

    Every account, item, hold, dispute and promise has its name; its id is the story's own among all on the board.
    """

    def __init__(self, story: Story, board: Board, story_no: int) -> None:
        self.story = story
        self.board = board
        self.story_no = story_no
        names = list(dict.fromkeys([*story.entities, *(a.entity for a in story.accounts if a.entity)])) or [
            DEFAULT_ENTITY
        ]
        first_entity = story_no * ENTITIES_PER_STORY + 1
        self.entities = {name: number for number, name in enumerate(names, first_entity)}
        self.accounts = {each.account: number for number, each in enumerate(story.accounts, self._before_first + 1)}
        self.told_accounts: dict[str, told.Account] = {}
        self.ids: dict[str, dict[str, int]] = {kind: {} for kind in ("item", "hold", "dispute", "promise")}
        self.numbers: dict[int, str] = {}
        self.posted: dict[int, PostedNotice] = {}  # by notice_id
        self.tasks: list[e.Task] = []

    @property
    def _before_first(self) -> int:
        return self.story_no * IDS_PER_STORY

    def opening(self) -> e.AccountsChanged:
        """The accounts as the story begins. Errors: StoryError, also for more of them than a story has ids for."""
        if len(self.entities) > ENTITIES_PER_STORY:
            raise StoryError(f"a story has at most {ENTITIES_PER_STORY:,} entities, not {len(self.entities):,}")
        self._require_ids("accounts", len(self.accounts))
        return e.AccountsChanged(on=date.min, accounts=self._accounts(self.story.accounts))

    def happen(self, on: date, name: str, event: Any) -> e.Event:  # noqa: ANN401 - any model of EVENTS, or a mapping
        """Translate a told event. Errors: StoryError."""
        told_event: Callable[[date, Any], e.Event] = getattr(self, f"_{name}")
        return told_event(on, event)

    def account(self, name: str) -> int:
        """Return an account's id. Errors: StoryError."""
        if name not in self.accounts:
            raise StoryError(f"there is no account {name!r} under `accounts`")
        return self.accounts[name]

    def id_of(self, kind: str, name: str) -> int:
        """Return the id of an item, hold, dispute or promise. Errors: StoryError."""
        if name not in self.ids[kind]:
            raise StoryError(f"there is no {kind} {name!r} yet")
        return self.ids[kind][name]

    def posting(self, on: date, plan: Plan, notice_numbers: Sequence[int]) -> tuple[e.Posted, list[int]]:
        """The event that makes some notices of a plan binding, and their ids."""
        first = self._before_first + len(self.posted) + 1
        self._require_ids("notices", len(self.posted) + len(notice_numbers))
        notices, lines, charges = (
            _chosen(rows, plan, notice_numbers) for rows in (plan.notices, plan.lines, plan.charges)
        )
        ids = list(range(first, first + notices.height))
        items = self.items_of(lines)
        for notice_id, row in zip(ids, notices.to_dicts(), strict=True):
            self.posted[notice_id] = PostedNotice(row, items.get(row["notice_no"], []))
        numbers = [self._charge_number(row) for row in charges.to_dicts()]
        charges = charges.hstack(
            [
                pl.Series("charge_item_id", [self._new_id("item", number) for number in numbers], dtype=pl.Int64),
                pl.Series("number", numbers, dtype=pl.String),
            ]
        )
        notices = notices.hstack(
            [pl.Series("notice_id", ids, dtype=pl.Int64), pl.Series("as_of", [on] * len(ids), dtype=pl.Date)]
        )
        posted = e.Posted(notices=notices, lines=lines, charges=charges, anchors=plan.anchors, alerts=plan.alerts)
        return posted, ids

    def items_of(self, lines: pl.DataFrame) -> dict[int, list[str]]:
        """The numbers of the dunned items of each notice of a plan, in order."""
        items: dict[int, list[str]] = defaultdict(list)
        for notice_no, item_id, role in zip(*(lines[name] for name in ("notice_no", "item_id", "role")), strict=True):
            if role == "dunned":
                items[notice_no].append(self.numbers[item_id])
        return {notice_no: sorted(numbers) for notice_no, numbers in items.items()}

    def waiting(self) -> list[int]:
        """The ids of the story's notices that are posted and have not left."""
        if not self.posted:
            return []
        states = self.board.notice_states()
        return [notice_id for notice_id in self.posted if states[notice_id] == "posted"]

    def rebuilt(self, notice_ids: Sequence[int]) -> None:
        """Know what notices ask for after the last look at them."""
        lines = self.board.book.lines.filter(pl.col("notice_id").is_in(list(notice_ids)))
        of_notice = {notice_id: rows for (notice_id,), rows in lines.partition_by("notice_id", as_dict=True).items()}
        for notice_id, sums in asked_for(lines).items():
            items = self.items_of(of_notice[notice_id].rename({"notice_id": "notice_no"}))[notice_id]
            self.posted[notice_id] = PostedNotice({**self.posted[notice_id].row, **sums}, items)

    def _charge_number(self, charge: Mapping[str, Any]) -> str:
        number = stem = f"{self.numbers[charge['item_id']]}/{charge['stage']}"
        count = 1
        while number in self.ids["item"]:
            count += 1
            number = f"{stem}-{count}"
        return number

    def _new_id(self, kind: str, name: str | None) -> int:
        known = self.ids[kind]
        name = name or f"{kind}-{len(known) + 1}"
        if name in known:
            raise StoryError(f"the {kind} {name!r} is there already")
        self._require_ids(f"{kind}s", len(known) + 1)
        known[name] = self._before_first + len(known) + 1
        if kind == "item":
            self.numbers[known[name]] = name
        return known[name]

    def _require_ids(self, what: str, count: int) -> None:
        """Stay below the first id of the next story on the board. Errors: StoryError."""
        if count >= IDS_PER_STORY:
            raise StoryError(f"a story has fewer than {IDS_PER_STORY:,} {what}")

    # What each told event means, by the name of its key.

    def _accounts(self, accounts: Sequence[told.Account]) -> pl.DataFrame:
        self.told_accounts |= {account.account: account for account in accounts}
        rows = [(self._account_row(account), account.attributes()) for account in accounts]
        return self._frame("accounts", SCHEMAS["accounts"], rows)

    def _account_row(self, account: told.Account) -> dict[str, object]:
        return {
            "account_id": self.account(account.account),
            "entity_id": self._entity_of(account.account),
            "account": account.account,
            "parent_id": self.account(account.parent) if account.parent else None,
            "segment": account.segment,
            "country": account.country,
            "language": account.language,
            "debtor_class": account.debtor_class,
            "risk": None if account.risk is None else float(account.risk),
            "credit_limit_minor": account.credit_limit.minor if account.credit_limit else None,
            "customer_since_on": account.customer_since,
            "legal": account.legal,
            "intercompany": account.intercompany,
            "channels": account.channel_bits(),
        }

    def _set(self, on: date, event: dict[str, Any]) -> e.Event:
        name = str(event.get("account"))
        self.account(name)
        before = self.told_accounts[name]
        values = {key: getattr(before, key) for key in before.model_fields_set}
        try:
            account = read_as(Document("", {**values, **event}, {}, ("set",)), told.Account)
            account.attributes()
        except DocumentError as error:
            problems = [f"{dotted(problem.path)}: {problem.message}" for problem in error.problems]
            raise StoryError("; ".join(problems)) from None
        except ValueError as error:
            raise StoryError(f"set: {error}") from None
        return e.AccountsChanged(on=on, accounts=self._accounts([account]))

    def _invoice(self, on: date, event: told.Invoice) -> e.Event:
        if event.open and event.open.currency != event.amount.currency:
            raise StoryError(f"the invoice {event.number!r} is in one currency, and what is open of it in another")
        if not event.draft and self._is_draft(event.number, "invoice", "instalment"):
            item_id = self.ids["item"][event.number]
        else:
            item_id = self._new_id("item", event.number)
        account_id = self.account(event.account)
        row = {
            "item_id": item_id,
            "account_id": account_id,
            "entity_id": self._entity(event.entity) if event.entity else self._entity_of(event.account),
            "number": event.number,
            "kind": event.kind,
            "currency": event.amount.currency,
            "issued_on": event.issued or on,
            "due_on": event.due,
            "amount_minor": event.amount.minor,
            "open_minor": (event.open or event.amount).minor,
            "draft": event.draft,
            "level": event.level or self._seeded_level(event.stage),
            "stage": event.stage,
            "last_notice_on": event.last_notice,
            "last_deadline_on": event.last_deadline,
        }
        return e.ItemsBooked(on=on, items=self._item(row, event.attributes()))

    def _charge(self, on: date, event: told.Charge) -> e.Event:
        row = self._side_row(on, event.number, event.account, event.amount, "charge")
        row["due_on"] = event.due or on
        if event.item:
            self._in_currency_of(event.item, event.amount)
        row["parent_item_id"] = self.id_of("item", event.item) if event.item else None
        return e.ItemsBooked(on=on, items=self._item(row, {}))

    def _credit(self, on: date, event: told.Credit) -> e.Event:
        row = self._side_row(on, event.number, event.account, event.amount, "credit")
        pairs = [(int(str(row["item_id"])), self.id_of("item", name)) for name in event.applies_to]
        return e.ItemsBooked(on=on, items=self._item(row, {}), applies_to=pairs)

    def _payment(self, on: date, event: told.Payment) -> e.Event:
        account_id = self.account(event.account)
        announced = event.id is not None and self._is_draft(event.id, "payment")
        item_id = self.ids["item"][str(event.id)] if announced else self._new_id("item", event.id)
        return e.Paid(
            on=on,
            item_id=item_id,
            account_id=account_id,
            entity_id=self._entity_of(event.account),
            currency=str(event.amount.currency),
            amount_minor=event.amount.minor,
            number=self.numbers[item_id],
            applies_to=[self.id_of("item", name) for name in event.applies_to],
            pending=event.pending,
        )

    def _allocate(self, on: date, event: told.Allocate) -> e.Event:
        source, item = self.id_of("item", event.source), self.id_of("item", event.item)
        if event.amount.minor <= 0:
            raise StoryError("what is allocated is more than 0")
        amount = self._in_currency_of(event.item, event.amount)
        return e.Allocated(on=on, source_item_id=source, item_id=item, amount_minor=amount)

    def _reverse(self, on: date, event: told.Reverse) -> e.Event:
        return e.Reversed(on=on, item_id=self.id_of("item", event.payment))

    def _fail(self, on: date, event: told.Fail) -> e.Event:
        if event.payment:
            return e.Reversed(on=on, item_id=self.id_of("item", event.payment))
        if not event.delivery:
            raise StoryError("say what fails: `payment: id` or `delivery: account`")
        payer = self.account(event.delivery)
        return e.Failed(on=on, notice_ids=[id_ for id_ in self.waiting() if self.posted[id_].row["payer_id"] == payer])

    def _hold(self, on: date, event: told.Hold) -> e.Event:
        if event.account and event.item:
            raise StoryError("a hold is on an account or on an item, not both")
        return e.Held(
            on=on,
            hold_id=self._new_id("hold", event.id),
            account_id=self.account(event.account) if event.account else None,
            item_id=self.id_of("item", event.item) if event.item else None,
            until_on=event.until,
        )

    def _release(self, on: date, event: told.Release) -> e.Event:
        return e.Released(on=on, hold_id=self.id_of("hold", event.hold))

    def _dispute(self, on: date, event: told.Dispute) -> e.Event:
        item_id = self.id_of("item", event.item)
        amount = self._in_currency_of(event.item, event.amount) if event.amount else None
        return e.Disputed(on=on, dispute_id=self._new_id("dispute", event.id), item_id=item_id, amount_minor=amount)

    def _resolve(self, on: date, event: told.Resolve) -> e.Event:
        return e.Resolved(on=on, dispute_id=self.id_of("dispute", event.dispute))

    def _promise(self, on: date, event: told.Promise) -> e.Event:
        return e.Promised(
            on=on,
            promise_id=self._new_id("promise", event.id),
            account_id=self.account(event.account),
            currency=str(event.amount.currency),
            amount_minor=event.amount.minor,
            by_on=event.by,
            tolerance_days=event.tolerance_days,
            item_ids=[self.id_of("item", name) for name in event.items],
        )

    def _side_row(self, on: date, number: str, account: str, amount: told.Amount, kind: str) -> dict[str, object]:
        account_id = self.account(account)
        if amount.minor < 0:
            raise StoryError(f"the {kind} {number!r} is of a negative amount")
        return {
            "item_id": self._new_id("item", number),
            "account_id": account_id,
            "entity_id": self._entity_of(account),
            "number": number,
            "kind": kind,
            "currency": amount.currency,
            "issued_on": on,
            "amount_minor": amount.minor,
            "open_minor": amount.minor,
        }

    def _entity(self, name: str) -> int:
        if name not in self.entities:
            raise StoryError(f"there is no entity {name!r}{hint(name, self.entities)}")
        return self.entities[name]

    def _entity_of(self, account: str) -> int:
        return self._entity(self.told_accounts[account].entity or next(iter(self.entities)))

    def item(self, number: str) -> ItemState:
        """How an item stands. Errors: StoryError for one that is not there."""
        return self.board.items()[self.id_of("item", number)]

    def _is_draft(self, number: str, *kinds: str) -> bool:
        """Whether a number is that of a draft of one of these kinds: an invoice does not become a payment."""
        if number not in self.ids["item"]:
            return False
        item = self.item(number)
        return item.draft and item.kind in kinds

    def _in_currency_of(self, number: str, amount: told.Amount) -> int:
        """The minor units of an amount that must be in the currency of an item. Errors: StoryError."""
        currency = self.item(number).currency
        if amount.currency != currency:
            known = currency or "an unknown currency"
            raise StoryError(f"{number!r} is in {known}, not in {amount.currency or 'an unknown one'}")
        return amount.minor

    def _seeded_level(self, stage: str | None) -> int:
        return max((policy.position(stage) for policy in self.story.policies), default=0)

    def _item(self, row: dict[str, object], attributes: Mapping[str, Any]) -> pl.DataFrame:
        return self._frame("items", row, [(row, attributes)])

    def _frame(
        self, name: str, columns: Iterable[str], rows: Sequence[tuple[dict[str, object], Mapping[str, Any]]]
    ) -> pl.DataFrame:
        """Rows of a book table, with the story's attributes in their types, as `story_of` has checked them."""
        given = {key for _row, attributes in rows for key in attributes}
        subject = {key: dtype for key, dtype in self.story.attributes.items() if key in given}
        # A float is made here: Polars knows no decimal of more than 38 digits.
        values = [
            row
            | {
                key: float(value) if value is not None and subject[key] == pl.Float64 else value
                for key, value in attributes.items()
            }
            for row, attributes in rows
        ]
        return pl.DataFrame(values, schema={**{column: SCHEMAS[name][column] for column in columns}, **subject})


def _chosen(rows: pl.DataFrame, plan: Plan, notice_numbers: Sequence[int]) -> pl.DataFrame:
    """The rows of some notices of a plan."""
    if len(notice_numbers) == plan.notices.height:
        return rows
    return rows.filter(pl.col("notice_no").is_in(list(notice_numbers)))
