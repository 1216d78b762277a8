"""The first real book: 18,561 open invoices of a food distributor, by the example mappings."""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.flows.errors import Invalid
from dunwell.records.models import Account, Entity, Item

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data" / "highradius-open"
EXAMPLES = ROOT / "docs" / "examples"
NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/highradius-open is not there")


@dataclass(frozen=True)
class Export:
    """One of the two files."""

    file: str
    mapping: str
    amount: str
    currency: str | None
    entities: tuple[tuple[str, str], ...] = ()


EXPORTS = (
    Export("open_invoices_9700.csv.gz", "highradius-open-9700.yaml", "total_open_amount", "invoice_currency"),
    Export(
        "open_invoices_9681_usd.csv.gz", "highradius-open-9681-usd.yaml", "converted_usd", None, (("CA02", "CA02-USD"),)
    ),
)


def bring(export: Export, mapping: Path | None = None) -> ImportReport:
    """Import an export."""
    path = mapping or EXAMPLES / export.mapping
    return import_items(DATA / export.file, path, by="anna", at=NOON, on=date(2020, 5, 1))


def rows(export: Export) -> list[dict[str, str]]:
    """The file as the csv module reads it."""
    with gzip.open(DATA / export.file, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def totals(export: Export) -> dict[tuple[str, str], tuple[int, int, Decimal]]:
    """Count, sum in minor units and what rounding added, by entity and currency: counted without Dunwell."""
    found: dict[tuple[str, str], tuple[int, int, Decimal]] = defaultdict(lambda: (0, 0, Decimal(0)))
    for row in rows(export):
        exact = Decimal(row[export.amount])
        cents = (exact * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        code = dict(export.entities).get(row["business_code"], row["business_code"])
        key = code, row[export.currency] if export.currency else "USD"
        count, total, rounding = found[key]
        found[key] = count + 1, total + int(cents), rounding + cents / 100 - exact
    return dict(found)


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.file)
def test_control_totals_agree_to_the_cent_and_a_second_import_changes_nothing(db: str, export: Export) -> None:
    expected = totals(export)
    report = bring(export)
    assert report.items.added == report.rows == len(rows(export))
    assert {
        (each.entity, each.currency): (each.file_items, each.file_minor, each.rounding) for each in report.totals
    } == expected
    assert all((each.book_items, each.book_minor) == (each.file_items, each.file_minor) for each in report.totals)
    again = bring(export)
    assert (again.items.added, again.items.changed, again.accounts.added, again.accounts.changed) == (0, 0, 0, 0)
    assert again.totals == report.totals
    assert again.entities_added == 0


def test_account_numbers_keep_their_zeros_and_the_most_frequent_name(db: str) -> None:
    report = bring(EXPORTS[0])
    assert Account.objects.filter(code="0200769623").exists()
    names: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows(EXPORTS[0]):
        names[row["business_code"], row["cust_number"]][row["name_customer"].strip()] += 1
    stored = {(account.entity.code, account.code): account.name for account in Account.objects.select_related("entity")}
    assert stored == {key: max(counts, key=counts.__getitem__) for key, counts in names.items()}
    assert "399 accounts with more than one name" in report.warnings[0]
    item = Item.objects.get(number="1930571429")
    assert (item.amount_minor, item.attributes) == (873471, {"terms": "NAA8"})


def test_both_files_share_a_book(db: str) -> None:
    bring(EXPORTS[0])
    report = bring(EXPORTS[1])
    assert Item.objects.count() == 9700 + report.items.added
    assert report.items.unchanged == 753  # the same invoices, with the same amounts
    assert Entity.objects.count() == 7


def test_without_leave_to_round_a_third_decimal_is_refused(db: str, tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    text = (EXAMPLES / EXPORTS[1].mapping).read_text(encoding="utf-8")
    strict.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("round:")))
    with pytest.raises(Invalid) as caught:
        bring(EXPORTS[1], strict)
    assert "576 problems; nothing was written" in str(caught.value)
    assert "converted_usd: 64982.589 has more decimals than USD has (2); `round: half_up` in the mapping" in str(
        caught.value
    )
    assert not Item.objects.exists()


def test_converted_amounts_are_no_change_of_the_same_invoices(db: str, tmp_path: Path) -> None:
    bring(EXPORTS[0])
    text = (EXAMPLES / EXPORTS[1].mapping).read_text(encoding="utf-8")
    same = tmp_path / "same-entity.yaml"
    same.write_text(text.replace("  values: {CA02: CA02-USD}", "  values: {}"))
    with pytest.raises(
        Invalid, match=r"currency: '\d+' is in USD here and in CAD in the book; a currency never changes"
    ):
        bring(EXPORTS[1], same)
