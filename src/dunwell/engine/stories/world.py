"""What a story tells, as events of its book."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from dunwell.engine import events as e
from dunwell.engine.book import SCHEMAS
from dunwell.engine.documents import Document, DocumentError, dotted, read_as
from dunwell.engine.lastlook import asked_for
from dunwell.engine.plan import Plan
from dunwell.engine.stories import format as told
from dunwell.engine.stories.board import ENTITIES_PER_STORY, Board
from dunwell.engine.stories.names import Names, StoryError
from dunwell.engine.stories.story import Story


class PostedNotice(NamedTuple):
    """A row of the plan's notices, and the numbers of the items it duns and of those it lists beside them."""

    row: dict[str, Any]
    items: list[str]
    listed: list[str]


class World(Names):
    """Turns what a story tells into events, and knows what has become of its notices."""

    def __init__(self, story: Story, board: Board, story_no: int) -> None:
        super().__init__(story, board, story_no)
        self.posted: dict[int, PostedNotice] = {}  # by notice_id
        self.tasks: list[e.Task] = []

    def opening(self) -> e.AccountsChanged:
        """The accounts as the story begins. Errors: StoryError, also for more of them than a story has ids for."""
        if len(self.entities) > ENTITIES_PER_STORY:
            raise StoryError(f"a story has at most {ENTITIES_PER_STORY:,} entities, not {len(self.entities):,}")
        self._require_ids("accounts", len(self.accounts))
        return e.AccountsChanged(on=date.min, accounts=self._accounts(self.story.accounts))

    def happen(self, on: date, name: str, event: Any) -> e.Event:  # noqa: ANN401  # any model of EVENTS, or a mapping
        """Translate a told event. Errors: StoryError."""
        told_event: Callable[[date, Any], e.Event] = getattr(self, f"_{name}")
        return told_event(on, event)

    def posting(self, on: date, plan: Plan, notice_numbers: Sequence[int]) -> tuple[e.Posted, list[int]]:
        """The event that makes some notices of a plan binding, and their ids."""
        first = self._before_first + len(self.posted) + 1
        self._require_ids("notices", len(self.posted) + len(notice_numbers))
        notices, lines, charges = (
            _chosen(rows, plan, notice_numbers) for rows in (plan.notices, plan.lines, plan.charges)
        )
        ids = list(range(first, first + notices.height))
        self.posted |= dict(zip(ids, self.with_items(notices.to_dicts(), lines), strict=True))
        numbers: list[str] = []
        item_ids: list[int] = []
        for row in charges.to_dicts():
            numbers.append(self._charge_number(row))
            item_ids.append(self._new_id("item", numbers[-1]))
        charges = charges.hstack(
            [pl.Series("charge_item_id", item_ids, dtype=pl.Int64), pl.Series("number", numbers, dtype=pl.String)]
        )
        notices = notices.hstack(
            [pl.Series("notice_id", ids, dtype=pl.Int64), pl.Series("as_of", [on] * len(ids), dtype=pl.Date)]
        )
        posted = e.Posted(notices=notices, lines=lines, charges=charges, anchors=plan.anchors, alerts=plan.alerts)
        return posted, ids

    def with_items(self, notices: Sequence[dict[str, Any]], lines: pl.DataFrame) -> list[PostedNotice]:
        """Notices by their `notice_no`, with the numbers of the items that they dun, and list, in order."""
        items: dict[tuple[int, str], list[str]] = defaultdict(list)
        for notice_no, item_id, role in zip(*(lines[name] for name in ("notice_no", "item_id", "role")), strict=True):
            items[notice_no, role].append(self.numbers[item_id])
        return [
            PostedNotice(row, *(sorted(items[row["notice_no"], role]) for role in ("dunned", "listed")))
            for row in notices
        ]

    def waiting(self) -> list[int]:
        """The ids of the story's notices that are posted and have not left."""
        if not self.posted:
            return []
        states = self.board.notice_states()
        return [notice_id for notice_id in self.posted if states[notice_id] == "posted"]

    def rebuilt(self, notice_ids: Sequence[int]) -> None:
        """Know what notices ask for after the last look at them."""
        lines = self.board.book.lines.filter(pl.col("notice_id").is_in(list(notice_ids)))
        sums = asked_for(lines)
        rows = [{**self.posted[each].row, **sums[each], "notice_no": each} for each in sums]
        self.posted |= dict(zip(sums, self.with_items(rows, lines.rename({"notice_id": "notice_no"})), strict=True))

    def _charge_number(self, charge: Mapping[str, Any]) -> str:
        kind = "" if charge["charge"] == "fee" else f"/{charge['charge']}"
        number = stem = f"{self.numbers[charge['item_id']]}/{charge['stage']}{kind}"
        count = 1
        while number in self.ids["item"]:
            count += 1
            number = f"{stem}-{count}"
        return number

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
            "max_stage": account.max_stage,
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
            "max_stage": event.max_stage,
            "level": event.level or self._seeded_level(event.stage),
            "stage": event.stage,
            "last_notice_on": event.last_notice,
            "last_deadline_on": event.last_deadline,
            "interest_from_on": event.interest_from,
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

    def _plan(self, on: date, event: told.Plan) -> e.Event:
        currencies = {str(each.amount.currency) for each in event.instalments}
        if len(currencies) > 1:
            raise StoryError("the instalments of a plan are in one currency")
        plan = event.id or f"plan-{len(self.ids['plan']) + 1}"
        plan_id = self._new_id("plan", plan)
        return e.Planned(
            on=on,
            plan_id=plan_id,
            account_id=self.account(event.account),
            currency="".join(currencies),
            item_ids=[self.id_of("item", name) for name in event.items],
            instalments=[
                (self._new_id("promise", f"{plan}/{number}"), each.amount.minor, each.by)
                for number, each in enumerate(event.instalments, 1)
            ],
            tolerance_days=event.tolerance_days,
        )

    def _end(self, on: date, event: told.End) -> e.Event:
        if (event.promise is None) == (event.plan is None):
            raise StoryError("say what is taken back: `promise: id` or `plan: id`")
        if event.promise:
            return e.PromiseEnded(on=on, promise_ids=[self.id_of("promise", event.promise)])
        plan_id = self.id_of("plan", str(event.plan))
        instalments = self.board.book.promises.filter(pl.col("plan_id") == plan_id)
        return e.PromiseEnded(on=on, promise_ids=instalments["promise_id"].to_list())

    def _contact(self, on: date, event: told.Contact) -> e.Event:
        account_id = self.account(event.account)
        return e.Contacted(
            on=on, contact_id=self._new_id("contact", None), account_id=account_id, channel=event.channel
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
