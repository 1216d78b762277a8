"""Sets Django up before the tests import models."""

from tests import databases

__all__ = ["databases"]
