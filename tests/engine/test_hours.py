"""The hours in which a debtor may hear from us, by the clock where the debtor is."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from dunwell.engine.hours import Hours, next_allowed

OFFICE = Hours(time(8), time(18))
NIGHT = Hours(time(22), time(6))
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "hours", "zone", "allowed"),
    [
        ("2026-01-15 06:59", OFFICE, BERLIN, "2026-01-15 07:00"),  # 7:59 there
        ("2026-01-15 07:00", OFFICE, BERLIN, "2026-01-15 07:00"),  # exactly when it opens
        ("2026-01-15 16:59", OFFICE, BERLIN, "2026-01-15 16:59"),
        ("2026-01-15 17:00", OFFICE, BERLIN, "2026-01-16 07:00"),  # exactly when it closes
        ("2026-01-15 23:30", OFFICE, BERLIN, "2026-01-16 07:00"),  # past midnight there
        ("2026-07-15 05:59", OFFICE, BERLIN, "2026-07-15 06:00"),  # in summer
        ("2026-01-15 07:00", OFFICE, NEW_YORK, "2026-01-15 13:00"),
        ("2026-01-15 20:59", NIGHT, BERLIN, "2026-01-15 21:00"),
        ("2026-01-15 23:30", NIGHT, BERLIN, "2026-01-15 23:30"),
        ("2026-01-16 04:59", NIGHT, BERLIN, "2026-01-16 04:59"),
        ("2026-01-16 05:00", NIGHT, BERLIN, "2026-01-16 21:00"),
        ("2026-03-28 18:00", OFFICE, BERLIN, "2026-03-29 06:00"),  # the clocks go forward in between
        ("2026-10-24 18:00", OFFICE, BERLIN, "2026-10-25 07:00"),  # and back
    ],
)
def test_the_first_instant_allowed(at: str, hours: Hours, zone: ZoneInfo, allowed: str) -> None:
    assert next_allowed(utc(at), hours, zone) == utc(allowed)


def test_an_hour_that_the_clocks_leave_out_is_skipped() -> None:
    between = Hours(time(2, 10), time(2, 50))
    assert next_allowed(utc("2026-03-29 00:00"), between, BERLIN) == utc("2026-03-30 00:10")


def test_an_hour_that_the_clocks_repeat_counts_both_times() -> None:
    between = Hours(time(2, 10), time(2, 50))
    assert next_allowed(utc("2026-10-25 00:00"), between, BERLIN) == utc("2026-10-25 00:10")
    assert next_allowed(utc("2026-10-25 00:55"), between, BERLIN) == utc("2026-10-25 01:10")
