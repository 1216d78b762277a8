"""The first real book: 18,561 open invoices of a food distributor, by the example mappings."""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from dunwell.flows.book.customers import import_accounts
from dunwell.flows.book.importing import ImportReport, import_items
from dunwell.flows.book.starting import start_book
from dunwell.flows.errors import Invalid
from dunwell.flows.runs.deliver import deliver_run
from dunwell.flows.runs.post import post_run
from dunwell.flows.runs.propose import propose_run
from dunwell.records.models import Account, Entity, Item, ItemState, Notice, NoticeLine, Run
from tests.flows.town import at_home
from tests.messages import in_outbox, read

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data" / "highradius-open"
EXAMPLES = ROOT / "docs" / "examples"
DAY = date(2020, 5, 1)
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
    return import_items(DATA / export.file, path, by="anna", at=NOON, on=DAY)


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


def customers(folder: Path) -> Path:
    """The Canadian customers of the export as a list of addresses: made up, and in three languages by turns."""
    numbers = sorted({row["cust_number"] for row in rows(EXPORTS[0]) if row["business_code"] == "CA02"})
    file = folder / "customers.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["company", "customer", "name", "country", "language", "email", "street", "city"])
        for n, number in enumerate(numbers):
            email = "" if n % 4 == 0 else f"ap@c{number}.example"
            writer.writerow(
                ["CA02", number, "", "CA", ("en", "de", "fr")[n % 3], email, f"{n} Main St", "Toronto M4B 1B3"]
            )
    return file


def test_a_real_book_is_sent_in_three_languages_and_again_changes_nothing(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home(tmp_path, monkeypatch)
    start_book(tmp_path, by="anna", at=NOON)
    bring(EXPORTS[0])
    file, mapping = customers(tmp_path), EXAMPLES / "customers.yaml"
    listed = import_accounts(file, mapping, by="anna", at=NOON, on=DAY)
    assert (listed.accounts.added, listed.accounts.changed) == (0, listed.rows)
    first = run_once()
    outbox = tmp_path / "outbox"
    sent = [read(path) for path in in_outbox(outbox)]
    notices = Notice.objects.filter(run=first, state="sent")
    assert len(sent) == notices.count() > 20
    for greeting in ("Dear ", "Sehr geehrte", "Madame, Monsieur"):
        assert sum(greeting in message for message in sent) > len(sent) / 5
    lines = NoticeLine.objects.filter(notice__in=notices)
    asked = sum(lines.filter(role="dunned").values_list("amount_minor", flat=True))
    assert asked == sum(notices.values_list("due_minor", flat=True))
    assert all(state.level > 0 for state in ItemState.objects.filter(item__in=lines.values("item")))
    again = bring(EXPORTS[0])
    assert (again.items.added, again.items.changed, again.accounts.added, again.accounts.changed) == (0, 0, 0, 0)
    listed = import_accounts(file, mapping, by="anna", at=NOON, on=DAY)
    assert (listed.accounts.added, listed.accounts.changed) == (0, 0)
    assert not Notice.objects.filter(run=run_once()).exclude(state="proposed").exists()
    assert len(in_outbox(outbox)) == len(sent)


def run_once() -> Run:
    """Decide, post and deliver what needs nobody's approval."""
    run = propose_run(Entity.objects.get(code="CA02"), as_of=DAY, at=NOON, by="anna")
    post_run(run.pk, today=DAY, at=NOON, by="anna")
    deliver_run(run.pk, clock=lambda: NOON, by="anna")
    return run
