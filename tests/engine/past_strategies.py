"""What a book knows beside its items, as far as the law asks: earlier charges, what was paid and when, and rates."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from dunwell.engine.law.series import Series, tables
from tests.engine.policy_strategies import Keys, one_in, pick

RATES: Final[dict[str, tuple[tuple[date, int], ...]]] = {
    "de-basiszinssatz": ((date(2023, 1, 1), 1_620_000), (date(2024, 1, 1), 3_620_000), (date(2026, 1, 1), 1_270_000)),
    "boe-bank-rate": ((date(2023, 3, 3), 4_250_000), (date(2025, 11, 6), 3_750_000)),
    "ecb-mro": ((date(2023, 9, 20), 4_500_000), (date(2026, 2, 11), 2_150_000), (date(2026, 3, 18), 2_400_000)),
    "nl-wettelijke-rente": ((date(2024, 1, 1), 7_000_000), (date(2026, 1, 1), 4_000_000)),
    "dk-lending": ((date(2023, 7, 3), 3_250_000), (date(2026, 1, 1), 1_750_000)),
    "no-late-payment": ((date(2023, 7, 1), 11_750_000), (date(2026, 1, 1), 12_000_000)),
    "no-collection-rate": ((date(2023, 1, 1), 700_000_000), (date(2026, 1, 1), 750_000_000)),
    "no-compensation": ((date(2023, 7, 1), 470_000_000), (date(2026, 1, 1), 460_000_000)),
    "pl-nbp-reference": ((date(2023, 10, 5), 5_750_000), (date(2026, 3, 5), 4_250_000)),
    "pl-nbp-eur": ((date(2023, 10, 5), 4_350_000), (date(2026, 2, 27), 4_212_300)),
    "se-reference": ((date(2023, 7, 1), 3_500_000), (date(2026, 1, 1), 1_750_000)),
    "lu-legal": ((date(2024, 1, 1), 5_750_000),),
    "ecb-eur-gbp": ((date(2023, 10, 2), 866_450), (date(2026, 3, 2), 871_200)),
    "ecb-eur-jpy": ((date(2023, 10, 2), 158_100_000), (date(2026, 3, 2), 183_470_000)),
    "ecb-eur-kwd": ((date(2023, 10, 2), 326_100), (date(2026, 3, 2), 361_000)),
    "ecb-eur-dkk": ((date(2023, 10, 2), 7_456_500), (date(2026, 3, 2), 7_471_000)),
    "ecb-eur-nok": ((date(2023, 10, 2), 11_373_500), (date(2026, 3, 2), 11_190_000)),
    "ecb-eur-sek": ((date(2023, 10, 2), 11_537_500), (date(2026, 3, 2), 10_700_000)),
    "ecb-eur-pln": ((date(2023, 10, 2), 4_613_000), (date(2026, 3, 2), 4_230_000)),
}


@st.composite
def past_tables(draw: st.DrawFn, rows: Sequence[Keys], as_of: date) -> dict[str, Any]:
    """The tables of a book that only the law reads."""
    charges = {"charges": draw(past_charges(rows, as_of))}
    return draw(past_money(rows, as_of)) | charges | tables(draw(series(as_of)))


def warned(rows: Sequence[Keys], as_of: date) -> list[Keys]:
    """The same items a month earlier; those long overdue were sent a letter whose fourteen days have passed."""
    found = []
    for row in rows:
        due_on, told_on, deadline_on = (row["due_on"] - timedelta(days=days) for days in (30, 29, 15))
        told = {"last_notice_on": told_on, "last_deadline_on": deadline_on} if deadline_on < as_of else {}
        found.append(row | {"due_on": due_on, **told})
    return found


@st.composite
def series(draw: st.DrawFn, as_of: date) -> dict[str, Series]:
    """The series that regimes ask for; now and then one is gone, or not known until today."""
    found = {}
    lacking = draw(pick("", "", "", *RATES))
    ends = draw(pick("", "", "", *RATES))
    for name, rates in RATES.items():
        until_on = as_of - timedelta(days=draw(pick(0, 1, 40))) if name == ends else date(2027, 6, 30)
        if name != lacking and until_on >= rates[0][0]:
            known = [each for each in rates if each[0] <= until_on]
            found[name] = Series(name, until_on, tuple(each[0] for each in known), tuple(each[1] for each in known))
    return found


@st.composite
def past_charges(draw: st.DrawFn, rows: Sequence[Keys], as_of: date) -> list[Keys]:
    """What was charged on items before, of which some was taken back."""
    return [
        {
            "charge_item_id": number,
            "notice_id": 1,
            "item_id": draw(pick(*(row["item_id"] for row in rows))),
            "account_id": 1,
            "currency": "EUR",
            "charge": (charge := draw(pick("fee", "fee", "interest", "compensation"))),
            "stage": "first",
            "amount_minor": draw(pick(1, 100, 2500)),
            "posted_on": (posted_on := as_of - timedelta(days=draw(pick(0, 1, 9, 10, 11, 13, 14, 15, 30)))),
            "sent_on": draw(pick(None, posted_on, posted_on + timedelta(days=1))),
            "until_on": posted_on if charge == "interest" else None,
            "reversed_on": draw(pick(None, None, None, as_of)),
        }
        for number in range(1, draw(pick(0, 0, 1, 2, 4, 8)) * bool(rows) + 1)
    ]


@st.composite
def past_money(draw: st.DrawFn, rows: Sequence[Keys], as_of: date) -> dict[str, list[Keys]]:
    """What came to items, and went again, here and elsewhere."""
    tables: dict[str, list[Keys]] = {"allocations": [], "elsewhere": []}
    for _ in range(draw(pick(0, 0, 1, 2, 5)) if rows else 0):
        move = {
            "item_id": draw(pick(*(row["item_id"] for row in rows))),
            "amount_minor": draw(pick(1, 100, 5000, 100000)),
            "on": as_of - timedelta(days=draw(pick(-1, 0, 1, 2, 5, 14, 29, 100))),
        }
        if draw(pick(True, False)):
            move |= {"source_item_id": 900, "pending": draw(one_in(4))}
        name = "allocations" if "pending" in move else "elsewhere"
        tables[name].append(move)
        if draw(one_in(3)):
            back_on = move["on"] + timedelta(days=draw(pick(0, 1, 7)))
            tables[name].append(move | {"amount_minor": -move["amount_minor"], "on": back_on})
    return tables
