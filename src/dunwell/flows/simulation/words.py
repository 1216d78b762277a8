"""What a simulation shows, and what it cannot: said wherever its figures are."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import polars as pl

BACK_TEST: Final = (
    (
        "A back-test: payments are those that happened, under whatever was sent at the time. They do not react to"
        " these policies: a notice that comes earlier, later or never changes no payment here."
    ),
    (
        "It can say: whom each policy would have written to, when, how often and at what stage; what it would"
        " have charged; what the messages would have cost; and how much of that would have gone to people who were"
        " about to pay anyway."
    ),
    (
        "It cannot say that a policy makes people pay sooner: time to pay and open amounts are the same for all"
        " of them by construction. Only an experiment, or a response model that you stand up for, says something"
        " about that."
    ),
)
BY_MODEL: Final = (
    (
        "Payments follow the response model {model}, with seed {seed}. The model is stated, not measured:"
        " differences in time to pay are what it says they are, and no evidence for it."
    ),
    (
        "All scenarios meet the same luck: each claim has one draw, from the seed and its number, so that"
        " differences come from the policies alone. Another seed shows how much is chance."
    ),
    (
        "Days to pay and days late are those of the claims that every scenario settles in the period: over all that"
        " each settles, a policy that gets slow payers to pay too would look the slower for it."
    ),
    (
        "Claims are those of the history, with their dates and amounts; none of their real payments is used, and"
        " credits and unapplied cash are left out."
    ),
)
ALWAYS: Final = (
    (
        "At the start nobody has been written to: all claims are at no stage, so that what is long overdue then"
        " gets first notices in the first days. Start some weeks before the days you want to compare."
    ),
    (
        "Every approval is given and every message arrives on its day. Accounts are as they are today. Holds,"
        " disputes, promises, charges and notices of the past are left out. What is charged is settled with its"
        " claim, or waived."
    ),
)
BEFORE_IT_BEGINS: Final = "The history begins on {}: of the days before, there is nothing to simulate."
NOTHING_ISSUED: Final = (
    "The last claim of the history is issued on {}: after that nothing is issued here, and notices become fewer for it."
)
NO_CURVE: Final = "No claim is issued in the period: there is no curve of when such claims are paid."
NOTHING_PAID: Final = (
    "The history of payments ends on {}: no payment is known after that. What was open then stays open here, and is"
    " dunned on."
)


def claims(*, model: str | None, seed: int | None) -> Iterator[str]:
    yield from BACK_TEST if model is None else (text.format(model=model, seed=seed) for text in BY_MODEL)
    yield from ALWAYS


def of_problems(problems: pl.DataFrame, scenarios: Sequence[str]) -> Iterator[str]:
    """Which claims could not be decided, by scenario and reason."""
    counts = problems.group_by("scenario", "problem", "by_law").len().sort("scenario", "problem", "by_law")
    for scenario, problem, by_law, count in counts.iter_rows():
        lacks = f" ({by_law})" if by_law else ""
        yield (
            f"{scenarios[scenario]}: {count:,} item{'s' * (count != 1)} could not be decided at some time, and got no"
            f" notice then: {problem.replace('_', ' ')}{lacks}."
        )


def of_missing_payments(first_on: date | None) -> str:
    """Whoever begins with a list of open items has no claim that was paid before."""
    if first_on is None:
        return (
            "No payment and no settlement is known at all: this book has only what is still open, and its figures say"
            " nothing of how people paid. Import what was settled, too, with the days (`settled`)."
        )
    return (
        f"No payment and no settlement is known before {first_on}. If the book was begun with what was open then, all"
        " that was paid earlier is missing: of the days before, there is only what was left over, and notices, open"
        " amounts and payments of these days say nothing of how it was."
    )


def of_undated(count: int) -> str:
    """Claims without a date of issue."""
    one = count == 1
    return (
        f"{count:,} claim{'' if one else 's'} {'has' if one else 'have'} no date of issue:"
        f" {'it is' if one else 'they are'} taken as open from the first day on, and {'has' if one else 'have'} no"
        " days to pay."
    )
