"""Money for an item pays its costs first, then its interest, then the principal, where the law has it so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final, TypeAlias

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.book import BookError, table
from dunwell.engine.events import Delivered, Failed, PaidElsewhere, Reversed, Withdrawn
from dunwell.engine.policy.parse import parse_policy
from tests.engine.town import CHILD, PARENT, D, Town, policy, promise

A, B, FEE, INTEREST, COSTS = 1, 2, 11, 12, 13
FEW: Final = settings().max_examples // 3


def charge(
    town: Town, charge_id: int, amount_minor: int, kind: str = "fee", *, on: date = D[2], item: int = A,
    notice: int | None = None, first: bool = True, waivable: bool = False,
) -> Town:  # fmt: skip
    """Charge something on account of an item."""
    town.invoice(charge_id, amount_minor, kind="charge", parent_item_id=item, waivable=waivable)
    row: dict[str, object] = {
        "charge_item_id": charge_id, "notice_id": notice, "item_id": item, "account_id": CHILD, "currency": "EUR",
        "charge": kind, "amount_minor": amount_minor, "posted_on": on, "first": first,
    }  # fmt: skip
    town.book = town.book.merged({"charges": table("charges", [row])})
    return town


def charged(principal_minor: int = 1_000_00) -> Town:
    """An invoice with costs of 5.00 and interest of 18.53."""
    return charge(charge(Town().invoice(A, principal_minor), FEE, 5_00), INTEREST, 18_53, "interest")


def test_v22_costs_then_interest_then_the_principal() -> None:
    town = charged().pay(50, 500_00, A)
    assert town.open(A, FEE, INTEREST, 50) == [523_53, 0, 0, 0]


def test_what_does_not_reach_the_principal_leaves_it_as_it_is() -> None:
    assert charged().pay(50, 4_00, A).open(A, FEE, INTEREST) == [1_000_00, 1_00, 18_53]
    assert charged().pay(50, 10_00, A).open(A, FEE, INTEREST) == [1_000_00, 0, 13_53]


def test_costs_are_fees_and_flat_sums_the_oldest_first() -> None:
    town = charge(charged(), COSTS, 40_00, "compensation", on=D[1])
    assert town.pay(50, 43_00, A).open(A, FEE, INTEREST, COSTS) == [1_000_00, 2_00, 18_53, 0]
    later = charge(charged(), COSTS, 40_00, "compensation", on=D[3])
    assert later.pay(50, 43_00, A).open(A, FEE, INTEREST, COSTS) == [1_000_00, 0, 18_53, 2_00]


def test_each_item_named_pays_what_was_charged_on_it() -> None:
    town = charge(charged(100_00).invoice(B, 50_00), COSTS, 7_00, item=B)
    town.pay(50, 150_00, A, B)
    assert town.open(A, FEE, INTEREST, B, COSTS, 50) == [0, 0, 0, 30_53, 0, 0]


def test_without_an_order_money_goes_to_what_it_names() -> None:
    town = charge(Town().invoice(A, 100_00), FEE, 10_41, first=False)
    assert town.pay(50, 100_00, A).open(A, FEE) == [0, 10_41]


@pytest.mark.parametrize(("named", "most"), [((A, FEE), [100_00, 5_00]), ((FEE, A), [5_00, 100_00])])
def test_a_fee_named_beside_its_invoice_is_paid_by_what_is_said_for_it(named: tuple[int, int], most: list[int]) -> None:
    town = charge(Town().invoice(A, 100_00), FEE, 5_00).pay(50, 105_00, *named, at_most_minor=most)
    assert town.open(A, FEE, 50) == [0, 0, 0]


def test_an_item_named_twice_with_how_much_is_for_it_is_refused() -> None:
    with pytest.raises(BookError, match="names an item twice"):
        Town().invoice(A, 100_00).pay(50, 120_00, A, A, at_most_minor=[100_00, 20_00])


def test_money_that_says_how_much_is_for_what_is_applied_so_and_the_rest_is_a_credit() -> None:
    town = Town().invoice(A, 100_00).invoice(B, 50_00).pay(50, 120_00, A, B, at_most_minor=[60_00, 40_00])
    assert town.open(A, B, 50) == [40_00, 10_00, 20_00]
    assert town.let(Reversed(on=D[9], item_id=50)).open(A, B, 50) == [100_00, 50_00, 0]


def test_what_goes_first_is_paid_of_what_is_for_its_item() -> None:
    town = charged().invoice(B, 50_00).pay(50, 70_00, A, B, at_most_minor=[20_00, 50_00])
    assert town.open(A, FEE, INTEREST, B, 50) == [1_000_00, 0, 3_53, 0, 0]


def test_a_charge_reversed_takes_nothing() -> None:
    town = charged()
    gone = pl.DataFrame({"charge_item_id": [FEE], "reversed_on": [D[2]]})
    town.book = town.book.merged({"charges": gone})
    assert town.pay(50, 20_00, A).open(A, FEE, INTEREST) == [998_53, 5_00, 0]


def test_a_notice_that_has_not_left_takes_no_money() -> None:
    town = Town().invoice(A, 100_00)
    town.post(D[9], 1, policy().model_copy(update={"escalate": "jump"}))
    assert town.item(100)["open_minor"] == 5_00
    town.book = town.book.merged({"charges": pl.DataFrame({"charge_item_id": [100], "first": [True]})})
    waiting = town.book
    assert town.pay(50, 60_00, A).open(A, 100) == [40_00, 5_00]
    town.book = waiting
    town.let(Delivered(on=D[10], notice_ids=[1]))
    assert town.pay(50, 60_00, A).open(A, 100) == [45_00, 0]


def test_a_charge_that_is_waived_when_its_item_is_paid_comes_after_it() -> None:
    town = charge(Town().invoice(A, 100_00), FEE, 5_00, waivable=True)
    town.pay(50, 100_00, A)
    assert town.open(A, FEE) == [0, 0]
    assert town.item(FEE)["waived_minor"] == 5_00


def test_a_charge_of_another_payer_takes_nothing() -> None:
    town = charged(100_00)
    of_other = pl.col("item_id") == FEE
    town.book = replace(town.book, items=town.book.items.filter(~of_other))  # a book is that of one payer
    assert town.pay(50, 50_00, A).open(A, INTEREST, 50) == [68_53, 0, 0]


@pytest.mark.parametrize("kind", ["fee", "interest", "compensation"])
def test_every_kind_is_waived_with_its_item_and_owed_again_without_it(kind: str) -> None:
    town = charge(Town().invoice(A, 100_00), FEE, 5_00, kind, first=False, waivable=True).pay(50, 100_00, A)
    assert (town.open(FEE), town.item(FEE)["waived_minor"]) == ([0], 5_00)
    town.let(Reversed(on=D[9], item_id=50))
    assert (town.open(A, FEE), town.item(FEE)["waived_minor"]) == ([100_00, 5_00], 0)


def test_money_under_way_goes_the_same_way_and_arrives_so() -> None:
    town = charged().pay(50, 500_00, A, pending=True)
    assert [town.item(each)["in_flight_minor"] for each in (A, FEE, INTEREST)] == [476_47, 5_00, 18_53]
    assert town.open(A, FEE, INTEREST) == [1_000_00, 5_00, 18_53]
    charge(town, COSTS, 40_00, "compensation", on=D[3])  # charged while it was under way
    town.pay(50, 500_00)
    assert town.open(A, FEE, INTEREST, COSTS, 50) == [563_53, 0, 0, 0, 0]
    assert town.book.items["in_flight_minor"].sum() == 0


def test_money_announced_for_one_charge_pays_that_when_it_arrives() -> None:
    town = charge(charged(), COSTS, 40_00, "compensation", on=D[1]).pay(50, 10_00, INTEREST, pending=True)
    assert town.pay(50, 10_00).open(A, FEE, INTEREST, COSTS) == [1_000_00, 5_00, 8_53, 40_00]


def test_money_announced_for_an_item_that_its_charges_took_up_was_meant_for_the_item() -> None:
    town = charged().pay(50, 10_00, A, pending=True)
    charge(town, COSTS, 40_00, "compensation", on=D[3])
    assert town.pay(50, 60_00).open(A, FEE, INTEREST, COSTS, 50) == [1_000_00, 0, 3_53, 0, 0]


def test_the_ledger_says_what_money_was_meant_for() -> None:
    town = charged().pay(50, 500_00, A).pay(51, 3_00, INTEREST)
    ledger = town.book.allocations.select("source_item_id", "item_id", "for_item_id", "amount_minor")
    first = [(50, FEE, A, 5_00), (50, INTEREST, A, 18_53), (50, A, None, 476_47)]
    assert ledger.rows() == first  # nothing is open of what the second names
    town.let(Reversed(on=D[9], item_id=50))
    back = town.book.allocations.group_by("item_id", "for_item_id").agg(pl.col("amount_minor").sum())
    assert set(back["amount_minor"]) == {0}
    town.pay(52, 3_00, INTEREST)
    assert town.book.allocations.filter(source_item_id=52)["for_item_id"].to_list() == [None]


def test_money_announced_for_no_item_goes_to_the_oldest_due_and_its_charges() -> None:
    town = charged(100_00).invoice(B, 50_00, due=D[2])
    town.pay(50, 130_00, pending=True)
    assert [town.item(each)["in_flight_minor"] for each in (A, FEE, INTEREST, B)] == [100_00, 5_00, 18_53, 6_47]


def test_who_pays_the_promised_sum_has_kept_the_promise() -> None:
    town = charged(100_00).let(promise(1, 100_00, A)).pay(50, 100_00, A)
    assert town.open(A) == [23_53]
    assert town.book.promises["paid_minor"].to_list() == [100_00]
    town.let(Reversed(on=D[9], item_id=50))
    assert town.book.promises["paid_minor"].to_list() == [0]


def test_what_the_source_says_is_paid_is_kept_by_its_day() -> None:
    town = Town().invoice(A, 100_00).invoice(B, 50_00)
    town.invoice(3, 20_00, kind="credit")
    less = pl.DataFrame({"item_id": [A, B, 3], "less_minor": [30_00, 60_00, 20_00]})
    town.let(PaidElsewhere(on=D[5], items=less))
    kept = [(A, 30_00, D[5]), (B, 50_00, D[5])]  # no more than was open, and of no credit
    assert town.book.elsewhere.sort("item_id").rows() == kept


Charge: TypeAlias = tuple[str, int, int]  # its kind, how much, and on which day
charges = st.lists(
    st.tuples(st.sampled_from(["fee", "interest", "compensation"]), st.integers(1, 60), st.integers(1, 4)), max_size=6
)
payments = st.lists(st.tuples(st.integers(1, 300), st.sampled_from([(A,), (B,), (A, B), (B, A), (A, A)])), max_size=6)


def by_hand(owed: dict[int, int], raised: Sequence[Charge], amount: int, targets: Sequence[int]) -> int:
    """Pay as the law has it, in plain Python: what is left over. Charges with an even number are those of A."""
    for target in targets:
        mine = [n for n in range(len(raised)) if (A if n % 2 == 0 else B) == target]
        order = sorted(mine, key=lambda n: (raised[n][0] == "interest", raised[n][2], n))
        for each in [*(100 + n for n in order), target]:
            part = min(owed[each], amount)
            owed[each] -= part
            amount -= part
    return amount


@settings(max_examples=FEW)
@given(charges, payments)
def test_each_cent_goes_where_the_law_has_it(raised: list[Charge], paid: list[tuple[int, tuple[int, ...]]]) -> None:
    town = Town().invoice(A, 200).invoice(B, 150)
    owed = {A: 200, B: 150}
    for n, (kind, amount, day) in enumerate(raised):
        charge(town, 100 + n, amount, kind, on=D[day], item=A if n % 2 == 0 else B)
        owed[100 + n] = amount
    before = [town.book.items.sort("item_id")]
    for n, (amount, targets) in enumerate(paid):
        total = sum(owed.values())
        left = by_hand(owed, raised, amount, targets)
        town.pay(900 + n, amount, *targets)
        assert town.open(*owed) == list(owed.values())
        assert town.open(900 + n) == [left]
        assert sum(owed.values()) + amount - left == total  # conserved: and a payment never raises what is owed
        before.append(town.book.items.sort("item_id"))
    for n in reversed(range(len(paid))):
        town.let(Reversed(on=D[20], item_id=900 + n))
        is_later = pl.col("item_id") >= 900 + n
        assert town.book.items.sort("item_id").filter(~is_later).equals(before[n].filter(~is_later))


@settings(max_examples=FEW)
@given(charges, st.integers(1, 400), st.sampled_from([(A,), (B,), (A, B)]))
def test_what_was_announced_arrives_as_if_it_had_never_been(
    raised: list[Charge], amount: int, targets: tuple[int, ...]
) -> None:
    def paid(*, announced: bool) -> Town:
        town = Town().invoice(A, 200).invoice(B, 150, account=PARENT)
        for n, (kind, minor, day) in enumerate(raised):
            charge(town, 100 + n, minor, kind, on=D[day], item=A if n % 2 == 0 else B)
        if announced:
            town.pay(900, amount, *targets, pending=True)
        return town.pay(900, amount, *targets)

    at_once, later = (paid(announced=each).book.items.sort("item_id") for each in (False, True))
    assert later.equals(at_once)


GERMAN: Final = parse_policy(
    """
