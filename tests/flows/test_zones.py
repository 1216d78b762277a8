"""Where a debtor is, by the clock."""

import pytest

from dunwell.flows.zones import MAIN, zone_of


@pytest.mark.parametrize(
    ("zone", "country", "found"),
    [
        ("America/Los_Angeles", "US", "America/Los_Angeles"),
        (None, "CH", "Europe/Zurich"),
        (None, "US", "America/New_York"),
        ("", "DE", "Europe/Berlin"),
        ("Mars/Olympus", "FR", "Europe/Paris"),
        (None, None, "Europe/Vienna"),
        (None, "ZZ", "Europe/Vienna"),
        (None, "GL", "Europe/Vienna"),  # several, and none is the main one
    ],
)
def test_own_zone_then_the_countrys_then_the_creditors(zone: str | None, country: str | None, found: str) -> None:
    assert zone_of(zone, country, "Europe/Vienna").key == found


def test_every_main_zone_is_one() -> None:
    assert {country: zone_of(None, country, "UTC").key for country in MAIN} == MAIN
