"""The one place where the shell reads the clock and asks who is there."""

import getpass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the door where the clock enters


def today(time_zone: str = "UTC") -> date:
    """Return today's date where the entity is."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def actor() -> str:
    """Return who types, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
