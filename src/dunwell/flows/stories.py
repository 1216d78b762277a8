"""Stories, played from files: no database is needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dunwell.engine.documents import DocumentError, read_document
from dunwell.engine.stories.expectations import Failure
from dunwell.engine.stories.runner import run_file
from dunwell.flows.errors import NotFound


@dataclass(frozen=True)
class Played:
    """A story file and what went another way than it tells."""

    path: Path
    failures: Sequence[Failure]


def story_files(paths: Sequence[Path]) -> list[Path]:
    """Return the story files among these files and folders: YAML that begins with `story:`. Errors: NotFound."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file or folder {path}")
        if path.is_file():
            found.append(path)
        else:
            found += [file for file in sorted(path.rglob("*.y*ml")) if _is_story(file)]
    if not found:
        raise NotFound(f"no story is in {', '.join(map(str, paths))}: a story is a YAML file with the key `story`")
    return found


def play(files: Sequence[Path]) -> Iterator[Played]:
    """Play each file, in order."""
    for file in files:
        yield Played(file, run_file(file))


def _is_story(path: Path) -> bool:
    """Whether a file tells a story; one that cannot be read is taken for one, so that it is not passed over."""
    try:
        data = read_document(path.read_text(encoding="utf-8"), str(path)).data
    except (DocumentError, OSError, UnicodeDecodeError):
        return True
    return isinstance(data, dict) and ("story" in data or "steps" in data)
