"""Closed days: weekends and holidays by country and region, at the ends of the calendar too."""

from datetime import date

import pytest

from dunwell.engine.calendars import (
    WEEKENDS,
    calendar_of,
    countries,
    is_closed,
    later,
    next_open,
    previous_open,
)


@pytest.mark.parametrize(
    ("calendar", "closed"),
    [
        ("DE", [date(2026, 4, 3), date(2026, 4, 4), date(2026, 4, 5), date(2026, 4, 6)]),
        ("DE-BY", [date(2026, 1, 6)]),
        ("FR", [date(2026, 5, 8)]),
        ("SA", [date(2026, 2, 6), date(2026, 2, 7)]),
        (WEEKENDS, [date(2026, 4, 4), date(2026, 4, 5)]),
    ],
)
def test_what_is_closed(calendar: str, closed: list[date]) -> None:
    assert all(is_closed(day, calendar) for day in closed)


def test_what_is_open() -> None:
    assert not is_closed(date(2026, 1, 6), "DE-BE")
    assert not is_closed(date(2026, 2, 8), "SA")  # a Sunday
    assert not is_closed(date(2026, 4, 3), WEEKENDS)
    assert not is_closed(date(2026, 2, 14), "CN")  # a Saturday worked in exchange for a long New Year


def test_who_has_which_calendar() -> None:
    assert calendar_of("DE", "BY") == "DE-BY"
    assert calendar_of("DE") == "DE"
    assert calendar_of("ZZ") == calendar_of(None) == WEEKENDS


def test_open_days_around_easter() -> None:
    assert next_open(date(2026, 4, 3), "DE") == date(2026, 4, 7)
    assert previous_open(date(2026, 4, 6), "DE") == date(2026, 4, 2)
    assert next_open(date(2026, 4, 7), "DE") == previous_open(date(2026, 4, 7), "DE") == date(2026, 4, 7)
    assert later(date(2026, 3, 27), 7, "DE") == date(2026, 4, 7)
    assert later(date(2026, 3, 27), 7, None) == date(2026, 4, 3)


def test_the_ends_of_the_calendar() -> None:
    assert next_open(date.max, "DE") == date.max
    assert next_open(date(9999, 12, 25), "DE") == date(9999, 12, 27)  # a Saturday: far from now, weekends alone
    assert previous_open(date.min, "DE") == date.min
    assert later(date(9999, 12, 30), 3650, "DE") == date.max


def test_every_country_can_be_asked() -> None:
    for country in countries():
        assert next_open(date(2026, 12, 31), country) <= date(2027, 1, 12), country
        assert next_open(date(1900, 1, 1), country) <= date(1900, 1, 12), country
        assert next_open(date(2199, 12, 24), country) <= date(2200, 1, 5), country
