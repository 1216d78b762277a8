"""Deliveries that have to wait: for the hours in which their debtor may hear from us, or for an open day.

A delivery put off is no attempt at it: it waits until then as one does that nobody has looked at.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from dunwell.engine.calendars import next_open
from dunwell.engine.hours import AT_ONCE, Hours, next_allowed
from dunwell.flows import policies
from dunwell.flows.runs.noting import set_on
from dunwell.flows.zones import zone_of
from dunwell.records.models import Delivery, Notice, Run

HoursOf: TypeAlias = Mapping[str, Hours]  # by policy
TURNS_MAX: Final = 100  # between hours and days; no calendar is closed for so long


def hours_of(run: Run) -> HoursOf:
    """The hours that the policies of a run keep to."""
    rules = policies.parsed(policies.versions_with(run.policy_digests, run.entity))
    return {each.policy: each.contact.hours for each in rules if each.contact and each.contact.hours}


def sendable(run: Run, waiting: Sequence[Delivery], hours: HoursOf, at: datetime) -> list[Delivery]:
    """Put off those of the deliveries that may not leave at `at` yet; return the others."""
    columns = ("pk", "policy", "calendar", "as_of", "payer__time_zone", "payer__country")
    about = {row["pk"]: row for row in Notice.objects.filter(deliveries__in=waiting).values(*columns)}
    if not hours and not any(row["calendar"] for row in about.values()):
        return list(waiting)
    put_off: dict[datetime, list[Delivery]] = defaultdict(list)
    known: dict[tuple[object, ...], datetime] = {}
    for delivery in waiting:
        notice, is_at_once = about[delivery.notice_id], delivery.channel in AT_ONCE
        key = (is_at_once, *(notice[name] for name in columns[1:]))
        if key not in known:
            known[key] = _leaves_at(run, notice, hours.get(notice["policy"]) if is_at_once else None, at)
        if known[key] > at:
            put_off[known[key]].append(delivery)
    for until, deliveries in put_off.items():
        set_on(deliveries, {"not_before_at": until})
    later = {delivery.pk for deliveries in put_off.values() for delivery in deliveries}
    return [delivery for delivery in waiting if delivery.pk not in later]


def _leaves_at(run: Run, notice: Mapping[str, Any], hours: Hours | None, at: datetime) -> datetime:
    """The first instant from `at` on that is within the hours, on a day that is open where the creditor is.

    On the day of its run a notice may leave: a person may have set its stage, whatever the calendar says.
    """
    home = ZoneInfo(run.entity.time_zone)
    zone = zone_of(notice["payer__time_zone"], notice["payer__country"], run.entity.time_zone)
    for _turn in range(TURNS_MAX):
        before = at
        at = max(at, _open_from(at.astimezone(home).date(), notice, home))
        at = next_allowed(at, hours, zone) if hours else at
        if at == before:
            break
    return at


def _open_from(day: date, notice: Mapping[str, Any], home: ZoneInfo) -> datetime:
    """When the first open day on or after a day begins."""
    if notice["calendar"] and day > notice["as_of"]:
        day = next_open(day, notice["calendar"])
    return datetime.combine(day, time(), home).astimezone(UTC)
