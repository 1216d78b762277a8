"""A payment that comes twice is applied once by itself, whenever lines are matched."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import set_aside
from dunwell.flows.cash.matching import match_lines
from dunwell.records.models import BankLine
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import book, came
from tests.flows.town import Town

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_line_that_repeats_one_of_yesterday_waits(town: Town, tmp_path: Path, *, is_ours: bool) -> None:
    bank_account(town.entity)
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    book(tmp_path, came("100.00", "2026-03-02", "thank you", ref="A1"))
    if is_ours:
        assert match_lines(town.entity, **BERT).applied == 1
        town.item("INV-20190", "MEYER", "100.00 EUR", "2026-03-01")
    else:
        set_aside(town.entity, BankLine.objects.get().pk, reason="of a sister", **BERT)
    book(tmp_path, came("100.00", "2026-03-03", "thank you", ref="A1"), name="later.xml")
    for _ in range(2):
        assert match_lines(town.entity, **BERT).applied == 0
    line = BankLine.objects.get(booked_on="2026-03-03")
    assert "twice" in line.match.why
