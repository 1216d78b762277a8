"""From when to when a book knows of claims and of payments: what a simulation can look at, and what it lacks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Min

from dunwell.engine.simulation.result import CLAIMS
from dunwell.flows.errors import NotFound
from dunwell.flows.simulation import words
from dunwell.records.models import Allocation, Entity, Item, PaidElsewhere


@dataclass(frozen=True)
class Span:
    """The first and last day on which claims are issued, and on which something is paid or settled, if ever."""

    issued_from_on: date
    issued_until_on: date
    paid_from_on: date | None
    paid_until_on: date | None

    @property
    def last_on(self) -> date:
        """The last day of which the book knows anything."""
        return max(self.issued_until_on, self.paid_until_on or self.issued_until_on)

    def missing(self, from_on: date) -> Iterator[str]:
        """What has to be known before any figure of a period is read."""
        if self.paid_from_on is None or from_on < self.paid_from_on:
            yield words.of_missing_payments(self.paid_from_on)

    def about(self, from_on: date, until_on: date, *, by_model: bool) -> Iterator[str]:
        """What else is to be said of a period."""
        if from_on < self.issued_from_on:
            yield words.BEFORE_IT_BEGINS.format(self.issued_from_on)
        if until_on > self.issued_until_on:
            yield words.NOTHING_ISSUED.format(self.issued_until_on)
        if from_on > self.issued_until_on:
            yield words.NO_CURVE
        if self.paid_until_on and until_on > self.paid_until_on and not by_model:
            yield words.NOTHING_PAID.format(self.paid_until_on)


def span_of(entity: Entity) -> Span:
    """Look at all the claims of an entity, and what moved them. Errors: NotFound for an empty book."""
    mine = Item.objects.filter(entity=entity, draft=False, kind__in=CLAIMS)
    issued = mine.aggregate(first=Min("issued_on"), last=Max("issued_on"))
    if issued["first"] is None:
        raise NotFound(f"{entity.code} has no invoice of which the day is known: there is no history to simulate on")
    of_claims = {"item__entity": entity, "item__draft": False, "item__kind__in": CLAIMS}
    paid = [
        mine.aggregate(first=Min("closed_on"), last=Max("closed_on")),
        Allocation.objects.filter(**of_claims, pending=False).aggregate(first=Min("on"), last=Max("on")),
        PaidElsewhere.objects.filter(**of_claims).aggregate(first=Min("on"), last=Max("on")),
    ]
    return Span(
        issued["first"],
        issued["last"],
        min((each["first"] for each in paid if each["first"]), default=None),
        max((each["last"] for each in paid if each["last"]), default=None),
    )
