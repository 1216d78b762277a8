"""Tasks from the shell."""

import re
from pathlib import Path

import pytest

from dunwell.cli.output import table
from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell


def test_what_waits_is_listed_and_closed(tmp_path: Path) -> None:
    filled(tmp_path)

    def type_in(*words: str) -> Answer:
        return dunwell("--home", "book", *words, cwd=tmp_path, env={"LOGNAME": "anna"})

    assert type_in("task", "list").out == "no task is open\n"
    type_in("propose", "--as-of", "2020-04-03")
    listed = type_in("task", "list").out
    assert "Open tasks" in listed
    assert "unreachable" in listed
    assert "SMITH" in listed
    (found,) = type_in("task", "list", "--kind", "unreachable", "--json").json["tasks"]
    assert (found["account"], found["opened_on"], found["item"]) == ("SMITH", "2020-04-03", "")
    assert "1 open: dunwell task list" in type_in("doctor").out
    closed = type_in("task", "close", str(found["task"]), "--note", "address asked for")
    assert (closed.code, closed.out) == (0, f"task {found['task']} is closed\n")
    assert type_in("task", "list", "--json").json == {"tasks": [], "more": 0, "by_kind": {}}
    refused = type_in("task", "close", str(found["task"]), "--note", "again")
    assert (refused.code, refused.out) == (5, "")
    assert "by anna" in refused.err
    assert "task.closed by anna" in type_in("audit", "show", "--account", "SMITH").out


def test_a_long_detail_wraps_and_cuts_nothing_short(capsys: pytest.CaptureFixture[str]) -> None:
    row = (1, "ACME", "2026-04-01", "vanished_invoice", "0140104409", "line 4 (A-17), " * 20)
    table("Open tasks", ("task", "entity", "opened on", "kind", "account", "detail"), [row])
    told = capsys.readouterr().out
    assert re.search(r"^ +1 +ACME +2026-04-01 +vanished_invoice +0140104409 +line 4", told, re.MULTILINE)
    assert told.count("line 4 (A-17),") == 20
