"""One book for many stories, each with ids of its own, so that they are decided together and not one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import polars as pl

from dunwell.engine.advance import consequences_of
from dunwell.engine.book import Book
from dunwell.engine.decide import decide_apart
from dunwell.engine.events import Effects, Event
from dunwell.engine.law.series import AllSeries, tables
from dunwell.engine.plan import EMPTY, SCHEMAS, Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.stories.waves import joined

IDS_PER_STORY: Final = 1_000_000
ENTITIES_PER_STORY: Final = 1_000

# The column that tells whose a row of the plan is.
_OWNED_BY: Final = {
    "decisions": "account_id",
    "notices": "payer_id",
    "lines": "item_id",
    "charges": "item_id",
    "actions": "payer_id",
    "anchors": "payer_id",
    "tasks": "account_id",
    "alerts": "account_id",
}


@dataclass(frozen=True)
class Asked:
    """A story's question: what is to be done on a date, by its policies?"""

    story_no: int  # from 0
    entity_ids: Sequence[int]
    policies: Sequence[Policy]
    on: date


class ItemState(NamedTuple):
    """What steps ask of an item."""

    item_id: int
    kind: str
    currency: str | None
    open_minor: int
    draft: bool
    level: int
    waived_minor: int


# What tells a payer's account-anchored groups apart (entity, currency, policy), and the level of each.
LEVELS: Final = ("payer_id", "level", "entity_id", "currency", "policy")
Levels: TypeAlias = dict[tuple[Any, ...], int]
T = TypeVar("T")
Happened: TypeAlias = list[Effects] | Exception


class Board:
    """The book of all the stories that are played together."""

    def __init__(self, attributes: Mapping[str, pl.DataType], series: AllSeries | None = None) -> None:
        empty = Book.of(**tables(series or {}))
        columns = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in attributes.items()]
        self.book = replace(empty, items=empty.items.with_columns(columns))
        self._read: dict[str, tuple[pl.DataFrame, dict[int, Any]]] = {}
        self._notices_numbered = 0

    def items(self) -> dict[int, ItemState]:
        """How the items stand, by id."""
        return self._rows("items", lambda rows: {row[0]: ItemState(*row) for row in rows}, ItemState._fields)

    def notice_states(self) -> dict[int, str]:
        """Whether notices are posted, sent, failed or withdrawn, by id."""
        return self._rows("notices", dict, ("notice_id", "state"))

    def levels(self) -> dict[int, Levels]:
        """The levels of account-anchored groups, by payer."""
        return self._rows("anchors", levels_of, LEVELS)

    def _rows(self, name: str, by_id: Callable[[Iterable[Any]], dict[int, T]], columns: Sequence[str]) -> dict[int, T]:
        """Rows of a table, read once for all stories until the table changes."""
        frame = getattr(self.book, name)
        if self._read.get(name, (None,))[0] is not frame:
            self._read[name] = frame, by_id(frame.select(columns).iter_rows())
        return self._read[name][1]

    def apply(self, events: Sequence[Event]) -> list[Happened]:
        """Apply events of different stories; return the effects of each, or why it is refused.

        They touch no row in common: each is asked of the same book, and the book is put together once. What a refused
        event has brought about by then stays in the book: its story is over.
        """
        results: list[Happened] = [[] for _ in events]
        together = joined(events)
        for (_event, places), answer in zip(together, self._apply([event for event, _places in together]), strict=True):
            is_refused = isinstance(answer, Exception) and len(places) > 1
            answers = self._apply([events[at] for at in places]) if is_refused else [answer] * len(places)
            for at, own in zip(places, answers, strict=True):
                results[at] = own
        return results

    def _apply(self, events: Sequence[Event]) -> list[Happened]:
        consequences = [consequences_of(event) for event in events]
        results: list[Happened] = [[] for _ in events]
        for step in range(max(map(len, consequences))):
            changes: dict[tuple[str, ...], list[pl.DataFrame]] = defaultdict(list)
            for at, result in enumerate(results):
                if isinstance(result, Exception) or step >= len(consequences[at]):
                    continue
                try:
                    effect = consequences[at][step](self.book, events[at])
                except Exception as error:  # noqa: BLE001  # the story's own affair, see `_Turn`
                    results[at] = error
                    continue
                result.append(effect)
                for name, rows in effect.changes.items():
                    if not rows.is_empty():
                        changes[name, *rows.columns].append(rows)
            for (name, *_columns), frames in changes.items():
                self.book = self.book.merged({name: pl.concat(frames)})
        return results

    def decide(self, asked: Sequence[Asked]) -> list[Plan | Exception]:
        """Answer questions of different stories; a question that cannot be answered spoils no other."""
        try:
            plan = decide_apart(
                self.book, {entity: (each.policies, each.on) for each in asked for entity in each.entity_ids}
            )
        except Exception as error:  # noqa: BLE001  # whose it is turns out when each is asked alone
            if len(asked) == 1:
                return [error]
            return [answer for each in asked for answer in self.decide([each])]
        parts = _parts(plan, self._notices_numbered)
        self._notices_numbered += plan.notices.height
        return [parts.get(each.story_no) or Plan(**EMPTY) for each in asked]


def levels_of(rows: Iterable[tuple[Any, ...]]) -> dict[int, Levels]:
    """The levels in rows of LEVELS, by payer."""
    levels: dict[int, Levels] = defaultdict(dict)
    for payer_id, level, *group in rows:
        levels[payer_id][tuple(group)] = level
    return levels


def _parts(plan: Plan, numbered: int) -> dict[int, Plan]:
    """Part a plan into those of the stories, by number; its notices are numbered after those `numbered` before."""
    tables: dict[int, dict[str, pl.DataFrame]] = defaultdict(lambda: dict(EMPTY))
    for name, owner in _OWNED_BY.items():
        rows = getattr(plan, name)
        if rows.is_empty():
            continue
        if name == "actions":
            rows = rows.join(plan.notices.select("notice_no", "payer_id"), on="notice_no")
        number = {"notice_no": pl.col("notice_no") + numbered} if "notice_no" in rows.columns else {}
        rows = rows.select(*SCHEMAS[name], story_no=pl.col(owner) // IDS_PER_STORY).with_columns(**number)
        for (story_no,), part in rows.partition_by("story_no", as_dict=True, include_key=False).items():
            tables[story_no][name] = part
    return {story_no: Plan(**of_story) for story_no, of_story in tables.items()}
