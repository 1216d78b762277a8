"""Attempts to sign in, counted: of several processes at once none is lost."""

from datetime import datetime
from typing import Final

from django.db import connection

# What is over begins anew.
_COUNT: Final = """
INSERT INTO records_signintry AS t (name, tries, until_at) VALUES (%s, 1, %s)
ON CONFLICT (name) DO UPDATE SET
    tries = CASE WHEN t.until_at <= %s THEN 1 ELSE t.tries + 1 END,
    until_at = CASE WHEN t.until_at <= %s THEN excluded.until_at ELSE t.until_at END
RETURNING tries
"""


def count_try(name: str, *, at: datetime, until_at: datetime) -> int:
    """Count an attempt under a name, forgotten at `until_at` of the first one; return how many there were."""
    now, until = (connection.ops.adapt_datetimefield_value(each) for each in (at, until_at))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [name, until, now, now])
        return int(cursor.fetchone()[0])
