"""A process that imports a file, and whose n-th step goes wrong: `python -m tests.flows.book.killed FILE MAP N HOW`.

What a step is, and how it goes wrong, says `tests.flows.runs.killed`. The file is read and written in small parts.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from tests.flows.runs.killed import Steps

AT = datetime(2026, 4, 10, 12, tzinfo=UTC)


def main(file: Path, mapping: Path, wrong_at: int, how: str) -> None:
    """Import it; print how many steps there were."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
    import django  # the environment names the database

    django.setup()
    from django.db import connection

    from dunwell.flows.book.importing import import_items
    from dunwell.sources import csv, spool

    steps = Steps(wrong_at, how)
    small_parts = patch.object(csv, "BYTES_PER_BATCH", 100), patch.object(spool, "ROWS_PER_PART", 3)
    with small_parts[0], small_parts[1], connection.execute_wrapper(steps.statement):
        import_items(file, mapping, by="anna", at=AT, on=AT.date())
    print(steps.taken)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
