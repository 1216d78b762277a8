"""Reports from the shell: the same figures as a table, JSON, CSV and an Excel workbook, and what is refused."""

import csv
import io
import os
import stat
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest

from dunwell.cli import output, showing
from dunwell.cli.clock import today
from tests.cli.conftest import begun
from tests.cli.shell import Answer, dunwell

MAPPING = """\
entity: {column: entity}
account: {column: customer}
number: {column: invoice}
currency: {column: currency}
amount: {column: amount}
open: {column: open}
issued: {column: issued}
due: {column: due}
settled: {column: settled}
segment: {column: segment}
"""
ROWS = """\
entity,customer,segment,invoice,currency,amount,open,issued,due,settled
ACME,MEYER,=1+1,A-0,EUR,1.00,0,2025-12-20,2025-12-31,2025-12-31
ACME,MEYER,=1+1,A-1,EUR,600.00,0,2026-01-10,2026-02-09,2026-03-15
ACME,MEYER,=1+1,A-2,EUR,310.00,310.00,2026-03-05,2026-04-04,
ACME,SMITH,smb,B-1,JPY,5000,5000,2026-03-06,2026-03-20,
OTHER,HUBER,smb,C-1,EUR,20.00,0,2026-01-01,2026-02-01,2026-01-31
"""
MARCH = ("--month", "2026-03")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the book `book`, whose import tells when things were settled."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "map.yaml").write_text(MAPPING)
    (folder / "items.csv").write_text(ROWS)
    begun(folder)
    brought = dunwell("--home", "book", "import", "items.csv", "--mapping", "map.yaml", cwd=folder)
    assert brought.code == 0, brought.err
    return folder


def report(folder: Path, *words: str) -> Answer:
    return dunwell("--home", "book", "report", *words, cwd=folder)


def test_a_measure_is_the_same_in_every_format(book: Path) -> None:
    told = report(book, "dso", "--entity", "ACME", *MARCH, "--json").json
    assert (told["report"], told["entity"], told["from"], told["to"]) == ("dso", "ACME", "2026-03-01", "2026-03-31")
    eur, jpy = told["rows"]
    assert (eur["receivables_minor"], eur["sales_minor"], eur["dso_days"]) == (31000, 31000, "31.00")
    assert (jpy["receivables_minor"], jpy["dso_days"], jpy["best_possible_dso_days"]) == (5000, "31.00", "0.00")
    shown = report(book, "dso", "--entity", "ACME", *MARCH)
    assert (shown.code, shown.err) == (0, "")
    assert "Receivables / sales x days" in shown.out
    assert "ACME EUR" in shown.out
    assert "currencies are never added" in shown.out
    written = report(book, "dso", "--entity", "ACME", *MARCH, "--csv", "dso.csv", "--excel", "dso.xlsx")
    assert (written.code, written.out) == (0, "")
    assert "2 rows of days sales outstanding are in dso.csv" in written.err
    (first, second) = csv.DictReader((book / "dso.csv").read_text().splitlines())
    assert (first["currency"], first["receivables"], first["dso_days"]) == ("EUR", "310.00", "31.00")
    assert (second["currency"], second["receivables"]) == ("JPY", "5000")
    workbook = openpyxl.load_workbook(book / "dso.xlsx")
    (names, *lines) = workbook["dso"].iter_rows(values_only=True)
    assert dict(zip(names, lines[0], strict=True))["receivables"] == 310
    assert "Days sales outstanding" in [row[0] for row in workbook["about"].iter_rows(values_only=True)]


