"""Plays a story: folds `decide` and `advance` over its steps, and holds each step against what it expects."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dunwell.engine.book import BookError
from dunwell.engine.decide import decide
from dunwell.engine.documents import DocumentError
from dunwell.engine.events import Delivered
from dunwell.engine.plan import Plan
from dunwell.engine.stories.expectations import Day, Failure, Seen, compare
from dunwell.engine.stories.story import Step, Story, read_story
from dunwell.engine.stories.world import StoryError, World


def run_file(path: Path) -> list[Failure]:
    """Read and play a story file. A file that cannot be read is one failure for each problem in it."""
    try:
        return run_story(read_story(path))
    except DocumentError as error:
        return [Failure(each.source, each.line, str(each).split(": ", 1)[1]) for each in error.problems]
    except OSError as error:
        return [Failure(str(path), 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError:
        return [Failure(str(path), 1, "cannot be read: it is not UTF-8")]


def run_story(story: Story) -> list[Failure]:
    """Play a story; an empty list means that everything was as expected."""
    failures: list[Failure] = []
    try:
        player = _Player(story)
    except (StoryError, BookError) as error:
        return [Failure(story.source, 1, str(error))]
    for step in story.steps:
        try:
            failures += player.play(step)
        except (StoryError, BookError, ValueError) as error:
            return [*failures, Failure(story.source, step.line, str(error))]
    return failures


class _Player:
    """Goes through the steps, one day at a time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.world = World(story)
        self.last_posted_on = date.min
        self.planned_on = date.min
        self.plan: Plan | None = None
        self.approved = False
        self.day = Day()

    def play(self, step: Step) -> list[Failure]:
        """Let the step's events happen in their order, then compare. Errors: StoryError, BookError."""
        self.day = Day()
        self.world.tasks.clear()
        for happening in step.happenings:
            match happening.name:
                case "run":
                    self._run(step.on, happening.event)
                case "approve":
                    self.approved = True
                case "post":
                    self._post()
                case "deliver":
                    self._deliver(step.on)
                case name:
                    self.world.happen(step.on, name, happening.event)
        if step.expect is None:
            return []
        seen = Seen(self.world, self.day, lambda: decide(self.world.book, self.story.policies, step.on))
        return compare(step, step.expect, seen, self.story.source)

    def _run(self, on: date, run: Any) -> None:  # noqa: ANN401 - a Run, as EVENTS says
        self.plan = self.day.plan = decide(self.world.book, self.story.policies, on)
        self.planned_on = on
        self.day.proposed = self.plan.notices["notice_no"].to_list()
        self.approved = run.post
        if run.post:
            self._post()
        if run.post and run.deliver:
            self._deliver(on)

    def _post(self) -> None:
        """Post what the last run proposed and what is approved or needs no approval."""
        if self.plan is None:
            raise StoryError("there is no proposal to post: let a `run` come first")
        if self.planned_on < self.last_posted_on:
            raise StoryError(f"a run for {self.planned_on} cannot be posted: one for {self.last_posted_on} is")
        allowed = self.plan.notices if self.approved else self.plan.notices.filter(pl.col("approvals") == 0)
        self.day.plan, self.day.proposed = self.plan, allowed["notice_no"].to_list()
        self.day.posted = self.world.post(self.planned_on, self.plan, self.day.proposed)
        self.last_posted_on, self.plan = self.planned_on, None

    def _deliver(self, on: date) -> None:
        self.day.delivered = self.world.waiting()["notice_id"].sort().to_list()
        self.world.apply(Delivered(on=on, notice_ids=self.day.delivered))
