"""A history of 2,466 paid invoices, by the example mapping."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.records.models import Account, AttributeType, Item

ROOT = Path(__file__).parents[3]
FILE = ROOT.parent / "shared" / "data" / "ibm-late-payment" / "WA_Fn-UseC_-Accounts-Receivable.csv"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="../shared/data/ibm-late-payment is not there")


def bring() -> ImportReport:
    """Import the file."""
    mapping = ROOT / "docs" / "examples" / "ibm-late-payment.yaml"
    return import_items(FILE, mapping, by="anna", at=datetime(2014, 1, 1, 12, tzinfo=UTC), on=date(2014, 1, 1))


def rows() -> list[dict[str, str]]:
    """The file as the csv module reads it."""
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def a_day(text: str) -> date:
    """A date as the file writes it."""
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


def test_every_invoice_is_there_to_the_cent_and_settled_on_its_day(db: str) -> None:
    report = bring()
    expected = {
        row["invoiceNumber"]: (
            row["customerID"],
            int(Decimal(row["InvoiceAmount"]) * 100),
            0,
            a_day(row["InvoiceDate"]),
            a_day(row["DueDate"]),
            a_day(row["SettledDate"]),
        )
        for row in rows()
    }
    fields = ("number", "account__code", "amount_minor", "open_minor", "issued_on", "due_on", "closed_on")
    assert {number: tuple(rest) for number, *rest in Item.objects.values_list(*fields)} == expected
    assert (report.rows, report.items.added, report.accounts.added) == (2466, 2466, 100)
    (total,) = report.totals
    assert (total.file_items, total.file_minor, total.book_items, total.book_minor) == (0, 0, 0, 0)
    assert sum(int(Decimal(row["InvoiceAmount"]) * 100) for row in rows()) == sum(
        Item.objects.values_list("amount_minor", flat=True)
    )
    disputed = sum(row["Disputed"] == "Yes" for row in rows())
    assert Item.objects.filter(attributes__was_disputed=True).count() == disputed
    regions = {(account.attributes or {}).get("region") for account in Account.objects.all()}
    assert regions == {row["countryCode"] for row in rows()}
    assert AttributeType.objects.count() == 3


def test_a_second_import_changes_nothing(db: str) -> None:
    bring()
    before = list(Item.objects.order_by("pk").values())
    report = bring()
    assert (report.items.unchanged, report.items.changed, report.accounts.changed, report.tasks) == (2466, 0, 0, 0)
    assert list(Item.objects.order_by("pk").values()) == before
