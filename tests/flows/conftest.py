"""Sets Django up before the tests import models, and gives them a town."""

from pathlib import Path

import pytest

from dunwell.config import load
from tests import databases
from tests.flows.town import Town

__all__ = ["databases"]


@pytest.fixture
def home(db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for archive and outbox, beside a fresh database."""
    at_home(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def town(home: Path) -> Town:
    """ACME with its policy in force, and no debtor yet."""
    return Town(home)


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep archive and outbox in a folder."""
    from django.conf import settings  # noqa: PLC0415  # after Django is set up

    monkeypatch.setattr(settings, "CONFIG", load(home=folder))
