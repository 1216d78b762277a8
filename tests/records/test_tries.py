"""Attempts counted: none is lost, whoever counts beside."""

from datetime import UTC, datetime, timedelta

from dunwell.records.models import SignInTry
from dunwell.records.tries import count_try
from tests.flows.runs.test_two_at_once import at_once

AT = datetime(2026, 4, 3, 12, tzinfo=UTC)
UNTIL = AT + timedelta(minutes=15)


def test_what_is_over_begins_anew(db: str) -> None:
    assert [count_try("anna", at=AT, until_at=UNTIL) for _ in range(3)] == [1, 2, 3]
    assert count_try("bert", at=AT, until_at=UNTIL) == 1
    assert count_try("anna", at=UNTIL, until_at=UNTIL + timedelta(minutes=15)) == 1
    assert SignInTry.objects.get(name="anna").until_at == UNTIL + timedelta(minutes=15)


def test_of_several_at_once_each_counts(postgresql: str) -> None:
    def tries() -> list[int]:
        counted = []
        for _ in range(50):
            SignInTry.objects.filter(until_at__lte=AT).delete()
            counted.append(count_try("anna", at=AT, until_at=UNTIL))
        return counted

    counted = at_once(*[tries] * 4)
    assert not any(isinstance(each, Exception) for each in counted)
    assert sorted(n for each in counted if isinstance(each, list) for n in each) == list(range(1, 201))
