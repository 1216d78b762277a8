"""The sample book, put together: customers, items, history, and what stands in the way of dunning some of them."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import Book, Schema, table
from dunwell.sources.sample import words as w
from dunwell.sources.sample.customers import Customer, customers
from dunwell.sources.sample.history import give_history
from dunwell.sources.sample.invoices import Items, Row, make_items

ENTITIES: Final = (
    {"entity_id": 1, "entity": "NORD", "name": "Nordwind Handels GmbH", "currency": "EUR", "country": "DE",
     "language": "de", "time_zone": "Europe/Berlin", "address_lines": "Speicherstraße 12\n20457 Hamburg",
     "email": "buchhaltung@nordwind.example", "phone": "+49 40 5550-120", "iban": "DE02120300000000202051",
     "bic": "BYLADEM1001", "bank_name": "Deutsche Kreditbank Berlin",
     "footer_lines": "Amtsgericht Hamburg, HRB 104512\nGeschäftsführerin: Inga Petersen\nUSt-IdNr. DE123456789"},
    {"entity_id": 2, "entity": "ALBION", "name": "Albion Supplies Ltd", "currency": "GBP", "country": "GB",
     "language": "en", "time_zone": "Europe/London", "address_lines": "14 Wharf Street\nLeeds LS2 7EQ",
     "email": "accounts@albion.example", "phone": "+44 113 496 0120", "iban": "GB33BUKB20201555555555",
     "bic": "BUKBGB22", "bank_name": "Barclays Bank UK PLC",
     "footer_lines": "Registered in England and Wales, no. 01234567\nVAT no. GB 123 4567 89"},
)  # fmt: skip
ATTRIBUTES: Final = {"account": {"sales_rep": "text"}, "item": {"contract": "text"}}
# Columns that records keep and the engine does not.
MORE: Final[dict[str, Schema]] = {
    "entities": {
        "name": pl.String,
        "currency": pl.String,
        "country": pl.String,
        "language": pl.String,
        "time_zone": pl.String,
        "address_lines": pl.String,
        "email": pl.String,
        "phone": pl.String,
        "iban": pl.String,
        "bic": pl.String,
        "bank_name": pl.String,
        "footer_lines": pl.String,
    },
    "accounts": {"name": pl.String, "attr_sales_rep": pl.String},
    "items": {"attr_contract": pl.String, "closed_on": pl.Date},
    "holds": {"reason": pl.String},
    "disputes": {"reason": pl.String},
}
CONTACTS: Final[Schema] = {
    "account_id": pl.Int64, "name": pl.String, "email": pl.String, "phone": pl.String, "address_lines": pl.String,
}  # fmt: skip
PAYMENTS: Final[Schema] = {
    "item_id": pl.Int64, "entity_id": pl.Int32, "state": pl.String, "received_on": pl.Date, "external_id": pl.String,
    "reference": pl.String,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Tables by their name in the book, with ids from 1, and with them what records keep besides.

    `tables` has the columns of `engine.book.SCHEMAS` and of MORE; `contacts` and `payments` are records' own.
    """

    tables: dict[str, pl.DataFrame]
    contacts: pl.DataFrame
    payments: pl.DataFrame

    def book(self) -> Book:
        """The sample as the engine sees it, with nothing of records' own."""
        bits = pl.lit(0, dtype=pl.UInt8)
        for bit, column in enumerate(("email", "address_lines", "phone")):
            bits = bits + pl.when(pl.col(column) != "").then(1 << bit).otherwise(0).cast(pl.UInt8)
        reached = self.contacts.select("account_id", channels=bits)
        tables = {name: rows.drop(set(MORE.get(name, {})) - _ATTRIBUTE_COLUMNS) for name, rows in self.tables.items()}
        tables["accounts"] = tables["accounts"].drop("channels").join(reached, on="account_id", how="left")
        return Book.of(**{name: table(name, rows) for name, rows in tables.items()})


_ATTRIBUTE_COLUMNS: Final = {f"attr_{name}" for names in ATTRIBUTES.values() for name in names}


