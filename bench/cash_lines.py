"""Bank lines with known truth, made from open items with a seed: what payers write, and what they get wrong."""

import gzip
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from dunwell.cash.tables import ACCOUNTS, ITEMS, LINES, PAYERS, REFERENCES

DATA: Final = Path(__file__).parents[2] / "shared" / "data" / "highradius-open" / "open_invoices_9700.csv.gz"
BOOKED: Final = date(2020, 5, 4)
# How many of a thousand lines are of which kind.
KINDS: Final = {
    "number": 330, "numbers": 130, "reference": 70, "amount only": 120, "lump": 50, "truncated": 30, "mistyped": 30,
    "discount": 40, "discount only": 10, "short": 25, "charges": 25, "over": 20, "part": 20, "third party": 30,
    "some missing": 15, "twice": 5, "noise": 50,
}  # fmt: skip
WORDS: Final = [
    "INVOICE {n}",
    "Inv. {n} dated {d}",
    "Rechnung {n} vom {d}",
    "RG.NR. {n} / {d} / {a} EUR",
    "{n}",
    "payment {n}, order {o}",
    "{n} {a}",
    "INV#{n} CUST {c}",
    "Zahlung Re {n} Tel. 0711 {p}",
    "REF {n} {d} thank you",
    "facture {n} du {d} cde {o}",
]
SILENT: Final = [
    "",
    "payment",
    "PMT {d}",
    "Zahlung vom {d}",
    "order {o}",
    "thank you {a}",
    "EFT {o} {d}",
    "Sammelzahlung",
]
STEMS: Final = [
    "ALBRECHT",
    "BERGMANN",
    "CASTELLO",
    "DORNIER",
    "ELMWOOD",
    "FAIRWAY",
    "GRANADA",
    "HOLLAND",
    "IRVING",
    "JANSSEN",
    "KELLER",
    "LINDQVIST",
    "MORAVIA",
    "NORDEN",
    "OSTERIA",
    "PALMER",
    "QUADRIGA",
    "ROSSINI",
    "SCHUBERT",
    "TALBOT",
    "UNDERHILL",
    "VOLKER",
    "WESTERN",
    "YARROW",
    "ZIMMERMANN",
    "ARGENTA",
    "BOREALIS",
    "CORVIN",
    "DELPHIN",
    "EUROPA",
    "FONTANA",
    "GALAXIS",
    "HEIDEN",
]
TRADES: Final = [
    "FOODS",
    "LOGISTIK",
    "TRADING",
    "MARKET",
    "BAU",
    "TECHNIK",
    "PHARMA",
    "STEEL",
    "PAPER",
    "TEXTIL",
    "MOTORS",
    "WINES",
]
FORMS: Final = ("GMBH", "AG", "LTD", "INC", "CORP", "LLC", "SA", "BV")


@dataclass
class Ledger:
    """One creditor's open items and debtors, and what lines are made of them."""

    items: pl.DataFrame
    accounts: pl.DataFrame
    payers: pl.DataFrame
    spellings: dict[int, list[str]]
    ibans: dict[int, str]


@dataclass
class Told:
    """Lines, the references that were given out, and by line its kind and the items that it truly pays."""

    lines: pl.DataFrame
    references: pl.DataFrame
    kinds: dict[int, str]
    truth: dict[int, dict[int, int]] = field(default_factory=dict)


def real() -> list[Ledger]:
    """The books of the business codes of `highradius-open`; empty where the file is not there."""
    if not DATA.exists():
        return []
    frame = pl.read_csv(gzip.decompress(DATA.read_bytes()), infer_schema_length=0)
    return [
        _real(part, seed)
        for seed, (_code, part) in enumerate(sorted(frame.group_by("business_code"), key=lambda p: p[0]))
    ]


