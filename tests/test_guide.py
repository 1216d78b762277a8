"""The guides, followed word by word: every file saved, every command typed, every answer as it says."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cli.shell import together

DOCS: Final = Path(__file__).parents[1] / "docs"
GUIDES: Final = {"first-run.md": 10, "test-your-policy.md": 6, "policy-plan.md": 9}  # with how many commands at least
SHELL: Final = re.compile(r"[|<>;&$`*?~]")  # what only a shell understands
BLOCK: Final = re.compile(r"(?:Save it as `(?P<file>[\w.-]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@pytest.mark.parametrize(("guide", "commands_min"), GUIDES.items(), ids=GUIDES.keys())
def test_the_guide_is_true(tmp_path: Path, guide: str, commands_min: int) -> None:
    commands = 0
    for block in BLOCK.finditer((DOCS / guide).read_text(encoding="utf-8")):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], encoding="utf-8")
            continue
        assert block["kind"] == "console"
        for command, answer in said(block["text"]):
            shown = typed(command, tmp_path)
            assert expected(answer).fullmatch(shown), f"$ {command}\n{shown}\n--- but the guide says\n{answer}"
            commands += 1
    assert commands >= commands_min


def said(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what it answers."""
    for part in text.split("$ ")[1:]:
        command, _, answer = part.partition("\n")
        yield command, answer


def typed(command: str, folder: Path) -> str:
    """What a person sees who types a command; one space looks like another, and at the end of a line like nothing."""
    if command.startswith("dunwell ") and not SHELL.search(command):
        return seen(together(*shlex.split(command)[1:], cwd=folder, env={"COLUMNS": "120"}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: text for name, text in os.environ.items() if not name.startswith("DUNWELL_")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**env, "PATH": path, "COLUMNS": "120"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    return seen(done.stdout)


def seen(shown: str) -> str:
    """What the eye sees of it."""
    return re.sub(" +$", "", re.sub("[\u00a0\u202f]", " ", shown), flags=re.MULTILINE)


def expected(answer: str) -> re.Pattern[str]:
    """What fits an answer: `...` stands for anything, on a line of its own for any lines."""
    lines = [
        ".*" if line == "..." else re.escape(line).replace(r"\.\.\.", "[^\n]*") + "\n" for line in answer.splitlines()
    ]
    return re.compile("".join(lines) + r"\s*", re.DOTALL)
