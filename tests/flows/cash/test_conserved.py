"""Whatever is done with bank lines, in whatever order: no cent of a statement is lost, or is there twice."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunwell.flows.cash.applying import apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.errors import FlowError
from dunwell.records.models import Allocation, BankLine, BankLineState, BankMatch, Item, Payment, PaymentState
from tests.examples import examples
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.town import Town
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
INVOICES: Final = {"N-70001": 100, "N-70002": 50, "N-70003": 70, "N-70004": 20}
OF_SMITH: Final = "N-70003"
TEXTS: Final = ("N-70001", "N-70002 C-90001", "N-70003 N-70004", "N-70001 N-70003", "MEYER GmbH", "hello", "N-7000")
DEEDS: Final = ("match", "propose", "apply", "apply_to", "unapply", "set_aside", "back")
Step = tuple[str, int, int]


def done(town: Town, deed: str, line: int, item: int) -> None:
    """Do one thing to one line, as far as it can be done."""
    numbers = [list(INVOICES)[(item + place) % len(INVOICES)] for place in range(1 + line % 2)]
    ways: dict[str, Callable[[], object]] = {
        "match": lambda: match_lines(town.entity, **BERT),
        "propose": lambda: match_lines(town.entity, apply=False, **BERT),
        "apply": lambda: apply_match(town.entity, line, **BERT),
        "apply_to": lambda: apply_to(town.entity, line, items=numbers, **BERT),
        "unapply": lambda: unapply(town.entity, line, reason="a typing error", **BERT),
        "set_aside": lambda: set_aside(town.entity, line, reason="not ours", **BERT),
        "back": lambda: set_aside(town.entity, line, reason="it is", back=True, **BERT),
    }
    try:
        ways[deed]()
    except FlowError:
        return  # such as for a line that is applied already: then nothing may have changed


def conserved(total_minor: int) -> None:
    """Every line is one thing, applied lines are payments of their amount, and the ledger explains what is open."""
    lines = list(BankLine.objects.all())
    assert sum(line.amount_minor for line in lines) == total_minor
    standing = Payment.objects.filter(state=PaymentState.RECEIVED).select_related("item")
    applied = {line.pk: line for line in lines if line.state == BankLineState.APPLIED}
    assert {payment.line_id for payment in standing} == applied.keys()
    for line in applied.values():
        match = BankMatch.objects.get(line=line)
        paid = [payment.item for payment in standing if payment.line_id == line.pk]
        assert sum(item.amount_minor for item in paid) == line.amount_minor == match.applied_minor + match.left_minor
        assert sum(item.open_minor for item in paid) == match.left_minor
        assert len({item.account_id for item in paid}) == len(paid)
    for to in Allocation.objects.filter(source_item__kind__in=["payment", "credit"]).select_related("source_item"):
        assert to.source_item.account_id == to.item.account_id
    for item in Item.objects.exclude(kind="payment"):
        moved = Allocation.objects.filter(source_item=item) | Allocation.objects.filter(item=item)
        assert 0 <= item.open_minor == item.amount_minor - sum(moved.values_list("amount_minor", flat=True))


# The town is as it was after each example: what an example did is rolled back.
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from((100, 50, 40, 90, 20, 170)), st.sampled_from(TEXTS)), min_size=1, max_size=5),
    st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 4), st.integers(0, 3)), max_size=8),
)
def test_no_cent_of_a_statement_is_lost_or_there_twice(
    town: Town, entries: list[tuple[int, str]], steps: list[Step]
) -> None:
    with transaction.atomic(), TemporaryDirectory() as folder:
        bank_account(town.entity)
        for number, amount in INVOICES.items():
            town.item(number, "SMITH" if number == OF_SMITH else "MEYER", f"{amount}.00 EUR", "2026-02-01")
        town.item("C-90001", "MEYER", "10.00 EUR", None, kind="credit")
        told = [f"260302 {amount} //B{place} {text}" for place, (amount, text) in enumerate(entries)]
        take(Path(folder), mt940(told, opens=0))
        total = sum(amount for amount, _text in entries) * 100
        ids = list(BankLine.objects.order_by("pk").values_list("pk", flat=True))
        for deed, line, item in steps:
            done(town, deed, ids[line % len(ids)], item)
            conserved(total)
        transaction.set_rollback(True)
