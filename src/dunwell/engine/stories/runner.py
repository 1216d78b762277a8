"""Plays stories: folds `decide` and `advance` over their steps, and holds each step against what it expects.

A story asks, and waits for the answer; stories that wait at the same time are answered together.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.engine.book import KEYS
from dunwell.engine.contacts import ledger, used
from dunwell.engine.documents import DocumentError
from dunwell.engine.events import Delivered, Effects, Event, Trimmed
from dunwell.engine.lastlook import closed_meanwhile, last_look, overtaken
from dunwell.engine.law.series import Series
from dunwell.engine.plan import Plan
from dunwell.engine.since import Known, fallen_out, unmoved
from dunwell.engine.stories.board import Asked, Board
from dunwell.engine.stories.expectations import Day, Failure, NotAsked, Seen, compare
from dunwell.engine.stories.names import StoryError
from dunwell.engine.stories.story import Step, Story, read_story
from dunwell.engine.stories.world import World

TOGETHER_MAX: Final = 1_000
_OF_NOTICES: Final = ("lines", "charges", "actions")

# What a story waits for, and in the end its failures.
Playing: TypeAlias = Generator[Event | Asked, Any, list[Failure]]


def run_files(paths: Sequence[Path]) -> list[list[Failure]]:
    """Read and play story files; a file that cannot be read is one failure for each problem in it."""
    read = [_read(path) for path in paths]
    played = iter(run_stories([each for each in read if isinstance(each, Story)]))
    return [next(played) if isinstance(each, Story) else each for each in read]


def _read(path: Path) -> Story | list[Failure]:
    try:
        return read_story(path)
    except DocumentError as error:
        return [Failure(each.source, each.line, str(each).split(": ", 1)[1]) for each in error.problems]
    except OSError as error:
        return [Failure(str(path), 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError:
        return [Failure(str(path), 1, "cannot be read: it is not UTF-8")]
    except Exception as error:  # noqa: BLE001  # no story may end the others'
        return [_fault(str(path), 1, error)]


def _fault(source: str, line: int, error: Exception) -> Failure:
    return Failure(source, line, f"a fault of Dunwell's own, please report it: {type(error).__name__}: {error}")


def run_stories(stories: Sequence[Story]) -> list[list[Failure]]:
    """Play stories; an empty list says of one that everything was as expected."""
    failures: list[list[Failure]] = []
    while len(failures) < len(stories):
        failures += _run_together(_fitting(stories[len(failures) :]))
    return failures


def _fitting(stories: Sequence[Story]) -> Sequence[Story]:
    """The first of these stories that can share a board: no attribute has two types, and no series other rates."""
    types: dict[str, pl.DataType] = {}
    rates: dict[str, Series] = {}
    for count, story in enumerate(stories[:TOGETHER_MAX]):
        if any(types.setdefault(name, dtype) != dtype for name, dtype in story.attributes.items()):
            return stories[:count]
        if any(rates.setdefault(name, series) != series for name, series in story.series.items()):
            return stories[:count]
    return stories[:TOGETHER_MAX]


@dataclass
class _Turn:
    """A story being played, and what it waits for."""

    playing: Playing
    waits_for: Event | Asked | None = None
    failures: Sequence[Failure] = ()

    def go_on(self, answer: object) -> None:
        """Hand the story what it waited for, and let it play until it waits again."""
        try:
            if isinstance(answer, Exception):
                self.waits_for = self.playing.throw(answer)
            else:
                self.waits_for = self.playing.send(answer)
        except StopIteration as end:
            self.waits_for, self.failures = None, end.value


def _run_together(stories: Sequence[Story]) -> list[list[Failure]]:
    """Let every story play on until none waits any more: events first, so that many wait for a decision at once."""
    series = {name: each for story in stories for name, each in story.series.items()}
    board = Board({name: dtype for story in stories for name, dtype in story.attributes.items()}, series)
    turns = [_Turn(_Player(story, board, number).play()) for number, story in enumerate(stories)]
    for turn in turns:
        turn.go_on(None)
    while waiting := [turn for turn in turns if turn.waits_for is not None]:
        happening = [turn for turn in waiting if not isinstance(turn.waits_for, Asked)]
        answered = happening or waiting
        asked: Any = [turn.waits_for for turn in answered]
        answers = board.apply(asked) if happening else board.decide(asked)
        for turn, answer in zip(answered, answers, strict=True):
            turn.go_on(answer)
    return [list(turn.failures) for turn in turns]


class _Player:
    """Goes through a story's steps, one day at a time."""

    world: World

    def __init__(self, story: Story, board: Board, story_no: int) -> None:
        self.story = story
        self.board = board
        self.story_no = story_no
        self.last_posted_on = date.min
        self.planned_on = self.today = date.min
        self.plan: Plan | None = None
        self.known_then: Known
        self.told: set[int] = set()
        self.own_notices: set[int] = set()  # of the plan
        self.approved = False
        self.day = Day()

    def play(self) -> Playing:
        """Play every step; a step that cannot happen is the story's last failure."""
        failures: list[Failure] = []
        line = 1
        try:
            self.world = World(self.story, self.board, self.story_no)
            yield from self._apply(self.world.opening())
            for step in self.story.steps:
                line = step.line
                failures += yield from self._step(step)
        except ValueError as error:
            failures.append(Failure(self.story.source, line, str(error)))
        except Exception as error:  # noqa: BLE001  # no story may end the others'
            failures.append(_fault(self.story.source, line, error))
        return failures

    def _step(self, step: Step) -> Playing:
        """Let the step's events happen in their order, then compare."""
        self.day, self.today = Day(), step.on
        self.world.tasks.clear()
        for happening in step.happenings:
            match happening.name:
                case "run":
                    yield from self._run(step.on, happening.event)
                case "approve":
                    self.approved = True
                case "post":
                    yield from self._post(was_proposed=True)
                case "deliver":
                    yield from self._look_again(step.on, self.world.waiting())
                    yield from self._deliver(step.on)
                case name:
                    yield from self._apply(self.world.happen(step.on, name, happening.event))
                    yield from self._look_again(step.on, self.world.waiting())
        if step.expect is None:
            return []
        seen = Seen(self.world, self.day, step.on)
        try:
            return compare(step, step.expect, seen, self.story.source)
        except NotAsked:
            seen.standing = yield self._asked(step.on)
            return compare(step, step.expect, seen, self.story.source)

    def _asked(self, on: date) -> Asked:
        return Asked(self.story_no, list(self.world.entities.values()), self.story.policies, on)

    def _apply(self, event: Event) -> Generator[Event | Asked, Any, None]:
        """Fold an event into the book, and keep the tasks it asks for."""
        effects: list[Effects] = yield event
        self.world.tasks += [task for effect in effects for task in effect.tasks]

    def _run(self, on: date, run: Any) -> Generator[Event | Asked, Any, None]:  # noqa: ANN401  # a Run, as EVENTS says
        waiting = self.world.waiting()
        self.plan = self.day.plan = yield self._asked(on)
        self.known_then = Known(self.plan.decisions, self.plan.anchors, self.board.book.payers)
        self.told.clear()
        self.own_notices.clear()
        self.planned_on = on
        self.day.proposed = self.day.plan.notices["notice_no"].to_list()
        self.approved = run.post
        if run.post:
            yield from self._post(was_proposed=False)
        if run.post and run.deliver:
            yield from self._look_again(on, waiting)
            yield from self._deliver(on)

    def _post(self, *, was_proposed: bool) -> Generator[Event | Asked, Any, None]:
        """Post what the last run proposed and what is approved or needs no approval.

        `was_proposed`: in an earlier step or event, so that something may have changed since.
        """
        if self.plan is None:
            raise StoryError("there is no proposal to post: let a `run` come first")
        if self.planned_on < self.last_posted_on:
            raise StoryError(f"a run for {self.planned_on} cannot be posted: one for {self.last_posted_on} is")
        now, later = _parted(self.plan, pl.lit(self.approved) | (pl.col("approvals") == 0))
        now = self._standing(now) if was_proposed else now
        self.day.plan, self.day.proposed = self.plan, now.notices["notice_no"].to_list()
        if self.day.proposed or now.anchors.height or now.alerts.height:
            event, self.day.posted = self.world.posting(self.planned_on, now, self.day.proposed)
            self.told.update(now.notices.filter("contact")["payer_id"])
            self.own_notices.update(self.day.posted)
            yield from self._apply(event)
        self.last_posted_on, self.plan = self.planned_on, later

    def _standing(self, plan: Plan) -> Plan:
        """A plan without the notices of which something has changed since it was decided."""
        book = self.board.book
        is_own = pl.col("notice_id").is_in(list(self.own_notices)).fill_null(value=False)
        on = max(self.planned_on, self.today)
        heard = used(ledger(book).filter(~is_own), pl.lit(on))
        then = self.known_then._replace(anchors=plan.anchors)
        now = Known(book.items, book.anchors, book.payers, heard)
        fallen = pl.concat(
            [
                fallen_out(plan.notices, plan.lines, then, now, told=self.told),
                closed_meanwhile(book, plan.notices, on),
            ]
        )
        notices = plan.notices.join(fallen, on="notice_no", how="anti")
        return _of_notices(plan, notices, unmoved(plan.anchors, book.anchors))

    def _look_again(self, on: date, waiting: Sequence[int]) -> Generator[Event | Asked, Any, None]:
        """Take back what waiting notices of the story ask for no longer."""
        if not waiting:
            return
        plan: Plan = yield self._asked(on)
        look = last_look(self.board.book, plan.decisions, self.story.policies, waiting)
        look.overtaken_by(overtaken(self.board.book, waiting, on))
        for event in look.events(on):
            yield from self._apply(event)
            if isinstance(event, Trimmed):
                self.world.rebuilt(event.notice_ids)

    def _deliver(self, on: date) -> Generator[Event | Asked, Any, None]:
        self.day.delivered = self.world.waiting()
        if self.day.delivered:
            yield from self._apply(Delivered(on=on, notice_ids=self.day.delivered))


def _parted(plan: Plan, is_allowed: pl.Expr) -> tuple[Plan, Plan | None]:
    """What of a plan is posted now, and what waits for an approval; an account-anchored group waits with its notice."""
    if not plan.notices["approvals"].max():
        return plan, None  # none needs one
    allowed, rest = plan.notices.filter(is_allowed), plan.notices.filter(~is_allowed)
    if rest.is_empty():
        return plan, None
    waiting = rest.filter("anchored")
    held = plan.anchors.join(waiting, on=KEYS["anchors"], how="semi")
    others = plan.anchors.join(waiting, on=KEYS["anchors"], how="anti")
    later = replace(plan, alerts=plan.alerts.clear())  # what rules ask for waits for no approval
    return _of_notices(plan, allowed, others), _of_notices(later, rest, held)


def _of_notices(plan: Plan, notices: pl.DataFrame, anchors: pl.DataFrame) -> Plan:
    tables = {name: getattr(plan, name).join(notices, on="notice_no", how="semi") for name in _OF_NOTICES}
    return replace(plan, notices=notices, anchors=anchors, **tables)
