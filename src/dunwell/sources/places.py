"""Countries and time zones by their codes."""

from typing import Final
from zoneinfo import available_timezones

from babel import Locale

# CLDR knows besides the codes of ISO 3166: unions, islands with a code of their own, and codes for tests.
_NO_COUNTRIES: Final = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
_CODES: Final = {str(code) for code in Locale("en").territories}
COUNTRIES: Final = tuple(sorted(code for code in _CODES - _NO_COUNTRIES if len(code) == 2 and code.isalpha()))
TIME_ZONES: Final = tuple(sorted(available_timezones()))
