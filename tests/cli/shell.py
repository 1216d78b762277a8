"""Types commands as a person would: in a process of their own, in a folder of their own."""

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


def dunwell(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run `dunwell` with these words, in a folder; nothing of this process's settings reaches it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DUNWELL_", "DJANGO_"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dunwell")), *map(str, words)],
        cwd=cwd, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)
