"""`dunwell policy plan`: what policies would change, told to people, pull requests and programs."""

import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dunwell.cli import planned
from tests.cli.conftest import begun, filled
from tests.cli.shell import Answer, dunwell, on_a_terminal, python

NOW = """\
policy: ours
title: Ours
priority: 10
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: final, days_past_due: 60, fee: {EUR: 5.00}, send: [email]}
"""
NEXT = NOW.replace("priority: 10", "priority: 10\nescalate: jump")
BROKEN = NEXT.replace("days_past_due: 60", "days_pastdue: 60")
HEADLINE = "2 items change stage; 1 notice at another stage; fees +5.00 EUR"
INTERRUPTED = """
import sys
from dunwell.cli import doors
from dunwell.cli.main import main
doors.open_book()
from dunwell.flows import policy_plan
def interrupt(*_given, **_more):
    raise KeyboardInterrupt
policy_plan.decide = interrupt
sys.argv = ["dunwell", "policy", "plan", "next.yaml", "--as-of", "2020-07-10"]
main()
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book in `book`, with a policy in force, and others beside it; nothing in it is changed."""
    folder = filled(tmp_path_factory.mktemp("desk"))
    for name, text in {"now.yaml": NOW, "next.yaml": NEXT, "broken.yaml": BROKEN}.items():
        (folder / name).write_text(text)
    assert dunwell("--home", "book", "policy", "apply", "now.yaml", cwd=folder).code == 0
    return folder


def plan(desk: Path, *words: str) -> Answer:
    return dunwell("--home", "book", "policy", "plan", *words, cwd=desk)


def test_it_says_in_a_sentence_and_tables_what_changes_and_leaves_with_0(desk: Path) -> None:
    answer = plan(desk, "next.yaml", "--as-of", "2020-07-10")
    assert (answer.code, answer.err) == (0, "")
    lines = [line.rstrip() for line in answer.out.splitlines()]
    assert lines[:4] == ["ours: in place of version 1 (ACME on 2020-07-10)", HEADLINE, "", "Items"]
    assert "ACME    (none)   reminder          final              1" in lines
    assert "ACME    (none)   not yet reminder  not yet final      1" in lines  # SMITH, whom no mail reaches
    assert "ACME    MEYER    (none)   another stage  EUR       150.00  155.00  reminder -> final" in lines


def test_on_a_narrow_terminal_no_column_is_cut_short(desk: Path) -> None:
    shown = on_a_terminal("--home", "book", "policy", "plan", "next.yaml", "--as-of", "2020-07-10", cwd=desk)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    for words in ("change stage", "dunned otherwise", "another stage", "reminder -> final", "channels"):
        assert words in plain


def test_a_pull_request_gets_markdown(desk: Path) -> None:
    answer = plan(desk, "next.yaml", "--as-of", "2020-07-10", "--markdown")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[:3] == [f"**{HEADLINE}**", "", "- ours: in place of version 1 (ACME on 2020-07-10)"]
    heads = [lines[at + 2 : at + 4] for at, line in enumerate(lines) if line.startswith("#### ")]
    assert all(row.count("|") == rule.count("|") > 3 for row, rule in heads)
    folded = answer.out.partition("<details>\n")[2].partition("\n</details>")[0]
    assert folded.startswith("<summary>Accounts: all 1</summary>\n\n| entity | account |")
    assert "`MEYER`" in folded
    assert (
        "Accounts: 0 of 1" not in plan(desk, "next.yaml", "--as-of", "2020-07-10", "--markdown", "--accounts", "0").out
    )


def test_a_program_gets_all_of_it(desk: Path) -> None:
    found = plan(desk, "next.yaml", "--as-of", "2020-07-10", "--json", "--accounts", "0").json
    assert (found["headline"], found["changes"], found["warnings"]) == (HEADLINE, True, [])
    assert [row["account"] for row in found["accounts"]] == ["MEYER"]
    assert {row["number"]: (row["entity"], row["stage_before"], row["stage_after"]) for row in found["items"]} == {
        "A-17": ("ACME", "reminder", "final"),
        "B-1": ("ACME", "reminder", "final"),
    }
    assert found["charges"] == [
        {"entity": "ACME", "segment": None, "currency": "EUR", "charge": "fee", "before_minor": 0, "after_minor": 500}
    ]


def test_what_is_in_force_changes_nothing(desk: Path) -> None:
    answer = plan(desk, "now.yaml")
    assert answer.code == 0
    assert answer.out.endswith("nothing changes: the policies in force stay as they are\n")
    assert plan(desk, "now.yaml", "--json").json["changes"] is False
    (desk / "titled.yaml").write_text(NOW.replace("title: Ours", "title: The same"))
    assert "nothing changes: 3 open items decided, all as before" in plan(desk, "titled.yaml").out


def test_a_policy_can_be_looked_at_as_retired(desk: Path) -> None:
    answer = plan(desk, "--retire", "ours", "--as-of", "2020-07-10")
    assert answer.code == 0
    assert answer.out.startswith("ours: version 1 retired (ACME on 2020-07-10)\n")
    unknown = plan(desk, "--retire", "nobody")
    assert (unknown.code, unknown.out) == (4, "")
    assert "no policy 'nobody' for every entity is in force" in unknown.err


