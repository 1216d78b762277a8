"""Types commands as a person would: in a process of their own, in a folder of their own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_MAX = 120


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


def on_a_terminal(*words: str | Path, cwd: Path) -> str:
    """Run `dunwell` as a person at a terminal does; return all that is shown there."""
    mine, its = os.openpty()
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("dunwell")), *map(str, words)],
        cwd=cwd, env=_clean({"TERM": "xterm", "COLUMNS": "100"}), stdin=its, stdout=its, stderr=its,
    ) as process:  # fmt: skip
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # when the other side is closed
            while some := os.read(mine, 65536):
                shown += some
        os.close(mine)
        assert process.wait(SECONDS_MAX) == 0, shown
    return shown.decode()


def dunwell(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run `dunwell` with these words, in a folder; nothing of this process's settings reaches it."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dunwell")), *map(str, words)],
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
