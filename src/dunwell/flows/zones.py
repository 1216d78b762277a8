"""What time zone a debtor is in."""

from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

# Where a country has several, the one in which most of its people live.
MAIN: Final = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PG": "Pacific/Port_Moresby",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}


def zone_of(zone: str | None, country: str | None, else_zone: str) -> ZoneInfo:
    """A debtor's own time zone, if it is one; else that of the country, the main one of several; else the one given."""
    if zone in available_timezones():
        return ZoneInfo(str(zone))
    of_country = get_global("territory_zones").get(country or "", [])
    only = of_country[0] if len(of_country) == 1 else None
    return ZoneInfo(MAIN.get(country or "") or only or else_zone)