def test_what_policy_check_warns_of_is_told_and_where_two_would_tie(desk: Path) -> None:
    (desk / "doubtful.yaml").write_text(
        NEXT.replace("send: [email]}\n  -", "send: [sms]}\n  -").replace("10\n", "100\n")
    )
    answer = plan(desk, "doubtful.yaml")
    assert answer.code == 0
    assert "sms does not reach any of 2 accounts: no address for it is in the book" in answer.err
    assert "priority: standard-b2b is in force with the same priority, 100" in answer.err
    assert "Warnings:" in plan(desk, "doubtful.yaml", "--markdown").out
    assert len(plan(desk, "doubtful.yaml", "--json").json["warnings"]) == 2


def test_beside_one_that_cannot_be_parsed_nothing_is_planned(desk: Path) -> None:
    answer = plan(desk, "next.yaml", "broken.yaml")
    assert (answer.code, answer.out) == (3, "")
    assert "1 problem: nothing is planned, since half a change comes to something else" in answer.err
    assert "broken.yaml:7: stages[1].days_pastdue: unknown key; did you mean 'days_past_due'?" in answer.err
    assert (plan(desk, "broken.yaml", "--json").code, plan(desk, "none.yaml").code) == (3, 4)


def test_an_attribute_that_the_book_does_not_know_is_refused(desk: Path) -> None:
    (desk / "unknown.yaml").write_text(NEXT + "applies_to: \"attr_region = 'north'\"\n")
    answer = plan(desk, "unknown.yaml")
    assert (answer.code, answer.out) == (3, "")
    assert "unknown.yaml:8: applies_to: " in answer.err
    assert "attr_region" in answer.err


@pytest.mark.parametrize(
    "words",
    [["next.yaml", "--json", "--markdown"], [], ["next.yaml", "--accounts", "-1"], ["next.yaml", "--as-of", "x"]],
)
def test_what_contradicts_itself_is_wrong_usage(desk: Path, words: list[str]) -> None:
    assert plan(desk, *words).code == 2


def test_an_empty_book_changes_in_nothing(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "next.yaml").write_text(NEXT)
    answer = plan(tmp_path, "next.yaml")
    assert (answer.code, answer.out) == (0, "nothing changes: there is no entity in this book yet\n")
    assert plan(tmp_path, "next.yaml", "--entity", "ACME").code == 4


def test_no_book_and_what_is_no_book_of_this_release_are_refused(tmp_path: Path) -> None:
    (tmp_path / "next.yaml").write_text(NEXT)
    (tmp_path / "book").mkdir()
    answer = plan(tmp_path, "next.yaml")
    assert (answer.code, answer.out) == (4, "")
    assert "there is no book" in answer.err
    with sqlite3.connect(tmp_path / "book" / "dunwell.sqlite3") as foreign:
        foreign.execute("CREATE TABLE invoices (number TEXT)")
    foreign.close()
    answer = plan(tmp_path, "next.yaml")
    assert (answer.code, answer.out) == (5, "")
    assert "the database has not the tables of this release" in answer.err


def test_interrupted_it_says_so_and_has_written_nothing(desk: Path) -> None:
    files = {
        path: path.stat().st_size for path in (desk / "book").rglob("*") if not path.name.endswith(("-wal", "-shm"))
    }
    script = f"import os; os.environ['DUNWELL_HOME'] = 'book'\n{INTERRUPTED}"
    answer = python(script, cwd=desk)
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted\n")
    assert files == {path: path.stat().st_size for path in files}
    assert dunwell("--home", "book", "run", "list", "--json", cwd=desk).json == []


class Found:
    """A plan for one entity with these sums, without a database."""

    def __init__(self, *entities: object, **sums: int) -> None:
        names = (*planned.ITEMS, *planned.NOTICES)
        self.groups: list[dict[str, object]] = [{"entity": "ACME", "segment": None, **dict.fromkeys(names, 0), **sums}]
        self.entities = entities
        self.difference = SimpleNamespace(is_empty=not sums)

    def rows(self, table: str) -> list[dict[str, object]]:
        """The sums, and no charge."""
        return self.groups if table == "groups" else []


def headline(**sums: int) -> str:
    found: Any = Found(SimpleNamespace(is_concerned=True), **sums)
    return planned.headline(found)


def test_the_sentence_counts_as_people_do() -> None:
    assert headline(items=2) == "0 items change stage; the same notices"
    assert headline(items_change_stage=1, notices_fewer=1) == "1 item changes stage; 1 notice fewer"
    assert headline(items_change_policy=1) == "0 items change stage, 1 changes policy; the same notices"
    assert headline(items_change_stage=1240, notices_more=310, notices_fewer=12) == (
        "1,240 items change stage; 310 notices more, 12 fewer"
    )


def test_names_are_no_markup_in_markdown() -> None:
    sheet = planned.Sheet("Accounts", ("account", "sum"), [["@team | [a](b) `x`\n<b>", "1.00"]])
    nobody: Any = Found()
    found = planned.as_markdown(nobody, [sheet], ["*odd* <i>"])
    assert "| `@team \\| [a](b) 'x' <b>` | 1.00 |" in found
    assert "- \\*odd\\* \\<i\\>" in found
