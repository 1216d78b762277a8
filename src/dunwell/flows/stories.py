"""Stories, played from files: no database is needed."""

import os
import re
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from dunwell.engine.stories.expectations import Failure
from dunwell.engine.stories.runner import TOGETHER_MAX, run_files
from dunwell.flows.errors import NotFound

_BEGINS: Final = re.compile(r"""^(\{\s*)?["']?(story|steps)["']?\s*:""", re.MULTILINE)
THREADS: Final = "POLARS_MAX_THREADS"
TOGETHER_MIN: Final = 100  # a process takes as long to start as so many stories to play


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
    """Play the files, in order, as many together as a board holds; where there are many, others help this process."""
    processes = os.cpu_count() or 1
    each = min(max(-(-len(files) // processes), TOGETHER_MIN), TOGETHER_MAX)
    batches = [files[at : at + each] for at in range(0, len(files), each)]
    processes = min(processes, len(batches))
    if processes < 2:
        for batch in batches:
            yield from _played(batch)
        return
    with ProcessPoolExecutor(processes - 1, mp_context=get_context("spawn")) as pool:
        with _born_as_helpers():
            helped = {at: pool.submit(_played, batch) for at, batch in enumerate(batches) if at % processes}
        for at, batch in enumerate(batches):  # this one has begun long before the others have started
            yield from helped[at].result() if at in helped else _played(batch)


@contextmanager
def _born_as_helpers() -> Iterator[None]:
    """Let the processes that start here hold Ctrl-C back, and have one thread each: there are as many as processors.

    It is for this process to say that it was interrupted.
    """
    threads_before = os.environ.get(THREADS)
    held_before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_before)
        del os.environ[THREADS]
        if threads_before is not None:
            os.environ[THREADS] = threads_before


def _played(files: Sequence[Path]) -> list[Played]:
    return [Played(file, failures) for file, failures in zip(files, run_files(files), strict=True)]


def _is_story(path: Path) -> bool:
    """Whether a file tells a story; one that cannot be read is taken for one, so that it is not passed over."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return True
    return bool(_BEGINS.search(text))
