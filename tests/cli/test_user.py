"""Who may sign in, from the shell; and where the console is served."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import filled
from tests.cli.shell import SECONDS_MAX, Answer, dunwell


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book of its own."""
    return filled(tmp_path_factory.mktemp("users"))


def typed(desk: Path, *words: str) -> Answer:
    return dunwell("--home", "book", *words, cwd=desk, env={"LOGNAME": "root"})


def add(desk: Path, name: str, password: str) -> Answer:
    (desk / "password").write_text(f"{password}\n", encoding="utf-8")
    return typed(desk, "user", "add", name, "--password-file", "password")


def test_users_are_added_and_listed(desk: Path) -> None:
    assert typed(desk, "user", "list").out.startswith("nobody may sign in yet")
    assert add(desk, "anna", "correct horse battery").out.startswith("anna may sign in")
    (line,) = typed(desk, "user", "list", "--json").json
    assert (line["name"], line["last_signed_in_at"]) == ("anna", None)
    assert "never" in typed(desk, "user", "list").out


@pytest.mark.parametrize(
    ("name", "password", "code", "said"),
    [
        ("bert", "short", 3, "at least 12 characters"),
        ("bert", "password123456", 3, "too common"),
        ("bert", "", 3, "no password on its first line"),
        ("a b", "correct horse battery", 3, "valid username"),
        ("x" * 151, "correct horse battery", 3, "at most 150 characters"),
        ("CARL", "correct horse battery", 5, "there is a user 'CARL' already"),
    ],
)
def test_who_cannot_be_added_is_told_why(desk: Path, name: str, password: str, code: int, said: str) -> None:
    add(desk, "carl", "correct horse battery")
    answer = add(desk, name, password)
    assert (answer.code, said in answer.err) == (code, True), answer.err


def test_a_password_is_asked_for_or_comes_from_a_file(desk: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DUNWELL_")}
    answer = subprocess.run(
        [sys.executable, "-m", "dunwell", "--home", "book", "user", "add", "dora"],
        cwd=desk, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert (answer.returncode, "say --password-file FILE" in answer.stderr) == (2, True)
    assert typed(desk, "user", "add", "dora", "--password-file", "missing").code == 3


def test_a_port_that_is_taken_is_said_so(desk: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words in (["web"], ["up"]):
            answer = typed(desk, *words, "--port", port)
            assert answer.code == 5
            assert f"cannot be served on 127.0.0.1, port {port}: address already in use" in answer.err
    assert typed(desk, "web", "--port", "70000").code == 3


def test_up_serves_the_console_until_it_is_stopped(desk: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = [sys.executable, "-m", "dunwell", "--home", "book", "up", "--port", port]
    env = {name: value for name, value in os.environ.items() if not name.startswith("DUNWELL_")}
    with subprocess.Popen(words, cwd=desk, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert "Dunwell" in answer_of(f"http://127.0.0.1:{port}/")
        process.send_signal(signal.SIGINT)
        said, _none = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0
    assert f"the console is at http://127.0.0.1:{port}".encode() in said
    with contextlib.closing(socket.socket()) as tried:
        assert tried.connect_ex(("127.0.0.1", int(port))) != 0


def answer_of(where: str) -> str:
    """What is served there, once something is."""
    for _ in range(SECONDS_MAX * 2):
        with contextlib.suppress(OSError), urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310  # our own
            text: str = answer.read().decode()
            return text
        time.sleep(0.5)
    raise AssertionError(where)
