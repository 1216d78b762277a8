"""Bank statements, from the shell."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import dunwell, on_a_terminal
from tests.sources.bank.mt940_files import IBAN, mt940

ONE = mt940(["260302 50 //B1 invoice A-17", "260302 -20 //B2 rent"], opens=100)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book that knows its bank account."""
    home = filled(tmp_path) / "book"
    answer = dunwell("cash", "account", IBAN, "--name", "Main", "--json", cwd=home)
    assert answer.json["account"] == IBAN
    (home / "one.sta").write_bytes(ONE.encode())
    return home


def test_statements_are_taken_in_and_listed(book: Path) -> None:
    told = dunwell("cash", "import", "one.sta", cwd=book).out
    assert "2 lines added, 30.00 EUR; 0 entries were known" in told
    assert "taken in before; nothing changed" in dunwell("cash", "import", "one.sta", cwd=book).out
    lines = dunwell("cash", "lines", cwd=book).out
    assert "invoice A-17" in lines
    assert "-20.00 EUR" in lines
    (account,) = dunwell("cash", "accounts", "--json", cwd=book).json["accounts"]
    assert (account["lines"], account["until_on"], account["balance_minor"]) == (2, "2026-03-02", 13000)


def test_a_refused_file_leaves_those_before_it(book: Path) -> None:
    (book / "two.sta").write_bytes(ONE.replace("EUR130,", "EUR131,").replace("//B", "//C").encode())
    answer = dunwell("cash", "import", "one.sta", "two.sta", "--json", cwd=book)
    assert answer.code == 3
    assert [each["statements"][0]["lines"] for each in answer.json["files"]] == [2]
    assert "it opens with 100.00 EUR, its lines come to 30.00 EUR, and it closes with 131.00 EUR" in answer.err
    assert len(dunwell("cash", "lines", "--state", "open", "--json", cwd=book).json["lines"]) == 2


def test_what_is_not_known_says_what_to_do(tmp_path: Path) -> None:
    home = filled(tmp_path) / "book"
    assert "dunwell cash account NUMBER" in dunwell("cash", "accounts", cwd=home).out
    (home / "one.sta").write_bytes(ONE.encode())
    answer = dunwell("cash", "import", "one.sta", cwd=home)
    assert (answer.code, f"{IBAN} is not known as an entity's bank account" in answer.err) == (3, True)
    assert dunwell("cash", "lines", "--state", "lost", cwd=home).code == 3


def test_money_is_matched_reviewed_applied_and_taken_back(book: Path) -> None:
    (book / "two.sta").write_bytes(mt940(["260302 100 //C1 thanks"], opens=130).encode())
    assert dunwell("cash", "import", "two.sta", cwd=book).code == 0
    told = dunwell("cash", "match", cwd=book).out
    assert "1 lines: 0 applied" in told
    assert "100.00 EUR = 0.00 applied + 0.00 left on accounts + 100.00 waiting" in told
    (waiting,) = dunwell("cash", "review", "--json", cwd=book).json["lines"]
    assert "line " + str(waiting["line"]) in dunwell("cash", "review", cwd=book).out
    item = dunwell("report", "ageing", "--json", cwd=book).json
    assert item
    applied = dunwell("cash", "apply", str(waiting["line"]), "--account", "MEYER", "--json", cwd=book)
    assert (applied.code, applied.json["line"], len(applied.json["payments"])) == (0, waiting["line"], 1)
    assert dunwell("cash", "review", cwd=book).out.strip() == "nothing waits"
    assert dunwell("cash", "unapply", str(waiting["line"]), "--reason", "not his", cwd=book).code == 0
    assert len(dunwell("cash", "review", "--json", cwd=book).json["lines"]) == 1
    assert "nobody is known" in dunwell("cash", "payers", cwd=book).out


