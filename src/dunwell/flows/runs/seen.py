"""What somebody has seen of a run or a notice before they act on it: a sign that changes with what there is to see."""

import hashlib
from collections.abc import Callable
from typing import Any, Final, Protocol

from django.db.models import Max

from dunwell.flows.creditor import details_of
from dunwell.flows.errors import Conflict, FlowError, NotFound
from dunwell.flows.runs.locked import run_called
from dunwell.flows.runs.reading import read_notice
from dunwell.flows.wording import own_templates
from dunwell.records.models import Notice, RunEdit

FACTS: Final = ("state", "stage", "level", "currency", "total_minor", "channels", "approvals")


class Figures(Protocol):
    """What a run comes to: the run itself, or its line on a page."""

    @property
    def counts(self) -> dict[str, Any]:
        """Its counts and sums."""

    @property
    def guard(self) -> str:
        """What is unusual about it."""


class Changed(Conflict):
    """What somebody acts on is no longer what they saw."""


def sign_of_run(run_id: int, figures: Figures) -> str:
    """The sign of a run's figures, as they are shown, its changes, and what its letters are made with.

    Errors: NotFound.
    """
    run = run_called(run_id)
    last_edit = RunEdit.objects.filter(run=run).aggregate(last=Max("pk"))["last"]
    return sign(figures.counts, figures.guard, last_edit, details_of(run.entity), _or_why(own_templates))


def sign_of_notice(notice_id: int, said: object = None) -> str:
    """The sign of a notice and its words. Errors: NotFound.

    `said`: its reading, or why there is none, of somebody who has read it already.
    """
    facts = Notice.objects.filter(pk=notice_id).values_list(*FACTS).first()
    if facts is None:
        raise NotFound(f"there is no notice {notice_id}")
    return sign(facts, _or_why(lambda: read_notice(notice_id)) if said is None else said)


def require_seen(seen: str | None, now: str, what: str) -> None:
    """Errors: Changed, where something was seen and is another now."""
    if seen is not None and seen != now:
        raise Changed(f"{what} has changed since you looked. This is how it is now: look again.")


def sign(*parts: object) -> str:
    """Return what changes with any of these."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _or_why(read: Callable[[], object]) -> object:
    try:
        return read()
    except FlowError as error:
        return str(error)