def sample_book(*, seed: int, as_of: date, accounts: int = 2000, items: int = 12000) -> Sample:
    """Make up a book as of a date, the same for the same seed, on any machine.

    Two entities, customers in nine countries and four currencies, four habits of payment; most items are not overdue
    or only just. Some are disputed, held, promised, on their way, at a level that earlier runs reached; a few cannot
    be decided at all: one has no due date, some are in a currency that no shipped policy knows.
    """
    rng = random.Random(seed)  # noqa: S311  # a made-up book, not a secret
    made_customers = customers(rng, {1: "NORD", 2: "ALBION"}, accounts, as_of)
    made = make_items(rng, made_customers, items, as_of)
    _oddities(rng, made, as_of)
    contacts = [each.contact for each in made_customers if each.contact["email"] or each.contact["address_lines"]]
    payers, anchors = give_history(made.rows, {_id(row): bool(row["email"]) for row in contacts}, as_of=as_of)
    overdue = [row for row in made.rows if row.is_claim and row.due_on and row.due_on < as_of and row.open_minor]
    rng.shuffle(overdue)
    disputes = [_dispute(rng, n, overdue.pop(), as_of) for n in range(1, min(len(overdue), items // 100) + 1)]
    promises, promise_items = _promises(rng, overdue, items // 150, as_of)
    rows: dict[str, list[dict[str, object]]] = {
        "entities": [dict(entity) for entity in ENTITIES],
        "accounts": [each.row for each in made_customers],
        "items": [row.columns for row in made.rows],
        "payers": payers,
        "anchors": anchors,
        "holds": _holds(rng, made_customers, overdue, as_of),
        "disputes": disputes,
        "promises": promises,
        "promise_items": promise_items,
        "allocations": made.allocations,
    }
    return Sample(
        tables={name: _frame(name, listed) for name, listed in rows.items()},
        contacts=pl.DataFrame(contacts, schema=CONTACTS),
        payments=pl.DataFrame(made.payments, schema=PAYMENTS),
    )


def _frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Shape rows as the book's table with the columns of MORE."""
    more = MORE.get(name, {})
    own = [{key: value for key, value in row.items() if key not in more} for row in rows]
    extra = pl.DataFrame([{key: row.get(key) for key in more} for row in rows], schema=more)
    shaped = table(name, own)
    return pl.concat([shaped, extra], how="horizontal") if more else shaped


def _oddities(rng: random.Random, made: Items, as_of: date) -> None:
    """Spoil a handful of items: without a due date, or in a currency that the shipped policies do not know."""
    business = [row for row in made.rows if row.is_claim and row.customer.segment == "smb"]
    plain = [row for row in business if row.open_minor == row.amount_minor and not row.columns["in_flight_minor"]]
    chosen = rng.sample(plain, min(len(plain), 5))
    for row in chosen[:2]:
        row.due_on = None
        row.columns["due_on"] = None
    for row in chosen[2:]:
        row.due_on = as_of - timedelta(days=5)
        row.issued_on = row.due_on - timedelta(days=30)
        row.columns |= {"currency": "SEK", "due_on": row.due_on, "issued_on": row.issued_on}


def _dispute(rng: random.Random, number: int, row: Row, as_of: date) -> dict[str, object]:
    """A dispute over an overdue item: whole or a part, now and then resolved."""
    amount = row.amount_minor if rng.random() < 0.6 else max(1, row.open_minor * rng.randint(10, 60) // 100)
    opened_on = as_of - timedelta(days=rng.randint(5, 30))
    resolved_on = opened_on + timedelta(days=4) if rng.random() < 0.2 else None
    if resolved_on is None:
        row.columns["disputed_minor"] = amount
    return {
        "dispute_id": number, "item_id": row.item_id, "amount_minor": amount, "opened_on": opened_on,
        "resolved_on": resolved_on, "reason": rng.choice(w.DISPUTES),
    }  # fmt: skip


def _holds(rng: random.Random, made: list[Customer], overdue: list[Row], as_of: date) -> list[dict[str, object]]:
    """Holds on accounts and on items: without an end, ending later, just over, or released."""
    subjects: list[dict[str, object]] = [
        {"account_id": each.account_id} for each in rng.sample(made, max(4, len(made) // 150))
    ]
    subjects += [{"item_id": row.item_id} for row in overdue[: max(4, len(made) // 80)]]
    rows = []
    for number, subject in enumerate(subjects, start=1):
        from_on = as_of - timedelta(days=rng.randint(3, 25))
        until_on = rng.choice((None, as_of + timedelta(days=rng.randint(0, 20)), as_of - timedelta(days=1)))
        released_on = as_of - timedelta(days=1) if until_on is None and rng.random() < 0.15 else None
        row = {"hold_id": number, "from_on": from_on, "until_on": until_on, "released_on": released_on}
        rows.append({"account_id": None, "item_id": None, **subject, **row, "reason": rng.choice(w.HOLDS)})
    return rows


def _promises(
    rng: random.Random, overdue: list[Row], n: int, as_of: date
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Promises for overdue items, named or not: half of them still to be kept, half broken."""
    promises: list[dict[str, object]] = []
    named: list[dict[str, object]] = []
    for number, row in enumerate(overdue[-n:] if n else [], start=1):
        by_on = (
            as_of + timedelta(days=rng.randint(0, 14))
            if rng.random() < 0.5
            else as_of - timedelta(days=rng.randint(1, 12))
        )
        amount = row.open_minor if rng.random() < 0.8 else max(1, row.open_minor // 2)
        promises.append({
            "promise_id": number, "account_id": row.customer.account_id, "currency": row.columns["currency"],
            "amount_minor": amount, "paid_minor": 0, "made_on": by_on - timedelta(days=15), "by_on": by_on,
            "tolerance_days": 2,
        })  # fmt: skip
        if rng.random() < 0.6:
            named.append({"promise_id": number, "item_id": row.item_id})
    return promises, named


def _id(row: dict[str, object]) -> int:
    return int(str(row["account_id"]))