def test_a_person_at_a_terminal_says_line_by_line_what_is_what(book: Path) -> None:
    lines = ["260302 100 //C1 thanks", "260302 50 //C2 hello", "260302 7 //C3 what"]
    (book / "two.sta").write_bytes(mt940(lines, opens=130).encode())
    assert dunwell("cash", "import", "two.sta", cwd=book).code == 0
    assert dunwell("cash", "match", "--propose", cwd=book).code == 0
    shown = on_a_terminal("cash", "review", cwd=book, answers="A-99\nA-17\ns\n=SMITH\n")
    assert shown.count("item numbers, =ACCOUNT, s: skip, q: quit") == 4  # a typing error is said, and asked again
    assert "there is no item 'A-99'" in shown
    applied = dunwell("cash", "lines", "--state", "applied", "--json", cwd=book).json["lines"]
    assert sorted(line["amount_minor"] for line in applied) == [700, 10_000]


def test_a_line_is_set_aside_and_taken_up_again(book: Path) -> None:
    assert dunwell("cash", "import", "one.sta", cwd=book).code == 0
    (line,) = dunwell("cash", "review", "--json", cwd=book).json["lines"]
    number = str(line["line"])
    assert "is set aside" in dunwell("cash", "set-aside", number, "--reason", "a loan", cwd=book).out
    assert dunwell("cash", "review", cwd=book).out.strip() == "nothing waits"
    answer = dunwell("cash", "set-aside", number, "--reason", "no loan", "--back", "--json", cwd=book)
    assert answer.json == {"line": line["line"]}
    assert len(dunwell("cash", "review", "--json", cwd=book).json["lines"]) == 1


def test_what_matching_may_do_is_set_and_shown(book: Path) -> None:
    told = {each["name"]: each for each in dunwell("cash", "settings", "--json", cwd=book).json["settings"]}
    assert (told["threshold_permille"]["value"], told["tolerances"]["value"]["EUR"]) == (950, 100)
    change = ("--set", "threshold_permille=98.5%", "--set", "tolerances=EUR:2.00,USD:0", "--set", "hold_back_days=5")
    answer = dunwell("cash", "settings", *change, "--json", cwd=book)
    own = {each["name"]: each["value"] for each in answer.json["settings"] if each["is_own"]}
    assert own == {"threshold_permille": 985, "tolerances": {"EUR": 200, "USD": 0}, "hold_back_days": 5}
    assert "EUR:2.00,USD:0.00" in dunwell("cash", "settings", cwd=book).out
    assert dunwell("cash", "settings", "--usual", "tolerances", cwd=book).code == 0
    refused = dunwell("cash", "settings", "--set", "threshold_permille=80%", cwd=book)
    assert (refused.code, "80.0% is too low" in refused.err) == (3, True)
    for words in (("--set", "oldest_first"), ("--set", "oldest_first=no", "--set", "oldest_first=yes")):
        assert dunwell("cash", "settings", *words, cwd=book).code == 2


def test_a_run_matches_first_or_says_what_it_cannot_know(book: Path) -> None:
    assert dunwell("cash", "import", "one.sta", cwd=book).code == 0
    assert dunwell("cash", "settings", "--set", "match_before_run=no", cwd=book).code == 0
    answer = dunwell("propose", cwd=book)
    assert "warning: 1 bank line waits to be matched, and whoever sent them may be reminded" in answer.err
    assert dunwell("run", "start", "--json", cwd=book).json["unmatched"] == {"lines": 1, "why": ""}
    assert dunwell("cash", "settings", "--usual", "match_before_run", cwd=book).code == 0
    assert dunwell("propose", "--json", cwd=book).json["unmatched"] == {"lines": 0, "why": ""}
    (line,) = dunwell("cash", "review", "--json", cwd=book).json["lines"]
    assert line["outcome"] != ""


