"""Stories that are played together come out as each does alone."""

import random
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.stories.runner import run_files

TESTS: Final = Path(__file__).parent.parent
FOLDERS: Final = ("conformance", "stories")
SEED: Final = 20260301
ALONE_MAX: Final = 25
# What is expected, and what to expect instead so that the story fails.
FALSE: Final = (
    (r"notices: \[\]", "notices: [{stage: nowhere}]"),
    (r"\b(total|due|fee): [\d.]+ \w+", r"\1: 7.77 EUR"),
    (r"(outcomes: \{[^:}]*): \w+", r"\1: settled"),
    (r"(levels: \{[^:}]*): \d+", r"\1: 9"),
)


def falsified(text: str) -> str:
    """The story with other expectations; its policy and accounts stay as they are."""
    head, steps, events = text.partition("\nsteps:")
    for pattern, other in FALSE:
        events = re.sub(pattern, other, events)
    return head + steps + events


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Every story of the tests, and beside it the same one with false expectations."""
    for folder in FOLDERS:
        shutil.copytree(TESTS / folder, tmp_path / folder)
    told = [path for folder in FOLDERS for path in sorted((tmp_path / folder).glob("*.yaml"))]
    false = [path.with_name(f"false-{path.name}") for path in told]
    for path, other in zip(told, false, strict=True):
        other.write_text(falsified(path.read_text(encoding="utf-8")), encoding="utf-8")
    return told + false


def test_stories_played_together_come_out_as_each_does_alone(files: list[Path]) -> None:
    chance = random.Random(SEED)
    chance.shuffle(files)
    together = {path: [str(each) for each in failures] for path, failures in zip(files, run_files(files), strict=True)}
    sample = chance.sample(files, ALONE_MAX)
    alone = {path: [str(each) for (failures,) in [run_files([path])] for each in failures] for path in sample}
    assert {path: together[path] for path in sample} == alone
    false = [path for path in files if path.name.startswith("false-")]
    assert [path.name for path in set(files) - set(false) if together[path]] == []
    assert sum(bool(together[path]) for path in false) > len(false) / 2
