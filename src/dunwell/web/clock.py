"""The one place where the console reads the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # a door, where the clock enters


def today(time_zone: str) -> date:
    """Return today's date where the entity is."""
    return now().astimezone(ZoneInfo(time_zone)).date()
