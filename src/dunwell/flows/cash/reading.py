"""What matching reads of a creditor: bank lines, open items, and who is known to pay from where."""

from collections.abc import Iterable, Set
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final

import polars as pl
from django.db.models import Count, Max, Q, QuerySet

from dunwell.cash import numbers
from dunwell.cash.repeats import EARLIER, LETTER_DAYS, REFERENCE_DAYS
from dunwell.cash.tables import ACCOUNTS, ITEMS, LINES, PAID, PAID_REFERENCES, PAYERS, REFERENCES
from dunwell.engine.book import Schema
from dunwell.engine.references import notice_of, reference_of
from dunwell.engine.steps.parties import payers as payers_of
from dunwell.records import frames
from dunwell.records.models import (
    BANK_LINE_WAITS,
    CAME_IN,
    Account,
    BankLine,
    BankLineState,
    Entity,
    Item,
    KnownPayer,
    NoticeLine,
    NoticeState,
)
from dunwell.records.pieces import in_pieces

MATCHABLE = ["invoice", "instalment", "charge", "credit"]
PAID_DAYS: Final = 400  # what was closed longer ago, nobody pays again by mistake
OWED: Final = ("invoice", "instalment", "charge")
_ID_MAX: Final = 2**63 - 1  # databases know no higher number
_AT_ONCE: Final = 50_000  # closed items that are looked through


def waiting_lines(entity: Entity, *, on: date) -> pl.DataFrame:
    """The money that has come in by a day, and is not applied, nor set aside."""
    found = BankLine.objects.filter(CAME_IN, entity=entity, state__in=BANK_LINE_WAITS, booked_on__lte=on).order_by(
        "booked_on", "pk"
    )
    names = ["pk", *(name for name in LINES if name != "line_id")]
    return _frame(found.values_list(*names).iterator(chunk_size=10_000), LINES)


def earlier_lines(entity: Entity, lines: pl.DataFrame) -> pl.DataFrame:
    """What came in within days of some lines and is applied or set aside, as far as they may repeat it: EARLIER.

    What was booked on a day came in with a statement of that day or later: others are not looked through.
    """
    days = lines["booked_on"].unique().sort().to_list()
    if not days:
        return pl.DataFrame(schema=EARLIER)
    near = {day + timedelta(days=n) for day in days for n in range(-LETTER_DAYS, LETTER_DAYS + 1)}
    called = {day + timedelta(days=n) for day in days for n in range(-REFERENCE_DAYS, REFERENCE_DAYS + 1)}
    since = datetime.combine(min(called), time(), UTC) - timedelta(days=1)
    of_near, of_called = Q(booked_on__in=near), Q(booked_on__in=called) & ~Q(end_to_end_ref="")
    done = [BankLineState.APPLIED, BankLineState.SET_ASIDE]
    found = BankLine.objects.filter(
        CAME_IN, of_near | of_called, state__in=done, statement__entity=entity, statement__imported_at__gte=since
    )  # fmt: skip
    return _frame(found.order_by().values_list(*EARLIER).iterator(chunk_size=10_000), EARLIER)