policy: german
interest: {regime: DE, rate: 7.3, class: business}
stages:
  - {stage: demand, days_past_due: 2, deadline_days: 1, fee: {EUR: 5.00}, interest: true, compensation: true,
     repeat_every_days: 1, repeat_max: 50, send: [email]}
""",
    "german.yaml",
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["post", "post", "deliver", "withdraw", "fail", "pay", "pay", "announce", "reverse", "credit"]),
        st.integers(0, 20), st.integers(1, 1_200_00),
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=max(FEW // 3, 10))
@given(steps)
def test_whatever_happens_each_day_is_charged_once_and_every_cent_is_somewhere(
    told: list[tuple[str, int, int]],
) -> None:
    town, money = Town().invoice(A, 10_000_00).invoice(B, 500_00, due=D[3]), list[int]()
    for day, (what, which, amount) in enumerate(told, 5):
        waiting = town.book.notices.filter(pl.col("state") == "posted")["notice_id"].to_list()
        number = 50 + len(money)
        if what == "post":
            town.post(D[day], day, GERMAN)
        elif what == "deliver":
            town.let(Delivered(on=D[day], notice_ids=waiting))
        elif what == "withdraw":
            town.let(Withdrawn(on=D[day], notice_ids=waiting, reason="x"))
        elif what == "fail":
            town.let(Failed(on=D[day], notice_ids=waiting))
        elif what == "credit":
            town.invoice(number, amount, kind="credit", applies_to=[(number, (A, B)[which % 2])])
            money.append(number)
        elif what in {"pay", "announce"}:
            town.pay(number, amount, *((A, B), (B,), (A,))[which % 3], on=D[day], pending=what == "announce")
            money.append(number)
        elif money:
            town.let(Reversed(on=D[day], item_id=money[which % len(money)]))
        assert_each_day_once(town)
        assert_every_cent(town, set(money))


def assert_each_day_once(town: Town) -> None:
    """Of the charges of an item that stand, no two have interest of one day, and one at most is the flat sum."""
    stand = town.book.charges.filter(pl.col("reversed_on").is_null())
    assert stand.filter(pl.col("charge") == "interest").select("item_id", "until_on").is_duplicated().sum() == 0
    assert stand.filter(pl.col("charge") == "compensation")["item_id"].is_duplicated().sum() == 0


def assert_every_cent(town: Town, money: set[int]) -> None:
    """What is open of a claim is what nobody paid; of a charge that was taken back, nothing is open or paid."""
    ledger = town.book.allocations.filter(~pl.col("pending"))
    paid = dict(ledger.group_by("item_id").agg(pl.col("amount_minor").sum()).iter_rows())
    gone = set(town.book.charges.drop_nulls("reversed_on")["charge_item_id"])
    for row in town.book.items.filter(~pl.col("item_id").is_in(list(money))).iter_rows(named=True):
        item_id = row["item_id"]
        assert row["open_minor"] + paid.get(item_id, 0) == (0 if item_id in gone else row["amount_minor"])
        assert row["open_minor"] >= 0
