"""The life of a run from the shell: changed, approved by somebody else, cancelled, reversed."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell

AS_OF = ("--as-of", "2020-04-03")
WITH_APPROVAL = """\
policy: standard-b2b
stages:
  - {stage: reminder, days_past_due: 3, send: [email, letter], approval: one}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a book in which a proposal waits for an approval."""
    filled(tmp_path)
    (tmp_path / "standard-b2b.yaml").write_text(WITH_APPROVAL)
    assert dunwell("--home", "book", "policy", "apply", "standard-b2b.yaml", cwd=tmp_path).code == 0
    assert type_in(tmp_path, "anna", "propose", *AS_OF).code == 0
    return tmp_path


def type_in(folder: Path, who: str, *words: str) -> Answer:
    return dunwell("--home", "book", *words, cwd=folder, env={"LOGNAME": who})


def test_a_run_is_approved_by_somebody_else_and_posted(desk: Path) -> None:
    assert "0 notices posted, 1 wait for approval" in type_in(desk, "anna", "post", "1").out
    shown = type_in(desk, "anna", "run", "show", "1").out
    assert "run 1 for ACME as of 2020-04-03: posted" in shown
    assert "Notices that need approval" in shown
    assert "0 of 1" in shown
    refused = type_in(desk, "anna", "run", "approve", "1")
    assert (refused.code, refused.out) == (6, "")
    assert "anna proposed run 1: somebody else approves it" in refused.err
    answer = type_in(desk, "bert", "run", "approve", "1")
    assert answer.out == "run 1: 1 notices approved, 0 lack an approval still\nnext: dunwell --home book post 1\n"
    assert "1 notices posted, 0 wait for approval" in type_in(desk, "anna", "post", "1").out
    (listed,) = type_in(desk, "anna", "run", "list", "--json").json
    assert (listed["state"], listed["proposed_by"], listed["notices"], listed["waiting"]) == ("done", "anna", 1, 0)


def test_what_is_said_to_be_next_can_be_typed(desk: Path) -> None:
    (desk / "two.yaml").write_text(WITH_APPROVAL.replace("approval: one", "approval: two"))
    assert type_in(desk, "anna", "policy", "apply", "two.yaml").code == 0
    said = type_in(desk, "anna", "propose", *AS_OF).out
    assert said.endswith(
        "next: dunwell --home book preview ACCOUNT --as-of 2020-04-03, dunwell --home book explain ITEM --run 2,"
        " dunwell --home book post 2\n"
    )
    assert "next: dunwell --home book run show 2\n" in type_in(desk, "bert", "run", "approve", "2").out  # lacks one
    assert "next: dunwell --home book post 2\n" in type_in(desk, "carl", "run", "approve", "2").out
    future = type_in(desk, "anna", "propose", "--as-of", "2999-01-01").out
    assert " post " not in future.partition("next: ")[2]
    type_in(desk, "bert", "run", "approve", "3")
    assert "next: dunwell --home book run show 3" in type_in(desk, "carl", "run", "approve", "3").out
    nothing = type_in(desk, "anna", "preview", "SMITH", *AS_OF).out
    assert nothing.endswith("`dunwell --home book explain ITEM --as-of 2020-04-03` says why\n")
    here = dunwell("propose", *AS_OF, cwd=desk / "book").out
    assert "next: dunwell preview ACCOUNT --as-of 2020-04-03, dunwell explain ITEM --run 4, dunwell post 4\n" in here


def test_what_is_left_out_is_shown_with_its_reason(desk: Path) -> None:
    answer = type_in(desk, "anna", "run", "exclude", "1", "--item", "A-17", "--reason", "in talks")
    assert answer.out == "A-17 is left out of run 1; its payer gets 0 notices\n"
    (change,) = type_in(desk, "anna", "run", "show", "1", "--json").json["edits"]
    assert change == {"what": "left out", "of": "A-17", "by": "anna", "reason": "in talks"}
    assert "left out of the run by anna: in talks" in type_in(desk, "anna", "explain", "A-17", "--run", "1").out
    both = type_in(desk, "anna", "run", "exclude", "1", "--item", "A-17", "--account", "MEYER", "--reason", "x")
    assert (both.code, both.err) == (2, "error: say what to leave out: --item ITEM or --account CODE\n")


def test_a_stage_is_set_and_a_run_cancelled(desk: Path) -> None:
    answer = type_in(desk, "anna", "run", "stage", "1", "--item", "A-18", "--to", "reminder", "--reason", "he asked")
    assert answer.out == "A-18 is at stage reminder in run 1: dun; its payer gets 1 notices\n"
    unknown = type_in(desk, "anna", "run", "stage", "1", "--item", "A-18", "--to", "last", "--reason", "x")
    assert unknown.code == 3
    assert "standard-b2b has no stage 'last'; A-18 can be at reminder" in unknown.err
    assert type_in(desk, "anna", "run", "cancel", "1", "--reason", "wrong book").out == "run 1 is cancelled\n"
    refused = type_in(desk, "anna", "post", "1")
    assert (refused.code, refused.out) == (5, "")
    assert "run 1 is cancelled; only a proposed run can be posted" in refused.err


def test_a_run_that_has_left_is_not_reversed(desk: Path) -> None:
    type_in(desk, "bert", "run", "approve", "1")
    type_in(desk, "anna", "post", "1")
    refused = type_in(desk, "anna", "run", "reverse", "1", "--reason", "wrong day")
    assert (refused.code, refused.out) == (5, "")
    assert "what is sent cannot be taken back" in refused.err
