"""Whatever is paid, announced, allocated and taken back: a waived fee follows its item, and no cent of it is lost."""

from typing import TypeAlias

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.engine.events import Reversed
from tests.engine.town import D, Town

Deed: TypeAlias = tuple[str, int, int]  # what, which, how much

ITEM, OTHER_ITEM, FEE, KEPT_FEE = 1, 2, 3, 4
deeds = st.lists(
    st.tuples(
        st.sampled_from(["pay", "announce", "arrive", "reverse", "unallocated", "allocate", "credit"]),
        st.integers(0, 20),
        st.integers(1, 150),
    ),
    max_size=15,
)


def town_with_fees() -> Town:
    """Two invoices of 1.00; one bears two fees of 0.50, of which one is waived when it is settled."""
    town = Town().invoice(ITEM, 100).invoice(OTHER_ITEM, 100)
    for number in (FEE, KEPT_FEE):
        town.invoice(number, 50, kind="charge", parent_item_id=ITEM, waivable=number == FEE)
    return town


def let(town: Town, deed: Deed, money: list[int], announced: list[int]) -> None:
    """Let one deed happen; what cannot (yet) be done is passed over."""
    what, which, amount = deed
    number, target = 10 + len(money), (ITEM, FEE, OTHER_ITEM, KEPT_FEE)[which % 4]
    source = money[which % len(money)] if money else None
    if what == "credit":
        town.invoice(number, amount, kind="credit", applies_to=[(number, target)])
    elif what in {"pay", "announce", "unallocated"}:
        town.pay(number, amount, *([] if what == "unallocated" else [target]), pending=what == "announce")
    elif what == "arrive" and announced:
        town.pay(announced.pop(), amount)
        return
    elif what == "reverse" and source is not None:
        town.let(Reversed(on=D[9], item_id=source))
        if source in announced:
            announced.remove(source)
        return
    elif what == "allocate" and source is not None and not town.item(source)["draft"]:
        town.allocate(source, target, amount)
        return
    else:
        return
    money.append(number)
    if what == "announce":
        announced.append(number)


@settings(max_examples=settings().max_examples // 2)
@given(deeds)
def test_a_fee_is_paid_open_or_waived_and_waived_only_while_its_item_is_settled(story: list[Deed]) -> None:
    town, money, announced = town_with_fees(), list[int](), list[int]()
    for deed in story:
        let(town, deed, money, announced)
        paid = town.book.allocations.filter(~pl.col("pending")).group_by("item_id").agg(pl.col("amount_minor").sum())
        paid_of = dict(paid.iter_rows())
        item, fee, kept = town.item(ITEM), town.item(FEE), town.item(KEPT_FEE)
        assert fee["open_minor"] + paid_of.get(FEE, 0) + fee["waived_minor"] == 50
        assert (kept["waived_minor"], kept["open_minor"] + paid_of.get(KEPT_FEE, 0)) == (0, 50)
        if item["open_minor"]:
            assert fee["waived_minor"] == 0
        elif not fee["in_flight_minor"]:
            assert fee["open_minor"] == 0
