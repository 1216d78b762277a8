"""What every command has in common: refusals of any length, and Ctrl-C at any moment."""

from pathlib import Path

import pytest
import typer

from dunwell.cli import start
from dunwell.cli.doors import fail, refuses
from dunwell.flows.errors import Invalid
from dunwell.sources.problems import Problems, SourceError
from tests.cli.conftest import filled
from tests.cli.shell import dunwell, python

INTERRUPTED_POST = """
import sys
from dunwell.cli import doors
from dunwell.cli.main import main
doors.open_book()
from dunwell.flows.runs import deliver
def interrupt(*_given, **_more):
    raise KeyboardInterrupt
deliver.deliver_run = interrupt
sys.argv = ["dunwell", "post", "1"]
main()
"""


@pytest.mark.parametrize(("found", "listed", "more"), [(3, 3, ""), (50, 50, ""), (51, 50, "1"), (1234, 50, "1,184")])
def test_the_number_of_problems_left_out_is_that_of_the_flow(
    capsys: pytest.CaptureFixture[str], found: int, listed: int, more: str
) -> None:
    problems = Problems("items.csv")
    for line in range(found):
        problems.add(line + 2, "amount", "is no amount")
    with pytest.raises(SourceError) as caught:
        problems.refuse()
    fail(f"items.csv: {found} problems\n{caught.value}")
    lines = capsys.readouterr().err.splitlines()
    assert sum("is no amount" in line for line in lines) == listed
    assert lines[-1] == (f"  and {more} more problems" if more else f"  items.csv:{found + 1}: amount: is no amount")


def test_a_refusal_without_a_limit_of_its_own_counts_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    fail(str(Invalid("many", [f"problem {number}" for number in range(80)])))
    assert capsys.readouterr().err.splitlines()[-2:] == ["  problem 49", "  and 30 more"]


def test_ctrl_c_while_the_command_is_loaded_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dunwell.cli.main.main", interrupt)
    with pytest.raises(SystemExit) as caught:
        start.main()
    assert (caught.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_ctrl_c_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ignored: list[object] = []
    monkeypatch.setattr("signal.signal", lambda *given: ignored.append(given))

    @refuses
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as caught:
        command()
    assert (caught.value.exit_code, capsys.readouterr().err, len(ignored)) == (130, "interrupted\n", 1)


def test_an_interrupted_post_says_to_say_it_again(tmp_path: Path) -> None:
    filled(tmp_path)
    dunwell("--home", "book", "propose", "--as-of", "2020-04-03", cwd=tmp_path)
    answer = python(INTERRUPTED_POST, cwd=tmp_path / "book")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.startswith("interrupted: say `dunwell post 1` again, and it goes on")
    assert "1 messages written" in dunwell("--home", "book", "post", "1", cwd=tmp_path).out