def _real(rows: pl.DataFrame, seed: int) -> Ledger:
    customers = rows["cust_number"].unique().sort()
    ids = {customer: place + 1 for place, customer in enumerate(customers)}
    spelt = (
        rows.group_by("cust_number", "name_customer")
        .len()
        .sort("cust_number", "len", "name_customer", descending=[False, True, False])
    )
    spellings: dict[int, list[str]] = {}
    for customer, name, _count in spelt.iter_rows():
        spellings.setdefault(ids[customer], []).append(name)
    account = pl.col("cust_number").replace_strict(ids, return_dtype=pl.Int64)
    items = rows.sort("doc_id").with_columns(
        item_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), account_id=account, payer_id=account,
        number=pl.col("doc_id").str.strip_suffix(".0"), kind=pl.lit("invoice"), currency="invoice_currency",
        issued_on=pl.col("document_create_date").str.to_date("%Y-%m-%d", strict=False),
        due_on=pl.col("due_in_date").str.to_date("%Y-%m-%d", strict=False),
        open_minor=(pl.col("total_open_amount").cast(pl.Float64) * 100).round().cast(pl.Int64),
    )  # fmt: skip
    accounts = pl.DataFrame(
        [{"account_id": ids[c], "payer_id": ids[c], "account": c, "name": spellings[ids[c]][0]} for c in customers],
        schema=ACCOUNTS,
    )
    return _ledger(items, accounts, spellings, seed)


