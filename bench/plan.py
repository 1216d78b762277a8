"""Plan a change of four policies: decide twice, and compare. The floor decides once, as a run does."""

from collections.abc import Callable

from bench.decide import AS_OF, OTHERS, decided, made_up
from bench.harness import measure, report
from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.engine.decide import decide
from dunwell.engine.difference import Difference, compared, difference
from dunwell.engine.policy.parse import parse_policy


def main(n: int = 1_000_000) -> None:
    """Measure a change that touches most items, and the comparison alone."""
    floor = measure(decided, n, times=3)
    report("plan: decide once", n, floor)
    report("plan: the comparison alone", n, measure(compared_again, n, times=3), floor)
    report("plan: decide twice and compare", n, measure(planned, n, times=3), floor)


def planned(n: int) -> Callable[[], object]:
    """Prepare to plan a change for a book of `n` items, of which one plan is kept while the other is made."""
    book = made_up(n)
    before, after = _texts()
    policies = [[parse_policy(text, "policy") for text in texts] for texts in (before, after)]

    def do() -> Difference:
        old, new = (compared(decide(book, each, AS_OF)) for each in policies)
        return difference(old, new, book)

    return do


def compared_again(n: int) -> Callable[[], object]:
    """Prepare to compare two plans that are made."""
    book = made_up(n)
    old, new = (compared(decide(book, [parse_policy(text, "policy") for text in texts], AS_OF)) for texts in _texts())
    assert not difference(old, new, book).is_empty
    return lambda: difference(old, new, book)


def _texts() -> tuple[list[str], list[str]]:
    """The policies as they are, and with later reminders and longer gaps."""
    before = [*map(shipped_policy, SHIPPED_POLICIES), OTHERS]
    return before, [text.replace("past_due: 3,", "past_due: 6,").replace("_days: 7", "_days: 10") for text in before]
