"""Sets Django up before the tests import models; a town to look at, and people who look."""

from pathlib import Path

import pytest
from django.test import Client

from tests import databases
from tests.flows.town import Town
from tests.web.desk import browser, looked_at

__all__ = ["databases"]


@pytest.fixture
def town(db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """ACME on 3 April 2026, with anna and bert, who may sign in."""
    return looked_at(tmp_path, monkeypatch)


@pytest.fixture
def anna(town: Town) -> Client:
    """The browser of who proposes."""
    return browser("anna")


@pytest.fixture
def bert(town: Town) -> Client:
    """The browser of who approves."""
    return browser("bert")
