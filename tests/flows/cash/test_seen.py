"""What somebody applies is what they saw proposed."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.seen import apply_seen, sign_of_match
from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs.seen import Changed
from dunwell.records.models import BankLine, Payment
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.town import Town
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


@pytest.fixture
def proposed(town: Town, tmp_path: Path) -> Town:
    """A line of 100.00 that is proposed for INV-20170 of MEYER."""
    bank_account(town.entity)
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(town.entity, apply=False, **BERT)
    return town


def test_what_was_seen_is_applied_once(proposed: Town) -> None:
    line = BankLine.objects.get().pk
    seen = sign_of_match(line)
    apply_seen(proposed.entity, line, seen=seen, **BERT)
    assert proposed.open("INV-20170") == 0
    with pytest.raises(Conflict, match="is applied already"):
        apply_seen(proposed.entity, line, seen=seen, **BERT)
    with pytest.raises(NotFound):
        apply_seen(proposed.entity, 999, seen=seen, **BERT)


def test_looking_again_with_the_same_result_is_no_change(proposed: Town) -> None:
    line = BankLine.objects.get().pk
    seen = sign_of_match(line)
    match_lines(proposed.entity, apply=False, **BERT)
    apply_seen(proposed.entity, line, seen=seen, **BERT)
    assert Payment.objects.count() == 1


def test_another_proposal_than_was_seen_is_not_applied(proposed: Town) -> None:
    line = BankLine.objects.get().pk
    seen = sign_of_match(line)
    proposed.pay("INV-20170", "30.00 EUR", "2026-03-03")
    match_lines(proposed.entity, apply=False, **BERT)
    with pytest.raises(Changed, match="has changed since you looked"):
        apply_seen(proposed.entity, line, seen=seen, **BERT)
    assert proposed.open("INV-20170") == 7_000
    with pytest.raises(Changed):
        apply_seen(proposed.entity, line, seen="", **BERT)
