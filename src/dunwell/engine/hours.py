"""The hours in which a debtor may hear from us, by the clock where the debtor is."""

from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

# Letters are read when they are opened; these are heard when they arrive.
AT_ONCE: Final = ("email", "sms", "chat", "webhook")
_DAYS: Final = 3  # a night on which the clocks change can take a day's window away


class Hours(NamedTuple):
    """From `opens` until before `closes`; where that is earlier, past midnight."""

    opens: time
    closes: time

    def contains(self, moment: time) -> bool:
        """Whether a time of day lies within them."""
        if self.opens < self.closes:
            return self.opens <= moment < self.closes
        return moment >= self.opens or moment < self.closes


def next_allowed(at: datetime, hours: Hours, zone: ZoneInfo) -> datetime:
    """The first instant from `at` on (aware) that lies within the hours where the debtor is, in UTC.

    An hour that the clocks leave out is skipped, one that they repeat counts both times.
    """
    local = at.astimezone(zone)
    if hours.contains(local.time()):
        return at.astimezone(UTC)
    days = (local.date() + timedelta(days=number) for number in range(_DAYS))
    openings = (
        datetime.combine(day, hours.opens, zone).replace(fold=fold).astimezone(UTC) for day in days for fold in (0, 1)
    )
    return min(each for each in openings if each >= at and hours.contains(each.astimezone(zone).time()))