def test_a_run_that_was_to_be_posted_waits_where_money_could_not_be_matched(book: Path) -> None:
    assert dunwell("cash", "import", "one.sta", cwd=book).code == 0
    with closing(sqlite3.connect(book / "dunwell.sqlite3")) as kept, kept:
        kept.execute("""UPDATE records_entity SET cash = '{"treshold_permille": 990}'""")
    answer = dunwell("run", "start", "--post", cwd=book)
    assert (answer.code, "it is not posted by itself" in answer.out) == (0, True)
    assert "warning: before a run, money could not be matched" in answer.err
    assert "treshold_permille: there is no such setting; did you mean 'threshold_permille'?" in answer.err
    assert dunwell("cash", "match", cwd=book).code == 3
    assert dunwell("cash", "settings", "--usual", "treshold_permille", cwd=book).code == 0
    assert dunwell("cash", "match", cwd=book).code == 0


def test_money_that_waits_says_whose_reminders_it_holds_back(book: Path) -> None:
    (book / "two.sta").write_bytes(mt940(["260302 77 //C1 customer MEYER"], opens=130).encode())
    assert dunwell("cash", "import", "two.sta", cwd=book).code == 0
    with closing(sqlite3.connect(book / "dunwell.sqlite3")) as kept, kept:
        kept.execute("UPDATE records_bankline SET party_name = 'Meyer [bold] GmbH'")
    assert dunwell("cash", "settings", "--set", "hold_back_days=60", cwd=book).code == 0
    assert dunwell("cash", "match", cwd=book).code == 0
    until = dunwell("cash", "review", "--json", cwd=book).json["lines"][0]["held_until_on"]
    assert f"reminders of its payer: held back through {until}" in dunwell("cash", "review", cwd=book).out
    assert f"lasts through {until}: money came in on 2026-03-02: bank line" in dunwell("explain", "A-17", cwd=book).out


def test_an_advice_finds_its_line_is_listed_and_forgotten(book: Path) -> None:
    (book / "two.sta").write_bytes(mt940(["260302 100 //C1 MEYER pay run 4711-88"], opens=130).encode())
    assert dunwell("cash", "import", "two.sta", cwd=book).code == 0
    assert "no payer has advised anything" in dunwell("cash", "advices", cwd=book).out
    (book / "avis.csv").write_text(
        "Payment ref;4711-88\nPayment date;2026-03-03\nInvoice;Amount\nA-17;100.00\n", encoding="utf-8"
    )
    told = dunwell("cash", "advice", "avis.csv", "--account", "MEYER", cwd=book).out
    assert "1 document, 100.00 EUR of MEYER; it goes with line" in told
    assert "dunwell cash match" in told
    assert "taken in before; nothing changed" in dunwell("cash", "advice", "avis.csv", cwd=book).out
    (advice,) = dunwell("cash", "advices", "--json", cwd=book).json["advices"]
    assert (advice["account"], advice["total_minor"], advice["documents"]) == ("MEYER", 10_000, 1)
    assert "avis.csv" in dunwell("cash", "advices", cwd=book).out
    number = str(advice["advice"])
    assert dunwell("cash", "advices", "--forget", number, "--json", cwd=book).json == {"advices": [], "more": 0}
    assert dunwell("cash", "advices", "--forget", number, cwd=book).code == 4
    (taken,) = dunwell("cash", "advice", "avis.csv", "--line", str(advice["line"]), "--json", cwd=book).json["files"]
    assert taken["advices"][0]["line"] == advice["line"]


def test_an_advice_that_is_refused_leaves_those_before_it(book: Path) -> None:
    (book / "good.csv").write_text("Invoice;Amount\nA-17;100.00\n", encoding="utf-8")
    (book / "bad.csv").write_text("Invoice;Amount\nA-17;100.00\nTotal;90.00\n", encoding="utf-8")
    answer = dunwell("cash", "advice", "good.csv", "bad.csv", "--json", cwd=book)
    assert (answer.code, [each["file"] for each in answer.json["files"]]) == (3, ["good.csv"])
    assert "bad.csv:3: the total is 90.00 EUR, and the documents come to 100.00 EUR: -10.00 EUR" in answer.err
    assert "it waits for its bank line" in dunwell("cash", "advice", "good.csv", cwd=book).out
    assert dunwell("cash", "advice", "good.csv", "bad.csv", "--line", "1", cwd=book).code == 2
