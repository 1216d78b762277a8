"""`dunwell simulate` as it is typed."""

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import begun
from tests.cli.shell import dunwell, on_a_terminal
from tests.cli.test_policy import GOOD

MAPPING = """\
entity: ACME
account: {column: customer}
email: {column: mail}
number: {column: invoice}
currency: EUR
amount: {column: amount}
issued: {column: issued}
due: {column: due}
settled: {column: settled}
"""
ROWS = """\
customer,mail,invoice,amount,issued,due,settled
MEYER,ap@meyer.example,A-1,100.00,2020-01-01,2020-01-31,2020-02-20
MEYER,ap@meyer.example,A-2,50.00,2020-02-01,2020-02-28,
SMITH,ap@smith.example,B-1,1234.50,2020-01-15,2020-02-14,2020-02-14
"""
POLICY = """\
policy: NAME
stages:
  - {stage: reminder, days_past_due: DAYS, send: [email]}
  - {stage: final, days_past_due: 30, fee: {EUR: 5.00}, send: [email]}
"""
MODEL = "model: guess\npays: [{from_days: 0, percent_a_day: 10}]\nafter_notice: [{times: 2, days: 7}]\n"
PERIOD = ("--from", "2020-01-10", "--to", "2020-03-31")


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book of 2020, two policies and a model."""
    folder = tmp_path_factory.mktemp("past")
    (folder / "map.yaml").write_text(MAPPING)
    (folder / "items.csv").write_text(ROWS)
    for name, days in (("soon", 3), ("late", 12)):
        (folder / f"{name}.yaml").write_text(POLICY.replace("NAME", name).replace("DAYS", str(days)))
    (folder / "guess.yaml").write_text(MODEL)
    begun(folder)
    imported = dunwell("--home", "book", "import", "items.csv", "--mapping", "map.yaml", cwd=folder)
    assert imported.code == 0, imported.err
    return folder


BOTH = ("--policy", "soon.yaml", "--policy", "late.yaml")


def test_two_policies_side_by_side_with_what_that_can_show(past: Path) -> None:
    answer = dunwell("--home", "book", "simulate", *PERIOD, *BOTH, "--cost", "email=0.10", cwd=past)
    assert answer.code == 0, answer.err
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines[0] == "ACME, 2020-01-10 to 2020-03-31, payments as they happened"
    assert "soon late" in lines
    # A-1 is paid on day 20: soon and late remind once; A-2 is reminded, and at the end gets the last one, for a fee.
    assert "notices 3 3" in lines
    assert "all 0.30 0.30" in lines
    assert "open at the end 50.00 50.00" in lines
    assert "payments do not" not in answer.err
    assert any(line.startswith("- A back-test: payments are those that happened") for line in lines)


def test_json_has_every_table_in_minor_units(past: Path) -> None:
    answer = dunwell("--home", "book", "simulate", *PERIOD, *BOTH, "--cost", "email=0.10", "--json", cwd=past)
    assert answer.json["scenarios"][1] == {"scenario": "late", "policies": ["late"]}
    assert answer.json["payments"] == "history"
    totals = answer.json["totals"][0]
    assert (totals["scenario"], totals["closing_minor"], totals["settled"]) == ("soon", 5000, 2)
    assert answer.json["costs_minor"] == {"email": 10}
    assert any("do not react" in each for each in answer.json["claims"])


def test_charts_and_tables_are_written(past: Path) -> None:
    files = ("--chart", "a.html", "--chart", "a.png", "--csv", "tables")
    answer = dunwell("--home", "book", "simulate", *PERIOD, *BOTH, *files, "--model", "guess.yaml", cwd=past)
    assert answer.code == 0, answer.err
    assert "written: a.html" in answer.out
    assert "What this shows, and what it cannot" in (past / "a.html").read_text()
    assert (past / "a.png").read_bytes().startswith(b"\x89PNG")
    with (past / "tables" / "totals.csv").open(newline="") as file:
        assert [row["scenario"] for row in csv.DictReader(file)] == ["soon", "late"]
    assert not list(past.glob("**/.*.*"))


def test_the_same_seed_gives_the_same_and_no_model_takes_no_seed(past: Path) -> None:
    words = ("--home", "book", "simulate", *PERIOD, *BOTH, "--model", "guess.yaml", "--seed", "7", "--json")
    assert dunwell(*words, cwd=past).out == dunwell(*words, cwd=past).out
    answer = dunwell("--home", "book", "simulate", *PERIOD, "--seed", "7", cwd=past)
    assert answer.code == 2
    assert "--seed is the luck of a response model" in answer.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("--from 2020-03-31 --to 2020-01-01", 3, "the period ends before it begins"),
        ("--from 2010-01-01 --to 2010-12-31", 4, "the history of ACME goes from 2020-01-01 to"),
        ("--from 2020-01-10 --to 2020-03-31 --policy nowhere.yaml", 4, "nowhere.yaml is neither a file, a folder nor"),
        ("--from 2020-01-10 --to 2020-03-31 --cost email", 2, "is not what a message costs"),
        ("--from 2020-01-10 --to 2020-03-31 --cost pigeon=1", 3, "no channel is called 'pigeon'"),
        ("--from 2020-01-10 --to 2020-03-31 --chart book", 3, "charts are written as .html, .png or .svg"),
        ("--from 2020-01-10 --to 2020-03-31 --chart folder.png", 3, "folder.png is there and no regular file"),
        ("--from 2020-01-10 --to 2020-03-31 --chart none/a.png", 3, "there is no folder none"),
        ("--from 2020-01-10 --to 2020-03-31 --chart null.png", 3, "null.png is there and no regular file"),
        ("--from 2020-01-10 --to 2020-03-31 --chart a.png --chart a.png", 3, "to the same file"),
        ("--from 2020-01-10 --to 2020-03-31 --csv book/archive", 3, "book/archive belongs to the book"),
        ("--from 2020-01-10 --to 2020-03-31 --chart book/outbox/a.png", 3, "a.png belongs to the book"),
        ("--from 2020-01-10 --to 2020-03-31 --chart a.png --chart book/../a.png", 3, "to the same file"),
        ("--from 2020-01-10 --to 2020-03-31 --csv items.csv", 3, "items.csv is no folder"),
        ("--from 2020-01-10 --to soon", 2, "is not a date"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(past: Path, words: str, code: int, says: str) -> None:
    (past / "folder.png").mkdir(exist_ok=True)
    if not (past / "null.png").is_symlink():
        (past / "null.png").symlink_to("/dev/null")
    before = sorted(past.rglob("*"))
    answer = dunwell("--home", "book", "simulate", *words.split(), cwd=past)
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
    assert sorted(past.rglob("*")) == before


def test_a_bad_policy_beside_a_good_one_is_named_with_its_line(past: Path) -> None:
    (past / "bad.yaml").write_text(GOOD.replace("stages:", "stagse:"))
    answer = dunwell("--home", "book", "simulate", *PERIOD, *BOTH, "--policy", "bad.yaml", cwd=past)
    assert answer.code == 3
    assert "nothing is simulated" in answer.err
    assert "bad.yaml:" in answer.err


def test_a_file_is_enough_and_leaves_nothing_behind(past: Path, tmp_path: Path) -> None:
    words = ("simulate", "--file", past / "items.csv", "--mapping", past / "map.yaml", *PERIOD, "--json")
    env = {"TMPDIR": str(tmp_path), "DUNWELL_DATABASE_URL": f"sqlite:///{past}/book/dunwell.sqlite3"}
    own = ("--policy", past / "soon.yaml")
    answer = dunwell(*words, *own, cwd=tmp_path, env=env)
    assert answer.code == 0, answer.err
    book = dunwell("--home", "book", "simulate", *PERIOD, "--policy", "soon.yaml", "--json", cwd=past)
    assert answer.json == book.json
    assert list(tmp_path.iterdir()) == []
    assert dunwell(*words, cwd=tmp_path, env=env).json["scenarios"][0]["policies"] == [
        "consumer", "key-accounts", "standard-b2b",
    ]  # fmt: skip


def test_a_file_needs_its_mapping_and_is_refused_as_an_import_is(past: Path, tmp_path: Path) -> None:
    alone = dunwell("simulate", "--file", past / "items.csv", *PERIOD, cwd=tmp_path)
    assert (alone.code, "belong together" in alone.err) == (2, True)
    (tmp_path / "bad.csv").write_text(ROWS.replace("100.00", "a lot"))
    words = ("--file", "bad.csv", "--mapping", past / "map.yaml", *PERIOD)
    bad = dunwell("simulate", *words, cwd=tmp_path, env={"TMPDIR": str(tmp_path)})
    assert (bad.code, "bad.csv" in bad.err) == (3, True)
    assert [each.name for each in tmp_path.iterdir()] == ["bad.csv"]


def test_how_far_it_is_is_shown_to_who_watches(past: Path) -> None:
    shown = on_a_terminal("--home", "book", "simulate", *PERIOD, *BOTH, cwd=past)
    assert shown.find("reading the history") < shown.find("simulating") < shown.find("notices")
