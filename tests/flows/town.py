"""A small town of debtors in a real book: what happened to them, in the words of the trade."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from django.conf import settings

from dunwell.config import load
from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.events import Event, Held, Paid
from dunwell.engine.money import parse_money
from dunwell.flows import policies
from dunwell.flows.runs.deliver import DeliverResult, deliver_run
from dunwell.flows.runs.post import PostResult, post_run
from dunwell.flows.runs.propose import propose_run
from dunwell.records import bulk, frames
from dunwell.records.models import Account, Contact, Delivery, Entity, Hold, Item, ItemState, Notice, Run
from tests.messages import in_outbox, read

POLICY = """\
policy: standard
min_gap_days: 7
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 10, send: [email]}
  - {stage: second_reminder, days_past_due: 14, fee: {EUR: 5.00}, send: [email]}
  - {stage: final, days_past_due: 30, send: ["letter|email"], approval: one}
"""


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    """Keep archive and outbox in a folder."""
    monkeypatch.setattr(settings, "CONFIG", load(home=folder, **more))


def day(on: str | date) -> date:
    """A date, also as text."""
    return on if isinstance(on, date) else date.fromisoformat(on)


def noon(on: str | date) -> datetime:
    """The instant at which things happen on a date."""
    return datetime.combine(day(on), time(12), UTC)


class Town:
    """One entity, its debtors, and what is done about them. Dates are texts; every step commits."""

    def __init__(self, folder: Path, code: str = "ACME", policy: str | None = POLICY) -> None:
        self.folder = folder
        self.entity = Entity.objects.create(code=code, name=f"{code} AG", currency="EUR", language="en")
        if policy:
            self.apply(policy)

    def apply(self, policy: str, *, own: bool = False, on: str = "2026-01-01") -> policies.Applied:
        """Put a policy in force, for every entity or as the town's own."""
        return policies.apply_policy(policy, "town.yaml", by="anna", at=noon(on), entity=self.entity if own else None)

    def account(self, code: str, *, email: str | None = None, address: str = "", **fields: object) -> Account:
        """A debtor with an email address, unless told otherwise."""
        account = Account.objects.create(entity=self.entity, code=code, name=f"{code.title()} GmbH", **fields)
        email = f"ap@{code.lower()}.example" if email is None else email
        if email or address:
            Contact.objects.create(account=account, email=email, address_lines=address)
        return account

    def item(self, number: str, account: str, amount: str, due: str | None, **fields: object) -> Item:
        """An open item; the account is made where it is new."""
        debtor = Account.objects.filter(entity=self.entity, code=account).first() or self.account(account)
        minor, currency = parse_money(amount)
        given = {"amount_minor": minor, "open_minor": minor, "due_on": due and day(due)} | fields
        return Item.objects.create(entity=self.entity, account=debtor, number=number, currency=currency, **given)

    def propose(self, on: str) -> Run:
        """Decide, and keep it as a proposal."""
        return propose_run(self.entity, as_of=day(on), at=noon(on), by="anna")

    def post(self, run: Run, on: str | None = None) -> PostResult:
        """Make a proposal binding, on its own date unless told otherwise."""
        today = on or run.as_of
        return post_run(run.pk, today=day(today), at=noon(today), by="anna")

    def deliver(self, run: Run, on: str | None = None, clock: Callable[[], datetime] | None = None) -> DeliverResult:
        """Write what waits into the outbox."""
        return deliver_run(run.pk, clock=clock or (lambda: noon(on or run.as_of)), by="anna")

    def run(self, on: str) -> Run:
        """Decide, post and deliver, on one day."""
        run = self.propose(on)
        self.post(run)
        self.deliver(run)
        run.refresh_from_db()
        return run

    def happen(self, event: Event, on: str | date) -> None:
        """Let an event happen to the book."""
        _after, effects = advance(self._book(), [event])
        for effect in effects:
            bulk.save(effect.changes, on=day(on))

    def pay(self, number: str, amount: str, on: str) -> None:
        """Money arrives for an item."""
        item = self.get(number)
        minor, currency = parse_money(amount)
        payment_id = int(bulk.allocate_ids(Item, 1)[0])
        event = Paid(on=day(on), item_id=payment_id, account_id=item.account_id, entity_id=item.entity_id,
                     currency=currency, amount_minor=minor, applies_to=[item.pk])  # fmt: skip
        self.happen(event, on)

    def hold(self, account: str, on: str) -> None:
        """Nothing is to be sent to an account from now on."""
        hold_id = int(bulk.allocate_ids(Hold, 1)[0])
        held = Account.objects.get(entity=self.entity, code=account)
        self.happen(Held(on=day(on), hold_id=hold_id, account_id=held.pk), on)

    def get(self, number: str) -> Item:
        """An item by its number."""
        return Item.objects.get(entity=self.entity, number=number)

    def level(self, number: str) -> int:
        """How far an item has been dunned."""
        state = ItemState.objects.filter(item=self.get(number)).first()
        return state.level if state else 0

    def open(self, number: str) -> int:
        """What is open of an item, in minor units."""
        return int(self.get(number).open_minor)

    def notice(self, run: Run, account: str) -> Notice:
        """The one notice of a run to an account."""
        return Notice.objects.get(run=run, payer__code=account)

    def deliveries(self, run: Run) -> list[tuple[str, str, str]]:
        """Account, channel and state of each delivery of a run."""
        found = Delivery.objects.filter(notice__run=run).order_by("notice_id", "channel")
        return list(found.values_list("notice__payer__code", "channel", "state"))

    @property
    def outbox(self) -> list[Path]:
        """The messages that left, in order of run and name."""
        return in_outbox(self.folder / "outbox")

    def letters(self) -> list[str]:
        """What the messages say."""
        return [read(path) for path in self.outbox]

    def many(self, n: int, *, due: str) -> None:
        """Accounts M-1 to M-n with an item of 10.00 EUR each."""
        for i in range(1, n + 1):
            self.item(f"N-{i}", f"M-{i}", "10.00 EUR", due)

    def _book(self) -> Book:
        return frames.account_book(Account.objects.filter(entity=self.entity).values_list("pk", flat=True))
