"""A town whose entity has a bank account."""

import pytest

from tests.flows.cash.banking import bank_account
from tests.flows.town import Town


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account."""
    bank_account(town.entity)
    return town
