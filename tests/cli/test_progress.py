"""What a person sees while something takes its time, and a pipe does not."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import dunwell, on_a_terminal
from tests.cli.test_policy import GOOD, STORY

ERASE = "\x1b[2K"  # how a line that goes at the end is taken away


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a book, a proposed run, and a story."""
    filled(tmp_path)
    (tmp_path / "gentle.yaml").write_text(GOOD)
    (tmp_path / "good.story.yaml").write_text(STORY)
    assert dunwell("--home", "book", "propose", "--as-of", "2020-04-03", cwd=tmp_path).code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("words", "steps", "result"),
    [
        ("import items.csv --mapping map.yaml", ["reading items.csv", "writing accounts", "writing items"], "3 rows"),
        (
            "propose --as-of 2020-04-03",
            ["reading the book of ACME", "deciding", "keeping the decisions"],
            "run 2 for ACME",
        ),
        (
            "policy plan gentle.yaml --as-of 2020-04-03",
            ["reading the book of ACME", "deciding for ACME by what is in force", "75%"],
            "gentle: new",
        ),
        ("post 1", ["posting run 1", "writing notices", "100%"], "1 messages written"),
        ("test good.story.yaml", ["playing", "100%"], "1 passed in"),
    ],
)
def test_steps_are_shown_as_they_pass(desk: Path, words: str, steps: list[str], result: str) -> None:
    shown = on_a_terminal("--home", "book", *words.split(), cwd=desk)
    places = [shown.find(step) for step in steps]
    assert places == sorted(places), shown
    assert places[0] >= 0, shown
    _progress, _, left = shown.rpartition(ERASE)
    assert result in left, shown
    assert not any(step in left for step in steps)


@pytest.mark.parametrize("words", ["import items.csv --mapping map.yaml --json", "propose --json", "post 1 --json"])
def test_beside_json_nothing_is_shown(desk: Path, words: str) -> None:
    shown = on_a_terminal("--home", "book", *words.split(), cwd=desk)
    assert shown.startswith("{")
    assert ERASE not in shown


def test_a_pipe_gets_the_result_alone(desk: Path) -> None:
    posted = dunwell("--home", "book", "post", "1", cwd=desk, env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert (posted.code, posted.err) == (0, "")
    assert "writing notices" not in posted.out
    played = dunwell("test", "good.story.yaml", cwd=desk)
    assert (played.code, played.err) == (0, "")
    assert played.out.startswith(".\n")


def test_the_demo_tells_what_it_is_at(tmp_path: Path) -> None:
    shown = on_a_terminal("demo", "--as-of", "2026-04-07", cwd=tmp_path)
    steps = ["making a sample book", "reading the book of ALBION", "posting run 1", "writing notices", "book of NORD"]
    places = [shown.find(step) for step in steps]
    assert places == sorted(places)
    assert places[0] >= 0