def test_what_debtors_are_called_is_no_formula(book: Path) -> None:
    files = ("--csv", "by.csv", "--excel", "by.xlsx")
    assert report(book, "dso", "--entity", "ACME", *MARCH, "--by", "segment", *files).code == 0
    (first, _second) = csv.DictReader((book / "by.csv").read_text().splitlines())
    assert first["segment"] == "'=1+1"
    cells = [cell for row in openpyxl.load_workbook(book / "by.xlsx")["dso"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "'=1+1" in [cell.value for cell in cells]


def test_what_no_workbook_takes_is_replaced() -> None:
    rows = [{"entity": "A", "currency": "EUR", "segment": "a\x0bb\x1f"}]
    told: Any = SimpleNamespace(  # a Report, which needs no database here
        name="dso", title="DSO", about="about", rows=rows, notes=["of c\x00d"], from_on=None, to_on=date(2026, 3, 31)
    )
    workbook = openpyxl.load_workbook(io.BytesIO(showing._workbook(told)))
    assert workbook["dso"]["C2"].value == "a\ufffdb\ufffd"
    assert [row[0] for row in workbook["about"].iter_rows(values_only=True)][-1] == "of c\ufffdd"


def test_the_page_of_all_measures(book: Path) -> None:
    page = report(book, "overview", "--from", "2026-02-01", "--to", "2026-03-31")
    assert page.code == 0
    assert [line.split()[:2] for line in page.out.splitlines() if line.startswith("DSO days")] == [["DSO", "days"]]
    assert "OTHER: there is nothing to measure in these days" in page.out
    rows = report(book, "overview", "--entity", "ACME", *MARCH, "--json").json["rows"]
    late = next(row for row in rows if (row["currency"], row["figure"]) == ("EUR", "days_late"))
    assert (late["value"], late["before"]) == ("34.00", None)
    assert report(book, "overview", "--entity", "ACME", *MARCH, "--csv", "page.csv", "--excel", "page.xlsx").code == 0
    found = list(csv.DictReader((book / "page.csv").read_text().splitlines()))
    assert {(row["currency"], row["figure"]): row["value"] for row in found}["EUR", "receivables"] == "310.00"
    assert [row["figure"] for row in found if row["figure"].endswith("_minor")] == []
    lines = openpyxl.load_workbook(book / "page.xlsx")["overview"].iter_rows(values_only=True)
    assert [line[3] for line in lines if line[1:3] == ("EUR", "receivables")] == [310]


def test_money_that_rolled_on(book: Path) -> None:
    shown = report(book, "roll", "--entity", "ACME", "--from", "2026-02-01", "--to", "2026-03-31")
    assert "ACME EUR, to 2026-03-31, in %" in shown.out
    assert "100.00" in shown.out


@pytest.mark.parametrize("name", ["lateness", "success", "responses", "promises", "turnover", "cei"])
def test_each_measure_speaks(book: Path, name: str) -> None:
    found = report(book, name, *MARCH)
    assert (found.code, found.err) == (0, "")
    assert "2026-03-01 to 2026-03-31" in found.out


def test_ageing_on_a_day_of_the_past(book: Path) -> None:
    then = report(book, "ageing", "--entity", "ACME", "--as-of", "2026-02-28", "--json").json
    assert [(row["currency"], row["days_1_30_minor"]) for row in then["rows"]] == [("EUR", 60000)]
    shown = report(book, "ageing", "--as-of", "2026-03-31")
    assert "ACME JPY" in shown.out
    before = report(book, "ageing", "--entity", "ACME", "--as-of", "2025-12-30")
    assert (before.code, "nothing is known of ACME at the end of 2025-12-30" in before.err) == (3, True)


def test_ageing_and_overview_apart_by_segment(book: Path) -> None:
    words = ("ageing", "--entity", "ACME", "--as-of", "2026-03-31", "--by", "segment")
    aged = report(book, *words, "--json").json
    assert [(row["currency"], row["segment"]) for row in aged["rows"]] == [("EUR", "=1+1"), ("JPY", "smb")]
    assert "=1+1" in report(book, *words).out
    page = report(book, "overview", "--entity", "ACME", *MARCH, "--by", "segment")
    assert ("EUR =1+1" in page.out, "JPY smb" in page.out, page.err) == (True, True, "")
    assert report(book, "overview", "--entity", "ACME", *MARCH, "--by", "segment", "--csv", "apart.csv").code == 0
    found = list(csv.DictReader((book / "apart.csv").read_text().splitlines()))
    told = {(row["segment"], row["figure"]): row["value"] for row in found}
    assert (told["'=1+1", "receivables"], told["smb", "receivables"]) == ("310.00", "5000")
    wrong = report(book, "overview", *MARCH, "--by", "stage")
    assert (wrong.code, "--by: 'stage' tells no overview apart: segment, country do" in wrong.err) == (3, True)


def test_what_is_kept_of_days_and_the_trend(book: Path) -> None:
    yesterday = today("UTC") - timedelta(days=1)
    kept = report(book, "snapshot", "--entity", "ACME", "--json").json
    assert (kept["as_of"], len(kept["rows"])) == (yesterday.isoformat(), 2)
    end = today("UTC").replace(day=1) - timedelta(days=1)
    assert report(book, "snapshot", "--entity", "ACME", "--on", end.isoformat()).code == 0
    start = (end - timedelta(days=9)).isoformat()
    many = report(book, "snapshot", "--entity", "ACME", "--from", start, "--to", end.isoformat())
    assert (many.code, f"ACME EUR {start}" in " ".join(many.out.split()) or start in many.out) == (0, True)
    both = report(book, "snapshot", "--on", start, "--from", start)
    assert (both.code, "--on is one day" in both.err) == (2, True)
    told = report(book, "trend", "--entity", "ACME", "--months", "2", "--json", "--csv", "trend.csv").json
    last = [row for row in told["rows"] if row["currency"] == "EUR"][-1]
    assert (date.fromisoformat(last["month_end_on"]), last["days_over_90_minor"]) == (end, 31000)
    assert (last["dso_days"], last["overdue_percent"]) == (None, "100.00")
    assert "days were not kept" in told["notes"][0]
    assert (book / "trend.csv").read_text().startswith("entity,currency,month_end_on,receivables,")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("dso --entity NOPE", 4, "there is no entity 'NOPE'; known: ACME, OTHER"),
        ("dso --from 2026-03-31 --to 2026-03-01", 3, "before they begin on 2026-03-31"),
        ("dso --from 2020-01-01 --to 2020-12-31", 3, "nothing is known of ACME at the end of 2019-12-31"),
        ("dso --month 2026-3", 3, "'2026-3' is not a month, such as 2026-03"),
        ("dso --days 0", 3, "--days: 0 is not between 1 and 36525"),
        ("dso --days -3", 3, "--days: -3 is not between"),
        ("success --within 1000000", 3, "--within: 1000000 is not between 0 and 366 days"),
        ("success --by colour", 3, "--by: 'colour' tells no collection success apart: stage, policy, channel"),
        ("dso --from 31.03.2026", 2, "is not a date"),
        ("trend --months 0", 3, "--months: 0 is not between 1 and 1200"),
        ("snapshot --on 2999-01-01", 3, "is not"),
        ("dso --month 2026-03 --csv .", 3, "--csv: . is there and no regular file"),
        ("dso --month 2026-03 --excel pipe", 3, "--excel: pipe is there and no regular file"),
        ("dso --month 2026-03 --csv no/such/folder.csv", 3, "cannot be read or written"),
    ],
)
def test_refusals_say_what_is_wrong(book: Path, words: str, code: int, said: str) -> None:
    if not (book / "pipe").exists():
        os.mkfifo(book / "pipe")
    refused = report(book, *words.split())
    assert refused.code == code, refused.out
    assert said in refused.err
    assert refused.out == ""


