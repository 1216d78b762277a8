"""The fold: every payer on a clock of its own, so that thousands of days are decided at once.

Payers have nothing to do with each other: gap, minimums, caps, groups and anchors are the payer's. So each is an entity
of its own on a book of the simulation, once for every scenario, and `decide_apart` asks each on its own next days:
several at once where there are few rows, see `ahead.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol

import polars as pl

from dunwell.engine.advance import advance
from dunwell.engine.book import Book, Schema
from dunwell.engine.decide import decide_apart
from dunwell.engine.events import Delivered, ItemsBooked, PaidElsewhere, Posted
from dunwell.engine.history import MOVES
from dunwell.engine.plan import SCHEMAS as PLAN
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.simulation.ahead import Ahead, looks, width_for
from dunwell.engine.simulation.clocks import first_days, is_restless
from dunwell.engine.simulation.happenings import Happenings, one_by_one

NOTICES: Final[Schema] = {
    "notice_id": pl.Int64,  # a number of the simulation's own
    **{name: PLAN["notices"][name] for name in ("payer_id", "currency", "policy", "split", "stage", "level")},
    "channels": pl.String,
    "on": pl.Date,
    "total_minor": pl.Int64,
    "approvals": pl.Int8,
}
LINES: Final[Schema] = {
    "notice_id": pl.Int64,
    "item_id": pl.Int64,
    "on": pl.Date,
    "level": pl.Int16,
    "stage": pl.String,
    "amount_minor": pl.Int64,
}
CHARGES: Final[Schema] = {
    "notice_id": pl.Int64,
    **{name: PLAN["charges"][name] for name in ("item_id", "account_id", "currency")},
    "on": pl.Date,
    **{name: PLAN["charges"][name] for name in ("charge", "stage", "amount_minor")},
}
PROBLEMS: Final[Schema] = {
    "item_id": pl.Int64,
    "on": pl.Date,  # the first day of it
    "problem": PLAN["decisions"]["problem"],
    "by_law": pl.String,
}
TOLD: Final[dict[str, Schema]] = {
    "notices": NOTICES,
    "lines": LINES,
    "charges": CHARGES,
    "moves": MOVES,
    "problems": PROBLEMS,
}
# In which order a table of a scenario is told.
ORDER: Final = {
    "notices": ["on", "payer_id", "currency", "policy", "split", "stage"],
    "lines": ["notice_id", "item_id"],
    "charges": ["notice_id", "item_id", "charge"],
    "moves": ["on", "item_id"],
}
FOREVER: Final = date.max
TURNS_MAX: Final = 12  # of a payer in one wave
ROWS: Final = 5_000  # of a wave: with more of them, deciding takes longer


@dataclass(frozen=True)
class Scenario:
    """Policies that decide together, under a name."""

    name: str
    policies: tuple[Policy, ...]


class Answers(Protocol):
    """What payments come of: told what is there to pay, and what was said about it."""

    def at_first(self, items: pl.DataFrame) -> pl.DataFrame:
        """The payments of items of which nothing has been said in the period: MOVES, by rows of the book's items."""

    def after(self, items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        """The payments still to come of noticed items, after `lines` (LINES) dunned them: MOVES, all later than that.

        `items`: rows of the book's items, of those in `lines`.
        """


@dataclass(frozen=True)
class Played:
    """What happened by scenario: NOTICES, LINES of items dunned, CHARGES, moves of items (MOVES), and PROBLEMS.

    Each has a `scenario`, its place among the scenarios, before the columns; the ids are those of the history, and
    those of notices are the simulation's. `moves` are without those of charges.
    """

    notices: pl.DataFrame
    lines: pl.DataFrame
    charges: pl.DataFrame
    moves: pl.DataFrame
    problems: pl.DataFrame


class Play:
    """A period as each scenario plays it. `until` goes on to a day; `played` tells what has come of it so far."""

    def __init__(
        self,
        happens: Happenings,
        scenarios: Sequence[Scenario],
        *,
        entities: Mapping[int, str] | None = None,
        rates: Mapping[str, pl.DataFrame] | None = None,
        answers: Answers | None = None,
    ) -> None:
        """Prepare. `entities`: the code of each by id. `rates`: the book's `series` and `rates`, for policies by law.

        `answers`: where payments come from; without it, they are those that happened.
        """
        self.scenarios = scenarios
        self.count = len(scenarios)
        self.answers = answers
        self.from_on = happens.from_on
        # No rule on events is looked at: it opens tasks, and changes no decision.
        self.policies = [tuple(p.model_copy(update={"rules": ()}) for p in each.policies) for each in scenarios]
        self.restless = pl.Series([is_restless(each) for each in self.policies], dtype=pl.Boolean)
        self.is_capped = any(p.contact and p.contact.per_7_days for own in self.policies for p in own)
        happens = happens.claims() if answers else happens
        self._number(happens, entities or {})
        opening, booked = self._copies(happens.opening), self._copies(happens.booked)
        self.book = replace(Book.of(**(rates or {})), accounts=self.accounts, entities=self.entities, items=opening)
        self.pending_items = booked
        self.moves = self._first_moves(happens, opening, booked)
        coming = booked.select("entity_id", on="issued_on")
        first = first_days(opening, pl.concat([coming, self.moves.select("entity_id", "on")]), happens.from_on)
        self.clock = first.with_columns(daily=pl.lit(value=False))
        happening = self.moves.clear() if answers else self.moves
        self.looks = looks(pl.concat([opening, booked]), happening, self.policies)
        self.top = max([*_top(happens.opening), *_top(happens.booked), 0]) + 1
        self.noticed = 0
        self.turns_max = TURNS_MAX
        self.kept: dict[str, list[pl.DataFrame]] = {name: [] for name in TOLD}

    def until(self, until_on: date) -> int:
        """Play to the end of a day, which may be earlier than the end. Returns how many rounds it took."""
        rounds = 0
        while self.step(until_on):
            rounds += 1
        return rounds

    def step(self, until_on: date) -> int:
        """Let every payer go to its next day, unless that is after `until_on`; return how many did."""
        due = self.clock.filter(pl.col("at") <= until_on)
        if due.is_empty():
            return 0
        scenario = (pl.col("entity_id") % self.count).cast(pl.UInt32)
        ahead = self._ahead(due.with_columns(restless=pl.lit(self.restless).gather(scenario)), until_on)
        before = ahead.copies(self.book)
        book, moves = self._paid(self._booked(before, ahead), ahead)
        plan = decide_apart(book, ahead.policies(self.policies))
        ends = ahead.ends(plan, book)
        self._note_problems(plan, ahead, ends)
        self._take(ahead, ends, before, book, moves)
        self._send(plan, ahead, ends)
        self._wind(ends)
        self._sweep()
        return due.height

    def progress(self, until_on: date) -> tuple[int, int]:
        """How many of the payers' days are behind them, of how many up to a day."""
        days = (until_on - self.from_on).days + 1
        ahead = self.clock.filter(pl.col("at") <= until_on).select(pl.lit(until_on) - pl.col("at"))
        left = int(ahead.to_series().dt.total_days().sum()) + ahead.height
        return self.entities.height * days - left, self.entities.height * days

    def played(self) -> Played:
        """What has happened so far, in the history's ids."""
        told = {name: self._original(name) for name in TOLD}
        order = ["scenario", *ORDER["notices"]]
        numbered = told["notices"].sort(order).with_row_index("number", offset=1)
        number = pl.col("number").cast(pl.Int64)
        numbers = numbered.select("notice_id", number)
        # How a notice was split names items by the simulation's ids, and tells nobody anything.
        told["notices"] = numbered.with_columns(notice_id=number).drop("number", "split")
        for name in ("lines", "charges"):
            renumbered = told[name].join(numbers, on="notice_id").with_columns(notice_id="number").drop("number")
            told[name] = renumbered.sort("scenario", *ORDER[name])
        told["moves"] = told["moves"].sort("scenario", *ORDER["moves"])
        problems = told["problems"].sort("scenario", "item_id", "on")
        told["problems"] = problems.unique(["scenario", "item_id"], keep="first", maintain_order=True)
        return Played(**told)

    def _number(self, happens: Happenings, entities: Mapping[int, str]) -> None:
        """Give each payer of each scenario an entity id: number of the payer times scenarios, plus the scenario."""
        parties = happens.parties.select("party_id").unique().sort("party_id").with_row_index("party")
        numbered = happens.parties.join(parties, on="party_id").select("account_id", "party")
        accounts = happens.accounts.join(numbered, on="account_id", maintain_order="left")
        names = pl.DataFrame(
            {"entity_id": list(entities), "entity": list(entities.values())},
            schema={"entity_id": pl.Int32, "entity": pl.String},
        )
        copies = [
            accounts.with_columns(
                entity_id=(pl.col("party") * self.count + at).cast(pl.Int32),
                account_id=pl.col("account_id") * self.count + at,
                parent_id=pl.col("parent_id") * self.count + at,
                owed_to="entity_id",
            )
            for at in range(self.count)
        ]
        copied = pl.concat(copies)
        named = copied.select("entity_id", "owed_to").unique("entity_id")
        named = named.join(names, left_on="owed_to", right_on="entity_id", how="left")
        self.entities = named.select("entity_id", "entity")
        self.accounts = copied.drop("party", "owed_to").sort("account_id")

    def _copies(self, items: pl.DataFrame) -> pl.DataFrame:
        """The items once for each scenario; of accounts that nobody knows, none."""
        copied = pl.concat(
            [
                items.with_columns(
                    item_id=pl.col("item_id") * self.count + at,
                    account_id=pl.col("account_id") * self.count + at,
                    parent_item_id=pl.col("parent_item_id") * self.count + at,
                )
                for at in range(self.count)
            ]
        )
        whose = self.accounts.select("account_id", "entity_id")
        mine = copied.drop("entity_id").join(whose, on="account_id", maintain_order="left")
        return mine.select(items.columns).sort("item_id")

    def _first_moves(self, happens: Happenings, opening: pl.DataFrame, booked: pl.DataFrame) -> pl.DataFrame:
        """The payments that are to come: `entity_id` and MOVES."""
        items = pl.concat([opening, booked])
        if self.answers:
            moves = self.answers.at_first(items)
        else:
            moves = pl.concat(
                [happens.moves.with_columns(item_id=pl.col("item_id") * self.count + at) for at in range(self.count)]
            )
        return moves.join(items.select("item_id", "entity_id"), on="item_id").select("entity_id", *MOVES)

    def _ahead(self, due: pl.DataFrame, until_on: date) -> Ahead:
        """How far the payers go in one wave."""
        rows = self.book.items.join(due, on="entity_id", how="semi").height
        days = [self.pending_items.select("entity_id", on="issued_on"), self.moves, self.looks]
        return Ahead(due, days, width_for(max(rows, due.height), self.turns_max, ROWS), until_on)

    def _booked(self, book: Book, ahead: Ahead) -> Book:
        """Book what is issued by the days of the turns."""
        now = ahead.copied(self.pending_items, on="issued_on")
        return book if now.is_empty() else advance(book, [ItemsBooked(on=FOREVER, items=now)])[0]

    def _paid(self, book: Book, ahead: Ahead) -> tuple[Book, pl.DataFrame]:
        """Take in what is paid by the days of the turns, and tell it: MOVES, of the copies.

        With the last of it goes what was charged on the item.
        """
        now = ahead.copied(self.moves, on="on").drop("entity_id").sort("item_id", "on")
        told = [now.clear()]
        for each in one_by_one(now):
            open_minor = book.items.select("item_id", "open_minor")
            less = pl.min_horizontal("less_minor", "open_minor")
            told.append(each.join(open_minor, on="item_id").select("item_id", "on", less))
            book, _effects = advance(book, [PaidElsewhere(on=FOREVER, items=each)])
        gone = self._charges_gone(book, now, ahead)
        if not gone.is_empty():
            book, _effects = advance(book, [PaidElsewhere(on=FOREVER, items=gone)])
        return book, pl.concat(told)

    def _charges_gone(self, book: Book, now: pl.DataFrame, ahead: Ahead) -> pl.DataFrame:
        """The charges that are open of items of which the last was paid now, as payments: MOVES."""
        charged = book.items.filter(pl.col("kind") == "charge", pl.col("open_minor") > 0)
        settled = book.items.filter(pl.col("open_minor") == 0)
        of_charges = now.join(charged, left_on="item_id", right_on="parent_item_id", how="semi")
        paid = of_charges.join(settled, on="item_id", how="semi").group_by("item_id").agg(pl.col("on").max())
        if paid.is_empty():
            return now.clear()
        moves = self.moves.join(ahead.originals(paid).select("item_id").unique(), on="item_id", how="semi")
        last = ahead.copied(moves).group_by("item_id").agg(last_on=pl.col("on").max())
        over = paid.join(last, on="item_id").filter(pl.col("on") == pl.col("last_on"))
        owing = charged.join(over.select("on", parent_item_id="item_id"), on="parent_item_id")
        return owing.select("item_id", "on", less_minor="open_minor")

    def _take(self, ahead: Ahead, ends: pl.DataFrame, before: Book, book: Book, moves: pl.DataFrame) -> None:
        """Make the book of the turns that count that of their payers."""
        if ahead.width == 1:
            self.book = book
        else:
            mine = book.items.join(ends.select(entity_id="copy_id"), on="entity_id", how="semi")
            others = self.book.items.join(ends, on="entity_id", how="anti")
            ledger = book.elsewhere.slice(before.elsewhere.height).join(mine, on="item_id", how="semi")
            moves = moves.join(mine, on="item_id", how="semi")
            self.book = replace(
                self.book,
                items=pl.concat([others, ahead.originals(mine).select(others.columns)]),
                elsewhere=pl.concat([self.book.elsewhere, ahead.originals(ledger)]),
            )
        self.kept["moves"].append(ahead.originals(moves))
        days = ends.select("entity_id", "at")
        for name, on in (("pending_items", "issued_on"), ("moves", "on")):
            rows = getattr(self, name)
            dated = rows.join(days, on="entity_id", how="left", maintain_order="left")
            is_over = (pl.col(on) <= pl.col("at")).fill_null(value=False)
            setattr(self, name, dated.filter(~is_over).select(rows.columns))

    def _send(self, plan: Plan, ahead: Ahead, ends: pl.DataFrame) -> None:
        """Post what is decided and let it leave on the same day: every approval is given, and every message arrives."""
        days = ends.select(as_of="at", entity_id="copy_id")
        notices = plan.notices.join(days, on="entity_id", maintain_order="left")
        anchors = ahead.originals(plan.anchors.join(days, on="entity_id", how="semi"))
        if notices.is_empty() and anchors.is_empty():
            return
        notices = ahead.originals(notices).with_columns(notice_id=pl.col("notice_no").cast(pl.Int64) + self.noticed)
        lines, charges = (
            ahead.originals(rows.join(notices, on="notice_no", how="semi", maintain_order="left"))
            for rows in (plan.lines, plan.charges)
        )
        charges = charges.with_row_index("at").with_columns(
            charge_item_id=(self.top + pl.col("at").cast(pl.Int64)) * self.count + pl.col("item_id") % self.count,
            number=pl.lit(""),
        )
        self.noticed, self.top = self.noticed + plan.notices.height, self.top + charges.height
        sent = Delivered(on=FOREVER, notice_ids=notices["notice_id"].to_list(), sent_on=notices["as_of"].to_list())
        posted = Posted(notices=notices, lines=lines, charges=charges.drop("at"), anchors=anchors)
        self.book, _effects = advance(self.book, [posted, sent])
        self._keep(notices, lines, charges)

    def _note_problems(self, plan: Plan, ahead: Ahead, ends: pl.DataFrame) -> None:
        """Keep what could not be decided on turns that count, and why."""
        found = plan.decisions.filter(pl.col("problem").is_not_null())
        if found.is_empty():
            return
        turns = ahead.turns.join(ends.select("entity_id", last="turn"), on="entity_id")
        counted = turns.filter(pl.col("turn") <= pl.col("last")).select(on="at", entity_id="copy_id")
        self.kept["problems"].append(ahead.originals(found.join(counted, on="entity_id").select(list(PROBLEMS))))

    def _keep(self, notices: pl.DataFrame, lines: pl.DataFrame, charges: pl.DataFrame) -> None:
        """Note what left, and let payments answer to it."""
        told = notices.with_columns(on="as_of")
        numbers = told.select("notice_no", "notice_id", "on")
        dunned = lines.filter(pl.col("role") == "dunned").join(numbers, on="notice_no").select(list(LINES))
        self.kept["notices"].append(told.select(list(NOTICES)))
        self.kept["lines"].append(dunned)
        self.kept["charges"].append(charges.join(numbers, on="notice_no").select(list(CHARGES)))
        if self.answers and not dunned.is_empty():
            items = self.book.items.join(dunned, on="item_id", how="semi")
            moves = self.answers.after(items, dunned).join(items.select("item_id", "entity_id"), on="item_id")
            others = self.moves.join(items, on="item_id", how="anti")
            self.moves = pl.concat([others, moves.select("entity_id", *MOVES)])

    def _wind(self, ends: pl.DataFrame) -> None:
        """Set the clocks of those who were asked: to their next happening, or the day to look at them before."""
        coming = pl.concat(
            [self.pending_items.select("entity_id", on="issued_on"), self.moves.select("entity_id", "on")]
        )
        happens = coming.join(ends, on="entity_id", how="semi").group_by("entity_id").agg(pl.col("on").min())
        days = ends.join(happens, on="entity_id", how="left")
        wound = days.select("entity_id", "daily", at=pl.min_horizontal("next_on", "on")).drop_nulls("at")
        others = self.clock.join(ends, on="entity_id", how="anti")
        self.clock = pl.concat([others, wound.select(others.columns)])

    def _sweep(self) -> None:
        """Leave in the book what still matters: what is open or will be again, and who was written to, where capped."""
        is_open = pl.col("open_minor") != 0
        comes_back = pl.col("item_id").is_in(self.moves["item_id"].implode())
        kept = replace(self.book, items=self.book.items.filter(is_open | comes_back), lines=self.book.lines.clear())
        is_mine = pl.col("item_id").is_in(kept.items["item_id"].implode())
        notices = kept.notices if self.is_capped else kept.notices.clear()
        self.book = replace(
            kept, elsewhere=kept.elsewhere.filter(is_mine), charges=kept.charges.filter(is_mine), notices=notices
        )

    def _original(self, name: str) -> pl.DataFrame:
        """What happened, with its scenario and the ids of the history."""
        columns = TOLD[name]
        rows = pl.concat([pl.DataFrame(schema=columns), *self.kept[name]])
        owner = "payer_id" if "payer_id" in columns else "item_id"
        ids = [each for each in ("payer_id", "item_id", "account_id") if each in columns]
        told = rows.select((pl.col(owner) % self.count).cast(pl.Int32).alias("scenario"), *columns)
        return told.with_columns(pl.col(each) // self.count for each in ids)


def _top(items: pl.DataFrame) -> list[int]:
    return items["item_id"].drop_nulls().to_list()[-1:]
