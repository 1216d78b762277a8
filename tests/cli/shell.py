"""Types commands as a person would: in a process of their own, in a folder of their own."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import forked

SECONDS_MAX = 120
_SCRIPT = str(Path(sys.executable).with_name("dunwell"))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever the command prints
        """The one JSON document on standard output."""
        return json.loads(self.out)


def on_a_terminal(*words: str | Path, cwd: Path, answers: str = "") -> str:
    """Run `dunwell` as a person at a terminal does, who types these answers; return all that is shown there."""
    mine, its = os.openpty()
    shown: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # when the other side is closed
            while some := os.read(mine, 65536):
                shown.append(some)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(mine, answers.encode())
    try:
        order = forked.Order(
            [_SCRIPT, *map(str, words)], str(cwd), _clean({"TERM": "xterm", "COLUMNS": "100"}), [its, its, its]
        )
        code = forked.forker().run(order, SECONDS_MAX)
    finally:
        os.close(its)
        reader.join()
        os.close(mine)
    assert code == 0, shown
    return b"".join(shown).decode()


def dunwell(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run `dunwell` with these words, in a folder; nothing of this process's settings reaches it."""
    own = _clean(env or {})
    if not forked.is_same(own):
        return by_itself(*words, cwd=cwd, env=env)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        streams = [nothing.fileno(), out.fileno(), err.fileno()]
        code = forked.forker().run(forked.Order([_SCRIPT, *map(str, words)], str(cwd), own, streams), SECONDS_MAX)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return Answer(code, *said)


def together(*words: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
    """Run `dunwell` with these words; return what both streams say, as it stands in one file."""
    with tempfile.TemporaryFile() as shown, Path(os.devnull).open() as nothing:
        streams = [nothing.fileno(), shown.fileno(), shown.fileno()]
        forked.forker().run(forked.Order([_SCRIPT, *map(str, words)], str(cwd), _clean(env), streams), SECONDS_MAX)
        shown.seek(0)
        return shown.read().decode()


def by_itself(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run `dunwell` as `dunwell()` does, in a process that starts from nothing, which takes a second."""
    done = subprocess.run(
        [_SCRIPT, *map(str, words)],
        cwd=cwd, env=_clean(env or {}), capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def python(script: str, *, cwd: Path) -> Answer:
    """Run a script in a process of its own, for what cannot be typed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd, env=_clean({}), capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def _clean(env: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("DUNWELL_", "DJANGO_"))} | dict(env)
