"""Sets Django up before the tests import models, and gives them a town."""

from pathlib import Path

import pytest

from tests import databases
from tests.flows.town import Town, at_home

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
