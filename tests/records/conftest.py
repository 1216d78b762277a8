"""Sets Django up before the tests import models; what of few rows goes another way than of many, tests go both."""

import pytest

from tests import databases  # isort: skip  # sets Django up

from dunwell.records.models import Entity
from tests.records import sample

__all__ = ["databases"]


@pytest.fixture(params=["few", "many"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the same few rows and accounts be read and saved as few, and as many."""
    if request.param == "many":
        monkeypatch.setattr("dunwell.records.wire.ROWS_ALONG_MAX", 0)
        monkeypatch.setattr("dunwell.records.frames.FEW_ACCOUNTS", 0)


@pytest.fixture
def book(db: str) -> Entity:
    """The sample, saved: item 101 is at version 7, the others were never noticed."""
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    return entity