def test_a_file_that_is_there_is_replaced_whole(book: Path) -> None:
    (book / "old.csv").write_text("what was there before, and is longer than what comes after\n" * 50)
    assert report(book, "cei", *MARCH, "--csv", "old.csv").code == 0
    assert (book / "old.csv").read_text().startswith("entity,currency,opening,")
    assert "before, and is longer" not in (book / "old.csv").read_text()
    assert [path.name for path in book.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "own",
    [
        "dunwell.sqlite3",
        "dunwell.sqlite3-wal",
        "dunwell.toml",
        "archive/a.csv",
        "outbox/a.csv",
        "policies/a.csv",
        "link",
    ],
)
def test_nothing_is_written_over_the_book(book: Path, own: str) -> None:
    path = book / "book" / own
    if own == "link" and not path.is_symlink():
        path.symlink_to("dunwell.sqlite3")
    before = path.read_bytes() if path.exists() else None
    for words in (("report", "cei", *MARCH, "--csv"), ("report", "cei", *MARCH, "--excel"),
                  ("journal", "--entity", "ACME", "--from", "2026-03-01", "--to", "2026-03-02", "--out")):  # fmt: skip
        refused = dunwell("--home", "book", *words, f"book/{own}", cwd=book)
        assert (refused.code, refused.out) == (3, "")
        assert f"{words[-1]}: book/{own} belongs to the book: nothing is written over it" in refused.err
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_file_stays_readable_by_whom_it_was(book: Path) -> None:
    (book / "mine.csv").touch(mode=0o600)
    assert report(book, "cei", *MARCH, "--csv", "mine.csv", "--excel", "new.xlsx").code == 0
    assert stat.S_IMODE((book / "mine.csv").stat().st_mode) == 0o600
    usual = book / "usual"
    usual.touch()
    assert (book / "new.xlsx").stat().st_mode == usual.stat().st_mode


def test_a_report_is_not_written_twice_to_one_file(book: Path) -> None:
    refused = report(book, "cei", *MARCH, "--csv", "both", "--excel", "./both")
    assert (refused.code, "--csv and --excel are to be written to the same file" in refused.err) == (3, True)
    assert not (book / "both").exists()


def test_no_figure_is_cut_short_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output.out, "width", 60)
    columns = [[f"ENTITY EUR {n}", f"{n},234,567,890.12"] for n in range(1, 8)]
    showing._print_columns("", ["", "receivables"], columns)
    shown = capsys.readouterr().out
    assert [cell in shown for column in columns for cell in column] == [True] * 14
    assert max(map(len, shown.splitlines())) <= 60


def test_accounts_without_a_segment_are_apart_from_those_of_one_called_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [
        {"entity": "ACME", "currency": "EUR", "segment": segment, "figure": "dso_days", "value": value, "before": None}
        for segment, value in (("unknown", "10.00"), (None, "20.00"))
    ]
    report: Any = SimpleNamespace(rows=rows, by="segment")  # what is asked of one
    showing._print_overview(report)
    shown = capsys.readouterr().out
    assert ("10.00" in shown, "20.00" in shown) == (True, True)
