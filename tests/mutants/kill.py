"""Looks at the engine as it stands, and leaves with 1 where it does not decide what it should: in seconds.

Stories all at once, then the oracle's examples, then the oracle on the same random books each time.
"""

import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from dunwell.engine.stories.runner import run_files
from tests.engine.compare import differences, pipeline
from tests.engine.oracle import judge
from tests.engine.strategies import Case, cases

TESTS: Final = Path(__file__).parents[1]
EXAMPLES: Final = (
    "test_small_faults.py", "test_oracle_examples.py", "test_advance.py", "test_advance_notices.py",
    "test_advance_refusals.py", "test_laws.py::test_slices_change_nothing",
)  # fmt: skip
BOOKS: Final = 80


def stories_hold() -> bool:
    """Whether every story of the repository goes as it is told."""
    files = [*(TESTS / "conformance").glob("*.yaml"), *(TESTS / "stories").glob("*.yaml")]
    return not any(run_files(sorted(files)))


def examples_hold() -> bool:
    """Whether the examples of `decide` and `advance` hold."""
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "--no-header", "--no-summary", "--assert=plain", "-W", "ignore"]
    return pytest.main([*quiet, *(str(TESTS / "engine" / name) for name in EXAMPLES)]) == 0


@settings(
    max_examples=BOOKS, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(cases())
def oracle_agrees(case: Case) -> None:
    """The pipeline decides what the rules say."""
    expected = judge(case.book, case.policies, case.as_of)
    assert not differences(expected, pipeline(case.book, case.policies, case.as_of))


def main() -> int:
    """Return 0 where nothing is amiss."""
    if not stories_hold() or not examples_hold():
        return 1
    try:
        oracle_agrees()
    except Exception:  # noqa: BLE001  # whatever it is, it was seen
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
