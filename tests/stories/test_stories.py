"""Every timeline in this folder holds."""

from pathlib import Path

import pytest

from dunwell.engine.stories.runner import run_files

STORIES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_holds(path: Path) -> None:
    (failures,) = run_files([path])
    assert not failures, "\n" + "\n".join(str(failure) for failure in failures)
