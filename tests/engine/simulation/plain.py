"""A simulation as anybody would write it: one scenario, one day after the other, the whole book each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.events import Delivered, Event, ItemsBooked, PaidElsewhere, Posted
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.simulation.happenings import Happenings

DAY: Final = timedelta(days=1)
CHARGES_FROM: Final = 1_000_000


@dataclass
class Told:
    """What left, in rows that can be compared; `moves`: (item_id, on, less_minor)."""

    notices: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    charges: list[tuple[Any, ...]] = field(default_factory=list)
    moves: list[tuple[int, date, int]] = field(default_factory=list)
    book: Book | None = None


class Fold:
    """The book of one scenario, and what has happened to it."""

    def __init__(self, happens: Happenings, policies: Sequence[Policy], rates: Mapping[str, pl.DataFrame]) -> None:
        self.happens, self.policies, self.told = happens, policies, Told()
        known = Book.of(**rates)
        entities = pl.DataFrame({"entity_id": [1], "entity": ["North"]}, schema=known.entities.schema)
        self.book = replace(known, entities=entities, accounts=happens.accounts, items=happens.opening)

    def to(self, until_on: date) -> Told:
        """Play every day up to one."""
        day = self.happens.from_on
        while day <= until_on:
            self._book(day)
            self._pay(day, self.happens.moves.filter(pl.col("on") == day))
            self._send(day)
            day += DAY
        self.told.book = self.book
        return self.told

    def _apply(self, *events: Event) -> None:
        self.book, _effects = advance(self.book, events)

    def _book(self, day: date) -> None:
        items = self.happens.booked.filter(pl.col("issued_on") == day)
        if items.height:
            self._apply(ItemsBooked(on=day, items=items))

    def _pay(self, day: date, moves: pl.DataFrame) -> None:
        for item_id, on, less_minor in moves.sort("item_id").iter_rows():
            was = self._open(item_id)
            self.told.moves.append((item_id, on, min(less_minor, was)))
            one = pl.DataFrame({"item_id": [item_id], "less_minor": [less_minor]})
            self._apply(PaidElsewhere(on=day, items=one))
        later = set(self.happens.moves.filter(pl.col("on") > day)["item_id"])
        for item_id in moves["item_id"]:
            if self._open(item_id) == 0 and item_id not in later:
                of_item = (pl.col("kind") == "charge") & (pl.col("parent_item_id") == item_id)
                gone = self.book.items.filter(of_item, pl.col("open_minor") > 0)
                self._apply(PaidElsewhere(on=day, items=gone.select("item_id", less_minor="open_minor")))

    def _open(self, item_id: int) -> int:
        return int(self.book.items.filter(pl.col("item_id") == item_id)["open_minor"][0])

    def _send(self, day: date) -> None:
        plan = decide(self.book, self.policies, day)
        before = len(self.told.notices)
        notices = plan.notices.with_columns(
            notice_id=pl.col("notice_no").cast(pl.Int64) + before, as_of=pl.lit(day, dtype=pl.Date)
        )
        first = CHARGES_FROM + len(self.told.charges)
        charges = plan.charges.with_columns(charge_item_id=pl.int_range(pl.len()) + first, number=pl.lit(""))
        self._apply(
            Posted(notices=notices, lines=plan.lines, charges=charges, anchors=plan.anchors),
            Delivered(on=day, notice_ids=notices["notice_id"].to_list()),
        )
        self._note(day, plan)

    def _note(self, day: date, plan: Plan) -> None:
        key = {row["notice_no"]: row for row in plan.notices.to_dicts()}
        for row in plan.notices.to_dicts():
            self.told.notices.append((day, *(row[name] for name in NOTICE)))
        for row in plan.lines.filter(pl.col("role") == "dunned").to_dicts():
            self.told.lines.append((day, key[row["notice_no"]]["policy"], *(row[name] for name in LINE)))
        for row in plan.charges.to_dicts():
            self.told.charges.append((day, *(row[name] for name in CHARGE)))


NOTICE: Final = ("payer_id", "currency", "policy", "stage", "level", "channels", "total_minor", "approvals")
LINE: Final = ("item_id", "level", "stage", "amount_minor")
CHARGE: Final = ("item_id", "account_id", "currency", "charge", "stage", "amount_minor")
