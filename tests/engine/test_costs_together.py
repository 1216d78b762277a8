"""One flat sum for the claims of a notice on a Dutch consumer, by their principals added up (BW 6:96(7))."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.law.flat import flat_sum
from dunwell.engine.law.law import regime
from dunwell.engine.law.series import Series, tables
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy
from tests.engine.compare import differences, plain
from tests.engine.oracle import judge

TODAY: Final = date(2026, 3, 22)
DUE: Final = date(2026, 3, 1)
WARNED: Final = {"last_notice_on": date(2026, 3, 6), "last_deadline_on": date(2026, 3, 21)}
RATES: Final = {
    "ecb-eur-jpy": Series("ecb-eur-jpy", TODAY, (date(2026, 1, 1), date(2026, 3, 3)), (160_000_000, 200_000_000))
}


def nl(more: str = "", interest: str = "{regime: NL, rate: 6}") -> Policy:
    """A policy whose one stage asks for the costs."""
    return parse_policy(
        f"""
policy: p
interest: {interest}
{more}
stages:
  - {{stage: costs, days_past_due: 1, compensation: true, send: [email]}}
""",
        "p.yaml",
    )


def costs(
    *items: int | dict[str, Any],
    debtor_class: str = "consumer",
    before: Sequence[int] = (),
    policy: Policy | None = None,
    **more: Any,
) -> dict[int, tuple[int, str | None]]:
    """What is charged on items, numbered from 1, by their cents or fields, and what is said; the oracle must agree.

    `before`: the items that had their flat sum; `more`: other tables of the book.
    """
    usual = {"account_id": 1, "entity_id": 1, "currency": "EUR", "due_on": DUE, **WARNED}
    rows = []
    for number, item in enumerate(items, 1):
        told: dict[str, Any] = {"amount_minor": item} if isinstance(item, int) else item
        rows.append({"item_id": number, "open_minor": told["amount_minor"], **usual, **told})
    charge = {"account_id": 1, "currency": "EUR", "charge": "compensation", "stage": "costs", "amount_minor": 4000}
    charges = [
        {"charge_item_id": 900 + number, "notice_id": 1, "item_id": number, **charge, "posted_on": date(2026, 3, 10)}
        for number in before
    ]
    owner = {"entity_id": 1, "channels": 1}
    owners = [
        {"account_id": 1, "account": "A", "debtor_class": debtor_class, **owner},
        {"account_id": 2, "account": "B", "debtor_class": "business", "parent_id": 1, **owner},
    ]
    book = Book.of(accounts=owners, items=rows, charges=charges, **tables(RATES), **more)
    policy = policy or nl()
    plan = decide(book, [policy], TODAY)
    assert differences(judge(book, [policy], TODAY), plain(plan)) == []
    charged = {row["item_id"]: row["amount_minor"] for row in plan.charges.to_dicts()}
    return {row["item_id"]: (charged.get(row["item_id"], 0), row["by_law"]) for row in plan.decisions.to_dicts()}


def amounts(*items: int | dict[str, Any], **more: Any) -> list[int]:
    """What is charged on each item."""
    return [amount for _item, (amount, _said) in sorted(costs(*items, **more).items())]


def scale(principal_minor: int) -> int:
    """What the scale gives for a principal in euro."""
    flat = regime("NL").flat["consumer"]
    return flat_sum(flat, principal_minor, "EUR", first_on=DUE, due_on=DUE, series={}).minor


def test_a_hundred_and_a_thousand_cost_what_eleven_hundred_cost() -> None:
    assert costs(10_000, 100_000) == {1: (1_500, "costs_together"), 2: (15_000, "costs_together")}


@pytest.mark.parametrize(
    ("principals", "shares"),
    [
        ([10_000], [4_000]),
        ([10_000, 10_000], [2_000, 2_000]),  # at least 40.00, once
        ([1_000, 2_000], [1_333, 2_667]),
        ([5_000, 5_000, 5_000], [1_334, 1_333, 1_333]),  # the first of equals has the cent
        ([250_000, 250_000], [31_250, 31_250]),  # 15 % of 2,500 and 10 % of as much
        ([100_000_000, 100_000_000], [338_750, 338_750]),  # at most 6,775.00
        ([30_003, 30_003], [4_501, 4_500]),  # 90.009 is 90.01
        ([1, 1_000_000], [1, 87_499]),  # nobody has nothing, who would have 40.00 with the next notice
        ([1, 1_000_000, 1], [1, 87_498, 1]),
    ],
)
def test_the_sum_of_all_is_shared_out_to_the_cent(principals: list[int], shares: list[int]) -> None:
    assert amounts(*principals) == shares
    assert sum(shares) == scale(sum(principals))


def test_what_had_its_flat_sum_stays_out() -> None:
    assert costs(10_000, 100_000, 100_000, before=[2]) == {
        1: (1_500, "costs_together"), 2: (0, None), 3: (15_000, "costs_together"),
    }  # fmt: skip
    assert costs(10_000, 100_000, before=[2]) == {1: (4_000, None), 2: (0, None)}


def test_what_was_not_warned_stays_out() -> None:
    unwarned = {"amount_minor": 100_000, "last_notice_on": None, "last_deadline_on": None}
    assert costs(10_000, unwarned) == {1: (4_000, None), 2: (0, "costs_not_warned")}


def test_businesses_and_public_bodies_have_a_sum_for_each_claim() -> None:
    assert amounts(10_000, 100_000, debtor_class="business") == [4_000, 15_000]
    assert amounts(10_000, 100_000, debtor_class="public") == [4_000, 15_000]


def test_a_business_that_a_consumer_pays_for_has_its_own() -> None:
    of_business = {"amount_minor": 10_000, "account_id": 2}
    assert amounts(10_000, of_business, 100_000) == [1_500, 4_000, 15_000]


def test_each_notice_has_its_own_sum() -> None:
    assert amounts(10_000, 100_000, policy=nl("one_notice_per: item")) == [4_000, 15_000]


def test_what_was_paid_after_the_first_day_still_counts() -> None:
    part = {"amount_minor": 100_000, "open_minor": 40_000}
    paid = [{"item_id": 2, "amount_minor": 60_000, "on": date(2026, 3, 10)}]
    assert amounts(10_000, part, elsewhere=paid) == [1_500, 15_000]
    assert amounts(10_000, part, elsewhere=[paid[0] | {"on": DUE}]) == [1_500, 6_000]  # before it was late


def test_another_currency_is_converted_at_the_rates_of_the_last_of_their_days() -> None:
    early, late = {"currency": "JPY", "due_on": date(2026, 2, 1)}, {"currency": "JPY", "due_on": date(2026, 3, 4)}
    rows = [{"amount_minor": 10_000, **early}, {"amount_minor": 30_000, **late}]
    assert amounts(rows[0]) == [40 * 160]
    assert amounts(*rows) == [2_000, 6_000]  # 200 yen for a euro: 40.00


def test_other_countries_add_nothing_up() -> None:
    assert amounts(10_000, 100_000, policy=nl(interest="{regime: PL, rate: 6}")) == [0, 0]
    german = nl(interest="{regime: DE, rate: 6}")
    assert amounts(10_000, 100_000, debtor_class="business", policy=german) == [4_000, 4_000]


PRINCIPALS: Final = st.one_of(st.integers(1, 3_000), st.integers(1, 10**6), st.sampled_from([26_666, 26_667, 10**8]))


@given(st.lists(st.tuples(PRINCIPALS, st.booleans()), min_size=1, max_size=8), st.data())
def test_random_claims_are_shared_as_the_rules_say(drawn: list[tuple[int, bool]], data: st.DataObject) -> None:
    before = [number for number, (_principal, had) in enumerate(drawn, 1) if had]
    found = costs(*(principal for principal, _had in drawn), before=before)
    left = {number: principal for number, (principal, had) in enumerate(drawn, 1) if not had}
    assert sum(amount for amount, _said in found.values()) == (scale(sum(left.values())) if left else 0)
    assert all((amount > 0) == (number in left) for number, (amount, _said) in found.items())
    # Whatever is taken off before the notice leaves: what stays charged is no more than the law gives for the rest.
    rest = data.draw(st.sets(st.sampled_from(sorted(left)))) if left else set()
    cents = len(rest)  # each share is rounded by less than one
    assert sum(found[number][0] for number in rest) <= scale(sum(left[number] for number in rest)) + cents


def test_the_law_is_that_of_consumers_alone() -> None:
    assert {name for name, flat in regime("NL").flat.items() if flat.together} == {"consumer"}
