"""Play the project's own stories, several times over; the floor only reads them from their files."""

from collections.abc import Callable
from pathlib import Path

from bench.harness import measure, report
from dunwell.engine.stories.story import read_story
from dunwell.flows.stories import play, story_files

TESTS = Path(__file__).parent.parent / "tests"
FOLDERS = (TESTS / "conformance", TESTS / "stories")


def main(times_over: tuple[int, ...] = (4, 12)) -> None:
    """Measure with the processes that `dunwell test` takes."""
    for times in times_over:
        n = len(story_files(FOLDERS)) * times
        floor = measure(read, times)
        report("stories: read", n, floor)
        report("stories: played", n, measure(played, times), floor)


def played(times_over: int) -> Callable[[], object]:
    """Prepare to play every story. Errors: AssertionError when one goes another way than it tells."""
    files = story_files(FOLDERS) * times_over

    def run() -> None:
        assert not any(story.failures for story in play(files))

    return run


def read(times_over: int) -> Callable[[], object]:
    """Prepare the floor."""
    files = story_files(FOLDERS) * times_over
    return lambda: [read_story(file) for file in files]
