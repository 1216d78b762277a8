"""Stories, played from files: no database is needed."""

import os
import re
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from dunwell.engine.stories.expectations import Failure
from dunwell.engine.stories.runner import TOGETHER_MAX, run_files
from dunwell.engine.stories.schema import json_schema
from dunwell.flows.errors import NotFound

_BEGINS: Final = re.compile(r"""^(\{\s*)?["']?(story|steps)["']?\s*:""", re.MULTILINE)
THREADS: Final = "POLARS_MAX_THREADS"
ALONE_MIN: Final = 100  # a process takes as long to start as so many stories to play


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
    """Play the files, and tell of them in order; where there are many, other processes help this one."""
    processes = min(os.cpu_count() or 1, max(len(files) // ALONE_MIN, 1))
    spawn = get_context("spawn")
    with nullcontext() if processes == 1 else ProcessPoolExecutor(processes - 1, mp_context=spawn) as pool:
        for at in range(0, len(files), processes * TOGETHER_MAX):
            yield from _played_by(pool, processes, files[at : at + processes * TOGETHER_MAX])


def story_schema() -> dict[str, Any]:
    """Return the JSON Schema of a story file, for editors."""
    return json_schema()


def _played_by(pool: ProcessPoolExecutor | None, processes: int, files: Sequence[Path]) -> Iterator[Played]:
    """Play the longest here, where it begins at once."""
    own, *others = _dealt(files, processes)
    with _born_as_helpers():
        helped = [pool.submit(run_files, part) for part in others] if pool else []
    failures = dict(zip(own, run_files(own), strict=True))
    for part, answer in zip(others, helped, strict=True):
        failures |= zip(part, answer.result(), strict=True)
    return (Played(file, failures[file]) for file in files)


def _dealt(files: Sequence[Path], parts: int) -> list[list[Path]]:
    """Deal files out so that each part takes about as long, longest first: a part goes on until its longest is over."""
    sizes = {file: 1 + (file.stat().st_size if file.exists() else 0) for file in files}
    longest_first = sorted(files, key=sizes.__getitem__, reverse=True)
    total = sum(sizes[file] for file in files)
    dealt: list[list[Path]] = [[] for _ in range(parts)]
    for file, end in zip(longest_first, accumulate(sizes[file] for file in longest_first), strict=True):
        dealt[(end - 1) * parts // total].append(file)
    return dealt


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


def _is_story(path: Path) -> bool:
    """Whether a file tells a story; one that cannot be read is taken for one, so that it is not passed over."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return True
    return bool(_BEGINS.search(text))