def made_up(n: int, seed: int = 1) -> Ledger:
    """A book of `n` open items of a tenth as many debtors, a few of them with hundreds."""
    chance = random.Random(seed)
    debtors = max(n // 10, 1)
    spellings = {}
    for account_id in range(1, debtors + 1):
        stem, trade = chance.choice(STEMS), chance.choice(TRADES)
        town = "".join(chance.choices("ABDEGIKLMNORSTU", k=6))
        name = f"{town} {stem} {trade}"
        spellings[account_id] = [f"{name} {chance.choice(FORMS)}", name, f"{name} {chance.choice(FORMS)}"]
    large = max(debtors // 1000, 1)
    account = (
        pl.when(pl.col("k") % 10 == 0).then(pl.col("k") // 10 * 7919 % large).otherwise(pl.col("k") * 104_729 % debtors)
        + 1
    )
    items = (
        pl.int_range(n, eager=True).alias("k").to_frame()
        .with_columns(item_id=pl.col("k") + 1, account_id=account, payer_id=account)
        .with_columns(
            number=pl.when(pl.col("account_id") % 3 == 0)
            .then("RE-2020/" + (pl.col("k") + 100_000).cast(pl.String).str.zfill(7))
            .otherwise((pl.col("k") * 7 + 1_930_000_000).cast(pl.String)),
            kind=pl.lit("invoice"),
            currency=pl.when(pl.col("account_id") % 20 == 0).then(pl.lit("GBP")).otherwise(pl.lit("EUR")),
            issued_on=BOOKED - pl.duration(days=20 + pl.col("k") * 31 % 80),
            due_on=BOOKED - pl.duration(days=pl.col("k") * 31 % 80) + pl.duration(days=10),
            open_minor=1_000 + (pl.col("k").hash(seed) % 4_000_000).cast(pl.Int64),
        )
    )  # fmt: skip
    accounts = pl.DataFrame(
        {"account_id": list(spellings), "payer_id": list(spellings), "account": [f"{700_000 + a}" for a in spellings],
         "name": [s[0] for s in spellings.values()]}, schema=ACCOUNTS,
    )  # fmt: skip
    return _ledger(items, accounts, spellings, seed)


def _ledger(items: pl.DataFrame, accounts: pl.DataFrame, spellings: dict[int, list[str]], seed: int) -> Ledger:
    """Add what both have: discounts on one item in five, and what is known; of who buys more, more is known."""
    chance = random.Random(seed)
    ibans = {account_id: f"DE{chance.randrange(10**20):020d}" for account_id in accounts["account_id"]}
    owed = dict(items.group_by("account_id").len().iter_rows())
    known = [a for a in ibans if chance.random() > 0.6 * 0.9 ** owed.get(a, 0)]
    learned = [("iban", ibans[a], a) for a in known] + [
        ("name", name, a) for a in known for name in spellings[a] if chance.random() < 0.5
    ]
    payers = pl.DataFrame(learned, schema=PAYERS, orient="row")
    has_discount = pl.col("item_id") % 5 == 0
    whole = items.with_columns(
        amount_minor="open_minor",
        discount_minor=pl.when(has_discount).then((pl.col("open_minor") * 2 + 50) // 100),
        discount_until_on=pl.when(has_discount).then(pl.lit(BOOKED + timedelta(days=5))),
    )
    return Ledger(
        whole.select(pl.col(name).cast(dtype) for name, dtype in ITEMS.items()), accounts, payers, spellings, ibans
    )


class Payments:
    """Makes lines; every item is paid by one line at most, save for those that are paid twice."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        """Shuffle the debtors' items with the seed."""
        self.ledger, self.chance = ledger, random.Random(seed)
        self.owed: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for item in ledger.items.sort("due_on", "item_id").iter_rows(named=True):
            self.owed.setdefault((item["payer_id"], item["currency"]), []).append(item)
        self.keys = sorted(self.owed)
        self.chance.shuffle(self.keys)
        self.customers = dict(ledger.accounts.select("account_id", "account").iter_rows())
        self.references: list[dict[str, Any]] = []
        self.paid: list[tuple[dict[str, Any], int]] = []

    def take(self, count: int, *, oldest: bool = False) -> list[dict[str, Any]]:
        """Items of one debtor, as many as it has up to `count`; debtors take turns, as their items do."""
        if not self.keys:
            return []
        turn = self.chance.randrange(len(self.keys))
        key = self.keys[turn]
        mine = self.owed[key]
        places = range(min(count, len(mine))) if oldest else self.chance.sample(range(len(mine)), min(count, len(mine)))
        taken = [mine[place] for place in places]
        gone = set(places)
        self.owed[key] = [item for place, item in enumerate(mine) if place not in gone]
        if not self.owed[key]:
            self.keys[turn] = self.keys[-1]
            self.keys.pop()
        return taken

    def line(self, kind: str) -> tuple[dict[str, Any], dict[int, int]]:
        """A line of a kind, and what it truly pays of which item."""
        if kind == "noise":
            return self._noise(), {}
        if kind == "twice":
            return self._twice()
        count = {"numbers": self.chance.randint(2, 6), "lump": self.chance.randint(2, 7), "some missing": 4}.get(
            kind, 1
        )
        items = self.take(count, oldest=kind == "lump" and self.chance.random() < 0.6)
        if not items:
            return self._noise(), {}
        total = sum(item["open_minor"] for item in items)
        line = self._from(items[0]["payer_id"], items[0]["currency"], total)
        truth = {item["item_id"]: item["open_minor"] for item in items}
        shown = [self._written(item["number"]) for item in items]
        self._worded(line, kind, items, shown)
        self._priced(line, kind, items, truth)
        self.paid.append((line, items[0]["payer_id"]))
        return line, truth

    def _worded(self, line: dict[str, Any], kind: str, items: list[dict[str, Any]], shown: list[str]) -> None:
        """Write the text of a line, and its reference."""
        chance = self.chance
        if kind in {"amount only", "lump", "discount only"}:
            line["text"] = self._said(chance.choice(SILENT), "", items)
            return
        if kind == "reference":
            line["reference"] = f"RF{chance.randrange(10, 99)}{items[0]['item_id']:012d}"
            self.references.append({"reference": line["reference"], "item_id": items[0]["item_id"]})
            return
        if kind == "truncated":
            bare = items[0]["number"]
            shown = [bare[: -chance.randint(1, 3)] if chance.random() < 0.5 else bare[chance.randint(1, 3) :]]
        if kind == "mistyped":
            shown = [self._mistyped(items[0]["number"])]
        if kind == "some missing" and len(shown) > 1:
            shown = shown[:-1]
        if kind == "third party":
            line["party_name"], line["party_iban"] = self._stranger()
        line["text"] = self._said(chance.choice(WORDS), chance.choice((", ", " ", "/", " + ", "; ")).join(shown), items)

    def _priced(self, line: dict[str, Any], kind: str, items: list[dict[str, Any]], truth: dict[int, int]) -> None:
        """Change the amount of a line as the kind says, and the truth with it."""
        item, chance = items[0], self.chance
        open_minor = item["open_minor"]
        if kind in {"discount", "discount only"} and item["discount_minor"]:
            truth[item["item_id"]] -= item["discount_minor"]
        elif kind == "short":
            truth[item["item_id"]] -= chance.randint(1, min(100, open_minor // 2))
        elif kind == "charges":
            charges = min(chance.randint(500, 2_500), open_minor // 3)
            truth[item["item_id"]] -= charges
            line["charges_minor"] = charges if chance.random() < 0.7 else None
        elif kind == "part":
            truth[item["item_id"]] = max(open_minor * chance.randint(2, 8) // 10, 1)
        over = chance.choice((chance.randint(1, 100), chance.randint(1_000, 50_000))) if kind == "over" else 0
        line["amount_minor"] = sum(truth.values()) + over

    def _from(self, payer_id: int, currency: str, amount_minor: int) -> dict[str, Any]:
        """A line of a debtor, under any of its spellings; eight times in ten with its account."""
        name = self.chance.choice(self.ledger.spellings[payer_id])
        return {
            "currency": currency, "amount_minor": amount_minor,
            "booked_on": BOOKED - timedelta(days=self.chance.randrange(4)),
            "party_name": name if self.chance.random() < 0.97 else name[:-1],
            "party_iban": self.ledger.ibans[payer_id] if self.chance.random() < 0.8 else None,
        }  # fmt: skip

    def _twice(self) -> tuple[dict[str, Any], dict[int, int]]:
        if not self.paid:
            return self._noise(), {}
        line, _payer_id = self.chance.choice(self.paid)
        return {**line, "booked_on": BOOKED + timedelta(days=1)}, {}

    def _noise(self) -> dict[str, Any]:
        """Money of no debtor; one in five has the amount of an item by chance."""
        chance, amount = self.chance, self.chance.randrange(100, 5_000_000)
        if chance.random() < 0.2 and self.keys:
            amount = chance.choice(self.owed[chance.choice(self.keys)])["open_minor"]
        name, iban = self._stranger()
        text = self._said(chance.choice(SILENT + WORDS), str(chance.randrange(10**9)), [])
        return {
            "currency": self.keys[0][1] if self.keys else "EUR", "amount_minor": amount, "booked_on": BOOKED,
            "text": text, "party_name": name, "party_iban": iban,
        }  # fmt: skip

    def _stranger(self) -> tuple[str, str]:
        """Nobody, or (three in ten) another debtor, who pays for somebody else."""
        chance = self.chance
        if chance.random() < 0.3:
            other = (
                chance.choice(list(self.ledger.ibans))
                if len(self.ledger.ibans) < 2_000
                else chance.randint(1, len(self.ledger.ibans))
            )
            return self.ledger.spellings[other][0], self.ledger.ibans[other]
        who = "".join(chance.choices("BCDFGHKLMNPRSTVAEIOU", k=8))
        return f"{who} SERVICES {chance.choice(FORMS)}", f"FR{chance.randrange(10**20):020d}"

    def _said(self, words: str, number: str, items: list[dict[str, Any]]) -> str:
        chance = self.chance
        day = BOOKED - timedelta(days=chance.randrange(90))
        customer = (
            self.customers[items[0]["account_id"]] if items and chance.random() < 0.5 else str(chance.randrange(10**6))
        )
        return words.format(
            n=number, d=day.strftime(chance.choice(("%d.%m.%Y", "%Y-%m-%d", "%d/%m/%y"))), c=customer,
            o=chance.randrange(10**4, 10**9), a=f"{chance.randrange(10**6) / 100:.2f}",
            p=chance.randrange(10**5, 10**7),
        )  # fmt: skip

    def _written(self, number: str) -> str:
        """As payers write a number: as it is, without signs, with blanks, without zeros."""
        digits = "".join(letter for letter in number if letter.isdigit())
        return self.chance.choice(
            (number, number, number.lower(), number.replace("/", " "), number.replace("-", ""), digits, f"00{digits}")
        )

    def _mistyped(self, number: str) -> str:
        place = self.chance.randrange(len(number) - 5, len(number))
        kind = self.chance.randrange(3)
        if kind == 0:
            return number[:place] + str((int(number[place]) + self.chance.randint(1, 9)) % 10) + number[place + 1 :]
        if kind == 1:
            return number[:place] + number[place + 1 :]
        return number[:place] + number[place - 1] + number[place:]


def told(ledger: Ledger, n: int, seed: int) -> Told:
    """Make `n` lines. The same seed makes the same lines."""
    payments = Payments(ledger, seed)
    kinds = payments.chance.choices(list(KINDS), weights=list(KINDS.values()), k=n)
    made = [payments.line(kind) for kind in kinds]
    rows = [{**dict.fromkeys(LINES), **line, "line_id": place + 1} for place, (line, _truth) in enumerate(made)]
    truth = {place + 1: paid for place, (_line, paid) in enumerate(made)}
    shown = {place: kind if truth[place] or kind == "twice" else "noise" for place, kind in enumerate(kinds, start=1)}
    return Told(
        pl.DataFrame(rows, schema=LINES), pl.DataFrame(payments.references, schema=REFERENCES), shown, truth
    )  # fmt: skip