def open_items(entity: Entity, *, on: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The open items that money can be for, and who pays for each account."""
    book = frames.book(entity.pk, as_of=on)
    payers = payers_of(book.accounts)
    items = (
        book.items.filter(pl.col("kind").cast(pl.String).is_in(MATCHABLE), ~pl.col("draft"), pl.col("open_minor") > 0)
        .join(payers, on="account_id")
        .join(_discounts(entity), on="item_id", how="left", maintain_order="left")
    )
    return items.select(pl.col(name).cast(dtype) for name, dtype in ITEMS.items()), payers


def _discounts(entity: Entity) -> pl.DataFrame:
    """The open items of which a discount may be taken, and until when; deciding whom to remind needs none of it."""
    schema: Schema = {name: ITEMS[name] for name in ("item_id", "discount_minor", "discount_until_on")}
    granted = Item.objects.filter(entity=entity, closed_on=None, discount_minor__gt=0)
    rows = granted.values_list("pk", "discount_minor", "discount_until_on").iterator(chunk_size=10_000)
    return _frame(rows, schema)


def debtors(entity: Entity, payers: pl.DataFrame) -> pl.DataFrame:
    """The accounts of an entity with their payers, codes and names."""
    rows = Account.objects.filter(entity=entity).values_list("pk", "code", "name").iterator(chunk_size=10_000)
    names = _frame(rows, {"account_id": pl.Int64, "account": pl.String, "name": pl.String})
    return names.join(payers, on="account_id", how="left").select(list(ACCOUNTS))


def given_references(entity: Entity) -> pl.DataFrame:
    """The references that notices asked to quote, and the open items that each stands for."""
    if not _schemes(entity):
        return pl.DataFrame(schema=REFERENCES)
    said = _said_lines(entity).filter(item__closed_on=None).order_by("notice")
    rows = [
        (reference_of(scheme, notice_id), item_id)
        for notice_id, item_id in said.values_list("notice", "item").distinct()
        for scheme in _schemes(entity)
    ]
    return _frame(rows, REFERENCES)


def reference_forms(entity: Entity) -> pl.DataFrame:
    """One reference of each kind that notices of an entity ask to quote (reference)."""
    rows = [(reference_of(scheme, 1),) for scheme in _schemes(entity)]
    return _frame(rows, {"reference": pl.String})


def paid_references(entity: Entity, references: pl.Series, accounts: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Those of some references whose notice has nothing open, and lately had: as tables.PAID_REFERENCES.

    Each is read back to the number of its notice: never all that was ever noticed is looked through.
    """
    quoted = [
        (reference, notice_id)
        for reference in references.unique()
        for scheme in _schemes(entity)
        if (notice_id := notice_of(scheme, reference)) is not None and notice_id <= _ID_MAX
    ]
    settled: list[tuple[int, int]] = []
    for ids in in_pieces({notice_id for _reference, notice_id in quoted}):
        told = _said_lines(entity).filter(notice__in=ids).order_by().values_list("notice", "notice__payer")
        with_open = told.annotate(open=Count("pk", filter=Q(item__closed_on=None)), last=Max("item__closed_on"))
        lately = with_open.filter(open=0, last__gte=on - timedelta(days=PAID_DAYS))
        settled += [(notice_id, account_id) for notice_id, account_id, _open, _last in lately]
    noticed = _frame(settled, {"notice_id": pl.Int64, "account_id": pl.Int64})
    return (
        _frame(quoted, {"reference": pl.String, "notice_id": pl.Int64})
        .join(noticed, on="notice_id")
        .join(accounts, on="account_id")
        .select(list(PAID_REFERENCES))
    )


def _said_lines(entity: Entity) -> QuerySet[NoticeLine]:
    """What is on notices that left, or are about to."""
    return NoticeLine.objects.filter(
        notice__entity=entity, notice__state__in=[NoticeState.POSTED, NoticeState.SENT]
    )  # fmt: skip


def _schemes(entity: Entity) -> list[str]:
    """The schemes that an entity's references come back in; of none, nothing."""
    if not entity.reference_scheme:
        return []
    # What a Finnish letter writes as RF, a bank there may write in the form of the country.
    return [entity.reference_scheme, *(["viite"] if entity.reference_scheme == "viite_rf" else [])]


def paid_items(asked: pl.DataFrame, accounts: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """The items of payers, closed within PAID_DAYS, whose keys are `asked` for (tables.ASKED): as tables.PAID.

    Only accounts of those payers are looked through, by the index of accounts: never all that was ever paid.
    """
    own = accounts.join(asked.select("payer_id").unique(), on="payer_id", how="semi")
    payer_of = own.select("account_id", "payer_id")
    schema: Schema = {"account_id": pl.Int64, **{name: PAID[name] for name in PAID if name != "payer_id"}}
    found = [pl.DataFrame(schema=PAID)]
    for ids in in_pieces(payer_of["account_id"]):
        closed = Item.objects.filter(
            account__in=ids, closed_on__gte=on - timedelta(days=PAID_DAYS), kind__in=OWED, draft=False
        ).exclude(number="")  # fmt: skip
        rows = iter(closed.order_by().values_list(*schema).iterator(chunk_size=10_000))
        while some := list(islice(rows, _AT_ONCE)):
            told = _frame(some, schema).join(payer_of, on="account_id").select(list(PAID))
            keyed = numbers.written(told.with_row_index("place").select("place", "payer_id", "number"))
            places = keyed.join(asked, on=["payer_id", "key"], how="semi")["place"].unique()
            found.append(told[places.sort()])
    return pl.concat(found)


def paid_numbers(entity: Entity, asked: Set[str], accounts: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """The items of these numbers that were closed within PAID_DAYS, whoever owed them: as tables.PAID."""
    schema: Schema = {"account_id": pl.Int64, **{name: PAID[name] for name in PAID if name != "payer_id"}}
    rows: list[tuple[object, ...]] = []
    for numbers_asked in in_pieces(asked):
        closed = Item.objects.filter(entity=entity, number__in=numbers_asked).exclude(number="")
        lately = closed.filter(closed_on__gte=on - timedelta(days=PAID_DAYS), kind__in=OWED, draft=False)
        rows += lately.order_by().values_list(*schema)
    payer_of = accounts.select("account_id", "payer_id")
    return _frame(rows, schema).join(payer_of, on="account_id").select(list(PAID))


def known_payers(entity: Entity) -> pl.DataFrame:
    """Who pays from where, as far as it was learned."""
    rows = KnownPayer.objects.filter(entity=entity).order_by("pk").values_list("kind", "value", "account")
    return _frame(rows, PAYERS)


def _frame(rows: Iterable[tuple[object, ...]], schema: dict[str, "pl.DataType | type[pl.DataType]"]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")
