"""Make a book: its settings, its tables, and the policies to begin with."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.flows import policies
from dunwell.flows.outfiles import POLICY_FOLDER
from dunwell.flows.policies import Applied
from dunwell.records import connect
from dunwell.records.models import PolicyVersion


@dataclass(frozen=True)
class Started:
    """Where the book is, and the policies that were put in force."""

    home: Path
    policies: tuple[Applied, ...]


def start_book(home: Path, *, by: str, at: datetime) -> Started:
    """Bring the tables to this version; where no policy is in force, put the shipped ones in force.

    Their files are laid beside the book, for changing. Of two who start one book at once, the second waits.
    Errors: OSError, DatabaseTooOldError.
    """
    folder = home / POLICY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with connect.alone(home):
        connect.migrate()
        for name in SHIPPED_POLICIES:
            file = folder / f"{name}.yaml"
            if not file.exists():
                file.write_text(shipped_policy(name), encoding="utf-8")
        if PolicyVersion.objects.filter(retired_at=None).exists():
            return Started(home, ())
        applied = [
            policies.apply_policy(shipped_policy(name), f"{name}.yaml", by=by, at=at) for name in SHIPPED_POLICIES
        ]
    return Started(home, tuple(applied))
