"""Sets Django up before the tests import models; what of few rows goes another way than of many, tests go both."""

import pytest

from tests import databases

__all__ = ["databases"]


@pytest.fixture(params=["few", "many"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the same few rows and accounts be read and saved as few, and as many."""
    if request.param == "many":
        monkeypatch.setattr("dunwell.records.wire.ROWS_ALONG_MAX", 0)
        monkeypatch.setattr("dunwell.records.frames.FEW_ACCOUNTS", 0)
