"""When a run begins by itself: once a day, in the entity's time zone, whatever clocks do."""

from datetime import UTC, date, datetime, time

import pytest

from dunwell.flows.runs.schedule import due_on, schedule_of, set_schedule
from dunwell.flows.runs.work import Piece, do, due
from dunwell.records.models import AuditEvent, Entity, Run
from tests.flows.runs.killed import work_off
from tests.flows.town import Town, noon


def entity(zone: str, at: str, ran_on: str | None = None) -> Entity:
    """An entity whose runs begin at a local time."""
    ran = date.fromisoformat(ran_on) if ran_on else None
    return Entity(code="ACME", time_zone=zone, run_at=time.fromisoformat(at), ran_on=ran)


@pytest.mark.parametrize(
    ("zone", "at", "ran_on", "now", "expected"),
    [
        ("Europe/Berlin", "06:00", None, "2026-04-03T03:59", None),
        ("Europe/Berlin", "06:00", None, "2026-04-03T04:00", "2026-04-03"),
        ("Europe/Berlin", "06:00", "2026-04-02", "2026-04-03T15:00", "2026-04-03"),  # no worker was up at six
        ("Europe/Berlin", "06:00", "2026-03-30", "2026-04-03T04:00", "2026-04-03"),  # nor for days: one run, not four
        ("Europe/Berlin", "06:00", "2026-04-03", "2026-04-03T21:59", None),  # once a day
        ("Pacific/Auckland", "06:00", "2026-04-03", "2026-04-03T18:00", "2026-04-04"),  # it is tomorrow there
        ("America/Los_Angeles", "22:00", None, "2026-04-04T05:00", "2026-04-03"),  # and yesterday there
        ("Europe/Berlin", "02:30", "2026-03-28", "2026-03-29T01:00", "2026-03-29"),  # an hour that there is not
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T01:45", None),  # an hour that comes twice
        ("UTC", "23:59", "2026-04-01", "2026-04-03T00:00", "2026-04-03"),  # yesterday's was missed by a second
        ("UTC", "00:00", "2026-04-04", "2026-04-03T12:00", None),  # a clock was a little ahead
        ("UTC", "00:00", "2027-04-04", "2026-04-03T12:00", "2026-04-03"),  # a clock was a year ahead
    ],
)
def test_the_day_whose_run_is_to_begin(zone: str, at: str, ran_on: str | None, now: str, expected: str | None) -> None:
    found = due_on(entity(zone, at, ran_on), datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (date.fromisoformat(expected) if expected else None)


def test_without_a_time_nothing_begins() -> None:
    assert due_on(Entity(code="ACME"), noon("2026-04-03")) is None


def test_a_schedule_is_set_and_taken_away(town: Town) -> None:
    given = set_schedule(town.entity, run_at=time(6), posts=True, by="anna", at=noon("2026-04-03"))
    assert (given.at, given.posts, schedule_of(Entity.objects.get())) == (time(6), True, given)
    set_schedule(town.entity, run_at=None, posts=True, by="anna", at=noon("2026-04-03"))
    assert Entity.objects.values_list("run_at", "run_posts").get() == (None, False)
    told = AuditEvent.objects.filter(action="schedule.set").order_by("pk").values_list("detail", flat=True)
    assert list(told) == [{"run_at": "06:00", "posts": True}, {"run_at": None, "posts": False}]


def test_of_two_who_begin_a_days_run_one_does(town: Town) -> None:
    town.entity.run_at = time(0)
    town.entity.save()
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    at = noon("2026-04-03")
    (piece,) = due(at)
    assert piece == Piece("begin", town.entity.pk)
    assert do(piece, clock=lambda: at, by="one").following == [Piece("decide", Run.objects.get().pk)]
    assert do(piece, clock=lambda: at, by="two").following == ()
    assert Run.objects.count() == 1


def test_a_run_after_the_clock_was_a_year_ahead_waits_for_a_person(town: Town) -> None:
    town.entity.run_at, town.entity.run_posts = time(0), True
    town.entity.save()
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    for on in ("2027-04-03", "2026-04-03"):
        work_off(noon(on))
    states = Run.objects.order_by("pk").values_list("as_of", "state", "posts")
    # What is done is done; the day's own run is not posted before it, and says so.
    assert [str(as_of) for as_of, _state, _posts in states] == ["2027-04-03", "2026-04-03"]
    assert states[1][1:] == ("proposed", False)
