"""The pipeline says what the rules say, on random books."""

import pytest
from hypothesis import given, settings

from tests.engine.compare import differences, pipeline
from tests.engine.oracle import judge
from tests.engine.strategies import Case, cases

BOOKS = max(150, settings().max_examples)  # as many in every run: nothing else looks at all rules at once


@settings(max_examples=BOOKS)
@given(cases())
def test_the_pipeline_decides_what_the_rules_say(case: Case) -> None:
    require_agreement(case)


@settings(max_examples=BOOKS)
@given(cases(lawful=True))
def test_the_pipeline_charges_what_the_law_says(case: Case) -> None:
    require_agreement(case)


def require_agreement(case: Case) -> None:
    expected = judge(case.book, case.policies, case.as_of)
    found = pipeline(case.book, case.policies, case.as_of)
    if told := differences(expected, found):
        pytest.fail("\n".join([*told, "", case.story()]), pytrace=False)
