"""Work that goes on by itself, from the shell."""

from pathlib import Path

import pytest

from dunwell.cli import clock
from tests.cli.conftest import filled
from tests.cli.shell import Answer, dunwell

WHO = {"LOGNAME": "anna"}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a book of its own."""
    return filled(tmp_path)


def typed(desk: Path, *words: str) -> Answer:
    return dunwell("--home", "book", *words, cwd=desk, env=WHO)


def test_a_run_is_handed_over_and_done(desk: Path) -> None:
    started = typed(desk, "run", "start", "--post")
    assert started.out.startswith("run 1 for ACME as of ")
    assert "left to the workers" in started.out
    begun = typed(desk, "run", "show", "1")
    assert "shards: 1, 0 decided, 0 kept, 0 posted" in begun.out, begun.err
    worked = typed(desk, "worker", "--once")
    assert worked.code == 0, worked.err
    assert "decide run 1, shard 0: " in worked.err
    assert typed(desk, "run", "show", "1").out.splitlines()[0].endswith(": done")
    assert list((desk / "book" / "outbox" / "1").glob("*.eml"))


def test_a_schedule_is_shown_set_and_ended(desk: Path) -> None:
    assert typed(desk, "run", "schedule").out == "ACME: no run begins by itself\n"
    assert (
        "a run begins every day at 06:30 (UTC), and waits to be posted"
        in typed(desk, "run", "schedule", "--at", "06:30").out
    )
    assert typed(desk, "run", "schedule", "--at", "00:00", "--post", "--json").json["posts"] is True
    assert typed(desk, "worker", "--once").code == 0
    today = clock.today()  # what a person would see
    assert f"is posted and delivered; the last one was on {today}" in typed(desk, "run", "schedule").out
    assert typed(desk, "run", "schedule", "--off").out == "ACME: no run begins by itself\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("run schedule --at 6", 2, "'6' is not a time of day, such as 06:00"),
        ("run schedule --at 25:00", 2, "'25:00' is not a time of day"),
        ("run schedule --post", 2, "say --at HH:MM"),
        ("run schedule --off --at 06:00", 2, "say --at HH:MM"),
        ("up --processes 2", 3, "a book on SQLite has one worker"),
        ("up --processes 0", 3, "from 1 to 64 can be kept running"),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Path, words: str, code: int, said: str) -> None:
    answer = typed(desk, *words.split())
    assert (answer.code, said in answer.err) == (code, True), answer.err
