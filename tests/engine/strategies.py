"""Random books: a few accounts and items, every field now and then unusual, every date close to a boundary."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from dunwell.engine.book import DEFAULTS, Book
from dunwell.engine.policy.model import Policy
from tests.engine.event_strategies import alert_rows, closing_rows, contact_rows, set_stages
from tests.engine.past_strategies import past_tables, warned
from tests.engine.policy_strategies import (
    ATTRIBUTES,
    STAGE_NAMES,
    Keys,
    charging,
    dutch,
    one_in,
    parsed,
    pick,
    policies,
    without_what_changes,
    yaml_of,
)

DATES: Final = (date(2026, 4, 15), date(2026, 3, 31), date(2024, 2, 29), date(2026, 1, 1), date(2026, 4, 4))
# Days before as_of: around the stages' and gaps' days, so that "exactly" and its neighbours are drawn.
DAYS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 14, 15, 15, 30, 30, 31, 45, 45, 60, -1, -2, -3, -4, -7, -20)
AMOUNTS: Final = (1, 50, 99, 100, 499, 500, 999, 1000, 2500, 5000, 9999, 10000, 10001, 15000, 100000)
CURRENCIES: Final = ("EUR", "EUR", "EUR", "JPY", "KWD")
POLICY_NAMES: Final = ("p1", "p2", "p3")
# The tables that a reader sees of a case.
TOLD: Final = (
    *("accounts", "items", "payers", "anchors", "holds", "promises", "promise_items", "notices", "contacts"),
    *("allocations", "elsewhere", "charges", "series"),
)
TWISTS: Final = (
    *[""] * 16,
    *("disputed", "in_flight", "both", "draft", "pending", "settled", "part", "bad"),
    *("charge", "charge", "credit", "payment"),
)
NEW: Final[Keys] = {
    "repeats": 0,
    "level": 0,
    "stage": None,
    "last_notice_on": None,
    "last_deadline_on": None,
    "version": 0,
}
BAD: Final[tuple[Keys, ...]] = (
    {"due_on": None},
    {"currency": None},
    {"amount_minor": None},
    {"open_minor": None},
    {"open_minor": -1},
    {"in_flight_minor": -5, "disputed_minor": 10**12 + 1},
    {"amount_minor": 10**12 + 1},
    {"account_id": 999},
)


@dataclass(frozen=True)
class Case:
    """A book, policies and a date; shown as policy files and the rows that are not empty."""

    book: Book
    policies: tuple[Policy, ...]
    files: tuple[str, ...]
    as_of: date

    def __repr__(self) -> str:
        return f"Case(as_of={self.as_of}, {self.book.items.height} items, {len(self.policies)} policies)"

    def _repr_pretty_(self, printer: RepresentationPrinter, _cycle: bool) -> None:
        printer.text(repr(self))

    def story(self) -> str:
        """What a reader needs to see the case: policy files, date, and the rows without what is usual in them."""
        parts = [f"as_of: {self.as_of}", *self.files]
        for name in TOLD:
            for row in getattr(self.book, name).to_dicts():
                usual = DEFAULTS.get(name, {})
                shown = {k: v for k, v in row.items() if v is not None and usual.get(k) != v}
                parts.append(f"{name}: " + ", ".join(f"{key}={value}" for key, value in shown.items()))
        return "\n".join(parts)


def near(as_of: date) -> st.SearchStrategy[date]:
    """A date around `as_of`."""
    return pick(*(as_of - timedelta(days=days) for days in DAYS))


def maybe_near(as_of: date) -> st.SearchStrategy[date | None]:
    """Null, half the time."""
    return pick(*(None for _ in DAYS), *(as_of - timedelta(days=days) for days in DAYS))


@st.composite
def accounts(draw: st.DrawFn) -> list[Keys]:
    """One to five accounts of two entities, some paid for by another of their entity."""
    rows: list[Keys] = []
    for account_id in range(1, draw(pick(1, 2, 3, 4, 5)) + 1):
        row: Keys = {
            "account_id": account_id,
            "entity_id": draw(pick(1, 1, 2)),
            "account": f"A{account_id}",
            "segment": draw(pick("smb", "large", None)),
            "country": draw(pick("DE", "FR", None, "ZZ")),
            "debtor_class": draw(pick("business", "consumer", None)),
            "risk": draw(pick(None, 0.1, 0.5, 0.9)),
            "credit_limit_minor": draw(pick(None, 0, 1000, 100000)),
            "customer_since_on": draw(pick(None, date(2020, 1, 1), date(2026, 1, 1))),
            "legal": draw(one_in(30)),
            "intercompany": draw(one_in(30)),
            "channels": draw(pick(31, 31, 31, 1, 2, 3, 7, 0)),
            "max_stage": draw(pick(*[None] * 20, *STAGE_NAMES, "unknown")),
            "attr_score": draw(pick(None, 0, 1, 3, 5)),
            "attr_vip": draw(pick(None, True, False)),
        }
        earlier = [other["account_id"] for other in rows if other["entity_id"] == row["entity_id"]]
        row["parent_id"] = draw(pick(None, *earlier)) if earlier else None
        rows.append(row)
    if draw(one_in(40)):
        rows[0]["parent_id"] = draw(pick(*(row["account_id"] for row in rows)))  # perhaps a cycle
    return rows


@st.composite
def items(draw: st.DrawFn, owners: Sequence[Keys], as_of: date, *, plain: bool) -> list[Keys]:
    """Up to 25 items of every kind; charges are raised on an earlier item, as a rule. `plain`: debit rows in full."""
    rows: list[Keys] = []
    for number in range(draw(pick(1, 2, 3, 4, 5, 6, 8, 12, 25, 0))):
        row = draw(plain_items(100 + number, owners, as_of))
        if not plain:
            draw(twisted(row, rows))
        rows.append(row)
    return rows


@st.composite
def plain_items(draw: st.DrawFn, item_id: int, owners: Sequence[Keys], as_of: date) -> Keys:
    """An open invoice or instalment, new or noticed before."""
    owner = owners[draw(pick(*range(len(owners))))]
    amount = draw(pick(*AMOUNTS))
    row: Keys = {
        "item_id": item_id,
        "account_id": owner["account_id"],
        "entity_id": owner["entity_id"],
        "number": draw(pick("A-1", "B-2", None)),
        "kind": draw(pick("invoice", "invoice", "instalment")),
        "currency": draw(pick(*CURRENCIES)),
        "due_on": draw(near(as_of)),
        "amount_minor": amount,
        "open_minor": amount,
        "disputed_minor": 0,
        "in_flight_minor": 0,
        "parent_item_id": None,
        "draft": False,
        "pending_notice_id": None,
        "max_stage": draw(pick(*[None] * 20, *STAGE_NAMES, "unknown")),
        "attr_contract": draw(pick(None, "C1", "C2")),
        "attr_score": draw(pick(None, None, 3)),
        "interest_from_on": draw(pick(None, None, None, as_of - timedelta(days=draw(pick(*DAYS))))),
        **NEW,
    }
    row["issued_on"] = draw(maybe_near(as_of))
    return row | (draw(noticed(as_of)) if draw(one_in(2)) else {})


@st.composite
def noticed(draw: st.DrawFn, as_of: date) -> Keys:
    """What an earlier notice left behind, or a seeded state without dates."""
    return {
        "level": draw(pick(1, 1, 1, 2, 2, 3, 5)),
        "stage": draw(pick(None, None, *STAGE_NAMES, "unknown")),
        "last_notice_on": draw(maybe_near(as_of)),
        "last_deadline_on": draw(maybe_near(as_of)),
        "repeats": draw(pick(0, 0, 0, 1, 2)),
    }


@st.composite
def twisted(draw: st.DrawFn, row: Keys, earlier: Sequence[Keys]) -> None:
    """Make the item unusual now and then: another kind, parts, a draft, bad data."""
    twist = draw(pick(*TWISTS))
    if not twist:
        return
    part = draw(pick(1, row["amount_minor"] // 2, row["amount_minor"], row["amount_minor"] + 1))
    if twist in {"disputed", "both"}:
        row["disputed_minor"] = part
    if twist in {"in_flight", "both"}:
        row["in_flight_minor"] = part
    if twist in {"charge", "credit", "payment"}:
        row["kind"] = twist
        row["due_on"] = draw(pick(row["due_on"], None))
        twist = draw(pick("", "", "", "part", "settled", "draft", "bad"))
    if row["kind"] == "charge":
        raise_on(draw, row, earlier)
    if twist == "part":
        row["open_minor"] = max(1, row["amount_minor"] - part)
    if twist == "settled":
        row["open_minor"] = 0
    row["draft"] = twist == "draft"
    row["pending_notice_id"] = 7 if twist == "pending" else None
    if twist == "bad":
        row.update(BAD[draw(pick(*range(len(BAD))))])


def raise_on(draw: st.DrawFn, charge: Keys, earlier: Sequence[Keys]) -> None:
    """Give a charge the item it was raised on, if there is one that could be it."""
    raised_on = [other["item_id"] for other in earlier if other["kind"] in {"invoice", "instalment"}]
    item_id = draw(pick(*raised_on, None))
    for item in earlier:
        if item["item_id"] == item_id:
            charge.update({key: item[key] for key in ("account_id", "entity_id", "currency")}, parent_item_id=item_id)


@st.composite
def payer_rows(draw: st.DrawFn, owners: Sequence[Keys], as_of: date) -> list[Keys]:
    """When payers last heard from us."""
    return [
        {"entity_id": o["entity_id"], "payer_id": o["account_id"], "last_contact_on": draw(near(as_of))}
        for o in owners
        if draw(one_in(2))
    ]


@st.composite
def anchor_rows(draw: st.DrawFn, owners: Sequence[Keys], rows: Sequence[Keys], as_of: date) -> list[Keys]:
    """States of account-anchored procedures."""
    states = {}
    for _ in range(draw(pick(0, 1, 2, 3))):
        owner = owners[draw(pick(*range(len(owners))))]
        state = {
            "entity_id": owner["entity_id"],
            "payer_id": owner["account_id"],
            "currency": draw(pick(*CURRENCIES)),
            "policy": draw(pick(*POLICY_NAMES)),
            "anchor_item_id": draw(pick(None, *(row["item_id"] for row in rows))),
            **draw(noticed(as_of)),
            "pending_notice_id": draw(pick(*[None] * 7, 7)),
            "version": 0,
        }
        states[tuple(state[key] for key in ("entity_id", "payer_id", "currency", "policy"))] = state
    return list(states.values())


@st.composite
def hold_rows(draw: st.DrawFn, owners: Sequence[Keys], rows: Sequence[Keys], as_of: date) -> list[Keys]:
    """Holds on accounts and items, some over, some released."""
    holds = []
    for hold_id in range(1, draw(pick(0, 0, 1, 2)) + 1):
        on_item = bool(rows) and draw(pick(False, True))
        held = draw(pick(*((r["item_id"] for r in rows) if on_item else (o["account_id"] for o in owners))))
        holds.append(
            {
                "hold_id": hold_id,
                "item_id": held if on_item else None,
                "account_id": None if on_item else held,
                "from_on": draw(near(as_of)),
                "until_on": draw(maybe_near(as_of)),
                "released_on": draw(maybe_near(as_of)),
            }
        )
    return holds


@st.composite
def dispute_rows(draw: st.DrawFn, rows: Sequence[Keys], as_of: date) -> list[Keys]:
    """Disputes over all of an item, some resolved; what others are about stands in the items themselves."""
    return [
        {
            "dispute_id": dispute_id,
            "item_id": row["item_id"],
            "amount_minor": draw(pick(None, None, 1)),
            "opened_on": as_of - timedelta(days=draw(pick(0, 1, 3, 4))),
            "resolved_on": draw(maybe_near(as_of)),
        }
        for dispute_id, row in enumerate(rows, 1)
        if draw(one_in(12))
    ]


@st.composite
def promise_rows(
    draw: st.DrawFn, owners: Sequence[Keys], rows: Sequence[Keys], as_of: date
) -> tuple[list[Keys], list[Keys]]:
    """Promises, running and broken, with named items or for the oldest due first."""
    promises, links = [], []
    for promise_id in range(1, draw(pick(0, 0, 1, 2, 4)) + 1):
        amount = draw(pick(*AMOUNTS))
        promises.append(
            {
                "promise_id": promise_id,
                "account_id": draw(pick(*(o["account_id"] for o in owners))),
                "currency": draw(pick(*CURRENCIES)),
                "amount_minor": amount,
                "paid_minor": draw(pick(0, 0, 1, amount, amount + 1)),
                "made_on": as_of - timedelta(days=draw(pick(10, 1, 0, -1))),
                "by_on": as_of + timedelta(days=draw(pick(5, 1, 0, -1, -3, -4))),
                "tolerance_days": draw(pick(0, 3)),
                "ended_on": draw(pick(*[None] * 12, as_of, as_of + timedelta(days=1))),
            }
        )
        if draw(one_in(3)) and rows:
            named = {draw(pick(*(row["item_id"] for row in rows))) for _ in range(draw(pick(1, 2, 3)))}
            links += [{"promise_id": promise_id, "item_id": item_id} for item_id in sorted(named)]
    for plan_id in (50, 60):
        if draw(one_in(8)) and rows:
            plan: tuple[list[Keys], list[Keys]] = draw(plan_rows(plan_id, owners, rows, as_of))
            promises, links = promises + plan[0], links + plan[1]
    return promises, links


@st.composite
def plan_rows(
    draw: st.DrawFn, plan_id: int, owners: Sequence[Keys], rows: Sequence[Keys], as_of: date
) -> tuple[list[Keys], list[Keys]]:
    """An instalment plan: promises that share their items, of which some may be kept, and some broken."""
    named = sorted({draw(pick(*(row["item_id"] for row in rows))) for _ in range(draw(pick(1, 2, 3)))})
    shared = {
        "plan_id": plan_id,
        "account_id": draw(pick(*(o["account_id"] for o in owners))),
        "currency": draw(pick(*CURRENCIES)),
        "made_on": as_of - timedelta(days=draw(pick(30, 10, 0, -1))),
        "tolerance_days": draw(pick(0, 3)),
        "ended_on": draw(pick(None, None, None, None, as_of)),
    }
    instalments, links = [], []
    for number in range(draw(pick(1, 2, 3))):
        amount = draw(pick(*AMOUNTS))
        instalments.append(
            {
                **shared,
                "promise_id": plan_id + number,
                "amount_minor": amount,
                "paid_minor": draw(pick(0, 1, amount, amount)),
                "by_on": as_of + timedelta(days=draw(pick(-7, -3, 0)) + 5 * number),
            }
        )
        links += [{"promise_id": plan_id + number, "item_id": item_id} for item_id in named]
    return instalments, links


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False, lawful: bool = False) -> Case:
    """A book with its policies; `plain`: no credits, minimums, blocks or whatever else changes by itself.

    `lawful`: plain, and under one policy that charges by a law.
    """
    plain = plain or lawful
    as_of = draw(pick(*DATES))
    names = POLICY_NAMES[: 1 if plain else draw(pick(1, 2, 3))]
    keys = draw(policies(names))
    if plain:
        without_what_changes(keys[0])
    if lawful:
        draw(charging(keys[0]))
    if is_dutch := lawful and draw(one_in(4)):
        dutch(keys[0])
    read = tuple(parsed(policy) for policy in keys)
    owners = draw(accounts())
    if plain:
        owners = [{**owner, "channels": 31} for owner in owners]
    rows = draw(items(owners, as_of, plain=plain))
    rows = warned(rows, as_of) if is_dutch else rows
    promises, links = ([], []) if plain else draw(promise_rows(owners, rows, as_of))
    notices, contacts = ([], []) if plain else draw(contact_rows(owners, as_of))
    disputes = [] if plain else draw(dispute_rows(rows, as_of))
    past = {} if plain and not lawful else draw(past_tables(rows, as_of))
    book = Book.of(
        entities=[{"entity_id": 1, "entity": "North"}, {"entity_id": 2, "entity": "South"}],
        accounts=framed(owners, ("attr_score", "attr_vip")),
        items=framed(rows, ("attr_contract", "attr_score")),
        payers=draw(payer_rows(owners, as_of)),
        anchors=draw(anchor_rows(owners, rows, as_of)),
        holds=[] if plain else draw(hold_rows(owners, rows, as_of)),
        disputes=disputes,
        promises=promises,
        promise_items=links,
        notices=notices,
        contacts=contacts,
        set_stages=[] if plain else draw(set_stages(rows, keys)),
        closings=[] if plain else draw(closing_rows(owners, as_of)),
        alerts=[] if plain else draw(alert_rows(owners, promises, disputes, as_of)),
        **past,
    )
    return Case(book, read, tuple(yaml_of(policy) for policy in keys), as_of)


def framed(rows: Sequence[Keys], attributes: Sequence[str]) -> pl.DataFrame:
    """A frame whose `attr_*` columns have their declared type, also when every value is null or there is no row."""
    dtypes = {name: ATTRIBUTES[name] for name in attributes}
    empty = pl.DataFrame(schema=dtypes)
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides=dtypes) if rows else empty
